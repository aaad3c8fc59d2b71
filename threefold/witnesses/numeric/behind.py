"""What is known behind a noisy point: Bayes' rule over the data, cubature points, weights over log-SNR by slopes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import stats

from threefold.witnesses.cases.cuts import Refined, SomeRefined
from threefold.witnesses.cases.moving import Moving, MovingData
from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.cases.scores import Blurred, BlurredGaussians, Noised, NoisedData, of_data
from threefold.witnesses.numeric.flow import added, rate_of
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Inequality, Shape, Value, measured, measurement

BEHIND = "data that are known from a noisy point, weighted"
AVERAGES = "averages of squares of differences"
SLOPES = "a slope by a complex step"


@measured("denoiser.finite_data", method="complex steps of the mixture's density; Bayes' rule", cases=NoisedData())
def _(s: Noised) -> Iterator[Shape]:
    point = of_data(s)
    size = s.magnitude + float(np.abs(s.score).max())
    yield Value(0, point, s.score, because=SLOPES, size=size)
    blurred = stats.multivariate_normal(s.signal * s.data[-1], s.level**2 * np.eye(s.d))
    plus = 64.0 * s.d * (1 + (s.reach / s.level) ** 2)
    yield Value(1, point, float(np.log(s.weights[-1]) + blurred.logpdf(s.x)), because=BEHIND, plus=plus)
    yield Value(2, point, float(s.shares[-1]), because=BEHIND, plus=plus)
    nearest = int(np.argmin(((s.x / s.signal - s.data) ** 2).sum(axis=1)))
    far = plus * (1 + float(np.abs(s.data).max()))
    yield Value(3, point, s.denoised - s.data[nearest], because=BEHIND, size=far)
    yield Value(4, point, float(s.shares.sum()), because=BEHIND, plus=plus)


i_mmse = measurement("information.i_mmse", method="cubature points, conditioned means; slopes by complex steps")


@i_mmse.over(BlurredGaussians())
def _(s: Blurred) -> Iterator[Shape]:
    speed = float(s.u[0])
    behind = s.clean - s.denoised(s.noisy)
    found = speed * (s.signal / s.level) ** 2 * s.average((behind**2).sum(axis=1))
    size = abs(speed) * (s.signal / s.level) ** 2 * s.size(behind, float(np.abs(s.clean).max()) * (1 + s.narrow))
    off = -(s.noisy - s.signal * s.clean) / s.level**2 - s.scores(s.noisy)
    size += abs(speed) * s.level**2 * s.size(off, s.of_targets, s.of_scores)
    point = s.point()
    numbers = {**point.numbers, "log_ratio_rate": speed}
    yield Value(0, Point(s.d, numbers, vectors=point.vectors, tables=point.tables), found, because=AVERAGES, size=size)


@i_mmse.over(MovingData())
def _(s: Moving) -> Iterator[Shape]:
    def ratio(t: complex) -> complex:
        signal, level = s.blur(t)
        return complex((signal / level) ** 2)

    yield Value(1, s.point(), float(rate_of(ratio, s.time)) / 2, because=SLOPES, plus=64.0 * abs(ratio(s.time)))


@i_mmse.over(PathPoints())
def _(s: OnPath) -> Iterator[Shape]:
    found = float(rate_of(lambda g: np.log(1 + g * s.spread) / 2, s.level))
    point = Point(1, {"snr_now": s.level, "own_variance": s.spread})
    yield Value(2, point, found, because=SLOPES, plus=64.0)


@measured("ddpm.reverse.moments", method="posterior mean and covariance by Bayes' rule", cases=NoisedData())
def _(full: Noised) -> Iterator[Shape]:
    s = full.kept()
    point, between = s.point(), float(s.u @ s.scatter @ s.w)
    size = s.uncertain * s.d * float(np.abs(s.u).max()) * float(np.abs(s.w).max())
    yield Value(0, point, s.denoised, because=BEHIND, plus=s.level**2 * s.magnitude / s.signal)
    yield Value(1, point, between, because=BEHIND, size=size)


@measured(
    "weights.log_snr_form", method="Gauss' rule over complex-step rates; NumPy's angles and slopes", cases=SomeRefined()
)
def _(s: Refined) -> Iterator[Shape]:
    area = added(lambda u: -rate_of(lambda v: s.area(s.log_snr(v)), u), 1.0)
    yield Value(0, s.clock(), float(area), because="a sum over the nodes of a quadrature", plus=64.0)
    point, angle = s.times(), 2 * float(np.arctan(s.tangent))
    signal, level = float(np.cos(angle)), float(np.sin(angle))
    clock = 4 / (np.pi * (1 + s.tangent**2))
    large = 256.0 / (signal * level) ** 3
    yield Value(1, point, clock, because=SLOPES, plus=large)
    yield Value(2, point, clock / signal**2, because=SLOPES, plus=large)
    slope = float(rate_of(lambda t: 2 * np.log((1 - t) / t), s.straight))
    found = -slope * s.straight / (1 - s.straight) / 2
    yield Value(3, point, found, because=SLOPES, plus=large / (1 - s.straight) ** 3)
    level, spread = s.level, s.spread
    found = float((level**2 + spread**2) / spread**2)
    yield Value(4, point, found)


@measured("vdm.refinement", method="both sums of the bound over all steps, by NumPy", cases=SomeRefined())
def _(s: Refined) -> Iterator[Shape]:
    snr = np.concatenate([[0.0], np.cumsum(np.stack([s.first, s.second], axis=1).ravel()[::-1])])[::-1]
    errors = np.stack([s.between, s.between + s.more], axis=1).ravel()
    fine = float(-np.diff(snr) @ errors / 2)
    coarse = float(-np.diff(snr[::2]) @ errors[1::2] / 2)
    large = 16.0 * len(errors) * float(snr[0]) * float(np.abs(errors).max())
    yield Value(0, s.steps(), coarse - fine, because="a difference of two sums", plus=large)
    rising = replace(s, more=np.abs(s.more))
    errors = np.stack([rising.between, rising.between + rising.more], axis=1).ravel()
    fine, coarse = float(-np.diff(snr) @ errors / 2), float(-np.diff(snr[::2]) @ errors[1::2] / 2)
    yield Inequality(1, rising.steps(), fine, coarse, because="sums of products", size=large)
    for part, (grid, asked) in enumerate((([4.0, 1.0], [0.5]), ([4.0, 2.0, 1.0], [2.0, 0.5])), 2):
        yield Value(part, s.steps(), float(-np.diff(grid) @ np.array(asked) / 2))
