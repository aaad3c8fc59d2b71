"""A limit is taken that does not exist, or in what cannot move."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.rules import (
    POSITIVE,
    REAL,
    At,
    Domain,
    Hypothesis,
    Interval,
    Norm2,
    algebra,
    continuity,
    positivity,
    scalar,
    scalar_function,
    vector,
)

a, phi, v = scalar("limit_a"), scalar("limit_phi"), vector("limit_v")
f = scalar_function("limit_f")
n = sp.Symbol("limit_n", integer=True, positive=True)
ABOVE = Domain({"limit_phi": POSITIVE})
pole = At(1 / phi, phi, 0)
tied = Hypothesis("one number", "", a, phi)


FALSE: dict[str, Callable[[], Attack]] = {
    "a pole": lambda: Attack(pole, pole + 1, positivity, ABOVE, relation="<"),
    "a pole, as it is": lambda: Attack(pole, pole + 0 * phi, algebra, ABOVE),
    "a logarithm": lambda: Attack(At(sp.log(phi), phi, 0), At(sp.log(phi), phi, 0) + 0 * a, algebra, ABOVE),
    "an unknown function": lambda: Attack(At(f(phi), phi, 0), At(f(phi), phi, 0) + 1, positivity, ABOVE, relation="<"),
    "a moving power": lambda: Attack(At(phi**phi, phi, 0), 0, continuity, ABOVE),
    "an integer": lambda: Attack(
        At(n, n, sp.Rational(7, 2)), sp.Rational(7, 2), continuity, Domain(indices={n: (1, sp.oo)})
    ),
    "an integer in disguise": lambda: Attack(
        At(phi, phi, sp.Rational(7, 2)), sp.Rational(7, 2), continuity, Domain(indices={phi: (1, 5)})
    ),
    "what a hypothesis ties": lambda: Attack(
        At(a, phi, 0), a, continuity, Domain({"limit_phi": REAL, "limit_a": REAL}), (tied,)
    ),
    "at the only value": lambda: Attack(
        At(phi, phi, 2), 2, continuity, Domain({"limit_phi": Interval(2, 2, False, False)})
    ),
    "outside of its interval": lambda: Attack(At(phi, phi, -1), -1, continuity, ABOVE),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "by continuity": lambda: Attack(At(1 + phi, phi, 0), 1, continuity, ABOVE),
    "a vector": lambda: Attack(Norm2(At(phi * v, phi, 0)), 0, continuity, ABOVE),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
