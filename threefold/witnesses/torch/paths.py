"""Any path, EDM's scales and guidance as `torch_impl` computes them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils._python_dispatch import _disable_current_modes

from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.point import Place
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.denoiser.guidance import classifier_free
from torch_impl.denoiser.preconditioning import Preconditioning
from torch_impl.process.conversion import from_velocity, velocity
from torch_impl.process.paths import Coefficients

By = dict[Place, torch.Tensor]


def _coefficients(s: OnPath, on: On) -> Coefficients:
    a, b, drift, rate = (on.fixed(v) for v in (s.signal, s.level, s.drift, s.rate))
    return Coefficients(a, b, (a / b).log(), drift * a, (drift - rate) * b, rate)


@trained("path.velocity_views", method="conversion.velocity and conversion.from_velocity", cases=PathPoints())
def _(s: OnPath, on: On) -> Iterator[Shape]:
    at, x0, noise, answer, point = _coefficients(s, on), on(s.x0), on(s.noise), on(s.answer), s.point()
    yield Computed(0, point, at.alpha * at.d_sigma - at.d_alpha * at.sigma)
    x, moving = at.alpha * x0 + at.sigma * noise, velocity(at, x0, noise)
    clean, seen = from_velocity(at, x, moving)
    yield Computed(1, point, clean, {("x", 0): x0})
    yield Computed(2, point, seen, {("vectors", "eps"): noise})
    off = (velocity(at, (x - at.sigma * answer) / at.alpha, answer) - moving).square().sum()
    yield Computed(3, point, off, {("vectors", "prediction"): answer})
    yield Computed(4, point, off)


@trained("edm.units", method="Preconditioning.denoiser, .target and .weight", cases=PathPoints(exploding=True))
def _(s: OnPath, on: On) -> Iterator[Shape]:
    with _disable_current_modes():
        scales = Preconditioning(s.spread)
    sigma, x0, noise, answer, point = on.fixed(s.level), on(s.x0), on(s.noise), on(s.answer), s.point()
    found = scales.denoiser(lambda *_: answer)(x0 + sigma * noise, sigma)
    yield Computed(0, point, (found - x0).square().sum(), {("vectors", "answer"): answer})
    yield Computed(1, point, scales.target(x0, noise, sigma), {("x", 0): x0, ("vectors", "eps"): noise})
    weighted = scales.weight(sigma) * (found - x0).square().sum()
    yield Computed(2, point, weighted, {("vectors", "answer"): answer}, side="lhs")


@trained("guidance.cfg.views", method="classifier_free on a network of two answers", cases=PathPoints())
def _(s: OnPath, on: On) -> Iterator[Shape]:
    free, conditioned, z, point = on(s.answer), on(s.other), on(s.z), s.point()
    by: By = {("vectors", "conditioned"): conditioned}
    if s.guidance:  # without it the network is asked with the condition only
        by[("vectors", "unconditioned")] = free
    labels, null = torch.ones(1, dtype=torch.long), torch.zeros(1, dtype=torch.long)
    time = torch.ones(1, dtype=torch.long)

    def network(x: torch.Tensor, t: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        return torch.stack([conditioned if label else free for label in asked.tolist()])

    def guided(scale: float) -> torch.Tensor:
        return classifier_free(network, labels, null, scale)(z[None], time)[0]

    yield Computed(0, point, on.fixed(s.drift) * z + on.fixed(s.rate) * guided(s.guidance), {("vectors", "z"): z})
    yield Computed(1, point, guided(1.0), {("vectors", "conditioned"): conditioned})
    yield Computed(2, point, guided(0.0), {("vectors", "unconditioned"): free})
    yield Computed(3, point, guided(1 + s.guidance), by)


NOT_COMPUTED = {
    "path.change_of_variables": "`conversion.carried` asks a network on another path at the matched time, in one go; "
    "no function of its own computes one of these identities",
    "weights.units": "each loss computes one of these errors; where a^2 + sigma^2 = 1 the code is matched by "
    "ddpm.loss.eps_x0_equivalence and ddpm.parameterization.v_loss",
    "ddim.step.forms": "the samplers take one of these forms; it is matched by ddim.deterministic and ddim.ode_limit",
    "ancestral.ve": "no sampler walks a variance-exploding chain: such a path is sampled in variance-preserving units",
    "langevin.gaussian_bias": "the sampler sets each step by the size of the score, so its chain has no one step size",
    "guidance.classifier_free.tilted_density": "no code computes the tilted density, only the guided output",
    "vq.codebook.statistics": "the code smooths counts and moves unused codewords as well: it is tested, not matched",
    "ddpm.reverse.intractable": "nothing computes the mixture over all starts: that is why it is learned",
    "ddpm.elbo.redundant_expectation": "the code averages over x_t alone, and draws no x_{t-1} that it could leave out",
    "ddpm.ancestral.gaussian_variance": "no code fits the reverse variance to the data's",
    "kl.chain_rule": "no code computes the divergence of two joint laws",
    "vae.elbo.latent_term.aggregate": "no code computes the aggregated code's law",
    "vae.beta.bound": "a bound on a bound: the code computes the weighted objective, and neither of the others with it",
    "vae.posterior_collapse": "about a decoder that nobody would train",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
