"""The step back without the start: paths of finite chains counted, joint normal laws of Gaussian data conditioned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reference import chain
from reference.finite import finite_kl
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.finite import Channel, Channels, FiniteChains, FinitePaths
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Shape, Value, measured


@measured("ddpm.reverse.intractable", method="every path of a finite chain counted", cases=Channels(share=1))
def _(s: Channel) -> Iterator[Shape]:
    table = s.table.sum(axis=0)  # of x_1 and x_2
    for before, now in np.argwhere(table > 0):
        at = {1: [int(before)], 2: [int(now)]}
        found = float(np.log(float(table[before, now] / table[:, now].sum())))
        yield Value(0, Point(1, {"t": 2, "T": 2}, x={0: [0], **at}, tables=s.point().tables), found)


@measured(
    "ddpm.elbo.redundant_expectation", method="every path of a finite chain counted", cases=FiniteChains(longest=3)
)
def _(s: FinitePaths) -> Iterator[Shape]:
    T = s.model.T
    if T < 2:
        return
    encoder, model = s.model.encoder[s.start], s.model.model_joint().table
    ours = encoder.sum(axis=tuple(range(T - 2)))  # of x_{T-1} and x_T given x_0
    theirs = model.sum(axis=tuple(range(T - 1)))  # of x_{T-1} and x_T
    total = sum(
        float(ours[:, now].sum()) * finite_kl(ours[:, now] / ours[:, now].sum(), theirs[:, now] / theirs[:, now].sum())
        for now in range(ours.shape[1])
        if ours[:, now].sum() > 0
    )
    yield Value(0, s.point(T), total)


@measured(
    "ddpm.ancestral.gaussian_variance",
    method="joint normal law of the data and the chain, conditioned, coordinate by coordinate",
    cases=Steps(least_t=2, share=2),
)
def _(s: Step) -> Iterator[Shape]:
    variance = float(np.exp2(np.round(float(np.clip(s.noise[0], -2, 2)) * 2)))
    law = chain.data_joint([0.0], [[variance]], s.betas)
    x_t = np.clip(s.rng.standard_normal(s.d), -3, 3) * float(np.sqrt(law.variances[s.t]))
    pair = law.marginal([s.t - 1, s.t])
    back = [pair.condition([1], [float(v)]) for v in x_t]
    means, left = np.array([float(k.mean[0]) for k in back]), float(back[0].variances[0])
    x_prev = means + np.sqrt(left) * np.clip(s.rng.standard_normal(s.d), -3, 3)
    point = Point(
        s.d,
        {"t": s.t, "T": s.T, "data_variance": variance},
        s.betas,
        x={0: np.zeros(s.d), s.t - 1: x_prev, s.t: x_t},
        tables={"q": s.moving(np.zeros(s.d), variance * np.eye(s.d))},
    )
    yield Value(0, point, sum(float(law.marginal([s.t]).log_prob([v])) for v in x_t))
    because = "the exponent is the square of a difference of x_{t-1} and its mean, in deviations"
    moved = float(np.sum(np.abs(x_prev - means) * (np.abs(x_prev) + np.abs(means)))) / left
    found = sum(float(k.log_prob([v])) for k, v in zip(back, x_prev, strict=True))
    yield Value(1, point, found, because=because, plus=moved)
    beta, tilde = float(s.betas[s.t - 1]), float(chain.posterior([0.0], [0.0], s.t, s.betas).variance)
    because = "a difference of two variances"
    yield Value(2, point, beta - left, because=because, plus=beta)
    yield Value(3, point, tilde - left, because=because, plus=beta)
