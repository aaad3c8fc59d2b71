"""Whole runs of the samplers, step by step with injected noise: each state from the one before, as the claim says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp
import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from derivations import notation
from derivations.ddpm import algorithms
from derivations.refutation.laws import mp
from threefold.witnesses.built import diffusion
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.strides import StepBack, Strides
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl import sample
from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.denoiser.guidance import classifier_free
from torch_impl.objectives.diffusion import diffusion_loss
from torch_impl.samplers.noise import Noise
from torch_impl.samplers.sde import langevin_steps

States = list[tuple[int, Tensor]]
RUN = "sampling records no gradient"


def states(start: Tensor, T: int, run: Callable[[Tensor, Callable[[int, Tensor], None]], object]) -> States:
    """The start at T, and what the sampler's callback is given after every step."""
    seen: States = [(T, start)]
    run(start[None], lambda s, x: seen.append((s, x[0].clone())))
    return seen


def values(x: Tensor) -> Array:
    with _disable_current_modes():
        return x.detach().to(torch.float64).numpy().copy()


@trained(
    "ddpm.training.noise",
    method="diffusion_loss at all signs of noise, differentiated by a parameter",
    cases=Steps(share=4),
    dtypes=("float64",),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    """The network is a multiple of x/2 + 1/4."""
    parameter, signs = on([0.75]), on.signs(s.d)

    def network(x: Tensor, t: Tensor) -> Tensor:
        return parameter * (x / 2 + 0.25)

    times = torch.full((len(signs),), s.t)
    x0 = on.fixed(s.x0).expand(len(signs), s.d)
    loss = diffusion_loss(diffusion(s.betas, "eps"), network, x0, times, signs) * s.d  # it is a mean over elements
    (slope,) = torch.autograd.grad(loss, parameter)
    exact: dict[str, Any] = {"noise_network": lambda p, x, t: tuple(p * (v / 2 + mp.mpf(1) / 4) for v in x)}
    yield Computed(0, s.point(numbers={"parameter": 0.75}, exact=exact), slope[0], gradient=True)


@trained(
    "ddpm.sampling.ancestral",
    method="sample by 'ddpm' from T to 1, every step with the noise that was injected",
    cases=Steps(least_t=2, share=2),
    no_gradient=RUN,
    excused={1: "the law of a step: statement 1 is what is computed"},
    dtypes=("float64",),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    answer, noise, process = on.fixed(s.x_prev), on.fixed(s.noise), diffusion(s.betas, "eps")

    def run(x: Tensor, callback: Callable[[int, Tensor], None]) -> object:
        return sample(
            lambda x, t: answer.expand_as(x),
            process,
            x,
            "ddpm",
            noise_fn=lambda shape, i: noise.expand(shape) * (i + 1),
            callback=callback,
        )

    seen = states(on.fixed(s.x_t), s.T, run)
    for i, ((t, x), (now, landed)) in enumerate(itertools.pairwise(seen)):
        if now:
            vectors = {"answer": s.x_prev, "z": s.noise * (i + 1)}
            yield Computed(0, Point(s.d, {"t": t, "T": s.T}, s.betas, x={t: values(x)}, vectors=vectors), landed)


@trained(
    "ddpm.sampling.respaced",
    method="sample by 'ddpm' in two strides, with the noise that was injected",
    cases=Strides(),
    no_gradient=RUN,
    excused={1: "a stride of one step: ddpm.sampling.ancestral", 2: "its variance"},
    dtypes=("float64",),
)
def _(s: StepBack, on: On) -> Iterator[Shape]:
    datum, noise, process = on.fixed(s.x0), on.fixed(s.noise), diffusion(s.betas, "x0")

    def run(x: Tensor, callback: Callable[[int, Tensor], None]) -> object:
        times = [s.t, s.s, 0]
        return sample(
            lambda x, t: datum.expand_as(x),
            process,
            x,
            "ddpm",
            times,
            noise_fn=lambda shape, i: noise.expand(shape),
            callback=callback,
        )

    (_, x), (_, landed), *_ = states(on.fixed(s.x_t), s.t, run)
    step = algorithms.respaced(notation.t, notation.s, algorithms.x_t, algorithms.x_0)
    spread = sp.sqrt(algorithms.left(notation.t, notation.s))
    point = s.point(vectors={"z": s.noise}, x={s.t: values(x)})
    yield Computed(0, point, landed, expression=step + spread * notation.z)


@trained(
    "guidance.classifier_free",
    method="sample by 'ddim' of classifier_free, in strides",
    cases=Strides(),
    no_gradient=RUN,
    dtypes=("float64",),
)
def _(s: StepBack, on: On) -> Iterator[Shape]:
    free, conditioned, process = on.fixed(s.answer), on.fixed(s.noise), diffusion(s.betas, "eps")
    weight = 1 + 8 * s.rho

    def network(x: Tensor, t: Tensor, asked: Tensor) -> Tensor:
        return torch.stack([conditioned if label else free for label in asked.tolist()])

    labels, null = torch.ones(1, dtype=torch.long), torch.zeros(1, dtype=torch.long)
    guided = classifier_free(network, labels, null, weight)
    seen = states(
        on.fixed(s.x_t), s.t, lambda x, callback: sample(guided, process, x, "ddim", [s.t, s.s], callback=callback)
    )
    point = s.point(vectors={"unconditioned": s.answer, "conditioned": s.noise}, numbers={"guidance": weight})
    yield Computed(0, point, seen[1][1], side="lhs")


@trained(
    "score.langevin",
    method="langevin_steps, one after the other, with the noise that was injected",
    cases=Steps(share=2),
    no_gradient=RUN,
    excused={1: "how far a step goes: statement 1 has the step"},
    dtypes=("float64",),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    answer, noise, size = on.fixed(s.x_prev), on.fixed(s.noise), 0.25
    denoiser = Denoiser(lambda x, t: answer.expand_as(x), diffusion(s.betas, "eps"))
    sigma = float(denoiser.level(s.t).sigma)
    drawn = Noise(lambda shape, i: noise.expand(shape) * (i + 1), None)
    x, eta = on.fixed(s.x_t), size * sigma**2
    step = algorithms.walked(algorithms.size, algorithms.here, algorithms.slope, notation.z)
    for i in range(2):
        start = values(x)
        x = langevin_steps(denoiser, x[None].clone(), s.t, drawn, i, 1, size)[0]
        vectors = {"now": start, "slope_here": -s.x_prev / sigma, "z": s.noise * (i + 1)}
        yield Computed(0, Point(s.d, {"walk_size": eta}, vectors=vectors), x, expression=step)


not_applicable(
    "ddpm.sampling.final_noise",
    "the code adds no noise at t = 1: ddpm.posterior.t1 is matched by the step that returns the mean",
    witness="torch",
)
