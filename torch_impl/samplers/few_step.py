"""Samplers of models that were made for few steps: a jump to the end of the line, or over a part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from torch_impl.samplers.row import Option

__all__ = ["SOLVERS", "FewStepSolver", "deterministic_steps", "jumps", "multistep_consistency"]

Callback = Callable[[float, Tensor], None]


def _full(x: Tensor, value: float) -> Tensor:
    return torch.full(x.shape[:1], value, device=x.device, dtype=x.dtype)


def multistep_consistency(
    f: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    sigmas: Sequence[float],
    sigma_min: float,
    noise_fn: Callable[[torch.Size, int], Tensor],
    callback: Callback | None = None,
) -> Tensor:
    """To the end of the line from sigmas[0], then for each lower level: noise back up to it, and to the end again.

    Song et al. 2023, algorithm 1. `noise_fn` is asked once for each level after the first.
    """
    x = f(x, _full(x, sigmas[0]))
    for i, sigma in enumerate(sigmas[1:]):
        if callback:
            callback(sigma, x)
        spread = max(0.0, sigma**2 - sigma_min**2) ** 0.5
        x = f(x + spread * noise_fn(x.shape, i).to(x), _full(x, sigma))
    if callback:
        callback(0.0, x)
    return x


def jumps(
    average: Callable[[Tensor, Tensor, Tensor], Tensor],
    x: Tensor,
    times: Sequence[float],
    callback: Callback | None = None,
) -> Tensor:
    """x_r = x_t - (t - r) u(x_t, r, t), u the average velocity (Geng et al. 2025, eq. 12; `meanflow.identity`)."""
    for t, r in pairwise(times):
        x = x - (t - r) * average(x, _full(x, r), _full(x, t))
        if callback:
            callback(r, x)
    return x


def deterministic_steps(
    split: Callable[[Tensor, float], tuple[Tensor, Tensor]],
    levels: Callable[[float], tuple[float, float]],
    x: Tensor,
    times: Sequence[float],
    callback: Callback | None = None,
) -> Tensor:
    """x_s = alpha_s x_0 + sigma_s eps, by (x, t) -> (x_0, eps) and t -> (alpha, sigma) (`ddim.ode_limit`)."""
    for t, s in pairwise(times):
        x0, eps = split(x, t)
        alpha, sigma = levels(s)
        x = alpha * x0 + sigma * eps
        if callback:
            callback(s, x)
    return x


@dataclass(frozen=True)
class FewStepSolver:
    """The row of a sampler that only models have which were trained for it."""

    name: str
    options: tuple[Option, ...] = ()

    @property
    def defaults(self) -> dict[str, float]:
        return {}


SOLVERS = (FewStepSolver("consistency"), FewStepSolver("mean_flow"), FewStepSolver("distilled"))
