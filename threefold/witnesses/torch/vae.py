"""What trains a VAE against the claims, in float64, float32 and bfloat16.

The log-likelihood of a linear-Gaussian model is quadratic in the latent, so its mean over all sign vectors equals its
mean over N(0, I): the bound that `torch_impl` averages over such noise is exact, and comparable to the last digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

from derivations.library import find
from derivations.refutation.laws import mp
from threefold.witnesses.cases.gaussians import Bitmap, Bits, Code, Codes, Decoded, Decoders, Isotropic, Isotropics
from threefold.witnesses.cases.linear import LinearVAE, LinearVAEs, Mixed, Mixes, two_laws
from threefold.witnesses.cases.numbers import coarse
from threefold.witnesses.point import Moved, Place, Point
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, Decides, Holds, On, Shape, trained
from torch_impl import BernoulliLikelihood, GaussianLikelihood, elbo, gaussian_kl
from torch_impl.distributions.gaussian import standard_normal_kl

# --- a linear-Gaussian model ------------------------------------------------------------------------------------------


def _bound(s: LinearVAE, on: On) -> tuple[torch.Tensor, dict[Place, torch.Tensor]]:
    """The bound as torch_impl computes it, and the code's mean that it is differentiated by."""
    mean = on.computed([float(m) for m in s.mean], grad=True)
    logvar = on.computed([float(v) for v in s.log_variance])
    weight, bias = on.fixed(s.weight), on.fixed(s.bias)
    x, signs = on(s.x), on.signs(s.k)[:, None]
    found = elbo(
        x[None],
        mean[None],
        logvar[None],
        lambda z: z @ weight.T + bias,
        GaussianLikelihood(s.spread),
        samples=len(signs),
        noise=signs,
    )
    return found.value[0], {("moved", s.by_mean()): mean, ("vectors", "x_obs"): x}


METHOD = "elbo() on a linear-Gaussian model, noise at all sign vectors (exact for quadratics)"


def _same_bound(claim: str) -> None:
    @trained(claim, method=METHOD, cases=LinearVAEs())
    def _(s: LinearVAE, on: On) -> Iterator[Shape]:
        value, by = _bound(s, on)
        for part in (0, 1):
            yield Computed(part, s.point(), value, by if part == 0 else {})


_same_bound("vae.elbo.definition")
_same_bound("vae.elbo.joint_form")


@trained(
    "vae.elbo.decomposition",
    method="elbo() plus torch's own KL to the exact posterior, or at that posterior; linear-Gaussian model",
    cases=LinearVAEs(),
)
def _(s: LinearVAE, on: On) -> Iterator[Shape]:
    value, by = _bound(s, on)
    if s.exact_posterior:  # the code held still, the bound touches the evidence: their slopes in x agree
        yield Computed(0, s.point(), value, {("vectors", "x_obs"): by[("vectors", "x_obs")]}, side="lhs")
        return
    with _disable_current_modes():
        gap = _gap(s)
    # Torch's solvers round as often as they have operations, some k^3, on matrices of a condition below a thousand.
    found = on.tracker.announce(torch.tensor(gap, dtype=value.dtype), 1e3 * 64 * 2.0**-53 * (1 + abs(gap)))
    yield Computed(0, s.point(), value + found, side="lhs", low=False)


def _gap(s: LinearVAE) -> float:
    """KL(q || posterior) by torch's own multivariate normals."""
    weight, x, bias = (torch.tensor(v, dtype=torch.float64) for v in (s.weight, s.x, s.bias))
    precision = weight.T @ weight / s.spread**2 + torch.eye(s.k, dtype=torch.float64)
    centre = torch.linalg.solve(precision, weight.T @ (x - bias) / s.spread**2)
    posterior = torch.distributions.MultivariateNormal(centre, precision_matrix=precision)
    mean, spread = ([float(v) for v in values] for values in (s.mean, s.log_variance))
    code = torch.distributions.MultivariateNormal(
        torch.tensor(mean, dtype=torch.float64), torch.diag(torch.tensor(spread, dtype=torch.float64).exp())
    )
    return float(torch.distributions.kl_divergence(code, posterior))


@trained("vae.elbo.lower_bound", method=METHOD, cases=LinearVAEs())
def _(s: LinearVAE, on: On) -> Iterator[Shape]:
    value, by = _bound(s, on)
    for part in (0, 1):
        yield Computed(part, s.point(), value, by if part == 0 else {}, side="lhs")
        yield Holds(part, s.point(), value)


@trained("vae.elbo.tightness", method="elbo() at the exact posterior of a model with one latent", cases=LinearVAEs())
def _(s: LinearVAE, on: On) -> Iterator[Shape]:
    value, by = _bound(s, on)
    evidence = on.computed(s.point().value(_evidence()))
    yield Decides(0, s.point(), value, evidence, by=by)


def _evidence() -> object:
    return find("vae.elbo.decomposition").says[0].lhs


not_applicable(
    "vae.mle.kl_equivalence",
    "training never computes a divergence to the data law, whose density is unknown; what it maximises is witnessed by "
    "vae.elbo.gaussian and ddpm.elbo.decomposition",
    witness="torch",
)

# --- Gaussian divergences ---------------------------------------------------------------------------------------------


