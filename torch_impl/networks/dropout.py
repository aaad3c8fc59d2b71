"""Dropout whose masks can come from a step's own draws, so that they do not depend on who computes the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Dropout"]


class Dropout(nn.Module):
    """Zeroes entries with probability `p` in training and scales the others by 1/(1 - p) (Srivastava et al. 2014).

    `uniform`, where it is set, gives numbers in [0, 1) of a shape whose first size is the batch: the trainer sets it
    to `Draws.uniform`.  Otherwise, and for compiled networks, the mask comes from torch's global generator.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0.0 <= p < 1.0:
            raise ValueError(f"dropout probability is {p}; it must lie in [0, 1)")
        self.p = p
        self.uniform: Callable[..., Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        if self.uniform is None:
            return F.dropout(x, self.p)
        return x * (self.uniform(*x.shape) >= self.p) * (1.0 / (1.0 - self.p))

    def extra_repr(self) -> str:
        return f"p={self.p}"

    def __getstate__(self) -> dict[str, Any]:
        """A copy (a moving average, say) draws for itself."""
        return {**self.__dict__, "uniform": None}
