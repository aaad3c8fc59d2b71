"""The bound that `GaussianDiffusion.vlb` reports against the claims, on chains that are Gaussian in both directions.

The network is affine, so every term is quadratic in the noise and the mean over noise +1 and -1 (one coordinate) is
exact; the model's law p(x_0..x_T) is then one joint Gaussian, in which the claims' expectations are sums over
quadrature points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from derivations.library import find
from derivations.notation import T as symbol_T
from derivations.notation import abar
from derivations.refutation.laws import mp
from threefold.witnesses.chains import EDGES, draw_betas
from threefold.witnesses.oracle import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases, Comparison, torch_witness
from torch_impl import VLB, GaussianDiffusion, NoiseSchedule
from torch_impl.distributions.gaussian import gaussian_log_prob
from torch_impl.objectives.bound import bound_term

F64 = torch.float64
CHAINS = 10


@dataclass(frozen=True)
class Affine:
    """A chain of one coordinate whose network predicts x_0 as slope[t] x_t + shift[t]."""

    betas: Array
    slope: Array
    shift: Array
    x0: float

    @property
    def diffusion(self) -> GaussianDiffusion:
        return GaussianDiffusion(NoiseSchedule.from_betas(torch.tensor(self.betas, dtype=F64)), prediction="x0")

    def network(self, x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        slope, shift = (torch.tensor(v, dtype=F64)[t - 1][:, None] for v in (self.slope, self.shift))
        return slope * x_t + shift

    def terms(self) -> VLB:
        """Every term, averaged over the noises +1 and -1."""
        x0 = torch.tensor([[self.x0]], dtype=F64)
        both = [
            self.diffusion.vlb(self.network, x0, noise_fn=lambda shape, _, e=e: torch.full(shape, e, dtype=F64))
            for e in (1.0, -1.0)
        ]
        return VLB(*((a + b) / 2 for a, b in zip(*both, strict=True)))

    def point(self) -> Point:
        T = len(self.betas)
        mean, cov = [mp.mpf(0)] * (T + 1), mp.matrix(T + 1, T + 1)  # 30 digits: conditioning on x_1 cancels
        cov[T, T] = mp.mpf(1)
        for t in range(T, 0, -1):
            gain, offset, variance = self._reverse(t)
            mean[t - 1] = gain * mean[t] + offset
            for later in range(t, T + 1):
                cov[t - 1, later] = cov[later, t - 1] = gain * cov[t, later]
            cov[t - 1, t - 1] = gain**2 * cov[t, t] + variance
        law = GaussianLaw({("x", t): 1 for t in range(T + 1)}, mean, cov.tolist())
        return Point(1, {"T": T}, self.betas, x={0: [self.x0]}, tables={"p": law})

    def _reverse(self, t: int) -> tuple[Any, Any, Any]:
        """p(x_{t-1} | x_t) = N(gain x_t + offset, variance): posterior mean at the predicted x_0; beta_1 at t = 1."""
        alphas = [1 - mp.mpf(b) for b in self.betas.tolist()]
        before, now = mp.fprod(alphas[: t - 1]), mp.fprod(alphas[:t])
        on_x0 = mp.sqrt(before) * (1 - alphas[t - 1]) / (1 - now)
        on_xt = mp.sqrt(alphas[t - 1]) * (1 - before) / (1 - now)
        variance = (1 - alphas[t - 1]) * ((1 - before) / (1 - now) if t > 1 else 1)
        return on_xt + on_x0 * mp.mpf(self.slope[t - 1].item()), on_x0 * mp.mpf(self.shift[t - 1].item()), variance

    def slope_of_bound(self) -> tuple[Array, Array]:
        """Autograd of the reconstruction term in x_0 prediction at noise 1, and its symbolic derivative."""
        diffusion = self.diffusion
        x0 = torch.tensor([[self.x0]], dtype=F64)
        x_1 = diffusion.q_sample(x0, 1, torch.ones_like(x0))
        output = self.network(x_1, torch.tensor([1])).requires_grad_()
        (slope,) = torch.autograd.grad(bound_term(diffusion, output, x0, x_1, 1).sum(), output)
        variance = float(diffusion.reverse(output.detach(), x_1, 1)[1].exp())
        return slope.numpy(), ((output.detach() - x0) / variance).numpy()


def _chains(case: Cases) -> Iterator[Affine]:
    for n in range(CHAINS):
        betas = draw_betas(case, EDGES[n % len(EDGES)])[:2] if n % 3 else draw_betas(case, "ordinary")[:3]
        yield Affine(betas, case.rng.uniform(0, 1, len(betas)), case.rng.standard_normal(len(betas)), case.rng.normal())


def _scale(value: float) -> float:
    return max(1.0, abs(value))


def _gradient(chain: Affine) -> Comparison:
    slope, exact = chain.slope_of_bound()
    return Comparison(
        "d log p(x_0 | x_1) / d prediction", slope, exact, scale=_scale(float(exact.item())), gradient=True
    )


@torch_witness("ddpm.elbo.definition", method="GaussianDiffusion.vlb against the average over whole paths")
def _(case: Cases) -> Iterator[Comparison]:
    for chain in _chains(case):
        stated = chain.point().rhs("ddpm.elbo.definition")
        yield Comparison("ELBO", chain.terms().elbo, [stated], scale=_scale(stated))
        yield _gradient(chain)


@torch_witness("ddpm.elbo.decomposition", method="prior, transitions and reconstruction of GaussianDiffusion.vlb")
def _(case: Cases) -> Iterator[Comparison]:
    for chain in _chains(case):
        stated = chain.point().rhs("ddpm.elbo.decomposition")
        yield Comparison("ELBO", chain.terms().elbo, [stated], scale=_scale(stated))
        yield _gradient(chain)


@torch_witness("ddpm.elbo.lower_bound", method="GaussianDiffusion.vlb never exceeds the exact evidence")
def _(case: Cases) -> Iterator[Comparison]:
    for chain in _chains(case):
        point = chain.point()
        bound = point.rhs("ddpm.elbo.lower_bound")
        terms = chain.terms()
        yield Comparison("ELBO", terms.elbo, [bound], scale=_scale(bound))
        excess = max(float(terms.elbo) - point.lhs("ddpm.elbo.lower_bound"), 0.0)
        yield Comparison("bound <= evidence", excess, 0.0, scale=1.0)
        yield _gradient(chain)


@torch_witness("ddpm.elbo.gap", method="GaussianDiffusion.vlb plus the divergence of the path laws")
def _(case: Cases) -> Iterator[Comparison]:
    for chain in _chains(case):
        point, statement = chain.point(), find("ddpm.elbo.gap").says[0]
        evidence = point.value(statement.lhs)
        divergence = point.value(statement.rhs) - point.rhs("ddpm.elbo.definition")
        yield Comparison("ELBO + gap", chain.terms().elbo + divergence, [evidence], scale=_scale(evidence) + divergence)
        yield _gradient(chain)


@torch_witness("ddpm.elbo.telescoping", method="posteriors and marginals of GaussianDiffusion multiplied along a path")
def _(case: Cases) -> Iterator[Comparison]:
    for chain in _chains(case):
        T, diffusion = len(chain.betas), chain.diffusion
        x0 = torch.tensor([[chain.x0]], dtype=F64)
        path = {t: diffusion.q_sample(x0, t, torch.tensor([[case.rng.normal()]], dtype=F64)) for t in range(1, T + 1)}
        path[T].requires_grad_()
        bar = float(diffusion.schedule.alpha_bar(T))
        end = gaussian_log_prob(path[T], np.sqrt(bar) * x0, diffusion.schedule.one_minus_alpha_bar(T).log())
        total = end.sum()
        spread = 1.0
        for t in range(2, T + 1):
            mean, variance = diffusion.posterior(x0, path[t], t)
            total = total + gaussian_log_prob(path[t - 1], mean, variance.log()).sum()
            spread = max(spread, float(variance.rsqrt()))
        x = {0: [chain.x0]} | {t: v.detach().numpy()[0] for t, v in path.items()}
        point = Point(1, {"T": T}, chain.betas, x=x)
        stated = point.value(find("ddpm.elbo.telescoping").says[0].lhs.args[0])
        yield Comparison("log q(x_1..x_T | x_0)", total, stated, scale=_scale(stated) * spread**2)
        (slope,) = torch.autograd.grad(end.sum(), path[T])
        exact = -(path[T].detach() - np.sqrt(bar) * x0) / point.value(1 - abar(symbol_T))
        yield Comparison("score of q(x_T | x_0)", slope, exact, scale=_scale(float(exact)), gradient=True)
