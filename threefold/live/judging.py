"""An altered line between its neighbours: does the kernel still follow, and if not, which numbers say so?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

from derivations import claims, printing
from derivations.judge.replay import Judge
from derivations.kernel.terms import unfold_all
from derivations.kernel.verdict import Gap, Undecided, Witness
from derivations.language.chains import Chain, Line, Proof
from derivations.language.claims import Relation
from derivations.refutation.refute import refute
from threefold.check.contexts.base import Settings
from threefold.check.contexts.detect import CONTEXTS
from threefold.check.definitions import Definitions
from threefold.check.options import Unusable
from threefold.check.parse import Choices
from threefold.check.parses import parse_side
from threefold.check.print_back import signs as printed_back
from threefold.check.read import Reader, settle
from threefold.check.tokens import NotRead, flat, tokenise
from threefold.live.lines import DerivationLine, Edit, edits, signs

STEP_SECONDS = 10.0
REFUTING_SECONDS = 8.0


@dataclass(frozen=True)
class StepVerdict:
    """What became of one step: proved by its rule, refuted with numbers, or neither."""

    verdict: str
    rule: str
    reason: str = ""
    gap: Gap | None = None
    side_conditions: tuple[str, ...] = ()
    witness: Witness | None = None


# --- from what was typed to a term ------------------------------------------------------------------------------------


def altered(row: DerivationLine, chosen: Sequence[int]) -> tuple[Any, list[Edit]]:
    """The line after the slips that were chosen one after another, and those that can be made next.

    Raises Unusable for a choice that is not offered.
    """
    term = row.line.expression
    offered = edits(term, row.line.relation)
    for number in chosen:
        if not 0 <= number < len(offered):
            raise Unusable(f"line {row.anchor} offers {len(offered)} changes, and not number {number + 1}")
        term = offered[number].term
        offered = edits(term, row.line.relation)
    return term, offered


def term_of(row: DerivationLine, latex: str, chosen: Sequence[int] = ()) -> Any:
    """The term that an edited line stands for.

    It is the line itself, one of its slips, or what `threefold check` reads, where it reads the line itself as the very
    term. Raises Unusable for anything else: what is not understood is not judged.
    """
    term, offered = altered(row, chosen)
    wanted = signs(latex)
    for known, printed in [(term, printing.latex(term)), *((e.term, e.latex) for e in offered)]:
        if signs(printed) == wanted:
            return known
    reason = "its letters are not those that the reader of documents knows"
    for name in reading_contexts(row):
        try:
            return read(name, latex)
        except NotRead as trouble:
            reason = trouble.message
    raise Unusable(f"the line is not read ({reason}): choose a change from the list, or keep to the line's own letters")


def read(context: str, latex: str) -> Any:
    """The term that a formula means in a context, taken literally.

    Raises NotRead, also where it would not print back to its signs, or only with something repaired or left out.
    """
    items = tokenise(latex)
    node, _, _ = parse_side(items, Choices())
    if printed_back(node) != flat(items):
        raise NotRead("it does not print back to what was typed")
    reader = Reader(CONTEXTS[context], Settings(), Definitions(), opaque=False)
    try:
        term = settle(reader.value(node))
    except (ValueError, TypeError, AttributeError) as reason:
        raise NotRead(f"it has no meaning here: {reason}"[:200]) from None
    if reader.constants or reader.repaired or reader.lost_law or reader.notes:
        raise NotRead("; ".join(reader.notes) or "it holds something that is no part of a line, such as a constant")
    return term


@lru_cache(maxsize=64)
def reading_contexts(row: DerivationLine) -> tuple[str, ...]:
    """The contexts whose letters are those of the line: it is read there as the very term that it is."""
    expected, found = settle(row.line.expression), []
    for name in CONTEXTS:
        try:
            term = read(name, printing.latex(row.line.expression))
        except NotRead:
            continue
        if term == expected or unfold_all(term) == unfold_all(expected):
            found.append(name)
    return tuple(found)


# --- judging ----------------------------------------------------------------------------------------------------------


def step(row: DerivationLine, before: Any, after: Any) -> StepVerdict:
    """Judge one step by the rule of the row, in the claim's own domain and under its hypotheses."""
    rule = row.line.rule.name
    report = _judge().judge(_with_step(row, before, after)).parts[row.part]
    judged = report.steps[-1] if report.steps else None
    if judged is not None and judged.number == _number(row) and judged.verdict:
        return StepVerdict("proved", rule, side_conditions=judged.side_conditions)
    verdict = judged.verdict if judged is not None and not judged.verdict else report.verdict
    reason, gap = (verdict.reason, verdict.gap) if isinstance(verdict, Undecided) else (verdict.kind, None)
    statement = replace(
        row.claim.says[row.part], lhs=before, rhs=after, relation=cast(Relation, row.line.relation), words="", name=""
    )
    domain = row.claim.domain_of(row.part)
    claim = replace(row.claim, id=f"{row.claim.id}~line", says=(replace(statement, domain=domain),), proofs={})
    witness = refute(claim, 0, seconds=REFUTING_SECONDS)
    return StepVerdict("undecided" if witness is None else "refuted", rule, reason, gap, witness=witness)


def _judge() -> Judge:
    """A judge of its own for each session, which remembers the lemmas that it has replayed."""
    if not _JUDGES:
        _JUDGES.append(Judge(claims(), None, step_seconds=STEP_SECONDS))
    return _JUDGES[0]


_JUDGES: list[Judge] = []


def _with_step(row: DerivationLine, before: Any, after: Any) -> Any:
    """The claim with the row's chain cut down to this one step; of the other statements, those above it."""
    proof = row.claim.proofs[row.part]
    cut = Chain()
    cut.lines += [Line(before, "=", row.lines[0].rule, ""), Line(after, row.line.relation, row.line.rule, row.line.why)]
    chains = tuple(cut if n == row.chain else chain for n, chain in enumerate(proof.chains))
    above = {part: known for part, known in row.claim.proofs.items() if part < row.part}
    made = {**above, row.part: Proof(chains, proof.induction_on, proof.start)}
    return replace(row.claim, id=f"{row.claim.id}~line", proofs=made)


def _number(row: DerivationLine) -> int:
    """The number of the step in the claim that was cut down."""
    return sum(len(chain.lines) for chain in row.claim.proofs[row.part].chains[: row.chain]) + 2
