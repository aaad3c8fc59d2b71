"""A sum misses more than one index, an entry or a coordinate lies outside."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import T, integrable, k, q, t, x, z
from derivations.rules import (
    Block,
    Coord,
    Domain,
    Entry,
    Expect,
    Normal,
    ProductTo,
    SumTo,
    Variance,
    algebra,
    bayes,
    covariance,
    entries,
    log_p,
    moments,
    scalar,
    scalar_function,
    vector,
)

A, u, w = covariance("Range_A"), vector("range_u"), vector("range_w")
f, a = scalar_function("range_f"), scalar("range_a")
n = sp.Symbol("range_n", integer=True)
TWO, ANY_T = Domain(sizes={"Range_A": 2}), Domain(indices={T: (1, sp.oo)})


FALSE: dict[str, Callable[[], Attack]] = {
    "5..2": lambda: Attack(SumTo(f(t), t, 5, 2), 0, algebra),
    "a product, 5..2": lambda: Attack(ProductTo(f(t), t, 5, 2), 1, algebra),
    "3..T": lambda: Attack(SumTo(1, t, 3, T), T - 2, algebra, ANY_T),
    "an unknown range": lambda: Attack(SumTo(1, t, 1, n), n, algebra),
    "1..a": lambda: Attack(SumTo(1, t, 1, a), a, algebra),
    "half a step": lambda: Attack(SumTo(1, t, 1, sp.Rational(1, 2)), sp.Rational(1, 2), algebra),
    "an entry below": lambda: Attack(Entry(A, 0, 1), Entry(A, 1, 0), entries, TWO),
    "an entry beyond": lambda: Attack(Entry(A, 3, 1), Entry(A, 1, 3), entries, TWO),
    "an entry of no size": lambda: Attack(Entry(A, 1, 2) + 0 * a, Entry(A, 2, 1), algebra),
    "coordinate -1": lambda: Attack(Coord(u + w, -1), Coord(u, -1) + Coord(w, -1), algebra),
    "coordinate 0": lambda: Attack(Coord(2 * u, 0), 2 * Coord(u, 0), algebra),
    "coordinate past the last": lambda: Attack(
        Expect(Normal(z, u, 1, k), Coord(z, k + 1)), Coord(u, k + 1), moments, Domain(indices={k: (1, sp.oo)})
    ),
    "variance of several": lambda: Attack(
        Variance(q([u, w])), Variance(q([u, w])) + 0 * a, algebra, hypotheses=(integrable,)
    ),
    "variables that run backwards": lambda: Attack(log_p("q", Block(x, 3, 1)), 0, bayes),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "an empty sum": lambda: Attack(SumTo(f(t), t, 3, 2), 0, algebra),
    "2..T": lambda: Attack(SumTo(1, t, 2, T), T - 1, algebra, ANY_T),
    "an entry inside": lambda: Attack(Entry(A, 2, 1), Entry(A, 1, 2), entries, TWO),
    "a coordinate": lambda: Attack(Coord(u + w, 1), Coord(u, 1) + Coord(w, 1), algebra),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
