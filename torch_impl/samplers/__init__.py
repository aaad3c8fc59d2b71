"""Samplers: pure functions from a start to a sample, with injected noise, along any decreasing list of times."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from torch_impl.bound import Model
from torch_impl.diffusion import GaussianDiffusion
from torch_impl.samplers.ancestral import ddim, ddpm
from torch_impl.samplers.denoiser import Callback, Clip, Denoiser, Noise, NoiseFn, check_timesteps, dynamic_threshold

Method = Literal["ddpm", "ddim"]
METHODS: dict[str, Any] = {"ddpm": ddpm, "ddim": ddim}

__all__ = ["METHODS", "Denoiser", "Method", "Noise", "check_timesteps", "ddim", "ddpm", "dynamic_threshold", "sample"]


@torch.no_grad()
def sample(
    model: Model,
    diffusion: GaussianDiffusion,
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
) -> Tensor:
    """From x_T at timesteps[0] to a sample at timesteps[-1], usually x_0."""
    if not isinstance(x_T, Tensor) or not x_T.is_floating_point():
        raise TypeError("x_T must be a floating-point tensor")
    if not torch.isfinite(x_T).all():
        raise ValueError("x_T holds NaN or infinity; start from finite noise")
    if method not in METHODS:
        raise ValueError(f"method = {method!r} is not one of {', '.join(map(repr, METHODS))}")
    times = check_timesteps(timesteps if timesteps is not None else range(diffusion.T, -1, -1), diffusion.T)
    denoiser = Denoiser(model, diffusion, clip_x0, rederive_eps)
    options: dict[str, Any] = {"eta": eta} if method == "ddim" else {}
    result: Tensor = METHODS[method](denoiser, x_T, times, Noise(noise_fn, generator), callback=callback, **options)
    return result
