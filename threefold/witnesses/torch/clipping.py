"""Clipping as the samplers do it: the denoiser's estimate and noise, and a step from the estimate that was cut."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from threefold.witnesses.built import diffusion
from threefold.witnesses.cases.cuts import Cut, SomeCuts
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.samplers.ancestral import ancestral_step
from torch_impl.samplers.noise import Noise


@trained(
    "ddpm.sampling.clip_x0",
    method="Denoiser with clip and rederive_eps; ancestral_step with clip, without noise",
    cases=SomeCuts(share=4),
    no_gradient="sampling records no gradient",
    excused={
        0: "what clamp does within the range is statement 4",
        1: "the errors are those of any estimate: statement 4 has the cut",
        2: "the same from below",
    },
    dtypes=("float64",),
)
def _(s: Cut, on: On) -> Iterator[Shape]:
    step = s.step
    seen, told = on.fixed(step.x_t), on.fixed(step.x_prev)
    denoiser = Denoiser(lambda x, t: told.expand_as(x), diffusion(step.betas, "eps"), True, True)
    still = Noise(lambda shape, i: torch.zeros(shape, dtype=on.dtype), None)
    landed = ancestral_step(denoiser, seen[None].clone(), step.t, step.t - 1, still, 0)[0]
    noise = denoiser(seen[None], step.t)[1][0]
    for n in range(step.d):
        yield Computed(3, s.point(n), landed[n], side="lhs")
        yield Computed(4, s.point(n), noise[n], side="lhs")


not_applicable("vae.free_bits", "no system of the package is trained with a floor under its prices", witness="torch")
not_applicable(
    "ddpm.sampling.rescale",
    "pictures are clamped and scaled where they are written, to whole numbers from 0 to 255",
    witness="torch",
)
