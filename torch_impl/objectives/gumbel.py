"""What a discrete autoencoder is trained by: draws of codes with a gradient, how soft they are, their price (DALL·E).

Gumbel noise on logits draws the classes with their own chances, at every temperature (`gumbel.softmax`). Divided by a
temperature and made positive by a softmax, the draw has a gradient; the lower the temperature, the nearer it is to one
class, and the more the gradient varies (Jang et al. 2017, Maddison et al. 2017).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["annealed", "gumbel_draw", "gumbel_noise", "gumbel_softmax", "ramp", "uniform_kl"]


def gumbel_noise(uniform: Tensor) -> Tensor:
    """-log(-log u): standard Gumbel noise of uniform numbers in [0, 1), finite at 0 as well."""
    least = torch.finfo(uniform.dtype).tiny
    return -torch.log(-torch.log(uniform.clamp_min(least)))


def gumbel_softmax(logits: Tensor, uniform: Tensor, temperature: Tensor | float, dim: int = 1) -> Tensor:
    """softmax((logits + g) / temperature) along a dimension: weights of the classes, shape of the logits.

    Args:
        uniform: numbers in [0, 1), shape of the logits.
        temperature: above 0.
    """
    return torch.softmax((logits + gumbel_noise(uniform)) / temperature, dim)


def gumbel_draw(logits: Tensor, uniform: Tensor, dim: int = 1) -> Tensor:
    """The class whose logit is the largest once Gumbel noise is on it, int64: class k with chance softmax(logits)_k."""
    return (logits + gumbel_noise(uniform)).argmax(dim)  # 0D3D


def uniform_kl(logits: Tensor, dim: int = 1) -> Tensor:
    """KL(q || uniform) = log K - H(q) of the classes along a dimension, nats, without that dimension.

    It is log K where q is certain, and 0 where it says nothing.
    """
    log_q = F.log_softmax(logits.float(), dim)
    return math.log(logits.shape[dim]) + (log_q.exp() * log_q).sum(dim)


def annealed(step: Tensor, first: float, last: float, over: int) -> Tensor:
    """From `first` at step 0 to `last` at step `over` along half a cosine, and `last` from there on; float32."""
    return first + (last - first) * 0.5 * (1 - torch.cos(math.pi * ramp(step, over)))


def ramp(step: Tensor, over: int) -> Tensor:
    """From 0 at step 0 to 1 at step `over`, and 1 from there on; 1 at once for `over` = 0. float32."""
    return (step.float() / over).clamp(max=1.0) if over else torch.ones_like(step, dtype=torch.float32)
