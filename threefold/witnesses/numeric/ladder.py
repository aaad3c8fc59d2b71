"""Scores under noise: cubature points, SciPy's densities, complex steps of a log-density; costs by tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reference.gaussians import Gaussian
from threefold.witnesses.cases.modes import Crossing, Crossings, Modes, SomeModes
from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.numeric.flows import jacobian, slope
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Inequality, Shape, Value, measured

SHARES = "shares of exponentials, of squares of distances"


@measured(
    "score.noise_ladder", method="cubature points of the noise; the density of two blurred points", cases=SomeModes()
)
def _(s: Modes) -> Iterator[Shape]:
    point, d = s.point(), len(s.x)
    noise = Gaussian.standard(d).cubature()
    centre = s.signal * np.zeros(d)
    scores = np.stack([np.linalg.solve(-(s.level**2) * np.eye(d), row) for row in (centre + s.level * noise) - centre])
    found = float((scores**2).sum(axis=1).mean() / d)
    yield Value(0, point, found, because="averages of squares", rounding=64.0)
    size = 64.0 * d * (1 + max(s.away) / s.level**2) * max(s.density, 1e-300)
    yield Inequality(1, point, 0.0, s.density, because="exponentials of squares of distances", size=size)


def mixture(s: Modes, x: Any) -> Any:
    """log of the mixture's density, up to its normaliser."""
    one, two = ((-((x - v) ** 2).sum() / (2 * s.variance)) for v in (s.one, s.two))
    top = max(float(np.real(s.odds + one)), float(np.real(two)))
    return np.log(np.exp(s.odds + one - top) + np.exp(two - top))


@measured(
    "score.off_support", method="complex steps of the mixture's logarithm, and of a logistic curve", cases=SomeModes()
)
def _(s: Modes) -> Iterator[Shape]:
    point = s.point()
    found: Array = np.asarray(jacobian(lambda x: np.array([mixture(s, x)]), s.x)[0])
    far = float(max(np.abs(s.x - v).max() for v in (s.one, s.two)) + 1)
    size = 64.0 * len(s.x) * (1 + far**2 / s.variance) * far / s.variance
    yield Value(0, point, found, because=SHARES, size=size)
    reply = float(slope(lambda v: 1 / (1 + np.exp(-v)), s.odds))
    yield Value(1, point, reply, because=SHARES, rounding=64.0)
    yield Value(2, point, float(np.reciprocal(2 + 2 * np.cosh(s.odds))), because=SHARES, rounding=64.0)


@measured("flow.rectified", method="the table enumerated: costs of all paths, and of their means", cases=Crossings())
def _(s: Crossing) -> Iterator[Shape]:
    data, points = np.meshgrid([0.0, 1.0], [0.0, 1.0], indexing="ij")
    cost = s.steep * s.velocity(points, data) ** 2 + s.tilt * s.velocity(points, data)
    size = 64.0 * (1 + s.steep + abs(s.tilt)) * (1 + float(np.abs(s.velocity(points, data)).max())) ** 2
    yield Value(0, s.point(), float((s.table * cost).sum()), because="averages of squares", size=size)


@measured("loss.best_gaussian", method="cubature points of data and noise", cases=PathPoints())
def _(s: OnPath) -> Iterator[Shape]:
    d, a, b, (at, of) = s.d, s.signal, s.level, (s.drift, s.rate)
    gain, centre, width = float(s.z[0]), s.other, s.spread
    draws = Gaussian(np.concatenate([centre, np.zeros(d)]), np.diag([np.sqrt(width)] * d + [1.0] * d)).cubature()
    clean, noise = draws[:, :d], draws[:, d:]
    off = at * clean + of * noise - at * centre - gain * (a * clean + b * noise - a * centre)
    found = float((off**2).sum(axis=1).mean() / d)
    large = (abs(at) + abs(gain) * a) ** 2 * (width + float((centre**2).sum())) + (abs(of) + abs(gain) * b) ** 2
    numbers = {"target_data": at, "target_noise": of, "answer_gain": gain, "own_variance": width}
    point = s.point(numbers=numbers, vectors={"middle_of_data": centre, "clean": s.x0})
    yield Value(0, point, found, because="averages of squares of differences", plus=64.0 * d * large)
