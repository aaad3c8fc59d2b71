"""Mean flows: a network learns the average velocity over a span of time, so that one step crosses it.

With (t - r) u(x_t, r, t) = int_r^t v ds, the derivative along the line gives u = v - (t - r) du/dt, where du/dt has the
velocity v, 0 and 1 as its directions in x, r and t: one Jacobian-vector product (Geng et al. 2025, eq. 6 and
algorithm 1; claim `meanflow.identity`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from torch_impl.gpu.normalisation import plain

__all__ = ["mean_flow_loss", "spans", "velocity_of_average"]

Average = Callable[[Tensor, Tensor, Tensor], Tensor]
"""u(x, r, t), r and t of shape (batch,)."""


def spans(first: Tensor, second: Tensor, choice: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """r <= t from times in [0, 1]; r = t, where u is the velocity itself, in all but a share of the examples."""
    t, r = torch.maximum(first, second), torch.minimum(first, second)
    return torch.where(choice < share, r, t), t


def velocity_of_average(u: Average, x: Tensor, r: Tensor, t: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """u(x, r, t) and its derivative along the line, v du/dx + du/dt, by one Jacobian-vector product."""
    # The fused kernels of attention and normalisation have no derivative in forward mode; the plain ones have.
    with sdpa_kernel(SDPBackend.MATH), plain():
        found = torch.func.jvp(u, (x, r, t), (v, torch.zeros_like(r), torch.ones_like(t)))
    return found[0], found[1]


def mean_flow_loss(
    u: Average, x0: Tensor, noise: Tensor, r: Tensor, t: Tensor, power: float = 1.0, floor: float = 1e-3
) -> Tensor:
    """E w |u - sg(v - (t - r) du/dt)|^2 on the straight path, mean over elements; r, t real (batch,).

    w = 1 / (|error|^2 + floor)^power per example, held fixed, the error being the mean square (eq. 22).
    """
    shape = (-1, *(1,) * (x0.ndim - 1))
    r, t = r.to(x0.dtype), t.to(x0.dtype)
    x, v = (1 - t.view(shape)) * x0 + t.view(shape) * noise, noise - x0
    value, rate = velocity_of_average(u, x, r, t, v)
    target = v - (t - r).view(shape) * rate  # 0D04
    error = (value - target.detach()).square().flatten(1).mean(1)
    weight = (error.detach() + floor) ** -power
    return (weight * error).mean()
