"""Data, noise, velocity and score as four views of one prediction, found by solving two linear equations.

With a = sqrt(abar) and s = sqrt(1 - abar): x_t = a x_0 + s eps, v = a eps - s x_0, score = -eps / s. A view given
together with x_t makes two linear equations in (x_0, eps); they are solved numerically and the rest read off. Where
abar is near 1, 1 - abar can be given as `rest`, with all its digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from reference.validation import Array, real_array, same_shape, signal_fraction

_Row: TypeAlias = Callable[[float, float], tuple[float, float]]


class Views(NamedTuple):
    """The four views of one prediction, each of x_t's shape; `score` is None where abar = 1 (it does not exist)."""

    x0: Array
    eps: Array
    v: Array
    score: Array | None


def from_x0(x0: ArrayLike, x_t: ArrayLike, abar: float, rest: float | None = None) -> Views:
    """Return all views of a data prediction; needs abar < 1. Claim: ddpm.parameterization.bijection."""
    return _solve("x0", x0, x_t, abar, rest, lambda a, s: (1.0, 0.0))


def from_eps(eps: ArrayLike, x_t: ArrayLike, abar: float, rest: float | None = None) -> Views:
    """Return all views of a noise prediction; needs abar > 0. Claim: ddpm.parameterization.bijection."""
    return _solve("eps", eps, x_t, abar, rest, lambda a, s: (0.0, 1.0))


def from_v(v: ArrayLike, x_t: ArrayLike, abar: float, rest: float | None = None) -> Views:
    """Return all views of a velocity prediction; any abar in [0, 1]. Claim: ddpm.parameterization.v."""
    return _solve("v", v, x_t, abar, rest, lambda a, s: (-s, a))


def from_score(score: ArrayLike, x_t: ArrayLike, abar: float) -> Views:
    """Return all views of a score prediction; needs 0 < abar < 1."""
    level = signal_fraction("abar", abar)
    if level == 1.0:
        raise ValueError("abar is 1.0, but the score of x_t given x_0 needs abar < 1; use t >= 1")
    return from_eps(-np.sqrt(1.0 - level) * real_array("score", score), x_t, level)


def velocity(x0: ArrayLike, eps: ArrayLike, abar: float, rest: float | None = None) -> Array:
    """Return the speed of x along the arc from x_0 to eps, by a complex step; any abar in [0, 1].

    On the arc x(angle) = cos(angle) x_0 + sin(angle) eps, x_t is where cos(angle) = sqrt(abar); the speed there is v.
    Claim: ddpm.parameterization.v.
    """
    start, end = real_array("x0", x0), real_array("eps", eps)
    same_shape(x0=start, eps=end)
    a, s = _levels(abar, rest)
    moved = np.arctan2(s, a) + 1e-150j
    return np.asarray((np.cos(moved) * start + np.sin(moved) * end).imag / 1e-150)


def _levels(abar: float, rest: float | None) -> tuple[float, float]:
    """sqrt(abar) and sqrt(1 - abar); `rest` is 1 - abar where it is known with more digits than abar has."""
    level = signal_fraction("abar", abar)
    left = 1.0 - level if rest is None else signal_fraction("rest", rest)
    if abs(level + left - 1.0) > 1e-12:
        raise ValueError(f"abar is {level} and rest {left}, but they must add up to 1; leave rest out")
    return float(np.sqrt(level)), float(np.sqrt(left))


def _solve(name: str, value: ArrayLike, x_t: ArrayLike, abar: float, rest: float | None, row: _Row) -> Views:
    given, late = real_array(name, value), real_array("x_t", x_t)
    same_shape(**{name: given, "x_t": late})
    a, s = _levels(abar, rest)
    matrix = np.array([[a, s], row(a, s)])
    if np.linalg.matrix_rank(matrix, tol=1e-300) < 2:
        raise ValueError(f"abar is {abar}, where {name} and x_t do not determine the rest; predict v or x0 instead")
    x0, eps = np.linalg.solve(matrix, np.stack([late.ravel(), given.ravel()])).reshape(2, *late.shape)
    return Views(x0, eps, a * eps - s * x0, -eps / s if s > 0.0 else None)
