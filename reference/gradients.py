"""Derivatives without differentiation rules: complex steps, differences with an error bound, moving densities.

A complex step evaluates f at x + ih and reads f' off the imaginary part: no difference is formed and nothing cancels.
Gradients of expectations are taken with the sample points held still and the density moving, which shares nothing with
the pathwise (reparameterised) gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.quadrature import LOG_TWO_PI, line_grid, resolved_sum
from reference.validation import Array, positive_array, real_array, same_shape

STEP = 1e-150
STEP_ON_GRID = {1: 1 / 16, 2: 1 / 8}  # grid spacing in standard deviations, by dimension


class Difference(NamedTuple):
    """A finite-difference gradient and a bound on its error, both of the argument's shape."""

    value: Array
    error: Array


class NormalGradient(NamedTuple):
    """Gradients of an expectation under N(mean, diag sd^2) in mean, in sd and in log sd^2, each of shape (k,)."""

    mean: Array
    sd: Array
    log_variance: Array


def complex_step(f: Callable[[NDArray[np.complex128]], Any], x: ArrayLike) -> Array:
    """Return the gradient of f at x, shape of x; f must be analytic and accept a complex array of that shape."""
    point = real_array("x", x)
    gradient = np.empty_like(point)
    for index in np.ndindex(point.shape):
        moved = point.astype(np.complex128)
        moved[index] += 1j * STEP
        value = complex(f(moved))
        gradient[index] = value.imag / STEP if np.isfinite(value) else np.nan
    if not np.isfinite(gradient).all():
        raise ValueError("f or its gradient is not finite at x; check that f is analytic and defined around x")
    return gradient


def central_difference(f: Callable[[Array], float], x: ArrayLike, step: float = 0.05) -> Difference:
    """Return the gradient of f at x with an error bound, by Richardson's extrapolation of central differences.

    The bound is the larger of the last correction and the rounding error of the finest difference.
    """
    point = real_array("x", x)
    value, error = np.empty_like(point), np.empty_like(point)
    for index in np.ndindex(point.shape):
        value[index], error[index] = _richardson(f, point, index, step * max(1.0, abs(float(point[index]))))
    return Difference(value, error)


def _richardson(f: Callable[[Array], float], x: Array, index: tuple[int, ...], step: float) -> tuple[float, float]:
    rows: list[list[float]] = []
    best, bound = 0.0, np.inf
    for level in range(8):
        h = step / 2**level
        ahead, behind = x.copy(), x.copy()
        ahead[index] += h
        behind[index] -= h
        high, low = float(f(ahead)), float(f(behind))
        row = [(high - low) / (2.0 * h)]
        for k, older in enumerate(rows[-1] if rows else [], start=1):
            row.append(row[-1] + (row[-1] - older) / (4.0**k - 1.0))
        if rows:
            rounding = 4.0 * np.finfo(np.float64).eps * max(abs(high), abs(low)) / h
            error = max(abs(row[-1] - row[-2]), abs(row[-1] - rows[-1][-1])) + rounding
            if error < bound:
                best, bound = row[-1], error
        rows.append(row)
    return best, bound


def expectation_gradient(f: Callable[[Array], Array], mean: ArrayLike, sd: ArrayLike) -> NormalGradient:
    """Return gradients of E f(z), z ~ N(mean, diag sd^2), by differentiating the density on a fixed grid.

    f maps (n, k) to (n,), k <= 2, and need not be differentiable by us. Claims: vae.reparameterization.gradient.
    """
    center, width = real_array("mean", mean, ndim=1), positive_array("sd", sd, ndim=1)
    k = same_shape(mean=center, sd=width)[0]
    if not 1 <= k <= 2:
        raise ValueError(f"mean has {k} entries, but 1 or 2 latents can be summed over; take fewer coordinates")
    step = STEP_ON_GRID[k]
    grids = [line_grid(float(m), float(s), step) for m, s in zip(center, width, strict=True)]
    points = np.stack([axis.ravel() for axis in np.meshgrid(*(g for g, _ in grids), indexing="ij")], axis=1)
    cell = float(np.prod([spacing for _, spacing in grids]))
    values = np.asarray(f(points), dtype=np.float64)
    if values.shape != (points.shape[0],):
        raise ValueError(f"f returned shape {values.shape} for {points.shape[0]} points; return one value a point")

    noise = (points - center) / width
    density = np.exp(np.sum(-0.5 * noise**2 - 0.5 * LOG_TWO_PI, axis=1)) / np.prod(width)
    shape = tuple(grid.size for grid, _ in grids)
    for axis in range(k):  # the score-weighted integrand must be resolved, else its derivative means nothing
        resolved_sum((values * density * noise[:, axis] ** 2).reshape(shape))

    def expectation(parameters: NDArray[np.complex128]) -> complex:
        m, s = parameters[:k], parameters[k:]
        log_density = np.sum(-0.5 * ((points - m) / s) ** 2 - np.log(s) - 0.5 * LOG_TWO_PI, axis=1)
        return complex(np.sum(values * np.exp(log_density)) * cell)

    gradient = complex_step(expectation, np.concatenate([center, width]))
    return NormalGradient(gradient[:k], gradient[k:], 0.5 * width * gradient[k:])


def latent_kl_gradient(mean: ArrayLike, sd: ArrayLike) -> NormalGradient:
    """Return gradients of KL(N(mean, diag sd^2) || N(0, I)), the integral of p log(p/q) on a fixed grid a coordinate.

    Claim: gaussian.kl.gradients.
    """
    center, width = real_array("mean", mean, ndim=1), positive_array("sd", sd, ndim=1)
    same_shape(mean=center, sd=width)
    parts = [_scalar_kl_gradient(float(m), float(s)) for m, s in zip(center, width, strict=True)]
    by_mean, by_sd = np.array([part[0] for part in parts]), np.array([part[1] for part in parts])
    return NormalGradient(by_mean, by_sd, 0.5 * width * by_sd)


def _scalar_kl_gradient(mean: float, sd: float) -> tuple[float, float]:
    offset, spacing = line_grid(0.0, sd)  # from the mean: z - m of a narrow law would lose its digits
    z = mean + offset

    def divergence(parameters: NDArray[np.complex128]) -> complex:
        m, s = parameters
        log_p = -0.5 * ((offset - (m - mean)) / s) ** 2 - np.log(s) - 0.5 * LOG_TWO_PI
        return complex(np.sum(np.exp(log_p) * (log_p + 0.5 * z**2 + 0.5 * LOG_TWO_PI)) * spacing)

    gradient = complex_step(divergence, np.array([mean, sd]))
    return float(gradient[0]), float(gradient[1])
