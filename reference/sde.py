"""Moments of linear stochastic differential equations, by solving their moment equations numerically.

dx = (slope(t) x + offset(t)) dt + diffusion(t) dw has mean' = slope mean + offset, variance' = 2 slope variance +
diffusion^2. The variance-preserving process, its reverse and its probability flow for normal data are such equations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from reference.validation import Array, positive_number, real_number

Rate: TypeAlias = Callable[[float], float]


class Moments(NamedTuple):
    """Mean and variance of a scalar law."""

    mean: float
    variance: float


def linear_moments(
    slope: Rate, offset: Rate, diffusion: Rate, start: Moments, t0: float, t1: float, tolerance: float = 1e-12
) -> Moments:
    """Return the moments at t1 of the scalar linear equation started with ``start`` at t0.

    t1 < t0 solves backwards in time: mean' keeps its form and noise still adds variance (reverse-time equations).
    """
    from scipy.integrate import solve_ivp

    begin, end = real_number("t0", t0), real_number("t1", t1)
    if begin == end:
        return start
    direction = 1.0 if end > begin else -1.0

    def rates(t: float, y: Array) -> list[float]:
        a = slope(t)
        return [a * y[0] + offset(t), 2.0 * a * y[1] + direction * diffusion(t) ** 2]

    solution = solve_ivp(
        rates, (begin, end), list(start), method="DOP853", rtol=positive_number("tolerance", tolerance), atol=1e-14
    )
    if not solution.success:
        raise ValueError(
            f"the moment equation could not be solved on {begin}..{end} ({solution.message}); check its rates"
        )
    return Moments(float(solution.y[0, -1]), float(solution.y[1, -1]))


def vp_moments(beta: Rate, start: Moments, t: float) -> Moments:
    """Return the moments at t >= 0 of dx = -beta(t)/2 x dt + sqrt(beta(t)) dw started at time 0."""
    return linear_moments(lambda u: -0.5 * beta(u), lambda u: 0.0, lambda u: float(np.sqrt(beta(u))), start, 0.0, t)


def vp_signal_fraction(beta: Rate, t: float) -> float:
    """Return abar(t) of the variance-preserving equation: the squared gain of the mean, from its own equation."""
    return vp_moments(beta, Moments(1.0, 0.0), t).mean ** 2


def reverse_sde_moments(beta: Rate, data: Moments, start: Moments, t: float) -> Moments:
    """Return the moments at time 0 of the reverse stochastic equation run from ``start`` at t.

    dx = (-beta/2 x - beta score) dt + sqrt(beta) dw backwards, with the score of normal data through the process; the
    forward moments that the score needs are solved along the way.
    """
    return _reverse_moments(beta, data, start, t, 1.0, 1.0)


def probability_flow_moments(beta: Rate, data: Moments, start: Moments, t: float) -> Moments:
    """Return the moments at time 0 of the probability flow dx = -beta/2 (x + score) dt run from ``start`` at t."""
    return _reverse_moments(beta, data, start, t, 0.5, 0.0)


def _reverse_moments(beta: Rate, data: Moments, start: Moments, t: float, share: float, noise: float) -> Moments:
    """Solve backwards: mean and distance of the variance from 1 (both retraceable), with the reverse moments."""
    from scipy.integrate import solve_ivp

    end = real_number("t", t)
    if end <= 0.0:
        raise ValueError(f"t is {end}, but the reverse run starts at a time above 0; pass the forward end time")

    def forward(u: float, y: Array) -> list[float]:
        return [-0.5 * beta(u) * y[0], -beta(u) * y[1]]

    def backward(u: float, y: Array) -> list[float]:
        b, m, v = beta(u), y[0], 1.0 - y[1]
        slope, offset = -0.5 * b + share * b / v, -share * b * m / v
        return [*forward(u, y), slope * y[2] + offset, 2.0 * slope * y[3] - noise * b]

    tight = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-16}
    known = solve_ivp(forward, (0.0, end), [data.mean, 1.0 - data.variance], **tight)
    solution = solve_ivp(backward, (end, 0.0), [*known.y[:, -1], *start], **tight) if known.success else known
    if not solution.success:
        raise ValueError(f"the reverse equation could not be solved from {t} ({solution.message}); check beta")
    return Moments(float(solution.y[2, -1]), float(solution.y[3, -1]))
