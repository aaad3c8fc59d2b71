"""What may have no inverse is inverted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.terms import Malformed
from derivations.rules import LogDet, Quadratic, Trace, algebra, covariance, matrix, positivity, trace_algebra, vector

u, v, A, B = vector("inverse_u"), vector("inverse_v"), covariance("Inverse_A"), covariance("Inverse_B")
R, n = matrix("Inverse_R"), sp.Symbol("inverse_n", integer=True)
gap = sp.Mul(A - B, (A - B) ** -1, evaluate=False)


FALSE: dict[str, Callable[[], Attack]] = {
    "the inverses of a sum": lambda: Attack(
        Quadratic(u, (A + B) ** -1, v), Quadratic(u, A**-1 + B**-1, v), trace_algebra
    ),
    "a difference": lambda: Attack(Quadratic(u, gap, v), Quadratic(u, 1, v), algebra),
    "a difference, twice": lambda: Attack(
        Quadratic(u, (A - 2 * B) ** -2, v), Quadratic(u, (A - 2 * B) ** -2, v) + 0, trace_algebra
    ),
    "a determinant": lambda: Attack(LogDet(A - B), LogDet(A - B) + 1, positivity, relation="<"),
    "a determinant of nothing": lambda: Attack(LogDet(A - A), LogDet(A - A) + 1, positivity, relation="<"),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "a covariance": lambda: Attack(Quadratic(u, A * A**-1, v), Quadratic(u, 1, v), algebra),
    "the inverse of a sum that is definite": lambda: Attack(
        Quadratic(u, (A + B) ** -1 * (A + B), v), Quadratic(u, 1, v), trace_algebra
    ),
    "a determinant of an inverse": lambda: Attack(LogDet(A**-1), -LogDet(A), trace_algebra),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict


@pytest.mark.parametrize("made", [lambda: Trace(R * R**-1, 2), lambda: 1 / R, lambda: R.T**-2, lambda: R**n])
def test_an_inverse_is_refused_before_it_cancels(made: Callable[[], object]) -> None:
    with pytest.raises(Malformed, match="may have no inverse"):
        made()
