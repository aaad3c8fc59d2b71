"""What a text divides by, or averages, cancels while it is written out, and nobody asks whether it has a value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused, proved_lemma

from derivations.notation import abar, integrable, q, z
from derivations.rules import (
    NONZERO,
    POSITIVE,
    UNIT,
    Coord,
    Domain,
    Entropy,
    Expect,
    Hypothesis,
    LogDensity,
    SumTo,
    algebra,
    by_claim,
    define,
    definition,
    scalar,
    scalar_function,
)

a, b = scalar("cancel_a"), scalar("cancel_b")
f = scalar_function("cancel_f")
i, j = sp.Symbol("cancel_i", integer=True), sp.Symbol("cancel_j", integer=True)
m, n = sp.Symbol("cancel_m", integer=True), sp.Symbol("cancel_n", integer=True)
E = Expect(q(z), f(z))

inverse = define("cancel_inverse", "R", lambda x: 1 / x)
root = define("cancel_root", "S", lambda x: sp.sqrt(x))
times = define("cancel_times", "M", lambda x, y: x * y)
twice = define("cancel_twice", "Q", lambda x: root(x) ** 2)  # cancels within its body
log = define("cancel_log", "L", lambda x: sp.log(x))
weight = define("cancel_weight", "W", lambda k: 1 / abar(k))
mean = define("cancel_mean", "E", lambda law: Expect(law, LogDensity(law)))
through = define("cancel_through", "T", lambda x, y: x / y)
sums = define("cancel_sums", "P", lambda x: SumTo(f(j) * x, j, 1, 3))

ANY = Domain(indices={n: (0, sp.oo)})
FREE = Domain({"alpha": UNIT, "abar": POSITIVE}, {m: (-5, sp.oo)}, {"abar": "alpha"})
STEPS = Domain({"alpha": UNIT, "abar": POSITIVE}, {n: (0, sp.oo)}, {"abar": "alpha"})
NOT_ZERO = Domain({"cancel_a": NONZERO})
product = proved_lemma("cancel product", f(b * a), f(times(b, a)))
at_all = Hypothesis("at all", "", f(n * inverse(n)), 1, {n: (0, sp.oo)})
from_one = Hypothesis("from one on", "", f(n * inverse(n)), 1, {n: (1, sp.oo)})


def lemma_at(value: sp.Expr, domain: Domain) -> Attack:
    """The lemma is about f(n value), written as f(1)."""
    rule = by_claim("cancel product", at={a: value, b: n})
    return Attack(f(1), f(1) + 0 * a, rule, domain, lemmas=(product,))


FALSE: dict[str, Callable[[], Attack]] = {
    "a factor and its inverse": lambda: Attack(a * inverse(a), 1, algebra),
    "in another term": lambda: Attack(f(a * inverse(a)), f(1), definition),
    "inside the body": lambda: Attack(twice(a), a, algebra),
    "an argument": lambda: Attack(times(a, inverse(a)), 1, algebra),
    "the arguments of a quotient": lambda: Attack(through(a, a), 1, algebra),
    "a zero": lambda: Attack(times(0, inverse(a)), 0, algebra),
    "zero over what may be zero": lambda: Attack(through(0, a), 0, algebra),
    "a difference": lambda: Attack(inverse(a) - through(1, a) + b, b, algebra),
    "the square of a root": lambda: Attack(root(a) ** 2, a, algebra),
    "the exponential of a logarithm": lambda: Attack(sp.exp(log(a)), a, algebra),
    "in a sum": lambda: Attack(SumTo(j * inverse(j), j, 0, n), n + 1, algebra, ANY),
    "two sums whose indices have two names": lambda: Attack(SumTo(f(i), i, 1, 3) / SumTo(f(j), j, 1, 3), 1, algebra),
    "a sum in an abbreviation": lambda: Attack(sums(a) / SumTo(a * f(i), i, 1, 3), 1, algebra),
    "a schedule outside its indices": lambda: Attack(abar(m) * weight(m), 1, algebra, FREE),
    "a schedule times 0": lambda: Attack(times(0, abar(m)), 0, algebra, FREE),
    "a coordinate that is none": lambda: Attack(times(0, Coord(z, n)), 0, algebra, ANY),
    "two means": lambda: Attack(Entropy(q(z)) + mean(q(z)), 0, algebra),
    "two means, of which one is left": lambda: Attack(times(2, E) - E, E, algebra),
    "two means in a term": lambda: Attack(f(Entropy(q(z)) + mean(q(z))), f(0), definition),
    "a mean times 0": lambda: Attack(times(0, E), 0, algebra),
    "a hypothesis": lambda: Attack(f(1), f(1) + 0 * a, definition, hypotheses=(at_all,)),
    "the value put in a lemma": lambda: lemma_at(1 / n, ANY),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "a factor that is not 0": lambda: Attack(a * inverse(a), 1, algebra, NOT_ZERO),
    "inside the body": lambda: Attack(twice(a), a, algebra, Domain({"cancel_a": POSITIVE})),
    "a zero": lambda: Attack(times(0, inverse(a)), 0, algebra, NOT_ZERO),
    "a root": lambda: Attack(root(a) ** 2, a, algebra, Domain({"cancel_a": POSITIVE})),
    "a logarithm": lambda: Attack(sp.exp(log(a)), a, algebra, Domain({"cancel_a": POSITIVE})),
    "in a sum": lambda: Attack(SumTo(j * inverse(j), j, 1, n), n, algebra, ANY),
    "a sum less itself, its index renamed": lambda: Attack(SumTo(f(i), i, 1, 3) - SumTo(f(j), j, 1, 3), 0, algebra),
    "a schedule": lambda: Attack(abar(n) * weight(n), 1, algebra, STEPS),
    "two finite means": lambda: Attack(Entropy(q(z)) + mean(q(z)), 0, algebra, hypotheses=(integrable,)),
    "a finite mean times 0": lambda: Attack(times(0, E), 0, algebra, hypotheses=(integrable,)),
    "a hypothesis": lambda: Attack(f(1), f(1) + 0 * a, definition, hypotheses=(from_one,)),
    "the value put in a lemma": lambda: lemma_at(1 / n, Domain(indices={n: (1, sp.oo)})),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
