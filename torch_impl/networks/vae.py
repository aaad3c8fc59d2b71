"""The variational autoencoder: an encoder to mean and log-variance, a decoder, and the likelihood its output means.

The objectives live in `torch_impl.objectives`; a VAE here is also the `Likelihood` they ask for:

    mean, logvar = vae.encode(x)
    bound = elbo(vae.target(x), mean, logvar, vae.decode, vae)
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.distributions.gaussian import LOG_2PI, reparameterize
from torch_impl.networks.config import NetworkConfig, check_image, network
from torch_impl.networks.convnet import ConvDecoder, ConvEncoder
from torch_impl.ops.checks import check_range

__all__ = ["VAE", "VAEConfig", "VAEOutput"]

Encoder = Literal["mlp", "cnn"]
LikelihoodName = Literal["bernoulli", "gaussian"]


@dataclasses.dataclass(frozen=True)
class VAEConfig(NetworkConfig):
    """Shape of a VAE.

    Attributes:
        image_size: side of the image; for a CNN divisible by 2^(number of `channels`).
        in_channels: channels of the image.
        latent_dim: entries of the latent vector; or channels of the latent map where `latent_map` is set.
        latent_map: the latent keeps the layout of the encoder's last feature map (the compressor of latent diffusion);
            needs `encoder="cnn"`.
        encoder: "mlp" or "cnn"; the decoder is of the same kind.
        likelihood: "bernoulli" (the decoder's output is logits, the target is (x + 1)/2) or "gaussian" (mean of x).
        decoder_variance: of the Gaussian likelihood: a fixed number, or "learned", one number for all pixels.
        hidden: widths of the MLP from image to latent; the decoder runs them backwards.
        channels: widths of the CNN's levels; each halves the side.
        blocks: residual blocks per CNN level.
        groups: of the CNN's group normalisations.
    """

    image_size: int = 28
    in_channels: int = 1
    latent_dim: int = 16
    latent_map: bool = False
    encoder: Encoder = "mlp"
    likelihood: LikelihoodName = "bernoulli"
    decoder_variance: float | Literal["learned"] = "learned"
    hidden: tuple[int, ...] = (512,)
    channels: tuple[int, ...] = (32, 64)
    blocks: int = 0
    groups: int = 8

    def __post_init__(self) -> None:
        self.require_positive("image_size", "in_channels", "latent_dim", "hidden", "channels", "groups")
        if self.encoder not in get_args(Encoder):
            raise ValueError(f"encoder = {self.encoder!r} is not one of 'mlp', 'cnn'")
        if self.likelihood not in get_args(LikelihoodName):
            raise ValueError(f"likelihood = {self.likelihood!r} is not one of 'bernoulli', 'gaussian'")
        self.require_not_negative("blocks")
        if self.decoder_variance != "learned" and not (
            isinstance(self.decoder_variance, float | int) and 0 < self.decoder_variance < math.inf
        ):
            raise ValueError(
                f"decoder_variance = {self.decoder_variance!r}; it must be 'learned' or positive and finite"
            )
        if self.encoder == "cnn":
            self.require_halvings(self.image_size, len(self.channels))
            self.require_groups(self.groups, self.channels)
        elif self.latent_map:
            raise ValueError("latent_map needs encoder = 'cnn': an MLP's latent has no layout")

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent: (latent_dim,) or (latent_dim, side, side)."""
        side = self.image_size >> len(self.channels)
        return (self.latent_dim, side, side) if self.latent_map else (self.latent_dim,)


class VAEOutput(NamedTuple):
    """What one pass through a VAE gives."""

    decoded: Tensor
    """Logits (Bernoulli) or means (Gaussian), shape of the image."""
    mean: Tensor
    logvar: Tensor
    z: Tensor


def _mlp(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for c_in, c_out in itertools.pairwise(widths):
        layers += [nn.Linear(c_in, c_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _encoder(config: VAEConfig) -> nn.Sequential:
    """Image to (mean, logvar) stacked along dimension 1."""
    pixels = config.in_channels * config.image_size**2
    if config.encoder == "mlp":
        return nn.Sequential(nn.Flatten(), _mlp(pixels, *config.hidden, 2 * config.latent_dim))
    net = ConvEncoder(config.in_channels, config.channels, config.groups, config.blocks)
    if config.latent_map:
        return nn.Sequential(net, nn.Conv2d(config.channels[-1], 2 * config.latent_dim, 1))
    side = config.image_size >> len(config.channels)
    return nn.Sequential(net, nn.Flatten(), nn.Linear(config.channels[-1] * side**2, 2 * config.latent_dim))


def _decoder(config: VAEConfig) -> nn.Sequential:
    """Latent to logits or means in the shape of the image."""
    image = (config.in_channels, config.image_size, config.image_size)
    if config.encoder == "mlp":
        return nn.Sequential(
            _mlp(config.latent_dim, *reversed(config.hidden), math.prod(image)), nn.Unflatten(1, image)
        )
    net = ConvDecoder(config.in_channels, config.channels, config.groups, config.blocks)
    if config.latent_map:
        return nn.Sequential(nn.Conv2d(config.latent_dim, config.channels[-1], 1), net)
    side = config.image_size >> len(config.channels)
    features = (config.channels[-1], side, side)
    return nn.Sequential(nn.Linear(config.latent_dim, math.prod(features)), nn.Unflatten(1, features), net)


@network(VAEConfig)
class VAE(nn.Module):
    """q(z | x) = N(mean, e^logvar) diagonal, p(z) = N(0, I), p(x | z) Bernoulli or Gaussian (`planned:vae.model`).

    Images are (batch, in_channels, image_size, image_size) in [-1, 1].
    """

    decoder_logvar: Tensor
    """log sigma^2 of the Gaussian likelihood, shape (); unused by the Bernoulli one."""

    def __init__(self, config: VAEConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or VAEConfig()
        self.encoder = _encoder(config)
        self.decoder = _decoder(config)
        if config.likelihood == "gaussian" and config.decoder_variance == "learned":
            self.decoder_logvar = nn.Parameter(torch.tensor(math.log(0.1)))
        else:
            variance = 1.0 if config.decoder_variance == "learned" else config.decoder_variance
            self.register_buffer("decoder_logvar", torch.tensor(math.log(variance)), persistent=False)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""
        return self.config.latent_shape

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x), each (batch, *latent_shape)."""
        check_image(x, self.config.in_channels)
        if x.shape[2] != self.config.image_size or x.shape[3] != self.config.image_size:
            raise ValueError(
                f"the images are {x.shape[2]} by {x.shape[3]} pixels; this VAE takes {self.config.image_size} squared"
            )
        mean, logvar = self.encoder(x).chunk(2, dim=1)
        return mean, logvar

    def decode(self, z: Tensor) -> Tensor:
        """What the likelihood needs, in the shape of the image: logits (Bernoulli) or means (Gaussian)."""
        if z.shape[1:] != self.latent_shape:
            raise ValueError(f"the latents have shape {tuple(z.shape)}; this VAE takes (batch, {self.latent_shape})")
        decoded: Tensor = self.decoder(z)
        return decoded

    def forward(self, x: Tensor, noise: Tensor | None = None, generator: torch.Generator | None = None) -> VAEOutput:
        """Encode, draw z = mean + e^(logvar/2) noise, decode; noise of the latent's shape, drawn where not given."""
        mean, logvar = self.encode(x)
        z = reparameterize(mean, logvar, noise, generator)
        return VAEOutput(self.decode(z), mean, logvar, z)

    def target(self, x: Tensor) -> Tensor:
        """The tensor that the likelihood is of: (x + 1)/2 in [0, 1] for Bernoulli, x itself for Gaussian.

        Raises:
            ValueError: an image outside [-1, 1], seen on a CPU (elsewhere one would have to wait for the device).
        """
        if x.device.type == "cpu":
            check_range(x, -1, 1, "the images' values", "scale them: x / 127.5 - 1 for bytes")
        return x.mul(0.5).add_(0.5) if self.config.likelihood == "bernoulli" else x

    def log_prob(self, target: Tensor, decoded: Tensor) -> Tensor:
        """log p(target | z) in nats, summed over pixels, shape (batch,).

        Claims `vae.decoder.bernoulli` and `vae.decoder.gaussian`; the constant -d/2 log(2 pi sigma^2) is kept,
        because sigma may be learned (`planned:vae.decoder.gaussian.drop_constant`).

        Raises:
            ValueError: other shapes, or a target outside [0, 1] for the Bernoulli likelihood.
        """
        if target.shape != decoded.shape:
            raise ValueError(f"the target has shape {tuple(target.shape)}, the decoder gave {tuple(decoded.shape)}")
        if self.config.likelihood == "bernoulli":
            check_range(target, 0, 1, "the target", "give it as target(x) makes it of images x in [-1, 1]")
            return -F.binary_cross_entropy_with_logits(decoded, target, reduction="none").flatten(1).sum(1)
        squares = F.mse_loss(decoded, target, reduction="none").flatten(1).sum(1)
        pixels = math.prod(target.shape[1:])
        return -0.5 * (squares * torch.exp(-self.decoder_logvar) + pixels * (LOG_2PI + self.decoder_logvar))

    def image(self, decoded: Tensor) -> Tensor:
        """The decoder's mean as an image in [-1, 1]."""
        if self.config.likelihood == "bernoulli":
            return decoded.sigmoid() * 2 - 1
        return decoded.clamp(-1, 1)

    def reconstruct(self, x: Tensor) -> Tensor:
        """The image decoded from the mean of q(z | x)."""
        return self.image(self.decode(self.encode(x)[0]))

    def sample(self, noise: Tensor) -> Tensor:
        """Images decoded from draws of the prior, noise (n, *latent_shape) standard normal."""
        return self.image(self.decode(noise))
