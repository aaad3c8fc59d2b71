"""A rounded value is taken for a number."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.rules import Rounded, algebra, interval_arithmetic, positivity

exact = sp.Rational(13, 25)


def ends_in_an_order(line):  # type: ignore[no-untyped-def]
    line(exact)
    line.lt(sp.Rational(53, 100), by=positivity)
    line(Rounded("0.5"), by=interval_arithmetic)


def goes_on(line):  # type: ignore[no-untyped-def]
    line(exact)
    line(Rounded("0.5"), by=interval_arithmetic)
    line(sp.Rational(1, 2))


def weakly(line):  # type: ignore[no-untyped-def]
    line(exact)
    line.le(sp.Rational(53, 100), by=positivity)
    line(Rounded("0.5"), by=interval_arithmetic)


FALSE: dict[str, Callable[[], Attack]] = {
    "at the end of an order": lambda: Attack(exact, Rounded("0.5"), relation="<", chain=ends_in_an_order),
    "at the end of a weak order": lambda: Attack(exact, Rounded("0.5"), relation="<=", chain=weakly),
    "an equality read as an order": lambda: Attack(exact, Rounded("0.5"), interval_arithmetic, relation="<="),
    "on the way": lambda: Attack(exact, sp.Rational(1, 2), chain=goes_on),
    "two of them": lambda: Attack(Rounded("0.5"), Rounded("0.5"), algebra),
    "calculated with": lambda: Attack(2 * Rounded("0.5"), 1, algebra),
    "on the left": lambda: Attack(Rounded("0.5"), exact, algebra),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "to the digits shown": lambda: Attack(exact, Rounded("0.5"), interval_arithmetic),
    "zero": lambda: Attack(sp.Rational(1, 3), Rounded("0"), interval_arithmetic),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
