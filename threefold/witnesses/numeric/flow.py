"""Flow matching: cubature points and conditioned Gaussians, complex steps of mixtures, quadrature along curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special, stats

from reference.gaussians import Gaussian
from reference.quadrature import legendre_rule
from threefold.witnesses.cases.flows import (
    FewPaths,
    MovingGaussian,
    MovingGaussians,
    SomePaths,
    Straight,
    StraightPaths,
    Stretch,
    Stretches,
)
from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.cases.scores import Noised, NoisedData
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Inequality, Shape, Value, measured

STEP = 1e-30
NODES, WEIGHTS = legendre_rule(24, 8)
AVERAGES = "averages of squares over cubature points, of means that conditioning magnifies"
ADDED = "a sum over the nodes of a quadrature, of derivatives by complex steps"


def rate_of(f: Callable[[Any], Any], t: float) -> Array:
    """The derivative of a number or a vector, by a complex step."""
    return np.asarray(np.imag(np.asarray(f(complex(t, STEP)))) / STEP)


def added(f: Callable[[float], Any], upto: float) -> Array:
    """The integral from 0 by Gauss' rule on panels."""
    return np.asarray(sum(w * upto * np.asarray(f(float(n) * upto)) for n, w in zip(NODES, WEIGHTS, strict=True)))


# --- the objective, and the law that moves ----------------------------------------------------------------------------


@measured(
    "flow.matching.objective",
    method="cubature points of the joint Gaussian, paths' velocities at each, means by conditioning",
    cases=MovingGaussians(),
)
def _(s: MovingGaussian) -> Iterator[Shape]:
    d, point = s.d, s.point()
    pair = s.joint.marginal(range(2 * d))
    draws = pair.cubature()
    clean, noisy = draws[:, :d], draws[:, d:]
    target = s.of_path(noisy, clean, np.zeros_like(clean))
    expected = s.of_path(noisy, _behind(pair, noisy), np.zeros_like(clean))
    largest = 8.0 * d * float(max(np.abs(v).max() for v in (target, expected, s.network(noisy))))
    size = largest**2 * float(np.linalg.cond(pair.cov))
    off = s.network(noisy) - target
    yield Value(0, point, float((off**2).sum(axis=1).mean()), because=AVERAGES, size=size)
    slope = 2 * ((s.parameter * s.network(noisy) - target) * s.network(noisy)).sum(axis=1).mean()
    yield Value(1, point, float(slope), because=AVERAGES, size=4 * size)
    yield Value(2, point, float(((target - expected) ** 2).sum(axis=1).mean()), because=AVERAGES, size=size)


def _behind(pair: Gaussian, noisy: Array) -> Array:
    """E[clean | noisy], by conditioning the loadings."""
    d = noisy.shape[1]
    return np.stack([pair.condition(range(d, 2 * d), row).mean for row in noisy])


@measured(
    "flow.marginal_velocity",
    method="regression gains and precisions of the joint Gaussian; no density is differentiated",
    cases=MovingGaussians(),
)
def _(s: MovingGaussian) -> Iterator[Shape]:
    """log q(x | tau) is a quadratic in x - G tau, and the flow is affine in x: its divergence is a trace."""
    d = s.d
    seen, moved, both = slice(d, 2 * d), slice(2 * d, 3 * d), slice(d, 3 * d)
    gain = s.gain(seen, moved)
    law = s.joint.marginal(range(d, 3 * d)).condition(range(d, 2 * d), s.moment)
    score = -np.linalg.solve(law.cov, s.x - law.mean)
    behind = s.joint.condition(range(d, 3 * d), np.concatenate([s.x, s.moment])).mean
    flow = s.of_path(s.x, behind, s.moment)
    jacobian = s.of_path.matrix[:, :d] + s.of_path.matrix[:, d : 2 * d] @ s.gain(slice(0, d), both)[:, :d]
    value = float(-score @ gain @ s.pace + np.trace(jacobian) + flow @ score)
    large = float(max(np.abs(v).max() for v in (s.x, law.mean, behind, flow, s.pace, jacobian)) + 1)
    size = 64 * d * large**2 * float(np.linalg.cond(s.joint.cov)) * (1 + float(np.abs(score).max()))
    yield Value(0, s.point(), value, because="products of scores, gains and velocities", size=size)


