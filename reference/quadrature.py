"""Integrals on the line and expectations under normal laws, by summation on a fine grid.

The rule is the trapezoid rule on the whole line. For an integrand that is analytic and decays like a normal density
its error falls as exp(-c/step^2), so that the default grid reaches rounding error; it uses no moment of the normal law,
only its density. Gauss-Hermite nodes serve where dimensions multiply.

No sum is trusted blindly. Every second node makes a rule of its own, of twice the step; for an analytic integrand the
whole rule's error is about the square of the difference of the two halves. Where they differ by more than 1e-6 of the
summed magnitudes (and by more than the caller's floor, the size of its rounding error) the sum is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from reference.validation import Array, integer, positive_number, real_array, real_number

Function: TypeAlias = Callable[[Array], Array]

STEP = 1.0 / 16.0
REACH = 10.0  # standard deviations; the normal density is 7.7e-23 there
RESOLVED = 1e-6  # largest difference of the two half rules, relative to the sum of magnitudes
LOG_ROUNDING = 1e-12  # nats: differences of log densities below this are rounding error
LOG_TWO_PI = float(np.log(2.0 * np.pi))


class Unresolved(ValueError):
    """A sum over a grid whose two halves disagree: the integrand is too rough or too narrow for it."""


@dataclass(frozen=True, eq=False)
class Rule:
    """Nodes, shape (n, d), and weights, shape (n,), of a rule for N(0, I): E f is weights @ f(nodes)."""

    nodes: Array
    weights: Array


def line_grid(center: float, scale: float, step: float = STEP, reach: float = REACH) -> tuple[Array, float]:
    """Return the grid center + scale * (-reach, ..., reach) and its spacing, for a sum in place of an integral."""
    center, scale = real_number("center", center), positive_number("scale", scale)
    half = integer("reach / step", round(positive_number("reach", reach) / positive_number("step", step)), 1)
    return center + scale * step * np.arange(-half, half + 1, dtype=np.float64), scale * step


def integrate_line(
    f: Function,
    center: float = 0.0,
    scale: float = 1.0,
    step: float = STEP,
    reach: float = REACH,
    floor: float = 0.0,
) -> float:
    """Return the integral of f over the line; f maps (n,) to (n,) and decays like a normal of that center and scale."""
    grid, spacing = line_grid(center, scale, step, reach)
    return resolved_sum(_evaluated(f, grid) * spacing, floor)


@lru_cache(maxsize=64)
def normal_rule(dimension: int = 1, step: float = STEP, reach: float = REACH) -> Rule:
    """Return the trapezoid rule for N(0, I) in `dimension` <= 2 coordinates (a tensor grid)."""
    integer("dimension", dimension, 1, 2)
    grid, spacing = line_grid(0.0, 1.0, step, reach)
    return _tensor(grid, spacing * np.exp(-0.5 * (grid**2 + LOG_TWO_PI)), dimension)


@lru_cache(maxsize=64)
def hermite_rule(dimension: int = 1, order: int = 48) -> Rule:
    """Return the tensor Gauss-Hermite rule for N(0, I): exact for polynomials of degree 2 order - 1 per coordinate."""
    dimension, order = integer("dimension", dimension, 1, 6), integer("order", order, 1, 180)
    if order**dimension > 4_000_000:
        raise ValueError(
            f"order {order} in dimension {dimension} needs {order**dimension} nodes, limit 4000000; lower order"
        )
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    return _tensor(nodes, weights / np.sum(weights), dimension)


def normal_expectation(
    f: Function, mean: float, sd: float, step: float = STEP, reach: float = REACH, floor: float = 0.0
) -> float:
    """Return E f(X) for X ~ N(mean, sd^2); f maps (n,) to (n,). sd = 0 gives f(mean)."""
    mean, sd = real_number("mean", mean), real_number("sd", sd)
    if sd < 0.0:
        raise ValueError(f"sd is {sd}, but it must be at least 0; pass the standard deviation, not its negative")
    rule = normal_rule(1, step, reach)
    return resolved_sum(rule.weights * _evaluated(f, mean + sd * rule.nodes[:, 0]), floor)


def normal_expectation_nd(
    f: Function, mean: Array, factor: Array, steps: Sequence[float] | None = None, floor: float = 0.0
) -> float:
    """Return E f(mean + factor eps), eps ~ N(0, I_m); f maps (n, d) to (n,), factor has shape (d, m), m <= 4.

    For m <= 2 the first of the grids with these steps that resolves f (1/16 on the line, 1/8 then 1/16 in the plane,
    unless said); Gauss-Hermite of two orders, which must agree, above.
    """
    center, loading = real_array("mean", mean, ndim=1), real_array("factor", factor, ndim=2)
    if loading.shape[0] != center.size:
        raise ValueError(f"factor has shape {loading.shape}, but needs {center.size} rows; match it to the mean")
    m = integer("the number of columns of factor", loading.shape[1], 1, 4)

    def terms(rule: Rule) -> Array:
        return rule.weights * _evaluated(f, center + rule.nodes @ loading.T)

    if m > 2:
        fine, coarse = terms(hermite_rule(m, 24)), terms(hermite_rule(m, 21))
        _require_resolved(float(np.sum(fine) - np.sum(coarse)), float(np.sum(np.abs(fine))), floor)
        return float(np.sum(fine))
    *early, last = steps or ((STEP,) if m == 1 else (2.0 * STEP, STEP))
    for step in early:
        with contextlib.suppress(Unresolved):
            return resolved_sum(_gridded(terms(normal_rule(m, step)), m), floor)
    return resolved_sum(_gridded(terms(normal_rule(m, last)), m), floor)


def _gridded(terms: Array, dimension: int) -> Array:
    side = round(terms.size ** (1.0 / dimension))
    return terms.reshape((side,) * dimension)


def resolved_sum(terms: Array, floor: float = 0.0) -> float:
    """Return the sum of a trapezoid rule's terms, one axis a grid direction, if every direction is resolved.

    Differences of the two halves below `floor` count as rounding error.
    """
    magnitude = float(np.sum(np.abs(terms)))
    for axis in range(terms.ndim):
        lines = np.moveaxis(terms, axis, 0)
        _require_resolved(float(np.sum(lines[::2]) - np.sum(lines[1::2])), magnitude, floor)
    return float(np.sum(terms))


def _require_resolved(difference: float, magnitude: float, floor: float) -> None:
    if abs(difference) > max(RESOLVED * magnitude, floor):
        raise Unresolved(
            f"two rules of one integral differ by {abs(difference) / magnitude:.1e} of its size, limit {RESOLVED}: "
            "the integrand is too rough or narrow for the grid; give its own center, scale and step, or smooth it"
        )


def legendre_rule(order: int, panels: int = 1) -> tuple[Array, Array]:
    """Return nodes and weights of the composite Gauss-Legendre rule on [0, 1]."""
    order, panels = integer("order", order, 1, 500), integer("panels", panels, 1, 100_000)
    nodes, weights = np.polynomial.legendre.leggauss(order)
    left = np.arange(panels)[:, None]
    return ((left + 0.5 * (nodes + 1.0)) / panels).ravel(), np.tile(0.5 * weights / panels, panels)


def _tensor(nodes: Array, weights: Array, dimension: int) -> Rule:
    mesh = np.meshgrid(*([nodes] * dimension), indexing="ij")
    product = np.ones((1,))
    for _ in range(dimension):
        product = np.multiply.outer(product, weights).ravel()
    return Rule(np.stack([axis.ravel() for axis in mesh], axis=1), product)


def _evaluated(f: Function, points: Array) -> Array:
    values = np.asarray(f(points), dtype=np.float64)
    if values.shape != points.shape[:1]:
        raise ValueError(
            f"the integrand returned shape {values.shape} for {points.shape[0]} points; return one value a point"
        )
    if not np.isfinite(values).all():
        raise ValueError(
            "the integrand is not finite on the grid; give its logarithm's tail a finite value or shrink the reach"
        )
    return values
