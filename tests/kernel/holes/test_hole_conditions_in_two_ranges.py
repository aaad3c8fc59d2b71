"""A side condition is met in two ranges, and asked in one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.terms import DIM
from derivations.notation import T, s, t, z
from derivations.rules import REAL, Domain, Expect, Norm2, Normal, ProductTo, Ratio, SumTo, algebra, moments, scalar

r = Ratio(t - 3, t - 3)
FROM_FOUR = Domain(indices={T: (4, sp.oo)})
product, total = ProductTo(r, t, 4, T), SumTo(r, t, 1, T)
a = scalar("ranges_a")


FALSE: dict[str, Callable[[], Attack]] = {
    "a product, then a sum": lambda: Attack(product * total, product * T, algebra, FROM_FOUR),
    "a sum, then a product": lambda: Attack(total * product, T * product, algebra, FROM_FOUR),
    "two sums": lambda: Attack(SumTo(r, t, 4, T) + SumTo(r, t, 2, T), 2 * T - 4, algebra, FROM_FOUR),
    "inside and outside": lambda: Attack(
        SumTo(r, s, 1, 2) + total, 2 + T, algebra, Domain(indices={T: (4, sp.oo), t: (4, T)})
    ),
    "in a mean": lambda: Attack(
        Expect(Normal(z, 0, 1), Norm2(z) / a) + 0 * a, DIM / a, moments, Domain({"ranges_a": REAL})
    ),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "where it holds": lambda: Attack(product * SumTo(r, t, 5, T), product * (T - 4), algebra, FROM_FOUR),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
