"""Scores as `torch_impl` takes them from what a network predicts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from threefold.witnesses.built import from_levels
from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.cases.scores import Blurred, BlurredGaussians, Noised, NoisedData
from threefold.witnesses.point import Point
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.denoiser.guidance import classifier_guidance
from torch_impl.oracle import GaussianMixture
from torch_impl.process.parameterization import view

ORACLES = "the oracle of a known law computes both; tests/torch_impl compares them by autograd of its log-density"


@trained(
    "score.conditional_gaussian",
    method="the view of a score that belongs to the true noise",
    cases=PathPoints(),
    excused={0: "the code never differentiates the corruption: it knows the noise", 2: "no code takes a Laplacian"},
)
def _(s: OnPath, on: On) -> Iterator[Shape]:
    _, share = view("eps", "score", on.fixed(s.signal), on.fixed(s.level))
    noise = on(s.noise)
    point = s.point(vectors={"noisy_point": s.x, "clean": s.x0})
    yield Computed(1, point, share * noise, {("vectors", "eps"): noise})


@trained(
    "score.eps_relation",
    method="the view of a score, and back",
    cases=PathPoints(),
    excused={0: "about the best network there is: " + ORACLES},
)
def _(s: OnPath, on: On) -> Iterator[Shape]:
    signal, level, answer = on.fixed(s.signal), on.fixed(s.level), on(s.answer)
    (_, to_score), (_, back) = view("eps", "score", signal, level), view("score", "eps", signal, level)
    yield Computed(1, s.point(), back * (to_score * answer), {("vectors", "prediction"): answer})


@trained("score.lsimple_dsm", method="squared errors of two views of a score", cases=PathPoints())
def _(s: OnPath, on: On) -> Iterator[Shape]:
    level, answer, noise = on.fixed(s.level), on(s.answer), on(s.noise)
    _, share = view("eps", "score", on.fixed(s.signal), level)
    off = (share * answer - share * noise).square().sum()
    by = {("vectors", "prediction"): answer, ("vectors", "eps"): noise}
    yield Computed(0, s.point(vectors={"clean": s.x0}), level.square() * off, by)


Known = tuple[GaussianMixture, Point, Tensor]


def known(s: Blurred, on: On) -> Known:
    """The oracle of Gaussian data with independent coordinates under one noise level, the same law, and a point."""
    root = np.diag(np.diag(s.root))
    with _disable_current_modes():
        schedule = from_levels([s.signal**2 / (s.signal**2 + s.level**2)]).schedule
        variances = torch.tensor(np.diag(root)[None] ** 2)
        oracle = GaussianMixture([1.0], torch.tensor(s.mean[None]), variances, schedule)
    level = schedule.level(1)
    point = replace(s, signal=level.signal, level=level.sigma, root=root).point()
    return oracle, replace(point, vectors={**point.vectors, "noisy_point": s.shift}), on(s.shift)


@trained(
    "score.marginal_identity",
    method="the score, the denoiser and the expected noise of an oracle",
    cases=BlurredGaussians(share=4),
    no_gradient="the oracles are what a network is compared with: nothing is trained through them",
)
def _(s: Blurred, on: On) -> Iterator[Shape]:
    oracle, point, x = known(s, on)
    yield Computed(0, point, oracle.score(x[None], 1)[0])
    yield Computed(1, point, oracle.denoiser(x[None], 1)[0])
    yield Computed(2, point, oracle.noise(x[None], 1)[0])


@trained(
    "score.tweedie",
    method="an oracle's denoiser, and its Jacobian by autograd",
    cases=BlurredGaussians(share=4),
    excused={2: "the code computes no posterior covariance: it is the Jacobian over a number, statement 2"},
    dtypes=("float64",),
)
def _(s: Blurred, on: On) -> Iterator[Shape]:
    oracle, point, x = known(s, on)
    answer = oracle.denoiser(x[None], 1)[0]
    (back,) = torch.autograd.grad((answer * on.fixed(s.u)).sum(), x)
    yield Computed(0, point, answer)
    yield Computed(1, point, (back * on.fixed(s.w)).sum(), side="lhs", gradient=True)
    yield Computed(3, point, back, side="lhs", gradient=True)


@trained(
    "guidance.classifier",
    method="classifier_guidance by Bayes' classifier of the data, for a network that predicts the noise",
    cases=NoisedData(),
    excused={
        0: "the code has no score of its own: it adds to what a network says",
        1: "statement 3 with the best noise for the network's",
        3: "the code does not move the mean of a step",
    },
    no_gradient="sampling records no gradient",
    dtypes=("float64",),
)
def _(full: Noised, on: On) -> Iterator[Shape]:
    """Each datum is a condition; its logit is the logarithm of its weight and of its density at the noisy point."""
    s = full.kept()
    process, alpha = from_levels([s.signal**2]), 0.75
    level = process.schedule.level(1)
    s = replace(s, signal=level.signal, level=level.sigma)
    data, logs, said = on.fixed(s.data), on.computed(np.log(s.weights)), on.fixed(s.answer)

    def classifier(x: Tensor, t: Tensor) -> Tensor:
        logits: Tensor = logs - (x - level.signal * data).square().sum(1)[None] / (2 * level.sigma**2)
        return logits

    model = classifier_guidance(lambda x, t: said[None], classifier, torch.tensor([0]), s.guidance, process)
    noise = model(on.fixed(s.x)[None], torch.tensor([1]))[0]
    step = (on.fixed(s.x) - (1 - alpha) / level.sigma * noise) / math.sqrt(alpha)
    yield Computed(2, s.point("condition", step_alpha=alpha, step_variance=0.3125), step, side="lhs")


NOT_COMPUTED = {
    "score.partition_function": "no network here puts out an energy",
    "score.moments": "no code averages a score over its own law",
    "score.fisher_identity": "the average over all data is what a network is trained to stand for",
    "regression.pythagoras": "about the least loss that any network can reach, which the code does not split",
    "score.dsm.theorem": "the code trains on the noise: its loss is matched by score.lsimple_dsm",
    "score.dsm.constant": "the code trains on the noise, and computes neither of the constant's two forms",
    "score.implicit_matching": "no code takes the divergence of a network for a loss",
    "guidance.classifier_free.tilted_score": "the code mixes outputs, as in guidance.cfg.views",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
