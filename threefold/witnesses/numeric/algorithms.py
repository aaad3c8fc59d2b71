"""Algorithms step by step: conditioned laws of the chain, solves for data and noise, cubature points."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from derivations.refutation.laws import mp
from reference import chain
from reference.gaussians import Gaussian
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.cases.strides import StepBack, Strides
from threefold.witnesses.numeric.ends import SQUARES, mean_square
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Shape, Value, measured

PARAMETER = 0.75


@measured(
    "ddpm.training.noise",
    method="cubature points, slopes of squares in the parameter",
    cases=Steps(share=2),
)
def _(s: Step) -> Iterator[Shape]:
    """The network is a multiple of x/2 + 1/4."""
    gains, rows = chain.loadings(s.betas, [s.t])
    noise = Gaussian.standard(s.d).cubature()
    seen = (gains[0] * s.x0 + float(np.linalg.norm(rows[0])) * noise) / 2 + 0.25
    found = float(2 * ((PARAMETER * seen - noise) * seen).sum(axis=1).mean())

    def network(p: object, x: tuple[object, ...], t: object) -> tuple[object, ...]:
        return tuple(p * (v / 2 + mp.mpf(1) / 4) for v in x)  # type: ignore[operator]

    point = s.point(numbers={"parameter": PARAMETER}, exact={"noise_network": network})
    size = 64.0 * s.d * float(np.abs(seen).max() + 1) ** 2 * 4
    yield Value(0, point, found, because=SQUARES, size=size)


@measured("ddpm.sampling.ancestral", method="the joint law, conditioned at the data implied", cases=Steps(least_t=2))
def _(s: Step) -> Iterator[Shape]:
    gains, rows = chain.loadings(s.betas, [s.t])
    level = float(np.linalg.norm(rows[0]))
    clean = np.linalg.solve(np.array([[gains[0]]]), (s.x_t - level * s.x_prev)[None])[0]
    truth = chain.posterior(clean, s.x_t, s.t, s.betas)
    point = s.point(vectors={"answer": s.x_prev, "z": s.noise, "aimed_at": s.x0})
    large = float(max(np.abs(v).max() for v in (s.x_t, s.x_prev, s.noise, s.x0)) + 1) / np.sqrt(1 - s.betas[s.t - 1])
    because = "data that little signal implies, mixed with the point again"
    found = truth.mean + np.sqrt(truth.variance) * s.noise
    yield Value(0, point, found, because=because, plus=256.0 * s.T * large)
    noise = Gaussian.standard(s.d).cubature()
    away = mean_square(truth.mean + np.sqrt(truth.variance) * noise - s.x0)
    yield Value(1, point, away, because=because, plus=256.0 * s.T * s.d * large**2)


@measured("ddpm.sampling.respaced", method="the chain's own moments; the joint law conditioned", cases=Strides())
def _(s: StepBack) -> Iterator[Shape]:
    point = s.point()
    found = float(np.exp(chain.marginal_log_density(s.x_s, s.x0, s.s, s.betas)))
    _, rows = chain.loadings(s.betas, [s.s, s.t])
    early, late = (float(row @ row) for row in rows)
    far = float((np.abs(s.x_s).max() + np.abs(s.x0).max()) ** 2 + 1) / early
    size = 256.0 * s.T * s.d * (1 + far) * (1 + late / abs(late - early)) * max(found, 1e-300)
    yield Value(0, point, found, because="a density, whose exponent is a square over a variance", size=size)
    truth = chain.posterior(s.x0, s.x_t, s.t, s.betas)
    yield Value(1, point, truth.mean)
    yield Value(2, point, truth.variance)


def _landed(s: StepBack, noise: Array) -> Array:
    """Where deterministic DDIM goes, by a solve for the data behind x_t."""
    gains, rows = chain.loadings(s.betas, [s.s, s.t])
    early, late = (float(np.linalg.norm(row)) for row in rows)
    clean = np.linalg.solve(np.array([[gains[1]]]), (s.x_t - late * noise)[None])[0]
    return np.asarray(gains[0] * clean + early * noise)


@measured("guidance.classifier_free", method="data and noise solved for, and moved to the next level", cases=Strides())
def _(s: StepBack) -> Iterator[Shape]:
    weight = 1 + 8 * s.rho
    point = s.point(vectors={"unconditioned": s.answer, "conditioned": s.noise}, numbers={"guidance": weight})
    gains, _ = chain.loadings(s.betas, [s.s, s.t])
    large = float(max(np.abs(v).max() for v in (s.x_t, s.answer, s.noise)) + 1)
    plus = 256.0 * s.T * weight * large * (1 + gains[0] / gains[1])
    found = _landed(s, s.answer + weight * (s.noise - s.answer))
    yield Value(0, point, found, because="data that little signal implies", plus=plus)


@measured("score.langevin", method="cubature points of the noise", cases=PathPoints())
def _(s: OnPath) -> Iterator[Shape]:
    vectors = {"now": s.x0, "slope_here": s.answer, "way": s.other}
    point = s.point(vectors=vectors, numbers={"walk_size": s.level})
    noise = Gaussian.standard(s.d).cubature()
    moved = s.level * s.answer + np.sqrt(2 * s.level) * noise
    large = (float(max(np.abs(v).max() for v in (s.x0, s.answer, s.other))) + 1) * (1 + s.level)
    yield Value(0, point, float(((s.x0 + moved) @ s.other).mean()), because=SQUARES, plus=64.0 * s.d * large**2)
    yield Value(1, point, mean_square(moved), because=SQUARES, plus=64.0 * s.d * large**2)


@measured("ddpm.sampling.final_noise", method="cubature points of the noise", cases=PathPoints())
def _(s: OnPath) -> Iterator[Shape]:
    point = s.point(vectors={"answer": s.answer, "aimed_at": s.other}, numbers={"last_variance": s.level})
    ends = s.answer + np.sqrt(s.level) * Gaussian.standard(s.d).cubature()
    large = (float(max(np.abs(v).max() for v in (s.answer, s.other))) + 1) ** 2 * (1 + s.level)
    yield Value(0, point, mean_square(ends - s.other), because=SQUARES, plus=64.0 * s.d * large)
