"""What draws leave behind: finite models added up, cubature points of the noise, slopes of squares."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from derivations.refutation.laws import mp
from reference import chain
from reference.gaussians import Gaussian
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.pairs import OneSampler, Processed
from threefold.witnesses.numeric.ends import SQUARES, mean_square
from threefold.witnesses.point import Point, finite_law
from threefold.witnesses.shapes import Shape, Value, measured

PARAMETER = 0.75


@measured("vae.sampling.ancestral", method="a finite model, added up over codes and pictures", cases=OneSampler())
def _(s: Processed) -> Iterator[Shape]:
    """The first law is that of the codes, and each is made into a picture."""
    codes = [Fraction(float(w)) for w in s.first]
    shown = [[Fraction(float(v)) for v in row] for row in s.made]
    joint = [[w / sum(codes) * v / sum(row) for v in row] for w, row in zip(codes, shown, strict=True)]
    values = np.arange(len(shown[0])) ** 2 + 1.0
    found = float(s.first / s.first.sum() @ (s.made / s.made.sum(axis=1, keepdims=True)) @ values)
    law = finite_law([("z",), ("x_obs",)], np.array(joint, dtype=object))
    seen = {"test_function": lambda x: x[0] ** 2 + 1}
    yield Value(0, Point(vectors={"x_obs": [0], "z": [0]}, tables={"p": law}, exact=seen), found)


@measured("ddpm.sampling.sigma_beta", method="the joint law, conditioned; cubature points", cases=Steps(least_t=2))
def _(s: Step) -> Iterator[Shape]:
    gains, rows = chain.loadings(s.betas, [s.t])
    level = float(np.linalg.norm(rows[0]))
    clean = np.linalg.solve(np.array([[gains[0]]]), (s.x_t - level * s.x_prev)[None])[0]
    truth = chain.posterior(clean, s.x_t, s.t, s.betas)
    point = s.point(vectors={"answer": s.x_prev, "z": s.noise, "aimed_at": s.x0})
    large = float(max(np.abs(v).max() for v in (s.x_t, s.x_prev, s.noise, s.x0)) + 1) / np.sqrt(1 - s.betas[s.t - 1])
    noise = Gaussian.standard(s.d).cubature()
    away = mean_square(truth.mean + np.sqrt(s.betas[s.t - 1]) * noise - s.x0)
    because = "data that little signal implies, mixed with the point again"
    yield Value(0, point, away, because=because, plus=256.0 * s.T * s.d * large**2)
    more = float(s.betas[s.t - 1] - truth.variance)
    yield Value(1, point, more, because="a difference of two variances", plus=64.0 * s.T)


@measured("ddpm.training.data", method="cubature points, slopes of squares in the parameter", cases=Steps(share=2))
def _(s: Step) -> Iterator[Shape]:
    """The network is a multiple of x/2 + 1/4."""
    gains, rows = chain.loadings(s.betas, [s.t])
    noise = Gaussian.standard(s.d).cubature()
    seen = (gains[0] * s.x0 + float(np.linalg.norm(rows[0])) * noise) / 2 + 0.25
    found = float(2 * ((PARAMETER * seen - s.x0) * seen).sum(axis=1).mean())

    def network(p: object, x: tuple[object, ...], t: object) -> tuple[object, ...]:
        return tuple(p * (v / 2 + mp.mpf(1) / 4) for v in x)  # type: ignore[operator]

    point = s.point(numbers={"parameter": PARAMETER}, exact={"data_network": network})
    size = 64.0 * s.d * float(np.abs(seen).max() + np.abs(s.x0).max() + 1) ** 2 * 4
    yield Value(0, point, found, because=SQUARES, size=size)
