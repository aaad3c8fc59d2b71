"""Exponential multistep solvers by undetermined coefficients: weights from moments, exact steps by quadrature.

In lambda = log(signal/noise) the flow of x/signal is pulled towards the predicted data m: over a step of size h it
gains the integral of e^{-(h-u)} m(lambda + u). A method replaces it by a weighted sum of known values of m; its weights
are those that are right for every polynomial through so many values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from reference.validation import Array, positive_number, real_array

Curve = Callable[[Array], Array]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
NODES, WEIGHTS = (_NODES + 1.0) / 2.0, _WEIGHTS / 2.0  # of an integral over 0..1


def exact_gain(curve: Curve, level: float, h: float) -> float:
    """Return what a step of size h from `level` adds to x/signal, by quadrature; the curve is smooth on that scale."""
    step = positive_number("h", h)
    return float(np.sum(WEIGHTS * step * np.exp(-step * (1.0 - NODES)) * curve(level + step * NODES)))


def moments(h: float, count: int) -> Array:
    """Return the integrals of h e^{-h(1-v)} v^k over 0..1, k = 0..count-1, by quadrature."""
    step = positive_number("h", h)
    weight = WEIGHTS * step * np.exp(-step * (1.0 - NODES))
    return np.array([float(np.sum(weight * NODES**k)) for k in range(count)])


def weights(h: float, back: ArrayLike) -> Array:
    """Return the weights of values `back` steps ago (first 0, increasing) that are right for polynomials in time."""
    nodes = real_array("back", back, ndim=1)
    if nodes.size == 0 or nodes[0] != 0.0 or (np.diff(nodes) <= 0.0).any():
        raise ValueError(f"back is {nodes.tolist()}, but it must start at 0 and increase; give distances in steps")
    powers = np.vander(-nodes, increasing=True).T
    return np.asarray(np.linalg.solve(powers, moments(h, nodes.size)))


def gain(curve: Curve, level: float, h: float, back: Sequence[float], coefficients: ArrayLike) -> float:
    """Return what a method with these coefficients adds to x/signal in one step."""
    nodes = np.asarray(back, dtype=np.float64)
    return float(np.sum(np.asarray(coefficients) * curve(level - nodes * positive_number("h", h))))


def two_step(h: float, ratio: float) -> Array:
    """Return the weights of DPM-Solver++(2M): a constant's gain times the line through two values, half a step on."""
    first = float(moments(h, 1)[0])
    slope = first / (2.0 * positive_number("ratio", ratio))
    return np.array([first + slope, -slope])


def third_step(h: float, ratios: tuple[float, float], published: bool) -> Array:
    """Return the weights of the third-order step: right, or with half the second difference, as it was published."""
    back = np.array([0.0, ratios[0], ratios[0] + ratios[1]])
    right = weights(h, back)
    if not published:
        return right
    divided = np.array([1.0 / np.prod([a - b for b in back if b != a]) for a in back])  # second divided difference
    return np.asarray(right - float(moments(h, 3)[2]) / 2.0 * divided)
