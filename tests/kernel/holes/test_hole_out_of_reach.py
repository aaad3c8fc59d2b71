"""Numbers, powers and tables too large to calculate with keep the judge for ever, and no clock stops them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.rules import At, Domain, Trace, continuity, covariance, entries, positivity, scalar

a = scalar("reach_a")
large = covariance("Reach_A")
tower = sp.Pow(3, sp.Pow(10, 100, evaluate=False), evaluate=False)

FALSE: dict[str, Callable[[], Attack]] = {
    "a power of a number": lambda: Attack(sp.Pow(3, 10**10, evaluate=False), 0, positivity, relation=">"),
    "a tower of powers": lambda: Attack(tower, 0, positivity, relation=">"),
    "a power read at a number": lambda: Attack(At(a ** (10**10), a, 3), 0, continuity),
    "a long number": lambda: Attack(sp.Integer(10) ** 100_000 * a, a),
    "a large table": lambda: Attack(Trace(large, 10**6), 0, entries, domain=Domain({}, {}, {}, {"Reach_A": 10**6})),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "a power within reach": lambda: Attack(sp.Pow(3, 100, evaluate=False), 0, positivity, relation=">"),
    "a power of a symbol": lambda: Attack(At(a**100, a, 2), sp.Integer(2) ** 100, continuity),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
