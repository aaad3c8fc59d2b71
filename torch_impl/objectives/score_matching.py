"""Denoising score matching in continuous time: a network that names the noise knows the score, -noise / sigma.

The weighted objective of Song et al. 2021b, eq. 7, with weight sigma^2 is the squared error of the noise (claims
`score.dsm.theorem`, `score.eps_relation`); with weight g^2 it bounds the likelihood (Song et al. 2021a, theorem 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from torch_impl.ops.squared_error import mean_squared_error
from torch_impl.process.paths import Path

__all__ = ["ScoreWeight", "score_matching_loss"]

ScoreWeight = Literal["simple", "likelihood"]


def score_matching_loss(
    model: Callable[[Tensor, Tensor], Tensor],
    path: Path,
    x0: Tensor,
    t: Tensor,
    noise: Tensor,
    weighting: ScoreWeight = "simple",
) -> Tensor:
    """E w(t) |eps(x_t, t) - noise|^2, mean over elements; t real, shape (batch,), above 0.

    w = 1 where the score's error is weighted by sigma^2, w = g^2 / sigma^2 = -2 lambda' where by g^2.
    """
    at = path.at(t.double())
    alpha, sigma = (part.to(x0.dtype).view(-1, *(1,) * (x0.ndim - 1)) for part in (at.alpha, at.sigma))
    output = model(alpha * x0 + sigma * noise, t)
    if weighting == "simple":
        return mean_squared_error(output, noise)
    error = (output - noise).square().flatten(1).mean(1)
    return torch.mean(error * (-2 * at.d_lam).to(x0.dtype))
