"""Convolutional encoder and decoder: image to a small feature map and back, halving or doubling the side per level."""

from __future__ import annotations

from torch import Tensor, nn

from torch_impl.networks.blocks import GroupNorm, ResBlock, channels_last

__all__ = ["ConvDecoder", "ConvEncoder"]


class ConvEncoder(nn.Module):
    """(batch, in_channels, h, w) to (batch, channels[-1], h / 2^L, w / 2^L), L = len(channels).

    Each level is a 4x4 convolution of stride 2, `blocks` residual blocks, group normalisation and SiLU.
    """

    def __init__(self, in_channels: int, channels: tuple[int, ...], groups: int, blocks: int = 0) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        now = in_channels
        for width in channels:
            parts.append(nn.Conv2d(now, width, 4, stride=2, padding=1))
            parts += [ResBlock(width, width, groups) for _ in range(blocks)]
            parts += [GroupNorm(groups, width), nn.SiLU()]
            now = width
        self.layers = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.layers(channels_last(x))
        return h


class ConvDecoder(nn.Module):
    """(batch, channels[-1], h / 2^L, w / 2^L) to (batch, out_channels, h, w): the encoder's levels backwards.

    Each level is `blocks` residual blocks, group normalisation, SiLU and a transposed 4x4 convolution of stride 2.
    """

    def __init__(self, out_channels: int, channels: tuple[int, ...], groups: int, blocks: int = 0) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for width, following in zip(reversed(channels), [*reversed(channels[:-1]), out_channels], strict=True):
            parts += [ResBlock(width, width, groups) for _ in range(blocks)]
            parts += [GroupNorm(groups, width), nn.SiLU()]
            parts.append(nn.ConvTranspose2d(width, following, 4, stride=2, padding=1))
        self.layers = nn.Sequential(*parts)

    def forward(self, h: Tensor) -> Tensor:
        x: Tensor = self.layers(channels_last(h))
        return x
