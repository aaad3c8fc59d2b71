"""The probability-flow equation of a Gaussian mixture, solved to near rounding error: the truth for samplers.

With y = x / sqrt(abar) and k = sqrt(1 - abar) / sqrt(abar) the flow is dy/dk = E[eps | x_t], that is minus the blur
times the score. An eighth-order Runge-Kutta method integrates it with tolerances far below any sampler's error.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from reference.mixtures import GaussianMixture
from reference.validation import Array, real_array, signal_fraction

TOLERANCE = 1e-12
STENCIL = ((1.0, 8.0), (2.0, -1.0))  # fourth-order central difference, over 12 steps


class Flow(NamedTuple):
    """End points (n, d) of the flow and the log of its volume change along each path, (n,)."""

    x: Array
    log_volume: Array


def flow(mixture: GaussianMixture, x: ArrayLike, abar_from: float, abar_to: float) -> Array:
    """Return where the probability flow carries x, shape (n, d), from one noise level to another; abars in (0, 1]."""
    points = real_array("x", x, ndim=2)
    return _solve(mixture, points, abar_from, abar_to, volume=False).x


def flow_log_prob(mixture: GaussianMixture, x: ArrayLike, abar_from: float, abar_to: float) -> Array:
    """Return log densities at level abar_from found by carrying x to abar_to and the volume along, in nats.

    The density at the far end is the mixture's; the result equals `mixture.log_prob(x, abar_from)`.
    """
    points = real_array("x", x, ndim=2)
    end = _solve(mixture, points, abar_from, abar_to, volume=True)
    return mixture.log_prob(end.x, abar_to) + end.log_volume


def _solve(mixture: GaussianMixture, x: Array, abar_from: float, abar_to: float, volume: bool) -> Flow:
    from scipy.integrate import solve_ivp

    first, last = signal_fraction("abar_from", abar_from), signal_fraction("abar_to", abar_to)
    if first == 0.0 or last == 0.0:
        raise ValueError(f"abars are {first} and {last}, but both must be above 0; stop at the last level with signal")
    n, d = x.shape
    begin, end = np.sqrt(1.0 / first - 1.0), np.sqrt(1.0 / last - 1.0)
    finest = float(min(np.linalg.svd(law.factor, compute_uv=False).min() for law in mixture.components))

    def velocity(k: float, y: Array) -> Array:
        level = 1.0 / (1.0 + k * k)
        return np.asarray(-k * np.sqrt(level) * mixture.score(y * np.sqrt(level), level), dtype=np.float64)

    def rates(k: float, state: Array) -> Array:
        y = state[: n * d].reshape(n, d)
        if not volume:
            return velocity(k, y).ravel()
        trace = np.zeros(n)
        step = 1e-3 * np.sqrt(finest**2 + k * k)
        for axis in np.eye(d):
            for multiple, weight in STENCIL:
                shift = multiple * step * axis
                trace += weight * (velocity(k, y + shift) - velocity(k, y - shift)) @ axis / (12.0 * step)
        return np.concatenate([velocity(k, y).ravel(), trace])

    start = (x / np.sqrt(first)).ravel()
    state = np.concatenate([start, np.zeros(n)]) if volume else start
    if begin != end:
        solution = solve_ivp(rates, (begin, end), state, method="DOP853", rtol=TOLERANCE, atol=TOLERANCE)
        if not solution.success:
            raise ValueError(
                f"the flow could not be solved from {first} to {last} ({solution.message}); keep abar below 1"
            )
        state = solution.y[:, -1]
    stretch = 0.5 * d * np.log(last / first)
    log_volume = state[n * d :] + stretch if volume else np.zeros(n)
    return Flow(state[: n * d].reshape(n, d) * np.sqrt(last), log_volume)
