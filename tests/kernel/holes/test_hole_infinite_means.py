"""A mean that may be infinite is compared, cancelled or put on both sides."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import integrable, p, q, z
from derivations.rules import (
    KL,
    AtMost,
    Equal,
    Expect,
    Norm2,
    Normal,
    algebra,
    definition,
    positivity,
    rearrange,
    scalar,
    scalar_function,
    scaled,
)

a, b = scalar("infinite_a"), scalar("infinite_b")
f, g = scalar_function("infinite_f"), scalar_function("infinite_g")
K, E, other = KL(q(z), p(z)), Expect(q(z), f(z)), Expect(q(z), g(z))
squares = Expect(q(z), Norm2(z))


FALSE: dict[str, Callable[[], Attack]] = {
    "strictly": lambda: Attack(K, K + 1, positivity, relation="<"),
    "strictly, a second moment": lambda: Attack(squares, squares + 1, positivity, relation="<"),
    "cancelled": lambda: Attack(Equal(a + K, b + K), Equal(a, b), rearrange, relation="iff"),
    "cancelled in an order": lambda: Attack(AtMost(a + K, b + K), AtMost(a, b), scaled(1), relation="iff"),
    "an unknown mean": lambda: Attack(E, E + 1, positivity, relation="<"),
    "weakly": lambda: Attack(E, E + 1, positivity, relation="<="),
    "an equality read as an order": lambda: Attack(E, Expect(q(z), f(z) + 0 * a), definition, relation="<="),
    "their sum": lambda: Attack(E + other, other + E + 0 * a, algebra),
    "a difference": lambda: Attack(K - squares, K - squares + 0 * a, definition),
    "a reciprocal": lambda: Attack(1 / (1 + K), 1 / (1 + K) + 0 * a, definition),
    "inside a proposition": lambda: Attack(Equal(E, 0), Equal(2 * E, 0), rearrange, relation="iff"),
    "times what may be 0": lambda: Attack(a * K, K * a + 0 * b, definition),
    "the exponent's mean": lambda: Attack(sp.exp(-K), 1, positivity, relation="<="),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "with the hypothesis": lambda: Attack(K, K + 1, positivity, relation="<", hypotheses=(integrable,)),
    "cancelled, with it": lambda: Attack(
        Equal(a + K, b + K), Equal(a, b), rearrange, relation="iff", hypotheses=(integrable,)
    ),
    "weakly, in [0, oo]": lambda: Attack(K, K + 1, positivity, relation="<="),
    "a polynomial of a Gaussian": lambda: Attack(
        Expect(Normal(z, 0, 1), Norm2(z)), Expect(Normal(z, 0, 1), Norm2(z)) + 1, positivity, relation="<"
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
