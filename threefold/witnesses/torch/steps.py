"""Runs of the fast samplers, each step from the state before it and the noise that was injected."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

from torch import Tensor

from threefold.witnesses.built import diffusion
from threefold.witnesses.cases.strides import StepBack, Strides
from threefold.witnesses.torch.algorithms import RUN, states, values
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl import sample
from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.samplers.ddim import ddim_sigma

Callback = Callable[[int, Tensor], None]


def answers(*said: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """A network that gives these answers, one after the other, and then the last of them."""
    waiting = list(said)
    return lambda x, _: (waiting.pop(0) if len(waiting) > 1 else waiting[0]).expand_as(x)


@trained(
    "ddim.sampling",
    method="sample by 'ddim' in two strides, with the noise that was injected",
    cases=Strides(share=3),
    no_gradient=RUN,
    excused={1: "the law of a step: statement 1 is what is computed", 2: "the same at the true noise"},
    dtypes=("float64",),
)
def _(s: StepBack, on: On) -> Iterator[Shape]:
    answer, noise, process = on.fixed(s.answer), on.fixed(s.noise), diffusion(s.betas, "eps")
    denoiser = Denoiser(answers(answer), process)
    eta = math.sqrt(s.rho) * denoiser.level(s.s).sigma / ddim_sigma(denoiser, s.t, s.s, 1.0)

    def run(x: Tensor, callback: Callback) -> object:
        draw = lambda shape, i: noise.expand(shape)  # noqa: E731
        return sample(answers(answer), process, x, "ddim", [s.t, s.s, 0], eta=eta, noise_fn=draw, callback=callback)

    (_, x), (_, landed), *_ = states(on.fixed(s.x_t), s.t, run)
    vectors = {"answer": s.answer, "z": s.noise}
    yield Computed(0, s.point(vectors=vectors, x={s.t: values(x)}), landed, side="lhs")


@trained(
    "solver.heun.step",
    method="sample by 'heun' with two answers, one after the other",
    cases=Strides(share=3),
    no_gradient=RUN,
    excused={2: "statement 1 at the true noise"},
    dtypes=("float64",),
)
def _(s: StepBack, on: On) -> Iterator[Shape]:
    first, second, process = on.fixed(s.answer), on.fixed(s.x_s), diffusion(s.betas, "eps")
    signal = Denoiser(answers(first), process).level(s.s).signal

    for part, said in ((0, (first, second)), (1, (first,))):

        def run(x: Tensor, callback: Callback, said: tuple[Tensor, ...] = said) -> object:
            return sample(answers(*said), process, x, "heun", [s.t, s.s], callback=callback)

        (_, x), (_, landed) = states(on.fixed(s.x_t), s.t, run)
        point = s.point(vectors={"answer": s.answer, "second_answer": s.x_s}, x={s.t: values(x)})
        yield Computed(part, point, landed / signal if part == 0 else landed, side="lhs")


@trained(
    "solver.dpmpp_2m.step",
    method="sample by 'dpmpp_2m' in two strides, with an answer each",
    cases=Strides(share=3),
    no_gradient=RUN,
    excused={2: "statement 1 at the true data"},
    dtypes=("float64",),
)
def _(s: StepBack, on: On) -> Iterator[Shape]:
    """The first stride has no past, the second one has."""
    if s.s == 1:
        return
    before, now, process = on.fixed(s.x_s), on.fixed(s.answer), diffusion(s.betas, "x0")
    lam = [Denoiser(answers(now), process).level(n).lam for n in (s.t, s.s, 1)]
    ratio = (lam[1] - lam[0]) / (lam[2] - lam[1])

    def run(x: Tensor, callback: Callback) -> object:
        return sample(answers(before, now), process, x, "dpmpp_2m", [s.t, s.s, 1], callback=callback)

    seen = states(on.fixed(s.x_t), s.t, run)
    for part, ((t, x), (later, landed)) in zip((1, 0), itertools.pairwise(seen), strict=True):
        said = {"data_said_now": s.answer if part == 0 else s.x_s, "data_said_before": s.x_s}
        numbers = {"t": t, "s": later, "step_ratio": ratio}
        yield Computed(part, s.point(vectors=said, x={t: values(x)}, numbers=numbers), landed, side="lhs")
