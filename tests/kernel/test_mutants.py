"""No altered statement of a claim survives: for a share of the claims at each seed, for all of them in the long run.

`threefold verify` asks the same of every claim, and so does whatever builds the site.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp

import derivations
from derivations.equivalence import no_mistake
from derivations.rules import REAL, Claim, Domain, Statement, scalar


def terms_of(e: object) -> int:
    """How many terms the sum has that stands outermost, or just inside one sign, sum or expectation."""
    inside = [e, *e.args] if isinstance(e, sp.Basic) else []
    return max((len(sp.Add.make_args(sp.expand(a))) for a in inside if isinstance(a, sp.Expr)), default=0)


PROVED = [name for name, claim in derivations.claims().items() if claim.expects == "proved"]


@pytest.mark.sampled(5)
@pytest.mark.parametrize("claim_id", PROVED)
def test_no_mutant_survives(claim_id: str) -> None:
    claim, report = derivations.claims()[claim_id], derivations.judge_mutants(claim_id)
    assert [(case.operator, case.claim.says[case.part].text()) for case in report.survivors] == []
    assert report.total == report.rejected + report.equivalent
    for case in report.cases:
        if case.outcome == "refuted" and case.claim.says[case.part].relation == "=":
            assert case.witness is not None and case.witness.lhs != case.witness.rhs, case.claim.says[case.part].text()
    for part, says in enumerate(claim.says):
        if says.relation == "=" and terms_of(says.rhs) > 2:
            assert sum(case.part == part for case in report.cases) >= 10, says.text()


def test_a_weaker_inequality_follows_whatever_else_was_tried_before() -> None:
    """No divergence is in it: that the first attempt asks for one must not end the search."""
    a, b = scalar("mutant_a", "a"), scalar("mutant_b", "b")
    says = Statement(a - b, "<=", sp.Abs(a - b))
    claim = Claim("toy", "toy", "toy", "inequality", (says,), "", (), Domain({"mutant_a": REAL, "mutant_b": REAL}))
    weaker = replace(claim, says=(Statement(a - b, "<=", 2 * sp.Abs(a - b)),))
    stronger = replace(claim, says=(Statement(a - b, "<=", sp.Abs(a - b) / 2),))
    assert no_mistake(claim, weaker, 0) == "implied"
    assert no_mistake(claim, stronger, 0) is None
