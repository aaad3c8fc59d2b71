"""Definitions: what an abbreviation stands for, computed by other functions than the one that is abbreviated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import stats

from reference import chain
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.codes import DrawnCodes, Pictures, Shown, Weighed
from threefold.witnesses.cases.onestep import OneStep, OneSteps
from threefold.witnesses.cases.quantised import Quantisations, Quantised
from threefold.witnesses.cases.strides import StepBack, Strides
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Shape, Value, measured

COUNTED = "a sum of logarithms over all codes"


@measured("ddpm.notation", method="the chain's own tables and the conditioned joint Gaussian", cases=Steps(least_t=2))
def _(s: Step) -> Iterator[Shape]:
    point = s.point()
    yield Value(0, point, float(s.betas[s.t - 1]))
    yield Value(1, point, float(chain.snrs(s.betas)[s.t - 1]))
    yield Value(2, point, float(chain.posterior(s.x0, s.x_t, s.t, s.betas).variance))


@measured("ddpm.reverse.model_kernel", method="SciPy's normal density, coordinate by coordinate", cases=Steps())
def _(s: Step) -> Iterator[Shape]:
    """A network that halves its input; a spread of a quarter."""
    point = s.point(networks={"mu_theta": lambda x, n: x / 2}, families={"sigma": lambda n: 0.25})
    off = float(np.abs(s.x_prev - s.x_t / 2).max() + np.abs(s.x_prev).max() + np.abs(s.x_t).max())
    found = float(stats.norm.logpdf(s.x_prev, s.x_t / 2, 0.25).sum())
    yield Value(0, point, found, because="squares of differences, in spreads", plus=64 * s.d * (1 + off * 4) ** 2)


@measured("ae.deterministic", method="the error of an autoencoder, by the norm", cases=Pictures())
def _(s: Shown) -> Iterator[Shape]:
    x = s.x[0]
    exact = {"encode": lambda v: tuple(a / 2 + 1 for a in v), "decode": lambda c: tuple(a * a - a for a in c)}
    back = (x / 2 + 1) ** 2 - (x / 2 + 1)
    size = 64.0 * float(1 + np.abs(x).max()) ** 4
    point = Point(len(x), vectors={"x_obs": x}, exact=exact)
    yield Value(0, point, float(np.linalg.norm(x - back) ** 2), because="squares of squares of codes", size=size)


@measured("vae.elbo.objective", method="the bounds of all data, by their weights", cases=DrawnCodes())
def _(s: Weighed) -> Iterator[Shape]:
    bounds = [float(q @ np.log(p / q)) for p, q in zip(s.model, s.coded, strict=True)]
    size = 64.0 * (1 + float(np.abs(np.log(s.model / s.coded)).max()))
    yield Value(0, s.point(), float(np.mean(bounds)), because=COUNTED, size=size)


@measured("vae.beta.objective", method="the bound, less what is above one price", cases=DrawnCodes())
def _(s: Weighed) -> Iterator[Shape]:
    p, q, prior = s.model[s.x], s.coded[s.x], s.model.sum(axis=0)
    beta = 1 + s.K / 4
    found = float(q @ np.log(p / q)) - (beta - 1) * float(stats.entropy(q, prior))
    point = replace(s.point(), numbers={"K": s.K, "beta_vae": beta})
    size = 64.0 * (1 + float(np.abs(np.log(p / q)).max() + np.abs(np.log(q / prior)).max()))
    yield Value(0, point, found, because=COUNTED, size=size)


@measured("vqvae.loss", method="the decoder's loss at the codeword, and one distance", cases=Quantisations())
def _(s: Quantised) -> Iterator[Shape]:
    largest = float(max(np.abs(v).max() for v in (s.code, s.codeword)) + 1)
    gap = float(np.linalg.norm(s.code - s.codeword) ** 2)
    plus = 64 * largest**2 * (1 + s.curvature + s.beta)
    value = float(s.loss(s.codeword)) + (1 + s.beta) * gap
    yield Value(0, s.point(), value, because="squares of differences", plus=plus)


@measured("onestep.forward", method="a rotation of data and noise by one angle", cases=OneSteps())
def _(s: OneStep) -> Iterator[Shape]:
    angle = np.arctan2(np.sqrt(1 - s.alpha), np.sqrt(s.alpha))
    turn = np.array([[np.cos(angle), np.sin(angle)]])
    point = Point(s.d, {"alpha_one": s.alpha}, vectors={"z": s.x0, "eps": s.noise})
    plus = 64.0 * float(max(np.abs(s.x0).max(), np.abs(s.noise).max()))
    yield Value(0, point, (turn @ np.stack([s.x0, s.noise]))[0], because="cosines of a rounded angle", plus=plus)


@measured("ddim.inference_kernel", method="the noise behind the point, scaled to what is kept of it", cases=Strides())
def _(s: StepBack) -> Iterator[Shape]:
    gains, rows = chain.loadings(s.betas, [s.s, s.t])
    early, late = (float(row @ row) for row in rows)
    noise = np.linalg.solve(np.array([[np.sqrt(late)]]), (s.x_t - gains[1] * s.x0)[None])[0]
    point = s.point(vectors={"z": s.x_t, "x_obs": s.x0})
    large = float(max(np.abs(s.x_t).max(), np.abs(s.x0).max()) + 1) * (1 + np.sqrt(early / late))
    found = gains[0] * s.x0 + np.sqrt(early - s.rho * early) * noise
    yield Value(0, point, found, because="a noise that is solved for", plus=64.0 * s.T * large)
    yield Value(1, point, s.rho * early)
