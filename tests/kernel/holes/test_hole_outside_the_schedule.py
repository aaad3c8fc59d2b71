"""A schedule is read below zero, or between the integers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import abar, alpha, snr, t
from derivations.rules import POSITIVE, UNIT, Domain, SumTo, algebra, positivity

m = sp.Symbol("outside_m", integer=True)
n = sp.Symbol("outside_n", integer=True, positive=True)
FREE = Domain({"alpha": UNIT, "abar": POSITIVE}, {m: (-5, sp.oo)}, {"abar": "alpha"})
STEPS = Domain({"alpha": UNIT, "abar": POSITIVE}, {n: (1, sp.oo)}, {"abar": "alpha"})
half = sp.Rational(1, 2)


FALSE: dict[str, Callable[[], Attack]] = {
    "below zero": lambda: Attack(abar(m), 1, positivity, FREE, relation="<="),
    "between": lambda: Attack(abar(half), 1, positivity, STEPS, relation="<="),
    "an ancestor of the first step": lambda: Attack(abar(n - 2), 1, positivity, STEPS, relation="<="),
    "the factor of step zero": lambda: Attack(alpha(0), 1, positivity, STEPS, relation="<"),
    "in a sum": lambda: Attack(SumTo(abar(t - 1), t, 0, n), n + 1, positivity, STEPS, relation="<="),
    "hidden in an abbreviation": lambda: Attack(snr(m) / (1 + snr(m)), abar(m), algebra, FREE),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "from zero on": lambda: Attack(abar(n - 1), 1, positivity, STEPS, relation="<="),
    "the first": lambda: Attack(abar(1), alpha(1), algebra, STEPS),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
