"""A statement's own domain that contradicts the claim's: both are shown, and nothing lies in both."""

from __future__ import annotations

import sympy as sp

from derivations import Claim, Statement, Undecided, judge
from derivations.rules import POSITIVE, Domain, Interval, scalar

a = scalar("apart_a")


def claim(interval: Interval, right: sp.Expr) -> Claim:
    says = Statement(sp.Abs(a), "=", right, domain=Domain({"apart_a": interval}))
    made = Claim("apart", "", "", "identity", (says,), "", (), Domain({"apart_a": POSITIVE}))

    @made.proves()
    def _(line) -> None:  # type: ignore[no-untyped-def]
        line(sp.Abs(a))
        line(right)

    return made


def test_it_is_not_proved() -> None:
    verdict = judge(claim(Interval(-1, 0), -a)).verdict
    assert isinstance(verdict, Undecided), verdict
    assert "never both" in verdict.reason


def test_its_true_neighbour_is() -> None:
    assert judge(claim(Interval(1, 2), a)).verdict
