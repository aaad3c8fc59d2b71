"""Progressive distillation: a student learns to do in one step what its teacher does in two.

Two deterministic steps of the teacher, t to t' to s, end where one step from t would if x_0 were predicted to be
(x_s - (sigma_s / sigma_t) x_t) / (alpha_s - (sigma_s / sigma_t) alpha_t): that is what the student is asked for
(Salimans and Ho 2022, algorithm 2; claim `distillation.progressive`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from torch_impl.ops.squared_error import mean_squared_error
from torch_impl.process.conversion import from_velocity
from torch_impl.process.paths import Coefficients, Path

__all__ = ["distillation_loss", "one_step_target"]

Velocity = Callable[[Tensor, Tensor], Tensor]


def _columns(path: Path, t: Tensor, like: Tensor) -> Coefficients:
    at = path.at(t.double())
    return Coefficients(*(part.to(like).view(-1, *(1,) * (like.ndim - 1)) for part in at))


def deterministic_step(teacher: Velocity, path: Path, x: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """x_s = alpha_s x_0 + sigma_s eps with x_0 and eps from the teacher's velocity at t; t, s (batch,)."""
    at, to = _columns(path, t, x), _columns(path, s, x)
    x0, eps = from_velocity(at, x, teacher(x, t))
    return to.alpha * x0 + to.sigma * eps


def one_step_target(path: Path, x_t: Tensor, x_s: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """The x_0 for which one deterministic step from x_t at t ends in x_s at s."""
    at, to = _columns(path, t, x_t), _columns(path, s, x_t)
    ratio = to.sigma / at.sigma
    return (x_s - ratio * x_t) / (to.alpha - ratio * at.alpha)


def distillation_loss(
    student: Velocity, teacher: Velocity, path: Path, x0: Tensor, noise: Tensor, t: Tensor, width: float
) -> Tensor:
    """E |u - u~|^2, mean over elements, u~ the velocity of the target; t (batch,), a student's step being `width`.

    On the cosine path it is (pi / 2)^2 (SNR + 1) times the squared error of x_0, one of the weights of section 4.
    """
    at = _columns(path, t, x0)
    x = at.alpha * x0 + at.sigma * noise
    with torch.no_grad():
        half, end = (t - 0.5 * width).clamp(min=0), (t - width).clamp(min=0)
        ahead = deterministic_step(teacher, path, deterministic_step(teacher, path, x, t, half), half, end)
        x0_target = one_step_target(path, x, ahead, t, end)
        target = at.d_alpha * x0_target + at.d_sigma * (x - at.alpha * x0_target) / at.sigma
    return mean_squared_error(student(x, t), target)
