"""A classifier of noisy images: the way down of a U-Net, told the time, then an average and a linear layer."""

from __future__ import annotations

import dataclasses

import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks.blocks import Downsample, GroupNorm, ResBlock, SelfAttention, channels_last, norm_silu
from torch_impl.networks.config import NetworkConfig, check_image, network
from torch_impl.networks.embedding import Conditioning

__all__ = ["NoisyClassifier", "NoisyClassifierConfig"]


@dataclasses.dataclass(frozen=True)
class NoisyClassifierConfig(NetworkConfig):
    """Shape of the classifier.

    Attributes:
        image_size, in_channels: of the images.
        num_classes: that it tells apart.
        channels: width of each level, finest first.
        blocks_per_level: residual blocks per level.
        attention: whether self-attention follows the last block.
        head_channels: channels per attention head.
        groups: of the group normalisations; divides every width.
        dropout: probability inside the residual blocks.
    """

    image_size: int = 32
    in_channels: int = 1
    num_classes: int = 10
    channels: tuple[int, ...] = (32, 64)
    blocks_per_level: int = 2
    attention: bool = True
    head_channels: int = 32
    groups: int = 8
    dropout: float = 0.0

    def __post_init__(self) -> None:
        self.require_positive("image_size", "in_channels", "num_classes", "channels", "blocks_per_level")
        self.require_halvings(self.image_size, len(self.channels) - 1)
        self.require_groups(self.groups, self.channels)
        self.require_probability("dropout")
        if self.attention and self.channels[-1] % self.head_channels:
            raise ValueError(
                f"head_channels = {self.head_channels} does not divide the {self.channels[-1]} channels of the last "
                "level; choose a divisor"
            )


@network(NoisyClassifierConfig)
class NoisyClassifier(nn.Module):
    """`NoisyClassifier(config)(x_t, t)`: logits (batch, classes) of noisy images (batch, channels, h, w) at times t."""

    def __init__(self, config: NoisyClassifierConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NoisyClassifierConfig()
        widths, width = config.channels, 4 * config.channels[0]
        self.conditioning = Conditioning(widths[0] + widths[0] % 2, width)
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        now = widths[0]
        stages: list[nn.Module] = []
        for level, wide in enumerate(widths):
            if level:
                stages.append(Downsample(now))
            for _ in range(config.blocks_per_level):
                stages.append(ResBlock(now, wide, config.groups, width=width, dropout=config.dropout))
                now = wide
        self.stages = nn.ModuleList(stages)
        self.attention = SelfAttention(now, config.head_channels, config.groups) if config.attention else None
        self.norm_out = GroupNorm(config.groups, now)
        self.head = nn.Linear(now, config.num_classes)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        check_image(x, self.config.in_channels, divisor=2 ** (len(self.config.channels) - 1))
        e = F.silu(self.conditioning(t))
        h: Tensor = self.conv_in(channels_last(x))
        for stage in self.stages:
            h = stage(h, e) if isinstance(stage, ResBlock) else stage(h)
        if self.attention is not None:
            h = self.attention(h)
        logits: Tensor = self.head(norm_silu(self.norm_out, h).mean((2, 3)))
        return logits
