"""The discrete VAE of DALL·E (Ramesh et al. 2021): a law over codes at each place of a map, and images of codes."""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks.config import NetworkConfig, check_image, network
from torch_impl.networks.convnet import ConvDecoder, ConvEncoder

__all__ = ["DVAE", "DVAEConfig"]


@dataclasses.dataclass(frozen=True)
class DVAEConfig(NetworkConfig):
    """Shape of a discrete VAE.

    Attributes:
        image_size: side of the image; divisible by 2^(number of `channels`).
        in_channels: channels of the image.
        channels: widths of the levels; each halves the side.
        blocks: residual blocks per level.
        groups: of the group normalisations.
        codes: how many codes there are to choose from at each place.
        code_dim: entries of the vector that a code stands for.
    """

    image_size: int = 16
    in_channels: int = 3
    channels: tuple[int, ...] = (32, 64)
    blocks: int = 1
    groups: int = 8
    codes: int = 128
    code_dim: int = 32

    def __post_init__(self) -> None:
        self.require_positive("image_size", "in_channels", "channels", "groups", "codes", "code_dim")
        self.require_halvings(self.image_size, len(self.channels))
        self.require_groups(self.groups, self.channels)
        self.require_not_negative("blocks")


@network(DVAEConfig)
class DVAE(nn.Module):
    """`logits(x)` says which codes an image may have, `decode_mixture(weights)` and `decode(codes)` give images."""

    def __init__(self, config: DVAEConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DVAEConfig()
        top = config.channels[-1]
        self.encoder = ConvEncoder(config.in_channels, config.channels, config.groups, config.blocks)
        self.to_logits = nn.Conv2d(top, config.codes, 1)
        self.codebook = nn.Parameter(torch.randn(config.codes, config.code_dim))
        self.from_code = nn.Conv2d(config.code_dim, top, 1)
        self.decoder = ConvDecoder(config.in_channels, config.channels, config.groups, config.blocks)

    @property
    def code_shape(self) -> tuple[int, int]:
        """Height and width of the map of codes."""
        side = self.config.image_size >> len(self.config.channels)
        return (side, side)

    def logits(self, x: Tensor) -> Tensor:
        """log q(code | x) at each place up to a constant, (batch, codes, h, w)."""
        check_image(x, self.config.in_channels, divisor=2 ** len(self.config.channels))
        logits: Tensor = self.to_logits(self.encoder(x))
        return logits

    @torch.no_grad()
    def spread_(self, x: Tensor, deviation: float = 3.0) -> None:
        """Scale and shift the logits so that each code's have mean 0 and this deviation over all places of images.

        A fresh encoder likes a few codes everywhere, and what is liked is learned; so every code is somebody's.
        """
        logits = self.logits(x)
        scale = deviation / logits.std((0, 2, 3)).clamp_min(1e-6)
        assert self.to_logits.bias is not None
        self.to_logits.bias.sub_(logits.mean((0, 2, 3))).mul_(scale)
        self.to_logits.weight.mul_(scale.view(-1, 1, 1, 1))

    def encode(self, x: Tensor) -> Tensor:
        """The likeliest codes (batch, h, w), int64, of images."""
        return self.logits(x).argmax(1)

    def decode(self, codes: Tensor) -> Tensor:
        """Images of codes (batch, h, w)."""
        return self._image(F.embedding(codes, self.codebook).permute(0, 3, 1, 2))

    def decode_mixture(self, weights: Tensor) -> Tensor:
        """Images of weights of the codes at each place, (batch, codes, h, w), which add up to one there."""
        return self._image(torch.einsum("nkhw,kd->ndhw", weights, self.codebook.to(weights.dtype)))

    def _image(self, z: Tensor) -> Tensor:
        x: Tensor = self.decoder(self.from_code(z))
        return x

    def forward(self, x: Tensor) -> Tensor:
        """The image of the likeliest codes."""
        return self.decode(self.encode(x))
