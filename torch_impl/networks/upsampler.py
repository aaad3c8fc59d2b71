"""A U-Net that makes a large image from noise, beside the small one that it is to become."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from torch_impl.networks.span import with_span
from torch_impl.networks.unet import UNet, UNetConfig

__all__ = ["Upsampler"]


class Upsampler(nn.Module):
    """`Upsampler(config)(x_t, t, y, low, level)`: the prediction for x_t, given an image and how noisy that one is.

    The config is that of a plain U-Net for images of that size; its input has twice the channels, and of its output the
    first half counts.  Shapes: x_t and low (batch, channels, h, w), t, y and level (batch,); level in [0, 1].
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.channels = config.in_channels
        self.unet = with_span(UNet(dataclasses.replace(config, in_channels=2 * config.in_channels)))

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None, low: Tensor, level: Tensor) -> Tensor:
        if low.shape != x.shape:
            raise ValueError(f"the small image has shape {tuple(low.shape)} after scaling; it must be {tuple(x.shape)}")
        times = torch.stack([t.to(x.dtype), 1000 * level.to(x.dtype)], dim=1)  # the embedding is made for such numbers
        out: Tensor = self.unet(torch.cat([x, low], dim=1), times, y)
        return out[:, : self.channels]
