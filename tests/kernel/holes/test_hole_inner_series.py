"""A series inside a mean, an integral or a power: the remainder that it leaves out would be averaged, or squared."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attack import Attack, assert_refused

from derivations.notation import integrable, q, z
from derivations.rules import (
    POSITIVE,
    Domain,
    Equal,
    Expect,
    IntegralTo,
    Norm2,
    Series,
    differentiation,
    linearity,
    rate,
    scalar,
    scalar_function,
    series,
    smoothness,
)
from derivations.rules import D as Derivative

a, h, s = scalar("inner_a"), scalar("inner_h"), scalar("inner_s")
f = scalar_function("inner_f")
SMALL, TWICE = Domain({"inner_h": POSITIVE}), smoothness(f, 2)
moving = Series(f(a + h * Norm2(z)), h, 2)
known = f(a) + h * rate(f(a))

FALSE: dict[str, Callable[[], Attack]] = {
    "a mean": lambda: Attack(
        Expect(q(z), moving),
        f(a) + h * rate(f(a)) * Expect(q(z), Norm2(z)),
        [series, linearity],
        SMALL,
        (TWICE, integrable),
    ),
    "a derivative": lambda: Attack(
        Derivative(Series(a * h + h**2, h, 1), a), 0, [series, differentiation], SMALL
    ),
    "an integral": lambda: Attack(
        IntegralTo(Series(f(s + h), h, 1), s, 0, 1), IntegralTo(f(s), s, 0, 1), series, SMALL, (TWICE,)
    ),
    "a square": lambda: Attack(Series(h + h**2, h, 2) ** 2, h**2, series, SMALL),
    "divided by the step": lambda: Attack(Series(h**2, h, 2) / h, 0, series, SMALL),
    "a series of a series": lambda: Attack(Series(Series(h + h**2, h, 2), h, 3), h, series, SMALL),
    "an equation": lambda: Attack(Equal(Series(h, h, 1), 0), Equal(0, 0), series, SMALL, relation="iff"),
}  # fmt: skip
TRUE: dict[str, Callable[[], Attack]] = {
    "a whole side": lambda: Attack(Series(f(a + h), h, 2), known, series, SMALL, (TWICE,)),
    "a term of a sum": lambda: Attack(2 * Series(f(a + h), h, 2) - f(a), 2 * known - f(a), series, SMALL, (TWICE,)),
    "both sides": lambda: Attack(Series(h**2 + h, h, 2), Series(h - h**3, h, 2), series, SMALL),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
