"""Densities that move: time and space derivatives of a mixture by complex steps, probes by exact cubature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from reference.quadrature import hermite_rule
from threefold.witnesses.cases.moving import Moving, MovingData
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Shape, Value, measured

TINY = 1e-150  # of a complex step: its square is nothing beside the value
STEPS = "complex steps; the parts of a divergence are larger than their sum"


def slope(f: Callable[[Any], Any], at: float) -> Any:
    """f'(at), to rounding."""
    return np.imag(f(at + 1j * TINY)) / TINY


def jacobian(field: Callable[[Any], Any], x: Array) -> Array:
    """Rows are components of the field, columns coordinates of x."""
    return np.stack([np.imag(field(x + 1j * TINY * axis)) / TINY for axis in np.eye(len(x))], axis=-1)


def score(s: Moving, x: Any) -> Array:
    return np.asarray(jacobian(lambda y: s.density(y, s.time), x) / s.density(x, s.time))


def rate(s: Moving) -> float:
    """How fast q_t(x) changes, at x."""
    return float(slope(lambda t: s.density(s.x, t), s.time))


def magnitude(s: Moving) -> float:
    """The size of the parts of a divergence of q times a velocity, at x: a second derivative of q is the largest."""
    q, (f, g2), (_, level) = s.density(s.x, s.time), s.rates(s.time), s.blur(s.time)
    far = float(np.abs(s.x).max() + np.abs(s.data).max())
    bend = (1 + far / level) ** 2 * (1 / level**2)
    pushed = float(np.abs(s.matrix).sum() + np.abs(s.offset).sum() + np.abs(s.other).sum()) * (1 + far)
    spread = s.spread * (1 + far**2)
    return float(
        8 * s.d * q * ((abs(f) * (1 + far) + pushed) * (1 + far / level**2) + (g2 * (1 + s.share**2) + spread) * bend)
    )


@measured("sde.fokker_planck", method="the density's change in time, by a complex step", cases=MovingData())
def _(s: Moving) -> Iterator[Shape]:
    point, size = s.point(), magnitude(s)
    alone = Moving(**{**vars(s), "data": s.data[:1], "weights": np.ones(1)})
    yield Value(0, point, rate(alone), because=STEPS, size=max(size, magnitude(alone)))
    yield Value(1, point, rate(s), because=STEPS, size=size)
    a, level = s.blur(s.time)
    away = s.x - a * s.data
    velocities = slope(lambda t: s.blur(t)[0], s.time) * s.data + s.grow * away / level
    mass = s.weights * np.exp(-(away**2).sum(axis=1) / (2 * level**2)) / (2 * np.pi * level**2) ** (s.d / 2)
    yield Value(2, point, mass @ velocities, because=STEPS, size=size)
    yield Value(3, point, rate(s), because=STEPS, size=size)


@measured("sde.noise_family", method="the divergence of the flow's current, by complex steps", cases=MovingData())
def _(s: Moving) -> Iterator[Shape]:
    current = jacobian(lambda x: s.velocity(x) * s.density(x, s.time), s.x)
    for part in (0, 1):
        yield Value(part, s.point(), -float(np.trace(current)), because=STEPS, size=magnitude(s))


@measured("ode.probability_flow", method="the density's change in time, by a complex step", cases=MovingData())
def _(s: Moving) -> Iterator[Shape]:
    yield Value(0, s.point(), rate(s), because=STEPS, size=magnitude(s))
    beta = s.grow + s.shrink * s.time
    size = 8 * s.d * beta * float(np.abs(s.x).max() + np.abs(score(s, s.x)).max() + 1)
    yield Value(1, s.point(), -beta / 2 * (s.x + score(s, s.x)), because=STEPS, size=size)


@measured("sde.family", method="the density's change in time, by a complex step", cases=MovingData())
def _(s: Moving) -> Iterator[Shape]:
    yield Value(0, s.point(), rate(s), because=STEPS, size=magnitude(s))


@measured("sde.reverse", method="the density's change in time, by a complex step", cases=MovingData())
def _(s: Moving) -> Iterator[Shape]:
    yield Value(0, s.point(), rate(s), because=STEPS, size=magnitude(s))
    beta = s.grow + s.shrink * s.time
    size = 8 * s.d * beta * float(np.abs(s.x).max() + np.abs(score(s, s.x)).max() + 1)
    yield Value(1, s.point(), -beta * (s.x / 2 + score(s, s.x)), because=STEPS, size=size)
    yield Value(2, s.point(), rate(s), because=STEPS, size=magnitude(s))


@measured(
    "ode.log_density", method="traces of Jacobians by complex steps; a moving point's density", cases=MovingData()
)
def _(s: Moving) -> Iterator[Shape]:
    point, q = s.point(), s.density(s.x, s.time)
    divergence = float(np.trace(jacobian(s.velocity, s.x)))
    size = magnitude(s) / q
    yield Value(0, point, -divergence, because=STEPS, size=size)
    apart = (s.other - s.matrix) @ s.x
    yield Value(1, point, -divergence + float(apart @ score(s, s.x)), because=STEPS, size=size)
    f, g2 = s.rates(s.time)
    u = f * s.x - g2 / 2 * score(s, s.x)
    moved = slope(lambda h: np.log(s.density(s.x + h * u, s.time + h)), 0.0)
    yield Value(2, point, float(moved), because=STEPS, size=size)


def bent(s: Moving, x: Any) -> Any:
    return s.matrix @ x + s.offset + x**2 * x[0] / 4


@measured("hutchinson.variance", method="a Gauss-Hermite rule over the probes, J by complex steps", cases=MovingData())
def _(s: Moving) -> Iterator[Shape]:
    point, rows = s.point(probe=s.offset), jacobian(lambda x: bent(s, x), s.x)
    rule = hermite_rule(s.d, 6)
    estimates = np.einsum("ni,ij,nj->n", rule.nodes, rows, rule.nodes)
    mean = float(rule.weights @ estimates)
    size = float(8 * s.d * np.abs(rows).sum() + 1)
    yield Value(0, point, mean, because="a quadrature of 6 nodes each way", size=4 * size)
    spread = float(rule.weights @ (estimates - np.trace(rows)) ** 2)
    yield Value(1, point, spread, because="a quadrature of 6 nodes each way", size=size**2)


@measured("sde.time_change", method="complex steps of signal and level at the time of the clock", cases=MovingData())
def _(s: Moving) -> Iterator[Shape]:
    def read(t: Any) -> Any:
        return t + s.level * t * t / 2

    point, (_, level) = s.point(slope_here=s.offset), s.blur(read(s.time))
    f = float(slope(lambda t: np.log(s.blur(read(t))[0]), s.time))
    g2 = float(slope(lambda t: s.blur(read(t))[1] ** 2, s.time)) - 2 * f * float(level) ** 2
    size = 16 * (1 + abs(f)) * (1 + float(level) ** 2) * (1 + s.level) * (1 + s.grow)
    yield Value(0, point, f, because=STEPS, size=size)
    yield Value(1, point, g2, because=STEPS, size=size)
    far = 1 + float(np.abs(s.x).max() + np.abs(s.offset).max())
    yield Value(2, point, f * s.x - g2 / 2 * s.offset, because=STEPS, size=size * far)
