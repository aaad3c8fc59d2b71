"""Heun's method in the noise level itself, with noise added back on the way (Karras et al. 2022, algorithm 2).

Along x = x_0 + sigma noise the probability flow is dx/dsigma = (x - D(x; sigma)) / sigma, D the predicted x_0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from torch_impl.samplers.row import Option

__all__ = ["SOLVERS", "EDMSolver", "heun_with_churn", "noise_levels"]

Denoise = Callable[[Tensor, Tensor], Tensor]
"""(x, sigma) -> predicted x_0, sigma of shape (batch,)."""
_MOST_CHURN = math.sqrt(2) - 1  # more would more than double the variance of the noise in a step


def noise_levels(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> list[float]:
    """sigma_max, ..., sigma_min, 0: even in sigma^(1/rho), eq. 5; ValueError for fewer than two steps."""
    if steps < 2:
        raise ValueError(f"steps is {steps}; at least two are needed, one of them to no noise at all")
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return [*((high + i / (steps - 1) * (low - high)) ** rho for i in range(steps)), 0.0]


def heun_with_churn(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sequence[float],
    noise_fn: Callable[[torch.Size, int], Tensor],
    *,
    churn: float = 0.0,
    churn_min: float = 0.0,
    churn_max: float = math.inf,
    callback: Callable[[float, Tensor], None] | None = None,
) -> Tensor:
    """x at sigmas[-1] from x at sigmas[0]; a step to 0 is one of Euler's, since the slope is not defined there.

    Args:
        churn: noise to add back, all steps together; 0 is the deterministic flow.
        churn_min, churn_max: only at levels between these.

    Raises:
        ValueError: levels that do not fall strictly, or a churn that is negative.
    """
    if not 0 <= churn < math.inf:
        raise ValueError(f"churn is {churn}; it must be finite and not negative (0 adds no noise)")
    if len(sigmas) < 2 or not all(a > b >= 0 for a, b in pairwise(sigmas)):
        raise ValueError("noise levels must fall strictly, to 0 at the least")

    def slope(at: Tensor, sigma: float) -> Tensor:
        return (at - denoise(at, torch.full(x.shape[:1], sigma, device=x.device, dtype=x.dtype))) / sigma

    for i, (sigma, after) in enumerate(pairwise(sigmas)):
        gamma = min(churn / (len(sigmas) - 1), _MOST_CHURN) if churn_min <= sigma <= churn_max else 0.0
        raised = sigma * (1 + gamma)
        if gamma:
            x = x + math.sqrt(raised**2 - sigma**2) * noise_fn(x.shape, i).to(x)
        first = slope(x, raised)
        ahead = x + (after - raised) * first
        x = x + (after - raised) * 0.5 * (first + slope(ahead, after)) if after else ahead
        if callback:
            callback(after, x)
    return x


@dataclass(frozen=True)
class EDMSolver:
    """The row of a solver in the noise level."""

    name: str = "edm_heun"
    order: int = 2
    options: tuple[Option, ...] = (Option("churn", "noise added back on the way, all steps together"),)

    @property
    def defaults(self) -> dict[str, float]:
        return {"churn": 0.0}


SOLVERS = (EDMSolver(),)
