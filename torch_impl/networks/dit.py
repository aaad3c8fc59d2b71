"""The diffusion transformer with adaLN-Zero (Peebles & Xie 2023): patches as tokens, time and class in every norm."""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks.blocks import zero_init
from torch_impl.networks.config import NetworkConfig, check_image, network
from torch_impl.networks.dropout import Dropout
from torch_impl.networks.embedding import Conditioning, sinusoidal_embedding

__all__ = ["DiT", "DiTConfig", "patchify", "position_embedding", "unpatchify"]


@dataclasses.dataclass(frozen=True)
class DiTConfig(NetworkConfig):
    """Shape of a diffusion transformer.

    Attributes:
        image_size: side of the image in pixels; divisible by `patch_size`.
        in_channels: channels of the image.
        patch_size: side of a patch; one patch is one token.
        width: of a token; divisible by 4 (position embedding) and by `heads`.
        depth: number of blocks.
        heads: of the attention.
        mlp_ratio: hidden width of a block's MLP over `width`.
        num_classes: None for an unconditional network.
        dropout: probability after attention and MLP.
        learned_variance: twice the output channels, the second half for the variance.
    """

    image_size: int = 32
    in_channels: int = 1
    patch_size: int = 4
    width: int = 192
    depth: int = 6
    heads: int = 3
    mlp_ratio: int = 4
    num_classes: int | None = None
    dropout: float = 0.0
    learned_variance: bool = False

    def __post_init__(self) -> None:
        self.require_positive("image_size", "in_channels", "patch_size", "width", "depth", "heads", "mlp_ratio")
        self.require_probability("dropout")
        if self.image_size % self.patch_size:
            raise ValueError(
                f"patch_size = {self.patch_size} does not divide image_size = {self.image_size}; choose a divisor"
            )
        if self.width % 4:
            raise ValueError(f"width = {self.width}; it must be divisible by 4 (sine and cosine of row and column)")
        if self.width % self.heads:
            raise ValueError(f"heads = {self.heads} does not divide width = {self.width}; choose a divisor")


def patchify(x: Tensor, size: int) -> Tensor:
    """(batch, c, h, w) to (batch, patches, c size^2): patches row by row, each flattened from (c, size, size)."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // size, size, w // size, size).permute(0, 2, 4, 1, 3, 5).reshape(n, -1, c * size * size)


def unpatchify(tokens: Tensor, size: int, height: int, width: int) -> Tensor:
    """Inverse of `patchify` for an image of the given height and width."""
    n, _, values = tokens.shape
    patches = tokens.reshape(n, height // size, width // size, values // size**2, size, size)
    return patches.permute(0, 3, 1, 4, 2, 5).reshape(n, values // size**2, height, width)


def position_embedding(rows: int, columns: int, width: int) -> Tensor:
    """Fixed embedding of a grid, (rows * columns, width): half of it the sinusoids of the row, half of the column."""
    row = sinusoidal_embedding(torch.arange(rows), width // 2)
    column = sinusoidal_embedding(torch.arange(columns), width // 2)
    grid = torch.cat((row[:, None].expand(-1, columns, -1), column[None].expand(rows, -1, -1)), dim=2)
    return grid.reshape(rows * columns, width)


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """x (1 + scale) + shift, one shift and scale per example and feature."""
    return torch.addcmul(x + shift[:, None], x, scale[:, None])


class Block(nn.Module):
    """x + g_1 attention(m_1(norm x)), then x + g_2 mlp(m_2(norm x)); gates g and modulations m are linear in e."""

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.modulation = zero_init(nn.Linear(width, 6 * width))
        self.norm_1 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_2 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.mlp_1 = nn.Linear(width, config.mlp_ratio * width)
        self.mlp_2 = nn.Linear(config.mlp_ratio * width, width)
        self.dropout = Dropout(config.dropout)
        for linear in (self.qkv, self.out, self.mlp_1, self.mlp_2):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def attention(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, width)
        out: Tensor = self.dropout(self.out(seen))
        return out

    def mlp(self, x: Tensor) -> Tensor:
        out: Tensor = self.dropout(self.mlp_2(F.gelu(self.mlp_1(x), approximate="tanh")))
        return out

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        shift_1, scale_1, gate_1, shift_2, scale_2, gate_2 = self.modulation(e).chunk(6, dim=1)
        x = torch.addcmul(x, gate_1[:, None], self.attention(modulate(self.norm_1(x), shift_1, scale_1)))
        return torch.addcmul(x, gate_2[:, None], self.mlp(modulate(self.norm_2(x), shift_2, scale_2)))


@network(DiTConfig)
class DiT(nn.Module):
    """`DiT(config)(x_t, t, y)`: shapes and meaning as `UNet`; zeros before training.

    At the start every block is the identity: its gates are zero.
    """

    positions: Tensor

    def __init__(self, config: DiTConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DiTConfig()
        c_out = config.in_channels * (2 if config.learned_variance else 1)
        side = config.image_size // config.patch_size
        self.conditioning = Conditioning(config.width, config.width, config.num_classes)
        self.patch_in = nn.Linear(config.in_channels * config.patch_size**2, config.width)
        self.register_buffer("positions", position_embedding(side, side, config.width), persistent=False)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm_out = nn.LayerNorm(config.width, elementwise_affine=False, eps=1e-6)
        self.modulation_out = zero_init(nn.Linear(config.width, 2 * config.width))
        self.patch_out = zero_init(nn.Linear(config.width, c_out * config.patch_size**2))

    @property
    def null_label(self) -> int | None:
        """The label that means "no class"; None for an unconditional network."""
        return self.config.num_classes

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        check_image(x, self.config.in_channels)
        height, width = x.shape[2:]
        if (height, width) != (self.config.image_size, self.config.image_size):
            raise ValueError(
                f"the images are {height} by {width} pixels; this transformer takes {self.config.image_size} squared"
            )
        e = F.silu(self.conditioning(t, y))
        h = self.patch_in(patchify(x, self.config.patch_size)) + self.positions
        for block in self.blocks:
            h = block(h, e)
        shift, scale = self.modulation_out(e).chunk(2, dim=1)
        h = self.patch_out(modulate(self.norm_out(h), shift, scale))
        return unpatchify(h, self.config.patch_size, height, width)
