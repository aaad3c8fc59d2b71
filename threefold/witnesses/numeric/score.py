"""Scores: complex steps of mixtures, Bayes' rule over the data, conditioned loadings, averages over cubature points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reference.gaussians import Gaussian
from threefold.witnesses.cases.scores import Blurred, BlurredGaussians, Noised, NoisedData, exactly
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Shape, Value, measured

STEPS = "a score is a complex step of a log-density, whose terms are larger than it where noise is low"
BEHIND = "the data that may have led here, weighted by shares that move with x"
AVERAGES = "an average of squares over cubature points, of scores that conditioning magnifies"


# --- functions --------------------------------------------------------------------------------------------------------


@measured("score.partition_function", method="complex steps of the normalised density", cases=NoisedData())
def _(s: Noised) -> Iterator[Shape]:
    """The unnormalised log-density is the normalised one, and the logarithm of a factor besides."""
    drawn = s.point()
    law: Any = drawn.tables["q"]
    factor = 7.5

    def log_weight(x: Any) -> Any:
        return law.log_density({("noisy_point",): x}, {}) + exactly(np.log(factor))

    point = Point(
        s.d, {"partition": factor}, vectors=drawn.vectors, exact={"log_weight": log_weight}, tables=drawn.tables
    )
    yield Value(0, point, s.score, because=STEPS, plus=s.magnitude)


@measured(
    "score.conditional_gaussian",
    method="complex steps of the density of one blurred datum; the inverse of its covariance",
    cases=NoisedData(),
)
def _(s: Noised) -> Iterator[Shape]:
    one = Noised(s.signal, s.level, s.data[:1], np.ones(1), s.x, s.u, s.w, s.answer, s.guidance)
    yield Value(0, one.point(), one.score, because=STEPS, plus=one.magnitude)
    back = np.linalg.solve(s.level**2 * np.eye(s.d), -(s.level * s.w))
    size = float((np.abs(s.signal * s.data[0]).max() + np.abs(s.level * s.w).max()) / s.level**2)
    yield Value(1, s.point(), back, because="x less its mean, where both are larger", plus=4 * size)
    yield Value(
        2, s.point(), -float(np.trace(np.linalg.inv(s.level**2 * np.eye(s.d)))), rounding=4.0, because="squares"
    )


@measured(
    "score.moments",
    method="cubature points, complex-step scores, the inverse of the noisy covariance",
    cases=BlurredGaussians(),
)
def _(s: Blurred) -> Iterator[Shape]:
    point, x, scores = s.point(), s.noisy, s.scores(s.noisy)
    along, against, size = scores @ s.u, scores @ s.w, 8 * s.d * s.of_scores
    one, two, reach = (float(np.abs(v).max()) for v in (s.u, s.w, x))
    top = float(np.abs(scores).max())
    yield Value(0, point, scores.mean(axis=0), because=AVERAGES, plus=size, sides=("lhs",))
    yield Value(1, point, s.average(along * against), because=AVERAGES, plus=size * s.d * top * one * two)
    yield Value(2, point, s.average((scores**2).sum(axis=1)), because=AVERAGES, plus=size * top)
    yield Value(3, point, s.average((x @ s.u) * against), because=AVERAGES, plus=size * s.d * reach * one * two)
    yield Value(4, point, s.average((x * scores).sum(axis=1)), because=AVERAGES, plus=size * reach)


# --- what noise tells -------------------------------------------------------------------------------------------------


@measured("score.fisher_identity", method="complex steps of the mixture's log-density", cases=NoisedData())
def _(s: Noised) -> Iterator[Shape]:
    yield Value(0, s.point(), s.score, because=STEPS, plus=s.magnitude)


@measured(
    "score.marginal_identity",
    method="complex steps; Bayes' rule over the data; the noise from each datum",
    cases=NoisedData(),
)
def _(s: Noised) -> Iterator[Shape]:
    point = s.point()
    yield Value(0, point, s.score, because=STEPS, plus=s.magnitude)
    yield Value(1, point, s.denoised, because=BEHIND, plus=s.level**2 * s.magnitude / s.signal)
    noises = (s.x - s.signal * s.data) / s.level
    yield Value(2, point, s.shares @ noises, because="noises, weighted", plus=s.level * s.magnitude)


@measured("score.tweedie", method="posterior mean and covariance by Bayes' rule over the data", cases=NoisedData())
def _(s: Noised) -> Iterator[Shape]:
    point, between, gain = s.point(), float(s.u @ s.scatter @ s.w), s.signal / s.level**2
    spread = s.uncertain * s.d * float(np.abs(s.u).max())
    both, because = spread * float(np.abs(s.w).max()), "products of deviations, weighted by shares that move with x"
    yield Value(0, point, s.denoised, because=BEHIND, plus=s.level**2 * s.magnitude / s.signal)
    yield Value(1, point, gain * between, because=because, size=gain * both)
    yield Value(2, point, between, because=because, size=both)
    yield Value(3, point, gain * (s.scatter @ s.u), because=because, size=gain * spread)


# --- losses -----------------------------------------------------------------------------------------------------------


@measured(
    "regression.pythagoras", method="cubature points, conditional means by conditioning", cases=BlurredGaussians()
)
def _(s: Blurred) -> Iterator[Shape]:
    off = s.answers(s.noisy) - s.clean
    size = s.size(off, s.of_answers, float(np.abs(s.clean).max()))
    yield Value(0, s.point(), s.average((off**2).sum(axis=1)), because=AVERAGES, size=size)


@measured("score.dsm.theorem", method="cubature points, the noise behind each", cases=BlurredGaussians())
def _(s: Blurred) -> Iterator[Shape]:
    target = -(s.noisy - s.signal * s.clean) / s.level**2
    off = s.answers(s.noisy) - target
    size = s.size(off, s.of_answers, s.of_targets)
    yield Value(0, s.point(), s.average((off**2).sum(axis=1)), because=AVERAGES, size=size)


@measured(
    "score.dsm.constant",
    method="cubature points: targets less complex-step scores, data less conditioned means",
    cases=BlurredGaussians(),
)
def _(s: Blurred) -> Iterator[Shape]:
    point, target = s.point(), -(s.noisy - s.signal * s.clean) / s.level**2
    off, behind = target - s.scores(s.noisy), s.clean - s.denoised(s.noisy)
    size = s.size(off, s.of_targets, s.of_scores)
    yield Value(0, point, s.average((off**2).sum(axis=1)), because=AVERAGES, size=size)
    gain = s.signal**2 / s.level**4
    size = gain * s.size(behind, float(np.abs(s.clean).max()) * (1 + s.narrow))
    yield Value(1, point, gain * s.average((behind**2).sum(axis=1)), because=AVERAGES, size=size)
    off = s.answers(s.noisy) - target
    size = s.size(off, s.of_answers, s.of_targets)
    yield Value(2, point, s.average((off**2).sum(axis=1)), because=AVERAGES, size=size)


@measured("score.implicit_matching", method="cubature points and complex-step scores", cases=BlurredGaussians())
def _(s: Blurred) -> Iterator[Shape]:
    off = s.answers(s.noisy) - s.scores(s.noisy)
    size = s.size(off, s.of_answers, s.of_scores)
    yield Value(0, s.point(), s.average((off**2).sum(axis=1)) / 2, because=AVERAGES, size=size)


@measured("score.eps_relation", method="complex steps; a linear solve for the noise", cases=NoisedData())
def _(s: Noised) -> Iterator[Shape]:
    yield Value(0, s.point(), s.score, because=STEPS, plus=s.magnitude)
    yield Value(
        1, s.point(), np.linalg.solve(np.eye(s.d) / s.level, s.answer / s.level), rounding=4.0, because="a solve"
    )


@measured("score.lsimple_dsm", method="squared errors of noises, coordinate by coordinate", cases=NoisedData())
def _(s: Noised) -> Iterator[Shape]:
    size = float(s.d * np.abs(s.answer - s.w).max() * (s.reach / s.level + np.abs(s.answer).max() + np.abs(s.w).max()))
    because = "the noise is found as a difference from the data, in units of its level"
    yield Value(0, s.point(), float(np.sum((s.answer - s.w) ** 2)), because=because, plus=8 * size)


# --- guidance ---------------------------------------------------------------------------------------------------------


@measured(
    "guidance.classifier",
    method="scores of each condition's own Gaussian and of their mixture, by complex steps",
    cases=NoisedData(),
)
def _(s: Noised) -> Iterator[Shape]:
    """Each datum is a condition, and x given it a Gaussian around it."""
    own = Noised(s.signal, s.level, s.data[:1], np.ones(1), s.x, s.u, s.w, s.answer, s.guidance).score
    slope, alpha, variance = own - s.score, 0.75, 0.3125
    point, size = s.point("condition", step_alpha=alpha, step_variance=variance), s.magnitude * (1 + abs(s.guidance))
    yield Value(0, point, own, because=STEPS, plus=size)
    yield Value(1, point, s.score + s.guidance * slope, because=STEPS, plus=size)
    law = Gaussian(s.x / np.sqrt(alpha), np.eye(s.d))  # the mean of a step is affine in the noise
    turned = law.affine(
        np.eye(s.d), -(1 - alpha) / s.level / np.sqrt(alpha) * (s.answer - s.guidance * s.level * slope)
    )
    reach = 8 * float(np.abs(s.x).max() + np.abs(s.answer).max() / s.level)
    yield Value(2, point, turned.mean, because=STEPS, plus=size + reach)
    apart = s.guidance * variance * slope + (s.x - (1 - alpha) / s.level * s.answer) / np.sqrt(alpha) - turned.mean
    yield Value(3, point, apart, because=STEPS, plus=size + 2 * reach)


@measured(
    "guidance.classifier_free.tilted_score",
    method="the line through two complex-step scores",
    cases=NoisedData(),
)
def _(s: Noised) -> Iterator[Shape]:
    own = Noised(s.signal, s.level, s.data[:1], np.ones(1), s.x, s.u, s.w, s.answer, s.guidance).score
    point, size = s.point("condition", partition=2.5), s.magnitude * (1 + abs(s.guidance))
    guided = (1 - s.guidance) * s.score + s.guidance * own
    yield Value(0, point, guided, because=STEPS, plus=size)
    yield Value(1, point, guided, because=STEPS, plus=size)
