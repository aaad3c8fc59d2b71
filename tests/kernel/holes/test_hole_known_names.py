"""A function of which nothing is known is called like one that somebody knows: SymPy would calculate with that one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.rules import POSITIVE, Domain, Hypothesis, SumTo, algebra, define, given, scalar, scalar_function

gamma, binomial = scalar_function("gamma"), scalar_function("binomial")
bernoulli = define("bernoulli", r"\mathrm{B}", lambda a, b: a * b)
a, n = scalar("known_a"), sp.Symbol("known_n", integer=True)
ABOVE = Domain({"gamma": POSITIVE})
below = Hypothesis("below", "a mild condition", gamma(n), -n, {n: (1, 5)})


def one(body: Any) -> Any:
    return SumTo(body, n, 1, 1)


FALSE: dict[str, Callable[[], Attack]] = {
    "Euler's gamma is 1 at 1": lambda: Attack(one(sp.Abs(gamma(n) - 2)), one(2 - gamma(n)), algebra),
    "and so below 2": lambda: Attack(one(sp.Abs(gamma(n) - 2)), 2 - gamma(1), algebra, ABOVE),
    "also under a root": lambda: Attack(one(sp.sqrt((gamma(n) - 2) ** 2)), 2 - gamma(1), algebra, ABOVE),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "another function": lambda: Attack(one(sp.Abs(gamma(n) - 2)), sp.Abs(gamma(1) - 2), algebra),
    "with other values": lambda: Attack(gamma(3), -sp.S(3), given(below, known_n=3), hypotheses=(below,)),
    "of fewer arguments": lambda: Attack(a + binomial(2), binomial(2) + a, algebra),
    "an abbreviation": lambda: Attack(bernoulli(2, 3), 6 * sp.S.One, algebra),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
