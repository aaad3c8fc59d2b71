"""The VQ-VAE (van den Oord et al. 2017): convolutional encoder, quantiser, convolutional decoder."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple, get_args

from torch import Tensor, nn

from torch_impl.networks.config import NetworkConfig, check_image, network
from torch_impl.networks.convnet import ConvDecoder, ConvEncoder
from torch_impl.networks.vq import Codebook, VectorQuantizer

__all__ = ["VQVAE", "VQVAEConfig", "VQVAEOutput"]


@dataclasses.dataclass(frozen=True)
class VQVAEConfig(NetworkConfig):
    """Shape of a VQ-VAE.

    Attributes:
        image_size: side of the image; divisible by 2^(number of `channels`).
        in_channels: channels of the image.
        channels: widths of the levels; each halves the side.
        blocks: residual blocks per level.
        groups: of the group normalisations.
        codes: number of codewords.
        code_dim: entries of a codeword.
        codebook: how it learns: "ema" or "gradient".
        commitment: weight of the commitment loss.
        decay: of the moving averages.
        revive_below: share of the mean count below which a codeword is dead; 0 for no revival.
        seed: of revival.
    """

    image_size: int = 32
    in_channels: int = 1
    channels: tuple[int, ...] = (32, 64)
    blocks: int = 1
    groups: int = 8
    codes: int = 256
    code_dim: int = 16
    codebook: Codebook = "ema"
    commitment: float = 0.25
    decay: float = 0.99
    revive_below: float = 0.03
    seed: int = 0

    def __post_init__(self) -> None:
        self.require_positive("image_size", "in_channels", "channels", "groups", "codes", "code_dim")
        self.require_halvings(self.image_size, len(self.channels))
        self.require_groups(self.groups, self.channels)
        self.require_probability("decay")
        self.require_probability("revive_below")
        if self.codebook not in get_args(Codebook):
            raise ValueError(f"codebook = {self.codebook!r} is not one of 'ema', 'gradient'")
        self.require_not_negative("blocks")
        if not self.commitment > 0:
            raise ValueError(
                f"commitment = {self.commitment!r}; it must be positive, or the encoder runs away from the codebook"
            )


class VQVAEOutput(NamedTuple):
    """What one pass through a VQ-VAE gives; losses are means over elements, not yet weighted."""

    reconstruction: Tensor
    codes: Tensor
    codebook_loss: Tensor
    commitment_loss: Tensor
    perplexity: Tensor


@network(VQVAEConfig)
class VQVAE(nn.Module):
    """`VQVAE(config)(x)` for images (batch, in_channels, image_size, image_size) in [-1, 1].

    The loss (claim `vqvae.loss`) is d(x, x') + `regulariser(output)`.
    """

    def __init__(self, config: VQVAEConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or VQVAEConfig()
        top = config.channels[-1]
        self.encoder = ConvEncoder(config.in_channels, config.channels, config.groups, config.blocks)
        self.to_code = nn.Conv2d(top, config.code_dim, 1)
        self.quantizer = VectorQuantizer(
            config.codes, config.code_dim, config.codebook, config.decay, config.revive_below, config.seed
        )
        self.from_code = nn.Conv2d(config.code_dim, top, 1)
        self.decoder = ConvDecoder(config.in_channels, config.channels, config.groups, config.blocks)

    @property
    def code_shape(self) -> tuple[int, int]:
        """Height and width of the map of codes."""
        side = self.config.image_size >> len(self.config.channels)
        return (side, side)

    def features(self, x: Tensor) -> Tensor:
        """The encoder's output z_e before quantisation, (batch, code_dim, h, w)."""
        check_image(x, self.config.in_channels, divisor=2 ** len(self.config.channels))
        z: Tensor = self.to_code(self.encoder(x))
        return z

    def encode(self, x: Tensor) -> Tensor:
        """Codes (batch, h, w), int64, of images."""
        z = self.features(x)
        n, _, height, width = z.shape
        vectors = z.permute(0, 2, 3, 1).reshape(-1, self.config.code_dim)
        return self.quantizer.nearest(vectors).reshape(n, height, width)

    def decode(self, codes: Tensor) -> Tensor:
        """Images of codes (batch, h, w)."""
        return self.decode_features(self.quantizer.lookup(codes))

    def decode_features(self, z: Tensor) -> Tensor:
        """Images of a feature map (batch, code_dim, h, w)."""
        x: Tensor = self.decoder(self.from_code(z))
        return x

    def forward(self, x: Tensor) -> VQVAEOutput:
        q = self.quantizer(self.features(x))
        return VQVAEOutput(self.decode_features(q.z), q.codes, q.codebook_loss, q.commitment_loss, q.perplexity)

    def regulariser(self, output: VQVAEOutput) -> Tensor:
        """Codebook loss plus weighted commitment loss."""
        return output.codebook_loss + self.config.commitment * output.commitment_loss
