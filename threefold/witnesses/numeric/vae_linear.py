"""The linear VAE by its noise loadings: laws are pushed and conditioned by QR, singular values give determinants."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import reference
from reference.gaussians import Gaussian
from threefold.witnesses.cases.linear import AxesAndProjections, LinearDecoders, LinearlyDecoded, PrincipalAxes
from threefold.witnesses.point import Point
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.shapes import Inequality, Shape, Value, measured


def evidence(s: LinearlyDecoded) -> Gaussian:
    """The law of x, its loadings those of z and of the noise."""
    d, k = s.shape
    return Gaussian.standard(k).affine(s.weight, s.bias, s.spread * np.eye(d))


def posterior(s: LinearlyDecoded) -> Gaussian:
    """The law of z given x, by an orthogonal triangularisation of the joint loadings."""
    d, k = s.shape
    both = Gaussian.standard(k).extend(s.weight, s.bias, s.spread * np.eye(d))
    return both.condition(np.arange(k, k + d), s.x)


def joint_log_prob(s: LinearlyDecoded, z: np.ndarray) -> np.ndarray:
    """log p(x | z) + log p(z) for rows of z."""
    d, k = s.shape
    noise = Gaussian(np.zeros(d), s.spread * np.eye(d))
    return noise.log_prob(s.x - z @ s.weight.T - s.bias) + Gaussian.standard(k).log_prob(z)


@measured("vae.linear.evidence", method="loadings of code and noise side by side, and their QR", cases=LinearDecoders())
def _(s: LinearlyDecoded) -> Iterator[Shape]:
    value = float(evidence(s).log_prob(s.x))
    sides = ("lhs", "rhs") if max(s.shape) < 3 else ("rhs",)
    yield Value(0, s.point(), float(np.exp(value)), sides=sides)
    yield Value(1, s.point(), value)


@measured("vae.linear.posterior", method="the joint loadings conditioned by QR", cases=LinearDecoders())
def _(s: LinearlyDecoded) -> Iterator[Shape]:
    yield Value(0, s.point(), float(posterior(s).log_prob(s.z)))


@measured(
    "vae.linear.ppca",
    method="cubature of the bound; integral along the path from encoder to posterior; singular values",
    cases=LinearDecoders(),
)
def _(s: LinearlyDecoded) -> Iterator[Shape]:
    _, k = s.shape
    point, exact = s.point(), posterior(s)
    code = Gaussian(s.encoder @ (s.x - s.bias), np.diag(np.sqrt(s.variances)))
    bound = code.expect_quadratic(lambda z: joint_log_prob(s, z) - code.log_prob(z))
    miss = reference.gaussian_kl(code.mean, np.diag(s.variances), exact.mean, exact.cov)
    yield Value(0, point, float(evidence(s).log_prob(s.x)) - bound, sides=("lhs",))
    yield Value(0, point, miss, sides=("rhs",))
    best = 1 / np.diag(np.linalg.inv(exact.cov))
    least = reference.gaussian_kl(exact.mean, np.diag(best), exact.mean, exact.cov)
    yield Value(1, point, least)
    yield Value(2, point, miss - least)
    stretched = np.zeros(k)
    found = np.linalg.svd(s.weight, compute_uv=False)
    stretched[: len(found)] = found**2
    volume = float(np.sum(np.log(stretched + s.spread**2)))
    columns = float(np.sum(np.log(np.sum(s.weight**2, axis=0) + s.spread**2)))
    yield Inequality(3, point, volume, columns)


@measured(
    "ae.linear.pca",
    method="least squares by QR, singular values of what is left, cubature of both laws",
    cases=AxesAndProjections(),
)
def _(s: PrincipalAxes) -> Iterator[Shape]:
    point, size, k = s.point(), len(s.variances), s.rank
    because, plus = "squares of vectors, added up", 64.0 * size * (1 + float(np.abs(s.x).max())) ** 2
    fitted = np.linalg.lstsq(s.basis, s.x, rcond=None)
    yield Value(0, point, float(fitted[1][0]) + 1.0, because=because, plus=plus)  # the other point is a unit away
    scaled = (np.eye(size) - s.projection) @ np.diag(np.sqrt(s.variances))
    loss = float(np.sum(np.linalg.svd(scaled, compute_uv=False) ** 2))
    plus = 64.0 * size * float(s.variances.sum())
    yield Value(
        1,
        Point(size, {**point.numbers, "N_a": size}, covariances={"P_a": s.projection}, families=point.families),
        loss,
        because=because,
        plus=plus,
    )
    yield Value(2, point, loss, because=because, plus=plus)
    yield Value(3, point, loss, because=because, plus=plus + 64.0 * size * s.level)
    yield Inequality(4, point, float(s.variances[k:].sum()), loss, because=because, size=plus)
    axis, mean = Gaussian(np.array([10.0]), np.eye(1)), Gaussian(np.zeros(1), 2 * np.eye(1))
    for part, law in ((5, axis), (6, mean)):
        yield Value(part, point, float(law.expect_quadratic(lambda z: z[:, 0] ** 2)), because=because, plus=plus)


for _claim in ("vae.linear.evidence", "vae.linear.posterior", "vae.linear.ppca"):
    not_applicable(_claim, "the training code has no linear decoder whose evidence it computes", witness="torch")
