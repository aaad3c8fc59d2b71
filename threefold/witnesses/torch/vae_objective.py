"""The objectives of the Gaussian VAE and of the one-step model as `torch_impl` trains them, against the claims."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from derivations.refutation.laws import mp
from threefold.witnesses.built import from_levels
from threefold.witnesses.cases.gaussians import Code, Codes, Decoded, Decoders
from threefold.witnesses.cases.numbers import coarse
from threefold.witnesses.cases.onestep import OneStep, OneSteps, Pathwise, Pathwises
from threefold.witnesses.cases.runs import affine_law
from threefold.witnesses.point import GaussianLaw, Place, Point
from threefold.witnesses.training import Computed, Decides, Holds, Misprinted, On, Sampled, Shape, trained
from torch_impl import GaussianLikelihood, elbo, reparameterize
from torch_impl.distributions.gaussian import gaussian_log_prob, standard_normal_kl
from torch_impl.objectives.bound import bound_term, prior_kl

DRAWS = 4096

# --- the Gaussian VAE: with an affine decoder the bound is quadratic in the noise, and sign vectors average it exactly


@trained(
    "vae.elbo.gaussian",
    method="elbo() with GaussianLikelihood, noise at all sign vectors (exact for quadratics)",
    cases=Decoders(share=4, affine=True),
)
def _(s: Decoded, on: On) -> Iterator[Shape]:
    x, mean, logvar = on(s.x), on(s.code.mean), on(s.code.log_variance)
    network, signs = on.network(s.network), on.signs(s.code.k)[:, None]
    found = elbo(
        x[None], mean[None], logvar[None], network, GaussianLikelihood(s.sigma), samples=len(signs), noise=signs
    )
    deviation = tuple(mp.exp(mp.mpf(v) / 2) for v in s.code.log_variance)
    point = s.point(std_phi=deviation)
    yield Computed(0, point, found.value[0], {("answers", "mu_phi"): mean, ("vectors", "x_obs"): x})
    yield Computed(1, point, found.value[0])


@trained(
    "vae.elbo.gaussian_reparam.notes_display",
    method="minus standard_normal_kl: the latent term that trains",
    cases=Codes(share=3, most=2),
)
def _(s: Code, on: On) -> Iterator[Shape]:
    mean = on(s.mean)
    value = -standard_normal_kl(mean[None], on.fixed(s.log_variance)[None])[0]
    excess = abs(float(np.sum(np.log(s.k / s.deviation**2 + 1) - 1))) / 2  # of the printed form over the true one
    by: dict[Place, torch.Tensor] = {("vectors", "mu"): mean}
    if excess > 0.05 * max(1.0, float(s.mean @ s.mean + np.sum(s.deviation**2))):
        yield Misprinted(0, s.point(), value, by, gap=1e-2)
    else:  # log(1 + k/s^2) crosses 1 at one s for each k
        yield Computed(0, s.point(), value, by, side="lhs")


# --- reparameterisation -----------------------------------------------------------------------------------------------


@trained(
    "vae.reparameterization.location_scale",
    method="reparameterize(); log-density of the sample it returns",
    cases=Codes(share=3),
)
def _(s: Code, on: On) -> Iterator[Shape]:
    mean, logvar = on.fixed(s.mean), on.fixed(s.log_variance)
    z = reparameterize(mean[None], logvar[None], noise=on(s.noise)[None])[0]
    value = gaussian_log_prob(z, mean, logvar).sum()
    exact = [
        Fraction(m) + _fraction(mp.exp(mp.mpf(v) / 2) * mp.mpf(e))
        for m, v, e in zip(s.mean, s.log_variance, s.noise, strict=True)
    ]
    yield Computed(0, s.point(z=exact), value, {("vectors", "z"): z}, side="lhs")


def _fraction(value: Any) -> Fraction:
    sign, mantissa, exponent, _ = value._mpf_
    return Fraction(int(mantissa) * (-1 if sign else 1)) * Fraction(2) ** int(exponent)


@trained(
    "vae.reparameterization.expectation",
    method="reparameterize() at all sign vectors (exact for f of degree 2) and at drawn noises",
    cases=Pathwises(share=2),
    max_standard_error=0.5,
)
def _(s: Pathwise, on: On) -> Iterator[Shape]:
    k, f, mean, logvar = s.code.k, on.network(s.network), on(s.code.mean), on.fixed(s.code.log_variance)
    signs = on.signs(k)
    z = reparameterize(mean.expand(len(signs), k), logvar.expand(len(signs), k), noise=signs)
    value = f(z)[:, 0].mean()
    yield Computed(0, s.point(), value, {("vectors", "mu"): mean}, side="lhs")
    yield Computed(1, s.point(), value, side="lhs")
    generator = torch.Generator().manual_seed(int(s.rng.integers(2**31)) if on.name == "float64" else 0)
    drawn = reparameterize(mean.expand(DRAWS, k), logvar.expand(DRAWS, k), generator=generator)
    yield Sampled(0, s.point(), f(drawn)[:, 0])


@trained(
    "vae.reparameterization.gradient",
    method="autograd through reparameterize(), noise at all sign vectors",
    cases=Pathwises(share=2),
)
def _(s: Pathwise, on: On) -> Iterator[Shape]:
    k, f, phi = s.code.k, on.network(s.network), on(s.phi)
    centre = on.fixed(s.code.mean) + on.fixed(s.drift) * phi
    spread = on.fixed(s.coarse_deviation) * (1 + on.fixed(s.growth) * phi * phi)
    signs = on.signs(k)
    z = reparameterize(centre.expand(len(signs), k), (2 * spread.log()).expand(len(signs), k), noise=signs)
    (slope,) = torch.autograd.grad(f(z)[:, 0].mean(), phi)
    yield Computed(0, s.point(), slope, gradient=True)


# --- one step: a diffusion of T = 1 -----------------------------------------------------------------------------------


@trained(
    "onestep.elbo",
    method="prior_kl and bound_term of a diffusion of one step, noise at +1 and -1",
    cases=OneSteps(share=2, affine=True),
)
def _(s: OneStep, on: On) -> Iterator[Shape]:
    one = from_levels([s.alpha], "x0", reconstruction_variance=s.sigma**2)
    start, network = on(s.x0), on.network(s.network)
    point = s.point("x0_theta")
    latent = prior_kl(one, start[None])[0]
    yield Computed(2, point, latent, {("x", 0): start})
    if s.d > 1:
        return
    x0 = start.expand(2, 1)
    x_1 = one.q_sample(x0, 1, on.signs(1))
    value = -bound_term(one, network(x_1), x0, x_1, 1).mean() - latent
    yield Computed(3, point, value, {("x", 0): start})
    slope, shift = s.network.slope[0, 0, 0], s.network.shift[0, 0]
    tables = {"p": affine_law([slope], [shift], [mp.mpf(s.sigma) ** 2])}
    model = Point(1, {"T": 1}, [1 - s.alpha], x={0: s.x0, 1: s.noise}, tables=tables)
    yield Computed(0, model, value, {("x", 0): start})
    yield Computed(1, model, value, side="lhs")
    yield Holds(1, model, value)


@trained(
    "onestep.loss.equivalence",
    method="the simple loss and the likelihood of one and the same noise network",
    cases=OneSteps(share=8, most_d=1, affine=True),
)
def _(s: OneStep, on: On) -> Iterator[Shape]:
    one = from_levels([s.alpha], "eps")
    tables = {"p_data": GaussianLaw({("x", 0): 1}, [s.data_mean], [[s.data_spread**2]])}
    point = s.point("eps_theta", tables=tables, more={"eps_theta_prime": s.other})

    def decoded(x0: torch.Tensor, noise: torch.Tensor, network: Any) -> torch.Tensor:
        x_1 = one.q_sample(x0, 1, noise)
        found: torch.Tensor = GaussianLikelihood(s.sigma).log_prob(x0, one.to_x0(network(x_1, _first(x_1)), x_1, 1))
        return found

    def loss(x0: torch.Tensor, noise: torch.Tensor, network: Any) -> torch.Tensor:
        found: torch.Tensor = one.loss(network, x0, t=1, noise=noise, reduction="sum")
        return found / len(x0)

    network, other = on.network(s.network), on.network(s.other)
    x0, noise = on(s.x0), on(s.noise)
    single = decoded(x0[None], noise[None], network)[0]
    yield Computed(0, point, single, {("x", 0): x0, ("vectors", "eps"): noise})
    signs = on.signs(2)  # with an affine network all is quadratic in data and noise
    data, noises = signs[:, :1] * on.fixed(s.data_spread) + on.fixed(s.data_mean), signs[:, 1:]
    here, there = decoded(data, noises, network).mean(), decoded(data, noises, other).mean()
    yield Computed(1, point, here)
    answer = on.fixed([[coarse(s.network(s.noise))[0]]])
    perfect, missed = (decoded(x0[None], noise[None], lambda *_, a=a: a)[0] for a in (noise[None], answer))
    factor = (perfect - missed) / loss(x0[None], noise[None], lambda *_: answer)
    yield Computed(2, point, factor)
    yield Holds(2, point, torch.zeros_like(factor), factor)
    yield Computed(3, point, here - there)
    yield Decides(4, point, loss(data, noises, network), loss(data, noises, other), "<=")


def _first(x: torch.Tensor) -> torch.Tensor:
    return torch.ones(len(x), dtype=torch.long)
