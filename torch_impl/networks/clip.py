"""A dual encoder (Radford et al. 2021): pictures and captions as unit vectors of one space, and a scale."""

from __future__ import annotations

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks.blocks import Downsample, GroupNorm, ResBlock, channels_last, norm_silu
from torch_impl.networks.config import NetworkConfig, check_image, network
from torch_impl.networks.text import TextEncoder, averaged

__all__ = ["DualEncoder", "DualEncoderConfig"]

_SHARPEST = 100.0  # the scale of Radford et al. goes no higher


@dataclasses.dataclass(frozen=True)
class DualEncoderConfig(NetworkConfig):
    """Shape of the two encoders.

    Attributes:
        image_size, in_channels: of the pictures.
        words: numbers of words, that of no word among them.
        length: words of the longest caption.
        space: dimension of the common space.
        channels: width of each level of the picture's encoder, finest first.
        blocks_per_level: its residual blocks per level.
        groups: of its group normalisations; divides every width.
        text_width, text_depth, text_heads: of the captions' transformer.
    """

    image_size: int = 16
    in_channels: int = 3
    words: int = 2
    length: int = 8
    space: int = 64
    channels: tuple[int, ...] = (32, 64, 128)
    blocks_per_level: int = 1
    groups: int = 8
    text_width: int = 64
    text_depth: int = 2
    text_heads: int = 4

    def __post_init__(self) -> None:
        positive = ("image_size", "in_channels", "words", "length", "space", "channels", "blocks_per_level")
        self.require_positive(*positive, "groups", "text_width", "text_depth", "text_heads")
        self.require_halvings(self.image_size, len(self.channels) - 1)
        self.require_groups(self.groups, self.channels)
        if self.text_width % self.text_heads:
            raise ValueError(
                f"text_heads = {self.text_heads} does not divide text_width = {self.text_width}; choose a divisor"
            )


@network(DualEncoderConfig)
class DualEncoder(nn.Module):
    """`pictures(x)` and `captions(tokens)` give unit vectors (batch, space); `scale` multiplies their products."""

    def __init__(self, config: DualEncoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DualEncoderConfig()
        widths = config.channels
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        now, stages = widths[0], list[nn.Module]()
        for level, wide in enumerate(widths):
            if level:
                stages.append(Downsample(now))
            for _ in range(config.blocks_per_level):
                stages.append(ResBlock(now, wide, config.groups))
                now = wide
        self.stages = nn.ModuleList(stages)
        self.norm_out = GroupNorm(config.groups, now)
        side = config.image_size >> (len(widths) - 1)
        self.of_picture = nn.Linear(now * side**2, config.space)
        self.text = TextEncoder(config.words, config.length, config.text_width, config.text_depth, config.text_heads)
        self.of_caption = nn.Linear(config.text_width, config.space)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    @property
    def scale(self) -> Tensor:
        """What the products are multiplied by, at most 100; a scalar."""
        return self.log_scale.clamp(max=math.log(_SHARPEST)).exp()

    def pictures(self, x: Tensor) -> Tensor:
        """Unit vectors of pictures (batch, channels, h, w)."""
        check_image(x, self.config.in_channels, divisor=2 ** (len(self.config.channels) - 1))
        h: Tensor = self.conv_in(channels_last(x))
        for stage in self.stages:
            h = stage(h)
        return F.normalize(self.of_picture(norm_silu(self.norm_out, h).flatten(1)).float(), dim=1)

    def captions(self, tokens: Tensor) -> Tensor:
        """Unit vectors of captions, numbers of words (batch, length)."""
        return F.normalize(self.of_caption(averaged(*self.text(tokens))).float(), dim=1)

    def forward(self, x: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Both and the scale."""
        return self.pictures(x), self.captions(tokens), self.scale