@trained("gaussian.kl.nonnegative", method="gaussian_kl of isotropic Gaussians", cases=Isotropics(share=3))
def _(s: Isotropic, on: On) -> Iterator[Shape]:
    mean = on(s.m_1)
    value = gaussian_kl(mean, on.computed(np.log(s.v_1)), on.fixed(s.m_2), on.computed(np.log(s.v_2))).sum()

    def moved(c: int, h: Fraction) -> Point:
        shifted = [Fraction(m) + (h if i == c else 0) for i, m in enumerate(s.m_1)]
        return two_laws(Isotropic(np.array(shifted, dtype=object), s.v_1, s.m_2, s.v_2))

    point = two_laws(s)
    if len(s.m_1) < 3:
        yield Computed(0, point, value, {("moved", Moved(len(s.m_1), moved)): mean}, side="lhs")
    yield Holds(0, point, value)
    if len(s.m_1) < 3:
        yield Decides(1, point, value, torch.zeros_like(value))


@trained(
    "gaussian.kl.full_covariance",
    method="gaussian_kl in the coordinates in which both covariances are diagonal",
    cases=Mixes(),
    excused={1: "the mean of a quadratic form is a lemma of the proof: no code computes it by itself"},
)
def _(s: Mixed, on: On) -> Iterator[Shape]:
    mean = on(s.mean_p)
    value = gaussian_kl(mean, on.fixed(s.log_p), on.fixed(s.mean_q), on.fixed(s.log_q)).sum()
    for part in (0, 1 + s.k):
        yield Computed(part, s.point(), value, {("moved", s.by_mean()): mean})


@trained(
    "gaussian.kl.diagonal_to_standard",
    method="standard_normal_kl of the encoder's mean and log variance",
    cases=Codes(share=3),
)
def _(s: Code, on: On) -> Iterator[Shape]:
    mean, logvar = on(s.mean), on(s.log_variance)
    value = standard_normal_kl(mean[None], logvar[None])[0]
    yield Computed(0, s.point(), value, {("vectors", "mu"): mean})
    yield Computed(1, s.point(), value, {("vectors", "mu"): mean, ("vectors", "log_variance"): logvar})


@trained("gaussian.kl.isotropic", method="gaussian_kl with one variance for all coordinates", cases=Isotropics(share=3))
def _(s: Isotropic, on: On) -> Iterator[Shape]:
    m_1, m_2 = on(s.m_1), on(s.m_2)
    value = gaussian_kl(m_1, on.computed(np.log(s.v_1)), m_2, on.computed(np.log(s.v_2))).sum()
    yield Computed(0, s.point(), value, {("vectors", "m_1"): m_1, ("vectors", "m_2"): m_2})


@trained(
    "gaussian.kl.gradients", method="autograd through standard_normal_kl and gaussian_kl", cases=Codes(share=3, most=3)
)
def _(s: Code, on: On) -> Iterator[Shape]:
    mean, logvar, std = on(s.mean), on(s.log_variance), on.computed(s.deviation, grad=True)
    by_log = torch.autograd.grad(standard_normal_kl(mean[None], logvar[None]).sum(), (mean, logvar))
    by_std = torch.autograd.grad(gaussian_kl(mean, 2 * std.log(), 0.0, 0.0).sum(), std)
    for part, slope in enumerate((*by_log, *by_std)):
        yield Computed(part, s.point(s.k), slope[s.k - 1], gradient=True)


# --- decoders ---------------------------------------------------------------------------------------------------------


@trained("vae.decoder.gaussian", method="GaussianLikelihood.log_prob", cases=Decoders(share=3))
def _(s: Decoded, on: On) -> Iterator[Shape]:
    answer = coarse(s.network(s.code.noise))
    point = Point(
        len(s.x), {"sigma_x": s.sigma}, vectors={"x_obs": s.x, "z": s.code.noise}, answers={"mu_theta": answer}
    )
    x, mean = on(s.x), on(answer)
    by: dict[Place, torch.Tensor] = {("answers", "mu_theta"): mean, ("vectors", "x_obs"): x}
    yield Computed(0, point, GaussianLikelihood(s.sigma).log_prob(x[None], mean[None])[0], by)
    yield Computed(1, point, GaussianLikelihood().log_prob(x[None], mean[None])[0], by)


@trained("vae.decoder.bernoulli", method="BernoulliLikelihood.log_prob of logits", cases=Bits(share=2))
def _(s: Bitmap, on: On) -> Iterator[Shape]:
    chances = tuple(1 / (1 + mp.exp(-mp.mpf(a))) for a in s.logits)
    vectors = {"x_obs": s.x, "logit": s.logits, "z": [0.0]}
    point = Point(len(s.x), {"j": s.j}, vectors=vectors, exact={"pi_theta": lambda _: chances})
    logits = on(s.logits)
    value = BernoulliLikelihood().log_prob(on.fixed(s.x)[None], logits[None])[0]
    if np.abs(s.logits).max() < 25:  # 1 - p keeps its digits in the oracle's 30
        yield Computed(0, point, value)
    yield Computed(1, point, value, {("vectors", "logit"): logits})
    (slope,) = torch.autograd.grad(value, logits, retain_graph=True)
    yield Computed(2, point, slope[s.j - 1], gradient=True)


not_applicable(
    "vae.decoder.optimal_variance",
    "a statement about which spread is best; the likelihood that is trained with, at any spread, is witnessed by "
    "vae.decoder.gaussian and vae.elbo.gaussian",
    witness="torch",
)
