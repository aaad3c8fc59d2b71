"""The loss of EDM: the squared error of a network whose input and target have unit variance at every noise level.

It is the squared error of x_0 with weight 1 / c_out^2 (Karras et al. 2022, eq. 8; claim `edm.preconditioning`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from torch_impl.ops.squared_error import mean_squared_error

__all__ = ["edm_loss", "log_normal_levels"]


class Scales(Protocol):
    """What keeps a network at unit variance: `torch_impl.denoiser.preconditioning`."""

    def into(self, sigma: Tensor) -> Tensor: ...
    def noise(self, sigma: Tensor) -> Tensor: ...
    def target(self, x0: Tensor, noise: Tensor, sigma: Tensor) -> Tensor: ...


def log_normal_levels(unit: Tensor, mean: float, spread: float) -> Tensor:
    """Noise levels whose logarithm is N(mean, spread^2), from uniform numbers; kept within 8 spreads."""
    return torch.exp(mean + spread * torch.special.ndtri(unit).clamp(-8, 8))


def edm_loss(
    network: Callable[[Tensor, Tensor], Tensor], scales: Scales, x0: Tensor, sigma: Tensor, noise: Tensor
) -> Tensor:
    """E |F(c_in x, c_noise) - (x_0 - c_skip x) / c_out|^2, mean over elements; x = x_0 + sigma noise, sigma (n,)."""
    level = sigma.to(x0.dtype).view(-1, *(1,) * (x0.ndim - 1))
    x = x0 + level * noise
    output = network(scales.into(level) * x, scales.noise(sigma).to(x0.dtype))
    return mean_squared_error(output, scales.target(x0, noise, level))  # 0D1D
