"""Two laws under one diffusion: closed divergences of Gaussians, enumerated tables, runs of Euler-Maruyama."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special

from reference.gaussians import Gaussian
from threefold.witnesses.cases.diffusions import LinearRun, LinearRuns
from threefold.witnesses.cases.pairs import MovingPair, MovingPairs, OneSampler, Processed
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Inequality, Order, Shape, Value, measured

STEPS = np.array([2.0**-n for n in range(7, 14)])


@measured(
    "sde.kl_dissipation",
    method="the divergence of two Gaussians in closed form, whose means move; no density is differentiated",
    cases=MovingPairs(),
)
def _(s: MovingPair) -> Iterator[Shape]:
    mean, gain, cov = s.given(s.mean, s.root)
    other_mean, other_gain, other_cov = s.given(s.other_mean, s.other_root)
    away, moving = mean - other_mean, (gain - other_gain) @ s.pace
    value = float(away @ np.linalg.solve(other_cov, moving))
    worst = float(np.linalg.cond(cov) * np.linalg.cond(other_cov))
    far = 1 + float(max(np.abs(v).max() for v in (mean, other_mean, s.pace, s.drift.matrix, s.drift.shift)))
    size = 2.0**12 * s.d**2 * worst * far**6 * (1 + s.noise**2) * float(1 + 1 / np.linalg.eigvalsh(cov).min()) ** 3
    yield Value(0, s.point(), value, because="means of products of log-densities and slopes", size=size)


@measured("sdedit.data_processing", method="both tables enumerated, by relative entropies", cases=OneSampler())
def _(s: Processed) -> Iterator[Shape]:
    before = float(special.rel_entr(s.first, s.other).sum())
    after = float(special.rel_entr(s.first @ s.made, s.other @ s.made).sum())
    size = 64.0 * (1 + float(np.abs(np.log(s.first / s.other)).max()))
    because = "sums of logarithms, of laws that were brought to a sum of 1"
    yield Value(0, s.point(), before, because=because, size=size)
    yield Inequality(1, s.point(), after, before, because=because, size=size)


@measured(
    "solver.euler_maruyama.ou",
    method="normal laws pushed through every step; logarithms of what a step leaves",
    cases=LinearRuns(),
)
def _(s: LinearRun) -> Iterator[Shape]:
    point, d = s.point(), len(s.start)
    root = np.sqrt(2 * s.share * s.target)
    laws = [Gaussian(s.start, np.sqrt(s.spread) * np.eye(d))]
    for _ in range(s.n + 1):
        laws.append(laws[-1].affine((1 - s.share) * np.eye(d), 0.0, root * np.eye(d)).compressed())
    here, there = laws[-2], laws[-1]
    seen = float(np.exp(there.log_prob(s.then)))
    far = float((np.abs(s.then - there.mean).max() + 1) ** 2 / there.variances.min())
    because = "a density of a law that was pushed through every step"
    yield Value(0, point, seen, because=because, size=64.0 * d * (s.n + 1) * (1 + far) * max(seen, 1e-3))
    left = float(np.prod(np.full(s.n, 1 - s.share)))
    yield Value(1, point, left, because="a product, factor by factor", rounding=float(8 + s.n))
    held = s.target / (1 - s.share / 2)
    plus = 16.0 * (s.n + 1) * (s.spread + held)
    yield Value(2, point, float(here.variances[0]) - held, because="variances are subtracted", plus=plus)
    rate, time, before, end = 0.75, 1.5, s.spread, s.target
    numbers = {"decay_rate": rate, "long_time": time, "variance_before": before, "target_variance": end}
    runs = [_run(rate, float(h), int(time / h), before, end) for h in STEPS[:4]]
    fading = float(np.exp(-rate * time))
    settled = (1.0 * fading, fading**2 * before + (1 - fading**2) * end)
    for part, side in ((p, side) for p in (3, 4) for side in (Point.lhs, Point.rhs)):
        claim = "solver.euler_maruyama.ou"  # the series of the left side, and what it is stated to be
        told = [float(side(Point(1, {**numbers, "small_step": float(h)}), claim, part)) for h in STEPS[:4]]
        errors = np.array([run[part - 3] - settled[part - 3] for run in runs]) - np.array(told)
        yield Order(part, STEPS[:4], errors, 2)
    yield Value(5, point, held - s.target, because="variances are subtracted", plus=16.0 * held)


def _run(rate: float, h: float, n: int, before: float, end: float) -> tuple[float, float]:
    """What n steps leave of the mean, and the variance after them."""
    left, variance = 1.0, before
    for _ in range(n):
        left, variance = left - rate * h * left, (1 - rate * h) ** 2 * variance + 2 * rate * h * end
    return left, variance
