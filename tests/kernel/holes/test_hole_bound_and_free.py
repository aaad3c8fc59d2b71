"""A symbol is bound in one place of a definition and free in another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import t
from derivations.rules import Domain, ProductTo, SumTo, algebra, define, exponents

F = define("both_F", "F", lambda: SumTo(t, t, 1, 1) - 1 + t)
G = define("both_G", "G", lambda m: SumTo(t, t, 1, m) + t)
UP_TO_THREE = Domain(indices={t: (1, 3)})


FALSE: dict[str, Callable[[], Attack]] = {
    "no argument": lambda: Attack(ProductTo(sp.exp(F()), t, 1, 3), sp.exp(3 * t), exponents, UP_TO_THREE),
    "one argument": lambda: Attack(SumTo(G(1), t, 1, 2), 2 * G(1), algebra, UP_TO_THREE),
    "in the line itself": lambda: Attack(SumTo(t, t, 1, 2) + t, 3 + t, algebra, UP_TO_THREE),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "one place": lambda: Attack(ProductTo(sp.exp(t), t, 1, 3), sp.exp(6), exponents),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
