"""The oracle's averages of densities: in closed form in any dimension, refused where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from derivations.kernel import terms
from derivations.kernel.terms import DIM, Expect, LogDensity, Norm2, Normal
from derivations.refutation.floating import exp_of_quadratic
from derivations.refutation.undefined import Uncomputable, Undefined
from threefold.witnesses.point import Point

y, u, m = terms.vector("y_averaged"), terms.vector("u_averaged"), terms.vector("m_averaged")


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_average_of_a_density_is_the_density_of_the_sum(d: int) -> None:
    rng = np.random.default_rng(d)
    at, centre = rng.standard_normal(d), rng.standard_normal(d)
    half, third = sp.Rational(1, 2), sp.Rational(1, 3)
    average = Expect(Normal(u, m, half, DIM), sp.exp(LogDensity(Normal(y, third * u + m, sp.Integer(2), DIM))))
    found = Point(d, vectors={"y_averaged": at, "m_averaged": centre, "u_averaged": at}).value(average)
    assert found == pytest.approx(
        multivariate_normal(4 / 3 * centre, (2 + 1 / 18) * np.eye(d)).pdf(at if d > 1 else at[0]), rel=1e-13
    )


@pytest.mark.parametrize("d", [1, 2, 3])
def test_coordinates_that_see_one_another_are_averaged_together(d: int) -> None:
    """exp(-e^T S e / 2) over e ~ N(0, I) is det(I + S)^(-1/2), here with S full."""
    root = np.random.default_rng(d).standard_normal((d, d))
    full = root @ root.T

    def exponent(e: Any) -> Any:
        return -sum(float(full[i, j]) * e[i] * e[j] for i in range(d) for j in range(d)) / 2 + e[0]

    inverse = np.linalg.inv(np.eye(d) + full)
    expected = np.exp(inverse[0, 0] / 2) * np.sqrt(np.linalg.det(inverse))
    assert float(exp_of_quadratic(exponent, d)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("d", [1, 2])
def test_an_infinite_average_has_no_value(d: int) -> None:
    with pytest.raises(Undefined, match="infinite"):
        exp_of_quadratic(lambda e: e[-1] ** 2 / 2, d)


def test_what_is_not_quadratic_is_not_guessed_in_several_dimensions() -> None:
    assert exp_of_quadratic(lambda e: -(e[0] ** 4) - e[1] ** 2, 2) is None
    average = Expect(Normal(u, m, sp.Integer(1), DIM), sp.exp(-(Norm2(u) ** 2)))
    line = Point(1, vectors={"m_averaged": [0.0], "u_averaged": [0.0]}).value(average)
    expected = quad(lambda v: np.exp(-(v**4)) * norm.pdf(v), -8, 8, epsabs=1e-14)[0]
    assert line == pytest.approx(expected, rel=1e-12)
    with pytest.raises(Uncomputable, match="2 dimensions that is not quadratic"):
        Point(2, vectors={"m_averaged": [0.0, 0.0], "u_averaged": [0.0, 0.0]}).value(average)
