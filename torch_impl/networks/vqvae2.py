"""VQ-VAE-2: codes on two levels, the top for what is large, the bottom for what is left (Razavi et al. 2019)."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import torch
from torch import Tensor, nn

from torch_impl.networks.config import check_image, network
from torch_impl.networks.convnet import ConvDecoder, ConvEncoder
from torch_impl.networks.vq import Quantized, VectorQuantizer
from torch_impl.networks.vqvae import VQVAEConfig

__all__ = ["VQVAE2", "VQVAE2Config", "VQVAE2Output"]


@dataclasses.dataclass(frozen=True)
class VQVAE2Config(VQVAEConfig):
    """Shape of a VQ-VAE-2: that of a VQ-VAE for the bottom level, whose map of codes the top level halves once more.

    Attributes:
        top_channels: width of the top level.
        top_codes: its number of codewords.
    """

    top_channels: int = 64
    top_codes: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("top_channels", "top_codes")
        self.require_halvings(self.image_size, len(self.channels) + 1)
        self.require_groups(self.groups, (self.top_channels,))


class VQVAE2Output(NamedTuple):
    """What one pass gives: the image, and both levels after quantisation."""

    reconstruction: Tensor
    top: Quantized
    bottom: Quantized


@network(VQVAE2Config)
class VQVAE2(nn.Module):
    """`VQVAE2(config)(x)` for images (batch, in_channels, image_size, image_size) in [-1, 1].

    The bottom level is quantised given what the top one says; the image is decoded from both.
    """

    def __init__(self, config: VQVAE2Config | None = None) -> None:
        super().__init__()
        self.config = config = config or VQVAE2Config()
        width, groups, blocks = config.channels[-1], config.groups, config.blocks
        learning = (config.codebook, config.decay, config.revive_below)
        self.bottom_encoder = ConvEncoder(config.in_channels, config.channels, groups, blocks)
        self.top_encoder = ConvEncoder(width, (config.top_channels,), groups, blocks)
        self.to_top = nn.Conv2d(config.top_channels, config.code_dim, 1)
        self.top_quantizer = VectorQuantizer(config.top_codes, config.code_dim, *learning, seed=config.seed + 1)
        self.from_top = nn.Conv2d(config.code_dim, config.top_channels, 1)
        self.top_decoder = ConvDecoder(width, (config.top_channels,), groups, blocks)
        self.to_bottom = nn.Conv2d(2 * width, config.code_dim, 1)
        self.bottom_quantizer = VectorQuantizer(config.codes, config.code_dim, *learning, seed=config.seed)
        self.join = nn.Conv2d(width + config.code_dim, width, 1)
        self.decoder = ConvDecoder(config.in_channels, config.channels, groups, blocks)

    @property
    def quantizers(self) -> tuple[VectorQuantizer, VectorQuantizer]:
        """Top and bottom."""
        return self.top_quantizer, self.bottom_quantizer

    @property
    def sides(self) -> tuple[int, int]:
        """Sides of the maps of codes, top and bottom."""
        bottom = self.config.image_size >> len(self.config.channels)
        return bottom // 2, bottom

    def forward(self, x: Tensor) -> VQVAE2Output:
        check_image(x, self.config.in_channels, divisor=2 ** (len(self.config.channels) + 1))
        features = self.bottom_encoder(x)
        top = self.top_quantizer(self.to_top(self.top_encoder(features)))
        said = self.top_decoder(self.from_top(top.z))
        bottom = self.bottom_quantizer(self.to_bottom(torch.cat([features, said], dim=1)))
        return VQVAE2Output(self.decoder(self.join(torch.cat([bottom.z, said], dim=1))), top, bottom)

    def decode(self, top: Tensor, bottom: Tensor | None = None) -> Tensor:
        """Images of codes (batch, h, w) of both levels; without the bottom one, what the top alone says.

        In the place of each bottom codeword then stands the mean of the codebook.
        """
        said = self.top_decoder(self.from_top(self.top_quantizer.lookup(top)))
        if bottom is None:
            every = torch.arange(self.config.codes, device=top.device).view(1, 1, -1)
            mean = self.bottom_quantizer.lookup(every).mean((0, 2, 3))
            z = mean.view(1, -1, 1, 1).expand(len(top), -1, *said.shape[2:])
        else:
            z = self.bottom_quantizer.lookup(bottom)
        x: Tensor = self.decoder(self.join(torch.cat([z, said], dim=1)))
        return x

    def regulariser(self, output: VQVAE2Output) -> Tensor:
        """Codebook losses plus weighted commitment losses of both levels."""
        commitment = output.top.commitment_loss + output.bottom.commitment_loss
        return output.top.codebook_loss + output.bottom.codebook_loss + self.config.commitment * commitment
