"""The bound that `GaussianDiffusion.vlb` reports against the claims, on chains that are Gaussian in both directions.

The network is affine, so every term is quadratic in the noise and the mean over noise +1 and -1 (one coordinate) is
exact; the model's law p(x_0..x_T) is then one joint Gaussian, in which the claims' expectations are sums over
quadrature points.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from derivations.library import find
from threefold.witnesses.built import diffusion
from threefold.witnesses.cases.runs import Run, Runs
from threefold.witnesses.point import Place, Point
from threefold.witnesses.training import Computed, Holds, On, Shape, trained
from torch_impl import VLB
from torch_impl.distributions.gaussian import gaussian_log_prob
from torch_impl.objectives.bound import bound_term, prior_kl

CHAINS = Runs(kinds=("ordinary", "one step", "huge betas", "tiny betas"), affine=True, share=6, most=2)
METHOD = "GaussianDiffusion.vlb of an affine network, noise at +1 and -1 (exact for quadratics)"


def _terms(s: Run, on: On) -> VLB:
    """Every term of the bound of a data predictor, averaged over the noises +1 and -1."""
    process, network, x0 = (
        diffusion(s.betas, reconstruction_variance=s.sigmas[0] ** 2),
        on.network(s.network),
        on.fixed([s.x0]),
    )
    both = [process.vlb(network, x0, noise_fn=lambda shape, _, e=e: on.fixed([[e]])) for e in (1.0, -1.0)]
    return VLB(*((a + b) / 2 for a, b in zip(*both, strict=True)))


def _trained_bound(s: Run, on: On) -> tuple[torch.Tensor, dict[Place, torch.Tensor]]:
    """The same bound from the terms that train, differentiable: vlb itself records no gradients."""
    process, network, start = (
        diffusion(s.betas, reconstruction_variance=s.sigmas[0] ** 2),
        on.network(s.network),
        on(s.x0),
    )
    x0, noise = start.expand(2, 1), on.signs(1)
    total = -prior_kl(process, start[None])[0]
    for t in range(1, s.T + 1):
        x_t = process.q_sample(x0, t, noise)
        total = total - bound_term(process, network(x_t, torch.full((2,), t)), x0, x_t, t).mean()
    return total, {("x", 0): start}


def _point(s: Run, **x: object) -> Point:
    return s.point("x0_theta", tables={"p": s.data_predictor_law()}, **x)


@trained("ddpm.elbo.definition", method=METHOD, cases=CHAINS)
def _(s: Run, on: On) -> Iterator[Shape]:
    elbo, point = _terms(s, on).elbo[0], _point(s)
    for part in (0, 1):
        yield Computed(part, point, elbo)
    yield Computed(0, point, *_trained_bound(s, on))


@trained("ddpm.elbo.decomposition", method=METHOD, cases=CHAINS)
def _(s: Run, on: On) -> Iterator[Shape]:
    yield Computed(0, _point(s), _terms(s, on).elbo[0])
    yield Computed(0, _point(s), *_trained_bound(s, on))


@trained("ddpm.elbo.lower_bound", method=METHOD, cases=CHAINS)
def _(s: Run, on: On) -> Iterator[Shape]:
    elbo, point = _terms(s, on).elbo[0], _point(s)
    yield Computed(0, point, elbo)
    evidence = on.computed(point.value(find("ddpm.elbo.gap").says[0].lhs))
    yield Holds(0, point, evidence, elbo)
    yield Computed(0, point, *_trained_bound(s, on))


@trained("ddpm.elbo.gap", method=METHOD + ", plus the divergence of the path laws", cases=CHAINS)
def _(s: Run, on: On) -> Iterator[Shape]:
    point, says = _point(s), find("ddpm.elbo.gap").says[0]
    gap = point.value(says.rhs - find("ddpm.elbo.definition").says[0].lhs)
    elbo, by = _trained_bound(s, on)
    yield Computed(0, point, elbo + on.computed(gap), side="lhs")
    yield Computed(0, point, _terms(s, on).elbo[0] + on.computed(gap), side="lhs")
    # The gap is a number here: what the code differentiates is the bound, and the bound's own slope is compared.
    yield from _slope_of_bound(point, elbo, by)


def _slope_of_bound(point: Point, elbo: torch.Tensor, by: dict[Place, torch.Tensor]) -> Iterator[Shape]:
    yield Computed(0, point, elbo, by, expression=find("ddpm.elbo.definition").says[0].rhs)


@trained(
    "ddpm.elbo.telescoping",
    method="posteriors and marginals of GaussianDiffusion multiplied along a path",
    cases=Runs(kinds=("ordinary", "one step", "huge betas"), affine=True, share=4, most=3),
)
def _(s: Run, on: On) -> Iterator[Shape]:
    process, x0 = diffusion(s.betas), on.fixed(s.x0)
    path = {t: on(s.path[t - 1 : t]) for t in range(1, s.T + 1)}
    zero, one = on.fixed([[0.0]]), on.fixed([[1.0]])

    def jump(x: torch.Tensor, start: torch.Tensor, betas: object, t: int) -> torch.Tensor:
        """log q(x_t | start) as q_sample has it."""
        chain = diffusion(betas)
        mean, spread = chain.q_sample(start[None], t, zero)[0], chain.q_sample(zero, t, one)[0]
        return gaussian_log_prob(x, mean, 2 * spread.log()).sum()

    total = jump(path[s.T], x0, s.betas, s.T)
    for t in range(2, s.T + 1):
        mean, variance = process.posterior(x0[None], path[t][None], t)
        total = total + gaussian_log_prob(path[t - 1], mean[0], variance.reshape(()).log()).sum()
    states = {0: s.x0} | {t: s.path[t - 1 : t] for t in range(1, s.T + 1)}
    point = Point(1, {"T": s.T, "t": s.T}, s.betas, x=states)
    if not float(total.detach()) <= -60:  # else the product leaves the range of the dtypes
        yield Computed(0, point, total.exp(), {("x", s.T): path[s.T]}, side="lhs")
        yield Computed(0, point, total.exp())
    for t in range(2, s.T + 1):
        step = jump(path[t], path[t - 1], s.betas[t - 1 : t], 1)
        at = Point(1, {"T": s.T, "t": t}, s.betas, x=states)
        if not float(step.detach()) <= -60:
            yield Computed(1, at, step.exp(), {("x", t): path[t], ("x", t - 1): path[t - 1]})
