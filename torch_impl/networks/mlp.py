"""A residual MLP denoiser for points: the network of the two-dimensional mixtures."""

from __future__ import annotations

import dataclasses

import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks.blocks import zero_init
from torch_impl.networks.config import NetworkConfig, network
from torch_impl.networks.embedding import Conditioning

__all__ = ["MLPDenoiser", "MLPDenoiserConfig"]


@dataclasses.dataclass(frozen=True)
class MLPDenoiserConfig(NetworkConfig):
    """Shape of the MLP denoiser.

    Attributes:
        dim: coordinates of a point.
        width: of the hidden layers; even.
        depth: number of residual blocks.
        num_classes: None for an unconditional network.
        learned_variance: twice the outputs, the second half for the variance.
    """

    dim: int = 2
    width: int = 128
    depth: int = 4
    num_classes: int | None = None
    learned_variance: bool = False

    def __post_init__(self) -> None:
        self.require_positive("dim", "width", "depth")
        if self.width % 2:
            raise ValueError(
                f"width = {self.width}; it must be even (a sine and a cosine per frequency of the time embedding)"
            )


class Block(nn.Module):
    """h + W_2 silu(W_1 norm(h) + W_e e), with W_2 starting at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear_1 = nn.Linear(width, 2 * width)
        self.condition = nn.Linear(width, 2 * width)
        self.linear_2 = zero_init(nn.Linear(2 * width, width))

    def forward(self, h: Tensor, e: Tensor) -> Tensor:
        out: Tensor = h + self.linear_2(F.silu(self.linear_1(self.norm(h)) + self.condition(e)))
        return out


@network(MLPDenoiserConfig)
class MLPDenoiser(nn.Module):
    """`MLPDenoiser(config)(x_t, t, y)`: (batch, dim), (batch,), (batch,) to (batch, dim); zeros before training."""

    def __init__(self, config: MLPDenoiserConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MLPDenoiserConfig()
        self.conditioning = Conditioning(config.width, config.width, config.num_classes)
        self.linear_in = nn.Linear(config.dim, config.width)
        self.blocks = nn.ModuleList(Block(config.width) for _ in range(config.depth))
        self.norm_out = nn.LayerNorm(config.width)
        self.linear_out = zero_init(nn.Linear(config.width, config.dim * (2 if config.learned_variance else 1)))

    @property
    def null_label(self) -> int | None:
        """The label that means "no class"; None for an unconditional network."""
        return self.config.num_classes

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        if x.ndim != 2 or x.shape[1] != self.config.dim:
            raise ValueError(f"the points have shape {tuple(x.shape)}; the network takes (batch, {self.config.dim})")
        e = F.silu(self.conditioning(t, y))
        h = self.linear_in(x)
        for block in self.blocks:
            h = block(h, e)
        out: Tensor = self.linear_out(F.silu(self.norm_out(h)))
        return out
