"""A U-Net that reads a caption: wherever pixels see each other, they look at its words too (Rombach et al. 2022)."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks.blocks import GroupNorm, ResBlock, SelfAttention, zero_init
from torch_impl.networks.config import network
from torch_impl.networks.text import TextEncoder, averaged
from torch_impl.networks.unet import UNet, UNetConfig

__all__ = ["CrossUNet", "CrossUNetConfig"]


@dataclasses.dataclass(frozen=True)
class CrossUNetConfig(UNetConfig):
    """Shape of a U-Net, and of the captions' encoder.

    Attributes:
        words: numbers of words, that of no word among them.
        length: words of the longest caption.
        text_width, text_depth, text_heads: of the encoder's transformer.
    """

    words: int = 2
    length: int = 8
    text_width: int = 64
    text_depth: int = 2
    text_heads: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("words", "length", "text_width", "text_depth", "text_heads")
        if self.num_classes is not None:
            raise ValueError(f"num_classes = {self.num_classes}; a network that reads captions is told no class")
        if self.text_width % self.text_heads:
            raise ValueError(
                f"text_heads = {self.text_heads} does not divide text_width = {self.text_width}; choose a divisor"
            )


class Told(NamedTuple):
    """A vector of time and caption (batch, 4 c), words (batch, length, width), and which of them there are."""

    vector: Tensor
    words: Tensor
    there: Tensor


class CrossAttention(nn.Module):
    """y = x + W_o attention(W_q norm(x), W_k words, W_v words): pixels look at words; W_o starts at zero."""

    def __init__(self, channels: int, text_width: int, head_channels: int, groups: int) -> None:
        super().__init__()
        self.heads = channels // head_channels
        self.norm = GroupNorm(groups, channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.kv = nn.Linear(text_width, 2 * channels)
        self.out = zero_init(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor, words: Tensor, there: Tensor) -> Tensor:
        n, c, height, width = x.shape
        depth = c // self.heads
        q = self.q(self.norm(x)).permute(0, 2, 3, 1).reshape(n, height * width, self.heads, depth).transpose(1, 2)
        k, v = self.kv(words).view(n, -1, 2, self.heads, depth).permute(2, 0, 3, 1, 4).unbind(0)
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=there[:, None, None])
        out: Tensor = self.out(h.transpose(1, 2).reshape(n, height, width, c).permute(0, 3, 1, 2))
        return x + out


class CrossStage(nn.Module):
    """A residual block; at chosen resolutions, attention to pixels and to words after it."""

    def __init__(self, c_in: int, c_out: int, attention: bool, config: CrossUNetConfig) -> None:
        super().__init__()
        heads, groups = config.head_channels, config.groups
        self.block = ResBlock(c_in, c_out, groups, width=4 * config.channels[0], dropout=config.dropout)
        self.attention = SelfAttention(c_out, heads, groups) if attention else None
        self.words = CrossAttention(c_out, config.text_width, heads, groups) if attention else None

    def forward(self, x: Tensor, told: Told) -> Tensor:
        h: Tensor = self.block(x, told.vector)
        if self.attention is None or self.words is None:
            return h
        return self.words(self.attention(h), told.words, told.there)  # type: ignore[no-any-return]  # a module's call


@network(CrossUNetConfig)
class CrossUNet(UNet):
    """`CrossUNet(config)(x_t, t, tokens)`, tokens being numbers of words (batch, length), 0 where there is none."""

    config: CrossUNetConfig
    stage = CrossStage

    def __init__(self, config: CrossUNetConfig | None = None) -> None:
        config = config or CrossUNetConfig()
        super().__init__(config)
        self.text = TextEncoder(config.words, config.length, config.text_width, config.text_depth, config.text_heads)
        self.caption = nn.Linear(config.text_width, 4 * config.channels[0])

    def told(self, t: Tensor, y: Tensor | None) -> Told:
        if y is None:
            raise ValueError("this network reads captions, and none were given; that there is none is a caption too")
        words, there = self.text(y)
        return Told(F.silu(self.conditioning(t) + self.caption(averaged(words, there))), words, there)
