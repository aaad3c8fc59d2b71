"""A network that is told two times: where on its path x is, and how far the step goes that is asked for."""

from __future__ import annotations

from typing import TypeVar

import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks.blocks import GroupNorm, zero_init
from torch_impl.networks.embedding import Conditioning, sinusoidal_embedding

__all__ = ["SpanConditioning", "with_forward_derivative", "with_span"]

N = TypeVar("N", bound=nn.Module)


class SpanConditioning(nn.Module):
    """e(t, y) + W_2 silu(W_1 tau(span)), with W_2 starting at zero: at first the network does not know of the span.

    Args:
        inner: what the network was told before.
    """

    def __init__(self, inner: Conditioning) -> None:
        super().__init__()
        self.inner, width = inner, inner.linear_2.out_features
        self.linear_1 = nn.Linear(inner.dim, width)
        self.linear_2 = zero_init(nn.Linear(width, width))

    def forward(self, t: Tensor, y: Tensor | None = None) -> Tensor:
        """Shapes (batch, 2), time and span, and (batch,) to (batch, width)."""
        if t.ndim != 2 or t.shape[1] != 2:
            raise ValueError(f"the times have shape {tuple(t.shape)}; this network takes (batch, 2): time and span")
        tau = sinusoidal_embedding(t[:, 1], self.inner.dim).to(self.linear_1.weight.dtype)
        e: Tensor = self.inner(t[:, 0], y) + self.linear_2(F.silu(self.linear_1(tau)))
        return e


def with_span(network: N) -> N:
    """The network with its conditioning made to take (batch, 2) times; ValueError for one that has no conditioning."""
    inner = getattr(network, "conditioning", None)
    if not isinstance(inner, Conditioning):
        raise ValueError(f"{type(network).__name__} is told no time, so it cannot be told two")
    network.conditioning = SpanConditioning(inner)
    return network


def with_forward_derivative(network: N) -> N:
    """The network with layers that have a derivative in forward mode, which Jacobian-vector products take."""
    for module in network.modules():
        if isinstance(module, GroupNorm):
            module.register_forward_pre_hook(_in_one_piece)
    return network


def _in_one_piece(module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    """Group normalisation has a forward derivative for this layout of memory alone."""
    return (inputs[0].contiguous(),)