@measured(
    "flow.gaussian_velocity",
    method="complex steps in time of the path, of its density and of the whole mixture",
    cases=SomePaths(),
)
def _(s: FewPaths) -> Iterator[Shape]:
    point = s.point()

    def chance(t: Any, z: Array) -> Any:
        away = s.x - np.array(s.centre(z, t))
        width = s.width(t)
        return np.exp(-(away**2).sum() / (2 * width**2)) / (np.sqrt(2 * np.pi) * width) ** len(s.x)

    def moved(t: Any) -> Any:
        return np.array(s.centre(s.data[0], t)) + s.width(t) * s.drawn

    def mixture(t: Any) -> Any:
        return sum(w * chance(t, z) for w, z in zip(s.weights, s.data, strict=True))

    narrow = float(s.width(s.time))
    far = float(np.abs(s.x).max() + max(np.abs(s.centre(z, s.time)).max() for z in s.data) + 1)
    size = 64 * len(s.x) * (1 + far / narrow) ** 4 * (1 + 1 / narrow)
    yield Value(0, point, rate_of(moved, s.time), because=ADDED, plus=far)
    one = float(rate_of(lambda t: chance(t, s.data[0]), s.time))
    yield Value(1, point, one, because="exponents that move", size=size * float(np.real(chance(s.time, s.data[0]))))
    all_of_them = float(rate_of(mixture, s.time))
    yield Value(2, point, all_of_them, because="exponents that move", size=size * float(np.real(mixture(s.time))))


# --- long stretches ---------------------------------------------------------------------------------------------------


@measured("meanflow.identity", method="Gauss' rule along the curve, complex steps in time", cases=Stretches())
def _(s: Stretch) -> Iterator[Shape]:
    point = s.point()
    mean = added(lambda v: s.velocity(s.time + v), s.length) / s.length
    yield Value(0, point, mean, because=ADDED, plus=64.0)
    whole = added(lambda v: np.asarray(s.guess(v)) + v * rate_of(s.guess, v), s.length)
    yield Value(1, point, whole, because=ADDED, plus=64.0)
    change = rate_of(lambda t: s.field(s.place(t), t), s.time)
    yield Value(2, point, change, because=ADDED, plus=64.0 * float(np.abs(change).max() + 1))
    start = np.asarray(s.place(s.time + s.length)) - added(lambda v: rate_of(s.place, s.time + v), s.length)
    yield Value(3, point, start, because=ADDED, plus=64.0)


@measured("consistency.constant", method="Gauss' rule over complex steps along a curve", cases=Stretches())
def _(s: Stretch) -> Iterator[Shape]:
    point = s.point()
    change = added(lambda v: rate_of(lambda t: s.field(s.place(t), t), s.time + v), s.length)
    yield Value(0, point, change, because=ADDED, plus=256.0)


@measured(
    "consistency.function_and_target", method="targets from each datum, weighted by Bayes' rule", cases=NoisedData()
)
def _(s: Noised) -> Iterator[Shape]:
    later, least = s.signal * 1.5, s.level / 4
    numbers: dict[str, Any] = {"signal_t": s.signal, "level_t": s.level, "signal_s": later, "level_s": least}
    numbers |= {"end_level": least, "data_std": s.signal}
    drawn = s.point(**numbers)
    point = replace(drawn, vectors={**drawn.vectors, "answer": s.answer})
    yield Value(0, point, s.x)
    targets = later * s.data + least * (s.x - s.signal * s.data) / s.level
    mean = s.shares @ targets
    stride = later - s.signal * least / s.level
    because = "targets, weighted by shares that move with x"
    yield Value(1, point, mean, because=because, plus=stride * s.level**2 * s.magnitude / s.signal + s.reach)
    off = (targets - mean) @ np.stack([s.u, s.w], axis=1)
    found = float(s.shares @ (off[:, 0] * off[:, 1]))
    size = s.uncertain * s.d * float(np.abs(s.u).max() * np.abs(s.w).max()) * (stride**2 + 1)
    plus = (s.reach * float(np.abs(s.u).max()) + 1) * (s.reach * float(np.abs(s.w).max()) + 1) * (1 + later) ** 2
    yield Value(2, point, found, because=because, size=size + 64 * s.d**2 * plus)


