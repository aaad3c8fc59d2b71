"""A weight's mean is bounded inside a sum, where the weight moves with the index."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import T, q, t, x
from derivations.rules import Domain, Expect, SumTo, log_p, mass


def r(n):  # type: ignore[no-untyped-def]
    """The mean of an importance weight: what p gives to the places where q is positive."""
    return Expect(q(x(n)), sp.exp(log_p("p", x(n)) - log_p("q", x(n))))


ANY_T = Domain(indices={T: (2, sp.oo)})


FALSE: dict[str, Callable[[], Attack]] = {
    "two terms against two others": lambda: Attack(SumTo(r(t), t, 1, 2), SumTo(r(t), t, 3, 4), mass, relation="<="),
    "all against all but one": lambda: Attack(
        SumTo(r(t), t, 1, T), SumTo(r(t), t, 2, T + 1), mass, ANY_T, relation="<="
    ),
    "one against another": lambda: Attack(r(1), r(2), mass, relation="<="),
    "the wrong way": lambda: Attack(SumTo(r(t), t, 1, T), T, mass, ANY_T, relation=">="),
    "too few": lambda: Attack(SumTo(r(t), t, 1, T), T - 1, mass, ANY_T, relation="<="),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "two terms": lambda: Attack(SumTo(r(t), t, 1, 2), 2, mass, relation="<="),
    "all terms": lambda: Attack(SumTo(r(t), t, 1, T), T, mass, ANY_T, relation="<="),
    "one term, subtracted": lambda: Attack(3 - 2 * r(1), 1, mass, relation=">="),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
