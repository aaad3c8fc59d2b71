"""The ledger's own print is a corpus: what is read of it is the very term, and planted mistakes are caught."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from derivations import claims, mutants, printing
from derivations import rules as R
from derivations.rules import Statement
from threefold.check import kernel, search
from threefold.check.contexts.base import Settings
from threefold.check.contexts.detect import CONTEXTS
from threefold.check.definitions import Definitions
from threefold.check.goals import Goal
from threefold.check.parse import Choices
from threefold.check.parses import parse_side
from threefold.check.print_back import signs
from threefold.check.read import Reader, settle
from threefold.check.tokens import NotRead, flat, tokenise

CONTEXT_OF = {
    "vae": "vae",
    "gaussian": "vae",
    "ddpm": "ddpm",
    "ddim": "ddpm",
}  # the chapters in a context's own letters
# Read as another term on purpose: mu and sigma without arguments are the encoder's, beta_1 is the schedule's; a rounded
# number is a number; a product of densities is compared by its logarithm; a code is not as large as its data; K
# is k; and an average over data of one's own names them x_0.
OTHERWISE = (
    "vae.loss.slides",
    "ddpm.parameterization.eps_target_scale",
    "vae.elbo.gaussian_reparam.notes_display",
    "vae.mle.kl_equivalence",
    "vae.encoder.trivial",
    "gaussian.kl.",
    "ddpm.elbo.telescoping",
    "ddpm.schedule.",
    "ddpm.loss.weight_profile",
    "ddpm.example.",
    "ddim.example.",
)
LEAST = 100  # sides of these chapters that are read, as the very term


def context_of(claim_id: str) -> Any:
    return CONTEXTS[CONTEXT_OF[claim_id.partition(".")[0]]]


def read_back(claim_id: str, side: Any) -> Any:
    """The term that is read from our own print of the side; None where it is not read."""
    try:
        items = tokenise(printing.latex(side))
        node, _, _ = parse_side(items, Choices())
        assert signs(node) == flat(items)
        return settle(Reader(context_of(claim_id), Settings(bars=True), Definitions(), opaque=False).value(node))
    except NotRead:
        return None
    except (ValueError, TypeError, AttributeError):
        return None


SIDES = [
    (claim, part, side)
    for claim in claims().values()
    for part, statement in enumerate(claim.says)
    for side in (statement.lhs, statement.rhs)
]


def test_the_sides_of_the_ledger_parse_and_print_back() -> None:
    """What does not parse is mostly a whole statement, or the law of one, which a display would have cut."""
    unread = []
    for claim, _, side in SIDES:
        items = tokenise(tex := printing.latex(side))
        try:
            node, _, _ = parse_side(items, Choices())
        except NotRead:
            unread.append((claim.id, tex))
            continue
        assert signs(node) == flat(items)
    assert len(unread) < 0.05 * len(SIDES), unread


def test_every_side_that_is_read_is_the_term_that_was_printed() -> None:
    found: Counter[str] = Counter()
    wrong = []
    for claim, part, side in SIDES:
        skipped = claim.id.startswith(OTHERWISE) or claim.id.partition(".")[0] not in CONTEXT_OF
        value = None if skipped else read_back(claim.id, side)
        if value is None:
            found["not read"] += 1
            continue
        hypotheses, domain = context_of(claim.id).hypotheses, claim.domain_of(part)
        same = value == settle(side) or kernel.prove(
            value, "=", settle(side), domain, hypotheses, [R.definition, R.algebra]
        )
        found["same" if same else "other"] += 1
        if not same:
            wrong.append((claim.id, printing.latex(side)))
    assert not wrong
    assert found["same"] >= LEAST


TRUE = ("ddpm.posterior.mean", "ddpm.posterior.variance", "ddpm.forward.marginal", "ddpm.consistency.kl")


def planted(claim_id: str, most: int) -> list[tuple[Any, Statement]]:
    claim = claims()[claim_id]
    return [(claim, m.says[0]) for m in mutants(claim)[:most]]


def caught(claim: Any, statement: Statement) -> str:
    """refuted, proved, or open: what our search and the refuter make of a line with a planted mistake."""
    domain = claim.domain_of(0)
    goal = Goal(statement.lhs, statement.relation, statement.rhs, domain, claim.hypotheses, True)
    if kernel.refute(goal.lhs, goal.relation, goal.rhs, domain, claim.hypotheses, 8) is not None:
        return "refuted"
    return "proved" if search.prove(goal, lambda e: e, float("inf")) is not None else "open"


@pytest.mark.parametrize("claim_id", TRUE[:2])
def test_a_sample_of_planted_mistakes_is_refuted(claim_id: str) -> None:
    verdicts = Counter(caught(*case) for case in planted(claim_id, 12))
    assert verdicts["proved"] == 0
    assert verdicts["refuted"] >= 0.8 * sum(verdicts.values())
