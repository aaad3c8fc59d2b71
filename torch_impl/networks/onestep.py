"""The plain CNN of the one-step model: a bottleneck without the U-Net's skips, so that the two can be compared."""

from __future__ import annotations

import dataclasses

from torch import Tensor, nn

from torch_impl.networks.blocks import zero_init
from torch_impl.networks.config import NetworkConfig, check_image, network
from torch_impl.networks.convnet import ConvDecoder, ConvEncoder

__all__ = ["OneStepCNN", "OneStepCNNConfig"]


@dataclasses.dataclass(frozen=True)
class OneStepCNNConfig(NetworkConfig):
    """Shape of the one-step CNN.

    Attributes:
        image_size: side of the image; divisible by 2^(number of `channels`).
        in_channels: channels of the image.
        channels: widths of the levels; each halves the side.
        blocks: residual blocks per level.
        groups: of the group normalisations.
    """

    image_size: int = 8
    in_channels: int = 1
    channels: tuple[int, ...] = (32, 64)
    blocks: int = 1
    groups: int = 8

    def __post_init__(self) -> None:
        self.require_positive("image_size", "in_channels", "channels", "groups")
        self.require_halvings(self.image_size, len(self.channels))
        self.require_groups(self.groups, self.channels)
        self.require_not_negative("blocks")


@network(OneStepCNNConfig)
class OneStepCNN(nn.Module):
    """`OneStepCNN(config)(x_1)`: (batch, in_channels, h, w) to the same shape; zeros before training.

    There is one noise level only: the time that samplers hand to every network is accepted and not used.
    """

    def __init__(self, config: OneStepCNNConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or OneStepCNNConfig()
        self.encoder = ConvEncoder(config.in_channels, config.channels, config.groups, config.blocks)
        self.decoder = ConvDecoder(config.channels[0], config.channels, config.groups, config.blocks)
        self.conv_out = zero_init(nn.Conv2d(config.channels[0], config.in_channels, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        check_image(x, self.config.in_channels, divisor=2 ** len(self.config.channels))
        if y is not None:
            raise ValueError(
                "labels were given to an unconditional network; leave y out, or use a UNet with num_classes"
            )
        out: Tensor = self.conv_out(self.decoder(self.encoder(x)))
        return out
