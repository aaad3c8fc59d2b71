"""No altered statement of a claim survives: for a share of the claims at each seed, for all of them in the long run.

`threefold verify` asks the same of every claim, and so does whatever builds the site.
"""

from __future__ import annotations

import pytest
import sympy as sp

import derivations


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
