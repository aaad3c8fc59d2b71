"""The U-Net denoiser (Ho et al. 2020, appendix B): down, middle, up, with a skip across from every block going down."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks.blocks import (
    Downsample,
    GroupNorm,
    ResBlock,
    SelfAttention,
    Upsample,
    channels_last,
    norm_silu,
    zero_init,
)
from torch_impl.networks.config import NetworkConfig, check_image, network
from torch_impl.networks.embedding import Conditioning

__all__ = ["UNet", "UNetConfig"]


@dataclasses.dataclass(frozen=True)
class UNetConfig(NetworkConfig):
    """Shape of a U-Net.

    Attributes:
        image_size: side of the image in pixels; divisible by 2^(levels - 1).
        in_channels: channels of the image.
        channels: width of each level, finest first; every level has half the side of the one before.
        blocks_per_level: residual blocks per level on the way down; the way up has one more.
        attention: sides in pixels at which residual blocks (the middle's first one too) are followed by self-attention.
        head_channels: channels per attention head; divides the width wherever there is attention.
        groups: of the group normalisations; divides every width.
        num_classes: None for an unconditional network.
        dropout: probability inside the residual blocks.
        learned_variance: twice the output channels, the second half for the variance.
    """

    image_size: int = 32
    in_channels: int = 1
    channels: tuple[int, ...] = (32, 64, 96)
    blocks_per_level: int = 2
    attention: tuple[int, ...] = (8,)
    head_channels: int = 32
    groups: int = 8
    num_classes: int | None = None
    dropout: float = 0.0
    learned_variance: bool = False

    def __post_init__(self) -> None:
        self.require_positive("image_size", "in_channels", "channels", "blocks_per_level", "head_channels", "groups")
        self.require_halvings(self.image_size, len(self.channels) - 1)
        self.require_groups(self.groups, self.channels)
        self.require_probability("dropout")
        sides = [self.image_size >> level for level in range(len(self.channels))]
        for side in self.attention:
            if side not in sides:
                raise ValueError(
                    f"attention at {side} pixels, but the levels have {', '.join(map(str, sides))}; choose among these"
                )
        for side, width in zip(sides, self.channels, strict=True):
            if side in self.attention and width % self.head_channels:
                raise ValueError(
                    f"head_channels = {self.head_channels} does not divide the {width} channels of the level "
                    f"with {side} pixels; choose a divisor"
                )


class Stage(nn.Module):
    """A residual block and, at chosen resolutions, the attention that follows it."""

    def __init__(self, c_in: int, c_out: int, attention: bool, config: UNetConfig) -> None:
        super().__init__()
        self.block = ResBlock(c_in, c_out, config.groups, width=4 * config.channels[0], dropout=config.dropout)
        self.attention = SelfAttention(c_out, config.head_channels, config.groups) if attention else None

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        h: Tensor = self.block(x, e)
        return h if self.attention is None else self.attention(h)


class DownLevel(nn.Module):
    """The stages at one resolution on the way down, then the step to half of it; returns every output it made."""

    def __init__(self, stages: list[nn.Module], downsample: Downsample | None) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.downsample = downsample

    def forward(self, h: Tensor, e: Any) -> list[Tensor]:
        made = []
        for stage in self.stages:
            h = stage(h, e)
            made.append(h)
        return made if self.downsample is None else [*made, self.downsample(h)]


class UpLevel(nn.Module):
    """The stages at one resolution on the way up, each taking one skip off the end of the list; then double it."""

    def __init__(self, stages: list[nn.Module], upsample: Upsample | None) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.upsample = upsample

    def forward(self, h: Tensor, skips: list[Tensor], e: Any) -> Tensor:
        for stage in self.stages:
            h = stage(torch.cat((h, skips.pop()), dim=1), e)
        return h if self.upsample is None else self.upsample(h)


@network(UNetConfig)
class UNet(nn.Module):
    """`UNet(config)(x_t, t, y)` predicts what it is trained to (noise, data, v, ...), all zeros before training.

    Shapes: x_t (batch, in_channels, h, w) with h and w divisible by 2^(levels - 1); t (batch,); y (batch,) integers for
    a conditional network.  Returns (batch, in_channels or 2 in_channels, h, w).
    """

    stage: ClassVar[type[nn.Module]] = Stage
    """What the levels are made of; a network that is told more than a vector has stages of its own."""

    def __init__(self, config: UNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or UNetConfig()
        widths, last = config.channels, len(config.channels) - 1
        attends = [config.image_size >> level in config.attention for level in range(len(widths))]
        self.conditioning = Conditioning(
            dim=widths[0] + widths[0] % 2, width=4 * widths[0], num_classes=config.num_classes
        )
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)

        now, skips = widths[0], [widths[0]]
        self.down = nn.ModuleList()
        for level, width in enumerate(widths):
            stages = list[nn.Module]()
            for _ in range(config.blocks_per_level):
                stages.append(self.stage(now, width, attends[level], config))
                now = width
                skips.append(now)
            self.down.append(DownLevel(stages, Downsample(now) if level < last else None))
            if level < last:
                skips.append(now)

        self.middle = nn.ModuleList([self.stage(now, now, attends[last], config), self.stage(now, now, False, config)])

        self.up = nn.ModuleList()
        for level in reversed(range(len(widths))):
            stages = list[nn.Module]()
            for _ in range(config.blocks_per_level + 1):
                stages.append(self.stage(now + skips.pop(), widths[level], attends[level], config))
                now = widths[level]
            self.up.append(UpLevel(stages, Upsample(now) if level > 0 else None))

        self.norm_out = GroupNorm(config.groups, now)
        self.conv_out = zero_init(
            nn.Conv2d(now, config.in_channels * (2 if config.learned_variance else 1), 3, padding=1)
        )

    @property
    def null_label(self) -> int | None:
        """The label that means "no class"; None for an unconditional network."""
        return self.config.num_classes

    def told(self, t: Tensor, y: Tensor | None) -> Any:
        """What every stage is told of time and label."""
        return F.silu(self.conditioning(t, y))

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        check_image(x, self.config.in_channels, divisor=2 ** (len(self.config.channels) - 1))
        e = self.told(t, y)
        skips = [self.conv_in(channels_last(x))]
        for level in self.down:
            skips += level(skips[-1], e)
        h = skips[-1]
        for stage in self.middle:
            h = stage(h, e)
        for level in self.up:
            h = level(h, skips, e)
        out: Tensor = self.conv_out(norm_silu(self.norm_out, h))
        return out
