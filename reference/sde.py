"""Moments of linear stochastic differential equations, by solving their moment equations numerically.

dx = (slope(t) x + offset(t)) dt + diffusion(t) dw has mean' = slope mean + offset, variance' = 2 slope variance +
diffusion^2. The variance-preserving process, its reverse and its probability flow for normal data are such equations.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from reference.validation import Array, positive_number, real_number

Rate: TypeAlias = Callable[[float], float]

EVALUATIONS = 50_000


class Moments(NamedTuple):
    """Mean and variance of a scalar law."""

    mean: float
    variance: float


def linear_moments(
    slope: Rate, offset: Rate, diffusion: Rate, start: Moments, t0: float, t1: float, tolerance: float = 1e-12
) -> Moments:
    """Return the moments at t1 of the scalar linear equation started with `start` at t0.

    t1 < t0 solves backwards in time: mean' keeps its form and noise still adds variance (reverse-time equations).
    """
    begin, end = real_number("t0", t0), real_number("t1", t1)
    if begin == end:
        return start
    direction = 1.0 if end > begin else -1.0

    def rates(t: float, y: Array) -> list[float]:
        a = slope(t)
        return [a * y[0] + offset(t), 2.0 * a * y[1] + direction * diffusion(t) ** 2]

    mean, variance = _solved(rates, begin, end, [*start], positive_number("tolerance", tolerance))
    return Moments(mean, variance)


def vp_moments(beta: Rate, start: Moments, t: float) -> Moments:
    """Return the moments at t >= 0 of dx = -beta(t)/2 x dt + sqrt(beta(t)) dw started at time 0."""
    return linear_moments(lambda u: -0.5 * beta(u), lambda u: 0.0, lambda u: float(np.sqrt(beta(u))), start, 0.0, t)


def vp_signal_fraction(beta: Rate, t: float) -> float:
    """Return abar(t) of the variance-preserving equation: the squared gain of the mean, from its own equation."""
    return vp_moments(beta, Moments(1.0, 0.0), t).mean ** 2


def reverse_sde_moments(beta: Rate, data: Moments, start: Moments, t: float) -> Moments:
    """Return the moments at time 0 of the reverse stochastic equation run from `start` at t.

    dx = (-beta/2 x - beta score) dt + sqrt(beta) dw backwards, with the score of normal data through the process; the
    forward moments that the score needs are solved along the way.
    """
    return _reverse_moments(beta, data, start, t, 1.0, 1.0)


def probability_flow_moments(beta: Rate, data: Moments, start: Moments, t: float) -> Moments:
    """Return the moments at time 0 of the probability flow dx = -beta/2 (x + score) dt run from `start` at t."""
    return _reverse_moments(beta, data, start, t, 0.5, 0.0)


def _reverse_moments(beta: Rate, data: Moments, start: Moments, t: float, share: float, noise: float) -> Moments:
    """Solve backwards: mean and distance of the variance from 1 (both retraceable), with the reverse moments."""
    end = real_number("t", t)
    if end <= 0.0:
        raise ValueError(f"t is {end}, but the reverse run starts at a time above 0; pass the forward end time")

    def forward(u: float, y: Array) -> list[float]:
        return [-0.5 * beta(u) * y[0], -beta(u) * y[1]]

    def backward(u: float, y: Array) -> list[float]:
        b, m, v = beta(u), y[0], 1.0 - y[1]
        slope, offset = -0.5 * b + share * b / v, -share * b * m / v
        return [*forward(u, y), slope * y[2] + offset, 2.0 * slope * y[3] - noise * b]

    known = _solved(forward, 0.0, end, [data.mean, 1.0 - data.variance])
    *_, mean, variance = _solved(backward, end, 0.0, [*known, *start])
    return Moments(mean, variance)


def _solved(
    rates: Callable[[float, Array], list[float]], t0: float, t1: float, start: list[float], tolerance: float = 1e-12
) -> list[float]:
    """Return the solution at t1; ValueError where the rates are not finite or the equation is too stiff to follow."""
    from scipy.integrate import solve_ivp

    calls = itertools.count(1)

    def guarded(t: float, y: Array) -> list[float]:
        values = rates(t, y)
        if not np.isfinite(values).all():
            raise ValueError(f"the rates at time {t} are {values}, but they must be finite; keep away from that time")
        if next(calls) > EVALUATIONS:
            raise ValueError(f"the equation takes over {EVALUATIONS} evaluations by time {t}; keep away from that time")
        return values

    solution = solve_ivp(guarded, (t0, t1), start, method="DOP853", rtol=tolerance, atol=1e-16)
    if not solution.success:
        raise ValueError(f"the equation could not be solved on {t0}..{t1} ({solution.message}); check its rates")
    return [float(value) for value in solution.y[:, -1]]
