"""Both ends of the noise: cubature points of noise and data, recursions of the chain, lines through two levels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reference import chain
from reference.gaussians import Gaussian
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.levels import Emptied, SignalLevels
from threefold.witnesses.cases.onestep import OneStep, OneSteps
from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.cases.schedules import Once
from threefold.witnesses.numeric.paths import solved
from threefold.witnesses.point import Array, GaussianLaw, Point
from threefold.witnesses.shapes import Shape, Value, measured

SQUARES = "averages of squares of differences"


def mean_square(rows: Array) -> float:
    return float((np.asarray(rows) ** 2).sum(axis=1).mean())


@measured("ddpm.parameterization.high_noise_identity", method="cubature points of the noise", cases=Steps(share=2))
def _(s: Step) -> Iterator[Shape]:
    gains, rows = chain.loadings(s.betas, [s.t])
    noise, level = Gaussian.standard(s.d).cubature(), float(np.linalg.norm(rows[0]))
    found = mean_square(gains[0] * s.x0 + level * noise - noise)
    yield Value(0, s.point(), found, because=SQUARES, plus=16.0 * (gains[0] ** 2 * float(s.x0 @ s.x0) + s.d))


@measured(
    "ddpm.forward.symbol_reuse",
    method="the recursion, and cubature points of both noises",
    cases=Steps(least_t=2, share=4),
)
def _(s: Step) -> Iterator[Shape]:
    point, d = s.point(vectors={"z": s.x_prev}), s.d
    gains, rows = chain.loadings(s.betas, [s.t - 1, s.t])
    before, now = (float(np.linalg.norm(row)) for row in rows)
    beta = float(s.betas[s.t - 1])

    def stepped(start: Array, old: Array, new: Array) -> Array:
        return np.asarray(np.sqrt(1 - beta) * (gains[0] * start + before * old) + np.sqrt(beta) * new)

    large = float(max(np.abs(v).max() for v in (s.x0, s.x_prev, s.noise)) + 1)
    yield Value(0, point, stepped(s.x0, s.x_prev, s.noise), because="a walk, step by step", plus=16.0 * large)
    draws = Gaussian.standard(2 * d).cubature()
    old, new = draws[:, :d], draws[:, d:]
    jump = stepped(np.zeros(d), old, new) / now
    yield Value(1, point, mean_square(jump), because=SQUARES, rounding=64.0 * s.T, plus=64.0 * d * s.T)
    along = float((new * jump).sum(axis=1).mean() / d)
    yield Value(2, point, along, because="averages of products", rounding=64.0 * s.T, plus=64.0 * s.T)


# --- one step ---------------------------------------------------------------------------------------------------------


@measured("onestep.alpha_one", method="cubature points of the noise", cases=OneSteps())
def _(s: OneStep) -> Iterator[Shape]:
    noise = Gaussian.standard(s.d).cubature()
    point = Point(s.d, vectors={"constant_guess": s.x0, "eps": s.noise})
    yield Value(0, point, mean_square(noise - s.x0), because=SQUARES, rounding=64.0)


def with_noises(s: OneStep) -> Point:
    return Point(s.d, {"alpha_one": s.alpha}, x={0: s.x0}, vectors={"eps": s.noise, "z": s.x0 - s.noise})


@measured("onestep.alpha_zero", method="cubature points of the noise; the data that a noise implies", cases=OneSteps())
def _(s: OneStep) -> Iterator[Shape]:
    point, a, b = with_noises(s), np.sqrt(s.alpha), np.sqrt(1 - s.alpha)
    noise = Gaussian.standard(s.d).cubature()
    size = 64.0 * (float(s.x0 @ s.x0) + s.d) * (1 + 1 / s.alpha)
    yield Value(0, point, mean_square(a * s.x0 + b * noise - noise), because=SQUARES, plus=size)
    mixed = a * s.x0 + b * s.noise
    clean = solved([(a, b), (0.0, 1.0)], [mixed, s.x0 - s.noise])[0]
    off = float(((clean - s.x0) ** 2).sum())
    yield Value(
        1, point, off, because=SQUARES, plus=64.0 * (1 + 1 / s.alpha) * float(np.abs(mixed).max() + 1) ** 2 * 64
    )
    points = a * s.x0 + b * noise
    yield Value(2, point, mean_square((points - b * points) / a), because=SQUARES, plus=size)


def data_of(s: OneStep) -> tuple[Gaussian, Point]:
    """A normal law of data around x_0, and the point that holds it."""
    d = s.d
    root = np.eye(d) * s.data_spread
    law = GaussianLaw({("x", 0): d}, list(s.x0), (root @ root.T).tolist())
    vectors = {"eps": s.noise, "way": s.noise}
    return Gaussian(s.x0, root), Point(d, {"alpha_one": s.alpha}, x={0: s.x0}, vectors=vectors, tables={"p_data": law})


@measured("onestep.alpha_half", method="cubature points of the data", cases=OneSteps())
def _(s: OneStep) -> Iterator[Shape]:
    law, point = data_of(s)
    yield Value(0, point, mean_square(np.sqrt(s.alpha) * law.cubature()), because=SQUARES, rounding=64.0)


@measured("onestep.tradeoff", method="the joint normal law of data and noise, pushed forward", cases=OneSteps(share=4))
def _(s: OneStep) -> Iterator[Shape]:
    law, point = data_of(s)
    mixed = law.affine(np.sqrt(s.alpha) * np.eye(s.d), 0.0, np.sqrt(1 - s.alpha) * np.eye(s.d))
    large = float(np.abs(s.x0).max() + 1) ** 2 * float(np.abs(s.noise).max() + 1) ** 2 * 64.0 * s.d
    yield Value(0, point, float(s.noise @ mixed.mean), because="inner products", plus=large)
    yield Value(1, point, float(s.noise @ mixed.cov @ s.noise), because="squares less squares", plus=large * s.d)


@measured("onestep.alpha_sweep.coefficients", method="sides of right-angled triangles", cases=Once())
def _(_: Once) -> Iterator[Shape]:
    for part, angle in enumerate((np.arcsin(0.1**0.5), np.arcsin(0.9**0.5), np.pi / 4, np.arccos(0.1**0.5))):
        yield Value(part, Point(1), float(np.cos(angle)), because="cosines of rounded angles", rounding=64.0)
    yield Value(4, Point(1), float(np.sin(np.arccos(0.1**0.5))), because="sines of rounded angles", rounding=64.0)


# --- no signal at the end ---------------------------------------------------------------------------------------------


@measured("schedule.zero_terminal_snr", method="the line through two levels, by a 2x2 solve", cases=SignalLevels())
def _(s: Emptied) -> Iterator[Shape]:
    point, because = s.point(), "a line through two levels, near to each other at times"
    slope, shift = solved([(s.first, 1.0), (s.last, 1.0)], [np.array([s.first]), np.array([0.0])])
    here, later = (float((slope * v + shift)[0]) for v in (s.here, s.later))
    plus = 64.0 * (1 + s.first / (s.first - s.last)) ** 2
    yield Value(0, point, s.first, because=because, plus=plus)
    yield Value(1, point, 0.0, because=because, plus=plus)
    yield Value(2, point, 1.0)
    yield Value(3, point, here - later, because=because, plus=plus)
    yield Value(4, point, s.here - here, because=because, plus=plus)


# --- one datum --------------------------------------------------------------------------------------------------------


@measured("solver.constant_denoiser.exact", method="solves for the noise seen, and straight lines", cases=PathPoints())
def _(s: OnPath) -> Iterator[Shape]:
    signals, levels = (s.signal, s.signal * 1.5, s.signal * 3), (s.level, s.level / 2, s.level / 4)
    numbers = {f"signal_{n}": a for n, a in zip("tms", signals, strict=True)}
    numbers |= {f"level_{n}": b for n, b in zip("tms", levels, strict=True)}
    numbers |= {"past_weight_1": s.drift, "past_weight_2": s.rate}
    point = s.point(numbers=numbers, vectors={"state_of_flow": s.z, "only_datum": s.answer})
    noise = solved([(signals[0], levels[0]), (1.0, 0.0)], [s.z, s.answer])[1]
    landed = signals[2] * s.answer + levels[2] * noise
    large = float(max(np.abs(v).max() for v in (s.z, s.answer))) + 1
    plus = 64.0 * large * (1 + s.signal) * (1 + signals[0] / levels[0]) * (1 + levels[0] + abs(s.drift) + abs(s.rate))
    because = "differences of data, divided by a level"
    yield Value(0, point, levels[2] * noise, because=because, plus=plus)
    yield Value(1, point, landed, because=because, plus=plus)
    yield Value(2, point, noise, because=because, plus=plus * (1 + 4 / s.level))
    yield Value(3, point, landed, because=because, plus=plus)
    yield Value(4, point, s.answer, because=because, plus=plus)


@measured(
    "ddpm.parameterization.eps_target_scale",
    method="what conditioning leaves of noise and data; no average is taken",
    cases=Steps(share=4),
)
def _(s: Step) -> Iterator[Shape]:
    gains, rows = chain.loadings(s.betas, [s.t])
    law = Gaussian.standard(2).extend(np.array([[gains[0], float(np.linalg.norm(rows[0]))]]))
    left = law.condition([2], [0.0]).variances
    point = s.point(vectors={"clean": s.x0})
    yield Value(0, point, float(left[1]), because="variances that conditioning leaves", plus=64.0)
    yield Value(1, point, float(left[0]), because="variances that conditioning leaves", plus=64.0)
