"""Samplers: pure functions from a start to a sample, with injected noise, along any decreasing list of times.

Each family of them is a module here that ends in its rows (`torch_impl.samplers.row`): what each solves, its order,
what it costs and the options it takes. `torch_impl.samplers.registry.table()` prints them all.
"""

import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_impl.denoiser.denoiser import Clip, Denoiser, dynamic_threshold
from torch_impl.process.gaussian import GaussianProcess
from torch_impl.process.parameterization import Model
from torch_impl.samplers.ancestral import ancestral_step, ddpm
from torch_impl.samplers.ddim import ddim, ddim_invert, ddim_step
from torch_impl.samplers.exponential import dpmpp_2m, dpmpp_3m, sde_dpmpp_2m, sde_dpmpp_3m
from torch_impl.samplers.noise import Noise, NoiseFn
from torch_impl.samplers.ode import euler, heun
from torch_impl.samplers.registry import METHODS, SAMPLERS, Method, sampler
from torch_impl.samplers.sde import euler_maruyama, langevin, predictor_corrector
from torch_impl.samplers.times import Callback, check_timesteps, spaced_timesteps

__all__ = [
    "METHODS",
    "SAMPLERS",
    "Denoiser",
    "Method",
    "Noise",
    "ancestral_step",
    "check_timesteps",
    "ddim",
    "ddim_invert",
    "ddim_step",
    "ddpm",
    "dpmpp_2m",
    "dpmpp_3m",
    "dynamic_threshold",
    "euler",
    "euler_maruyama",
    "heun",
    "invert",
    "langevin",
    "predictor_corrector",
    "sample",
    "sampler",
    "sde_dpmpp_2m",
    "sde_dpmpp_3m",
    "spaced_timesteps",
]


@torch.no_grad()
def sample(
    model: Model,
    diffusion: GaussianProcess,
    x_T: Tensor,
    method: Method = "ddim",
    timesteps: Sequence[int] | None = None,
    eta: float = 0.0,
    clip_x0: Clip = False,
    rederive_eps: bool = False,
    noise_fn: NoiseFn | None = None,
    generator: torch.Generator | None = None,
    progress: bool = False,
    callback: Callback | None = None,
    **options: Any,
) -> Tensor:
    """From x_T at timesteps[0] to a sample at timesteps[-1]; all times T, T-1, ..., 0 when none are given.

    Args:
        model: (x_t, t) -> what the diffusion predicts; t is an integer tensor (batch,) in 1..T.
        timesteps: strictly decreasing, start and end named; see `spaced_timesteps`.
        eta: noise of DDIM, 0 deterministic to 1 ancestral; handed to a method that has this option, and to no other.
        clip_x0: True clips the predicted x_0 to [-1, 1]; a function such as `dynamic_threshold()` replaces it.
        rederive_eps: recompute the noise direction from the clipped x_0; by default it stays the network's own.
        noise_fn: noise_fn(shape, i) gives the i-th noise in loop order; never asked for noise that is not added.
        progress: a line on stderr. callback(s, x_s) is called after every step.
        options: those of the method's row, such as `langevin_count` and `langevin_size` of langevin.

    No gradients are recorded; the functions of this package record them. x_T is not overwritten.
    ValueError for NaN in x_T, an unknown method, times that do not decrease strictly or leave 0..T, an eta or a start
    that the method cannot serve. TypeError for options the method does not take.
    """
    if not isinstance(x_T, Tensor) or not x_T.is_floating_point():
        raise TypeError("x_T must be a floating-point tensor")
    if not torch.isfinite(x_T).all():
        raise ValueError("x_T holds NaN or infinity; start from finite noise")
    row = sampler(method)
    if "eta" in row.defaults:
        options["eta"] = eta
    row.check_options(options)
    times = check_timesteps(timesteps if timesteps is not None else range(diffusion.T, -1, -1), diffusion.T)
    denoiser = Denoiser(model, diffusion, clip_x0, rederive_eps)
    report = _progress(len(times) - 1, callback) if progress else callback
    return row.run(denoiser, x_T, times, Noise(noise_fn, generator), callback=report, **options)


@torch.no_grad()
def invert(
    model: Model, diffusion: GaussianProcess, x: Tensor, timesteps: Sequence[int] | None = None, refinements: int = 3
) -> Tensor:
    """The noise that deterministic DDIM turns into x; times increase, 0, 1, ..., T by default (`ddim_invert`)."""
    times = list(timesteps) if timesteps is not None else list(range(diffusion.T + 1))
    return ddim_invert(Denoiser(model, diffusion), x, times, refinements)


def _progress(steps: int, callback: Callback | None) -> Callback:
    """Report each step on stderr, and pass it on."""
    done = 0

    def report(s: int, x: Tensor) -> None:
        nonlocal done
        done += 1
        print(f"\rsampling {done}/{steps}", end="\n" if done == steps else "", file=sys.stderr, flush=True)
        if callback:
            callback(s, x)

    return report