@measured(
    "distillation.progressive",
    method="two steps of the teacher; a solve for what one must be given",
    cases=PathPoints(),
)
def _(s: OnPath) -> Iterator[Shape]:
    """a/sigma grows from step to step, as it does on the way to the data."""
    signals = (s.signal, s.signal * 1.5, s.signal * 3)
    levels = (s.level, s.level, s.level / 2)
    names = ("t", "m", "s")
    numbers = {f"signal_{n}": a for n, a in zip(names, signals, strict=True)}
    numbers |= {f"level_{n}": b for n, b in zip(names, levels, strict=True)}
    vectors = {"state_of_flow": s.z, "guess_early": s.answer, "guess_late": s.other}
    point = s.point(numbers=numbers, vectors=vectors)

    def moved(z: Array, guess: Array, n: int, m: int) -> Array:
        noise = np.linalg.solve(np.array([[levels[n]]]), (z - signals[n] * guess)[None])[0]
        return np.asarray(signals[m] * guess + levels[m] * noise)

    landed = moved(moved(s.z, s.answer, 0, 1), s.other, 1, 2)
    from_nothing, gain = moved(s.z, np.zeros_like(s.z), 0, 2), moved(np.zeros(1), np.ones(1), 0, 2)[0]
    largest = float(max(np.abs(v).max() for v in (s.z, s.answer, s.other))) * (1 + signals[2] + signals[2] / s.level)
    because = "noises are differences of points and their signals"
    yield Value(0, point, landed, because=because, plus=8 * largest)
    yield Value(1, point, (landed - from_nothing) / gain, because=because, plus=8 * largest * (1 + 1 / gain))


# --- the straight path ------------------------------------------------------------------------------------------------


@measured(
    "flow_matching.straight_paths",
    method="the joint law of data, noise and point, conditioned; the width by complex steps; the flow as an equation",
    cases=StraightPaths(),
)
def _(s: Straight) -> Iterator[Shape]:
    point = s.point()
    ends = Gaussian(np.zeros(2), np.diag([s.spread, 1.0]))  # one coordinate of (x_0, eps)
    law = ends.extend(np.array([[s.signal, s.level]]))
    behind = np.stack([law.condition([2], [float(v)]).mean for v in s.x])
    found = behind @ np.array([s.signal_rate, s.level_rate])
    size = 16 * float(np.abs(s.x).max()) * (1 + s.spread / s.level + s.signal * s.spread / s.level) ** 2
    rates = abs(s.signal_rate) * (1 + 1 / s.signal) + abs(s.level_rate) * (1 + 1 / s.level)
    yield Value(0, point, found, because="means that conditioning magnifies, times rates", plus=size * rates)

    def width(t: Any) -> Any:
        return np.sqrt((1 - t) ** 2 * s.spread**2 + t**2 * s.other**2)

    slack = float(s.spread**2 + s.other**2) / float(width(s.time))
    yield Value(1, point, float(rate_of(width, s.time)), because="a difference of two variances", plus=slack)
    middle = float(np.hypot(s.spread / 2, s.other / 2))
    yield Inequality(2, point, middle, float(np.mean([s.spread, s.other])))
    pull = added(lambda t: (4 * t - (1 - t)) / ((1 - t) ** 2 + 4 * t**2), 0.5)  # d log x / dt along the flow
    yield Value(3, point, float(np.exp(pull)), because=ADDED, plus=64.0)


@measured(
    "flow.time_density",
    method="SciPy's logit, logistic and normal laws at the noise level that the time stands for",
    cases=StraightPaths(),
)
def _(s: Straight) -> Iterator[Shape]:
    t, point = s.time, s.point()
    level = float(special.logit(t))
    yield Value(0, point, level, because="a logarithm of a number near 1", plus=2.0)
    rate = float(rate_of(lambda u: np.log(u / (1 - u)), t))
    yield Value(1, point, float(stats.logistic.pdf(level)) * rate, because="a density times its inverse", rounding=16.0)
    moved = float(special.expit(level + np.log(s.shift)))
    because = "a level is a logarithm of a number near 1"
    yield Value(2, point, float(np.exp(special.logit(t) + np.log(s.shift))), because=because, rounding=16.0)
    twice = float(special.expit(special.logit(moved) + np.log(s.again)))
    yield Value(3, point, twice, because=because, plus=4.0)
    density = float(stats.norm.logpdf(level, s.centre, s.width))
    off = (abs(level) + abs(np.log(s.shift)) + abs(s.centre) + 1) / s.width
    yield Value(4, point, density, because=because, plus=8 * off**2)
    snr = 2 * float(np.log1p(-moved) - np.log(moved))
    yield Value(5, point, snr, because=because, plus=8 * (1 + abs(snr) + 1 / (1 - moved) * 2.0**-2))
