"""Consistency models: one function takes every point of a line of the probability flow to the line's end.

f(x, sigma) = c_skip x + c_out F with f(x, sigma_min) = x, and f is to agree at neighbouring levels of a line: a point
and the next one, which the same noise gives (consistency training) or a step of a teacher (distillation). Song et al.
2023, definition 1 and algorithms 2-3; Song and Dhariwal 2024 for the weights, the law of levels and the pseudo-Huber
distance (claim `consistency.function_and_target`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["BoundaryScales", "consistency_loss", "discrete_levels", "levels_at"]

Network = Callable[[Tensor, Tensor], Tensor]
"""F(c_in x, c_noise), c_noise of shape (batch,)."""
Step = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x, sigma, less sigma) -> the point of the same line at the lower level."""


@dataclass(frozen=True)
class BoundaryScales:
    """Scales for which f is the identity at sigma_min, whatever the network says (Song et al. 2023, eq. 5)."""

    sigma_data: float
    sigma_min: float

    def function(self, network: Network) -> Callable[[Tensor, Tensor], Tensor]:
        """f(x, sigma), sigma of shape (batch,)."""

        def f(x: Tensor, sigma: Tensor) -> Tensor:
            level = sigma.to(x.dtype).view(-1, *(1,) * (x.ndim - 1))
            total, above = (level.square() + self.sigma_data**2).rsqrt(), level - self.sigma_min
            skip = self.sigma_data**2 / (above.square() + self.sigma_data**2)
            out = self.sigma_data * above * total
            return skip * x + out * network(total * x, (0.25 * sigma.log()).to(x.dtype))

        return f


def levels_at(step: int, first: int, last: int, double_every: int) -> int:
    """How many intervals the levels are cut into at a step: doubled ever again, up to the last number."""
    return min(last, first << min(step // double_every, 30))


def discrete_levels(count: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Tensor:
    """sigma_min, ..., sigma_max: count + 1 levels, even in sigma^(1/rho), float64."""
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return torch.linspace(low, high, count + 1, dtype=torch.float64) ** rho


def consistency_loss(
    network: Network, scales: BoundaryScales, x0: Tensor, low: Tensor, high: Tensor, noise: Tensor, step: Step | None
) -> Tensor:
    """E [d(f(x_high), f(x_low)) / (high - low)], mean over elements; no gradient goes through the lower level.

    d is the pseudo-Huber distance sqrt(|a - b|^2 + c^2) - c with c = 0.00054 sqrt(dimensions). `step` is that of a
    teacher; without one the lower point is x_0 with the same noise. low, high: (batch,).
    """
    f = scales.function(network)
    shape = (-1, *(1,) * (x0.ndim - 1))
    x_high = x0 + high.to(x0.dtype).view(shape) * noise
    with torch.no_grad():
        x_low = x0 + low.to(x0.dtype).view(shape) * noise if step is None else step(x_high, high, low)  # 0D06
        target = f(x_low, low)
    c = 0.00054 * math.sqrt(x0[0].numel())
    distance = ((f(x_high, high) - target).flatten(1).square().sum(1) + c * c).sqrt() - c
    return (distance / (high - low).to(x0.dtype)).mean() / x0[0].numel()
