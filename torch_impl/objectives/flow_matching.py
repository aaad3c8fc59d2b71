"""Flow matching: the velocity of a pair is what a network is asked for, and its mean is what it learns.

Along x_t = alpha x_0 + sigma noise the velocity of a pair is alpha' x_0 + sigma' noise, noise - x_0 on the straight
path (Lipman et al. 2023, Liu et al. 2023; claim `path.velocity_views`).  Which noise belongs to which x_0 is the
coupling: independent, or within a batch the one of least total squared distance (Tong et al. 2024, Pooladian et
al. 2023).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from torch_impl.ops.squared_error import mean_squared_error
from torch_impl.process.paths import Path

__all__ = ["TimeLaw", "flow_matching_loss", "flow_times", "transport_coupling"]

TimeLaw = Literal["uniform", "logit_normal"]


def flow_times(unit: Tensor, law: TimeLaw) -> Tensor:
    """Times in [0, 1] from uniform numbers; logit-normal ones are the logistic function of a standard normal."""
    return torch.sigmoid(torch.special.ndtri(unit)) if law == "logit_normal" else unit


def flow_matching_loss(
    model: Callable[[Tensor, Tensor], Tensor], path: Path, x0: Tensor, t: Tensor, noise: Tensor
) -> Tensor:
    """E |u(x_t, t) - (alpha' x_0 + sigma' noise)|^2, mean over elements; t real, shape (batch,)."""
    at = path.coefficients(t.double())
    alpha, sigma, d_alpha, d_sigma = (
        part.to(x0.dtype).view(-1, *(1,) * (x0.ndim - 1)) for part in (at.alpha, at.sigma, at.d_alpha, at.d_sigma)
    )
    x, velocity = alpha * x0 + sigma * noise, d_alpha * x0 + d_sigma * noise
    return mean_squared_error(model(x, t), velocity)  # 0D01


def transport_coupling(x0: Tensor, noise: Tensor, chunk: int = 128) -> Tensor:
    """The noises in another order: within each chunk, the one of least total squared distance to the x_0."""
    from scipy.optimize import linear_sum_assignment

    parts = []
    for data, drawn in zip(torch.split(x0, chunk), torch.split(noise, chunk), strict=True):
        distances = torch.cdist(data.flatten(1).double(), drawn.flatten(1).double()).square()
        _, columns = linear_sum_assignment(distances.cpu().numpy())
        parts.append(drawn[torch.as_tensor(columns, device=drawn.device)])
    return torch.cat(parts)
