"""Latent variables, VAEs, Gaussian divergences and decoders: against counting, path integrals and complex steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import reference
from reference import decoders, divergences, finite, gradients
from reference.gaussians import Gaussian
from threefold.witnesses.cases.finite import Coded, FiniteVAEs, Laws, Simplexes
from threefold.witnesses.cases.gaussians import (
    Bitmap,
    Bits,
    Code,
    Codes,
    Decoded,
    Decoders,
    Isotropic,
    Isotropics,
    Pair,
    Pairs,
)
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Inequality, Shape, Truth, Value, measured

# --- laws by counting -------------------------------------------------------------------------------------------------


@measured(
    "gaussian.kl.nonnegative", method="integral along the path of laws from q to p, finite laws", cases=Simplexes()
)
def _(s: Laws) -> Iterator[Shape]:
    point, divergence = s.point(p=s.p, q=s.q), finite.finite_kl_path(s.p, s.q)
    yield Inequality(0, point, divergence, 0.0)
    yield Truth(1, point, divergence == 0.0)


@measured(
    "vae.mle.kl_equivalence", method="integral along the path of laws; cross-entropies counted", cases=Simplexes()
)
def _(s: Laws) -> Iterator[Shape]:
    point = s.point(p_data=s.p, p_theta=s.q, p_theta_prime=s.r)
    here, there = finite.finite_kl_path(s.p, s.q), finite.finite_kl_path(s.p, s.r)
    yield Value(0, point, here)
    yield Value(1, point, here - there)
    yield Truth(2, point, finite.finite_cross_entropy(s.p, s.q) <= finite.finite_cross_entropy(s.p, s.r))


# --- the evidence lower bound, by counting latents --------------------------------------------------------------------


@measured("vae.elbo.definition", method="every latent enumerated: E log p(x, z)/q(z|x) in one sum", cases=FiniteVAEs())
def _(s: Coded) -> Iterator[Shape]:
    for part in (0, 1):
        yield Value(part, s.point, s.model.elbo(s.observed))


@measured(
    "vae.elbo.joint_form", method="reconstruction and latent KL, each summed over all latents", cases=FiniteVAEs()
)
def _(s: Coded) -> Iterator[Shape]:
    for part in (0, 1):
        yield Value(part, s.point, s.model.reconstruction(s.observed) - s.model.latent_kl(s.observed))


@measured("vae.elbo.decomposition", method="log p(x) as the log of a sum over latents", cases=FiniteVAEs())
def _(s: Coded) -> Iterator[Shape]:
    yield Value(0, s.point, s.model.log_evidence(s.observed))


@measured("vae.elbo.lower_bound", method="log p(x) by enumeration against the bound", cases=FiniteVAEs())
def _(s: Coded) -> Iterator[Shape]:
    for part in (0, 1):
        yield Inequality(part, s.point, s.model.elbo(s.observed), s.model.log_evidence(s.observed))


@measured("vae.elbo.tightness", method="the encoder against the posterior, enumerated in fractions", cases=FiniteVAEs())
def _(s: Coded) -> Iterator[Shape]:
    yield Truth(0, s.point, s.exact_posterior)


# --- Gaussian divergences ---------------------------------------------------------------------------------------------


@measured(
    "gaussian.kl.full_covariance",
    method="integral of the log-likelihood ratio's variance along the path from q to p; cubature of log densities",
    cases=Pairs(),
)
def _(s: Pair) -> Iterator[Shape]:
    point = s.point()
    sides = ("lhs", "rhs") if s.k < 3 else ("rhs",)  # the mean over 27 points in 30 digits is slow
    path = reference.gaussian_kl(s.mean_p, s.cov_p, s.mean_q, s.cov_q)
    for part in (0, 1 + s.k):
        yield Value(part, point, path, sides=sides)
        cubature = divergences.gaussian_kl_cubature(s.mean_p, s.cov_p, s.mean_q, s.cov_q)
        yield Value(part, point, cubature, sides=("rhs",))
    q = Gaussian.from_cov(s.mean_q, s.cov_q)
    top = q.log_prob(s.mean_q[None])
    square = Gaussian.from_cov(s.mean_p, s.cov_p).expect_quadratic(lambda z: 2 * (top - q.log_prob(z)))
    yield Value(1, point, square, sides=sides)


@measured(
    "gaussian.kl.diagonal_to_standard",
    method="integral along the path of normal laws, coordinate by coordinate",
    cases=Codes(),
)
def _(s: Code) -> Iterator[Shape]:
    zero, one = np.zeros(s.k), np.ones(s.k)
    for part in (0, 1):
        sides = ("lhs", "rhs") if s.k < 3 else ("rhs",)
        yield Value(part, s.point(), float(reference.gaussian_kl_diag(s.mean, s.deviation**2, zero, one)), sides=sides)


@measured(
    "gaussian.kl.isotropic",
    method="grid sum of p log(p/q) for one coordinate, path integral for all",
    cases=Isotropics(),
)
def _(s: Isotropic) -> Iterator[Shape]:
    d, sides = len(s.m_1), ("lhs", "rhs") if len(s.m_1) < 3 else ("rhs",)
    path = float(reference.gaussian_kl_diag(s.m_1, np.full(d, s.v_1), s.m_2, np.full(d, s.v_2)))
    yield Value(0, s.point(), path, sides=sides)
    if d == 1:
        yield Value(0, s.point(), divergences.gaussian_kl_line(s.m_1[0], s.v_1, s.m_2[0], s.v_2))


@measured(
    "gaussian.kl.gradients",
    method="complex-step derivatives of the divergence integrated numerically",
    cases=Codes(most=3, narrowest=2.0**-6),
)
def _(s: Code) -> Iterator[Shape]:
    found, j = gradients.latent_kl_gradient(s.mean, s.deviation), s.k
    point, sides = s.point(j), ("lhs", "rhs") if s.k < 2 else ("rhs",)  # the left side is a derivative of a mean
    for part, value in enumerate((found.mean, found.log_variance, found.sd)):
        # The integral's own terms are those of a divergence; each is divided by the deviation once.
        size = float(1 + s.mean[j - 1] ** 2) / float(min(1.0, s.deviation[j - 1]))
        because = "terms of the integral of p log(p/q)"
        yield Value(part, point, float(value[j - 1]), size=size, because=because, sides=sides)


# --- decoders ---------------------------------------------------------------------------------------------------------


@measured("vae.decoder.gaussian", method="log-density with its normaliser integrated numerically", cases=Decoders())
def _(s: Decoded) -> Iterator[Shape]:
    mean = s.network(s.code.noise)
    yield Value(0, s.point(), decoders.gaussian_log_likelihood(s.x, mean, s.sigma))
    yield Value(1, s.point(), decoders.gaussian_log_likelihood(s.x, mean, 1.0))


@measured(
    "vae.decoder.bernoulli",
    method="exact product of probabilities; the two states of each bit weighed in 60 digits; complex-step derivative",
    cases=Bits(),
)
def _(s: Bitmap) -> Iterator[Shape]:
    chances = np.clip(np.round(2.0**20 / (1 + np.exp(-s.logits))), 1, 2**20 - 1) / 2**20
    point = Point(
        len(s.x), {"j": s.j}, vectors={"x_obs": s.x, "logit": s.logits, "z": [0.0]}, answers={"pi_theta": chances}
    )
    yield Value(0, point, decoders.bernoulli_log_likelihood(s.x, chances))
    # The left sides take 1 - p of a probability: where a bit is sure, 30 digits are not enough for its logarithm.
    sides = ("rhs",) if np.abs(s.logits).max() > 12 else ("lhs", "rhs")
    yield Value(1, point, decoders.bernoulli_log_likelihood_of_logits(s.x, s.logits), sides=sides)
    slope, because = decoders.bernoulli_logit_gradient(s.x, s.logits)[s.j - 1], "a difference of probabilities"
    yield Value(2, point, slope, size=1.0, because=because, sides=sides)
