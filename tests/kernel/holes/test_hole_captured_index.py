"""An abbreviation hides a sum, and the sum's index captures what stands around it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused, proved_lemma

from derivations.notation import T, s, t
from derivations.rules import Domain, ProductTo, SumTo, algebra, by_claim, define, scalar_function

f = scalar_function("captured_f")
F = define("captured_F", "F", lambda m: SumTo(f(s) * m, s, 1, 3))
G = define("captured_G", "G", lambda m: ProductTo(m, s, 1, 2))
values = f(1) + f(2) + f(3)
LATER = Domain(indices={s: (1, sp.oo)})
n = sp.Symbol("captured_n", integer=True, positive=True)


FALSE: dict[str, Callable[[], Attack]] = {
    "in the bounds of a sum": lambda: Attack(SumTo(F(t), t, s, s), f(1) + 2 * f(2) + 3 * f(3), algebra, LATER),
    "in a product": lambda: Attack(SumTo(G(t), t, s, s), s, algebra, LATER),
    "as an argument": lambda: Attack(F(s), s * values, algebra, LATER),
    "by a lemma": lambda: Attack(
        SumTo(f(s) * n, s, 1, 3),
        s * values,
        by_claim("L", at={n: s}),
        LATER,
        lemmas=(proved_lemma("L", SumTo(f(t) * n, t, 1, 3), n * values),),
    ),
    "an index outside its sum": lambda: Attack(
        SumTo(f(t), t, 1, 3) * t, values * t, algebra, Domain(indices={t: (1, sp.oo)})
    ),
    "an index twice": lambda: Attack(SumTo(t * SumTo(t, t, 1, 2), t, 1, 2), 15, algebra),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "put in by the algebra": lambda: Attack(SumTo(F(t), t, 1, 2), 3 * values, algebra),
    "one index more": lambda: Attack(SumTo(F(t), t, n, n), n * values, algebra, Domain(indices={n: (1, sp.oo)})),
    "by a lemma, another index": lambda: Attack(
        SumTo(f(s) * n, s, 1, 3),
        n * values,
        by_claim("L"),
        Domain(indices={n: (1, sp.oo)}),
        lemmas=(proved_lemma("L", SumTo(f(t) * n, t, 1, 3), n * values),),
    ),
    "renamed": lambda: Attack(
        SumTo(SumTo(f(s) * f(t), s, 1, T), t, 1, T),
        SumTo(SumTo(f(s) * f(t), t, 1, T), s, 1, T),
        algebra,
        Domain(indices={T: (1, sp.oo)}),
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
