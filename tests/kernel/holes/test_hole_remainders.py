"""What is known up to a remainder only: it is not above or below anything, and what vanishes is no leading term."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.claims import Chain, Claim, Statement
from derivations.kernel.judge import Judge
from derivations.rules import (
    POSITIVE,
    REAL,
    Domain,
    Hypothesis,
    Interval,
    Series,
    positivity,
    scalar,
    scalar_function,
    series,
)

h, a, c = scalar("rest_h", positive=True), scalar("rest_a"), scalar("rest_c")
DOMAIN = Domain({"rest_h": POSITIVE, "rest_a": REAL, "rest_c": POSITIVE})
AT_ZERO = Domain({**DOMAIN.intervals, "rest_a": Interval(0, 0, False, False)})
f, n = scalar_function("rest_f"), sp.Symbol("rest_n", integer=True)
none = Hypothesis("none", "a is 0", a, sp.S.Zero)


def in_two(first: Any, second: Any, third: Any, relation: str) -> Callable[[], Attack]:
    def chain(line: Chain) -> None:
        line(first)
        line._add(second, relation, positivity, "")
        line(third, by=series)

    return lambda: Attack(first, third, domain=DOMAIN, relation=relation, chain=chain)


FALSE: dict[str, Callable[[], Attack]] = {
    "a step below its remainder": lambda: Attack(Series(h, h, 1), 0 * h, [series, positivity], DOMAIN, (), "<="),
    "a step above its remainder": lambda: Attack(Series(-h, h, 1), 0 * h, [series, positivity], DOMAIN, (), ">="),
    "at the end of a chain": in_two(h, 2 * h, Series(2 * h, h, 2), "<="),
}


def of_order(leading: Any, error: Any, order: int, domain: Domain = DOMAIN, hypotheses: Any = ()) -> Any:
    says = (Statement(Series(error, h, 4), "=", leading),)
    claim = Claim("rest.order", "", "", "order", says, "", (), domain, hypotheses, order=order)

    @claim.proves()
    def _(line: Chain) -> None:
        line(Series(error, h, 4))
        line(leading, by=series)

    return Judge({claim.id: claim}).judge(claim).verdict


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


def test_an_equality_may_end_in_a_series() -> None:
    verdict = Attack(2 * h, Series(2 * h, h, 2), series, DOMAIN).verdict()
    assert verdict, verdict


def test_what_vanishes_does_not_lead() -> None:
    nothing = (sp.log(c**2) - 2 * sp.log(c)) * h**2
    for made in (
        of_order(nothing + a * h**3, a * h**3, 1),
        of_order(a * h**2 + h**3, a * h**2 + h**3, 1, AT_ZERO),
        of_order(a * h**2 + h**3, a * h**2 + h**3, 1, DOMAIN, (none,)),
    ):
        assert "shows order 2" in made.reason
    few = Hypothesis("few", "the first vanish", f(n), sp.S.Zero, {n: (1, 5)})  # and here n is another one
    later = Domain(DOMAIN.intervals, {n: (6, sp.oo)})
    assert "shows order 1" in of_order(f(n) * h**2 + h**3, f(n) * h**2 + h**3, 2, later, (few,)).reason
    assert of_order(nothing + a * h**3, a * h**3, 2)
    assert of_order(a * h**2 + h**3, a * h**2 + h**3, 1)
