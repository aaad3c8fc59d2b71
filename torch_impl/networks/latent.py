"""A trained VAE as the compressor of latent diffusion: latents of unit scale, and the way back to images."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from torch_impl.distributions.gaussian import reparameterize
from torch_impl.networks.vae import VAE

__all__ = ["LatentCompressor"]


class LatentCompressor(nn.Module):
    """z = (encoder mean - shift) / spread, so that the diffusion sees data of mean 0 and variance 1 per latent channel.

    The VAE inside is frozen: no parameter of it asks for a gradient and it stays in evaluation mode.
    Shift and spread are buffers, one number per channel, and travel in the state dict.
    """

    shift: Tensor
    spread: Tensor

    def __init__(self, vae: VAE, shift: Tensor | None = None, spread: Tensor | None = None) -> None:
        super().__init__()
        if not vae.config.latent_map:
            raise ValueError("latent diffusion needs a VAE with latent_map = True; this one has a latent vector")
        channels = vae.config.latent_dim
        self.vae = vae.requires_grad_(False).eval()
        self.register_buffer("shift", torch.zeros(channels) if shift is None else shift)
        self.register_buffer("spread", torch.ones(channels) if spread is None else spread)
        for name, value in (("shift", self.shift), ("spread", self.spread)):
            if value.shape != (channels,):
                raise ValueError(
                    f"{name} has shape {tuple(value.shape)}; one number for each of {channels} latent channels"
                )

    @classmethod
    @torch.no_grad()
    def fit(cls, vae: VAE, batches: Iterable[Tensor]) -> LatentCompressor:
        """A compressor whose shift and spread are mean and standard deviation of the latents of the given images.

        The latents are draws of q(z | x): their variance is that of the means plus the mean of the variances.
        """
        vae = vae.requires_grad_(False).eval()
        count, total, squares = 0, torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        for x in batches:
            mean, logvar = (part.double() for part in vae.encode(x))
            count += mean[:, 0].numel()
            total = total.to(mean.device) + mean.sum((0, 2, 3))
            squares = squares.to(mean.device) + (mean.square() + logvar.exp()).sum((0, 2, 3))
        if count == 0:
            raise ValueError("no images were given; the scale of the latents needs at least one batch")
        shift = total / count
        variance = squares / count - shift.square()
        return cls(vae, shift.float(), variance.sqrt().float())

    def train(self, mode: bool = True) -> LatentCompressor:
        """Keep the frozen VAE in evaluation mode whatever the rest does."""
        super().train(mode)
        self.vae.eval()
        return self

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent: (channels, side, side)."""
        return self.vae.latent_shape

    @torch.no_grad()
    def encode(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Latents (batch, *latent_shape) of images in [-1, 1]: the mean of q(z | x), or with noise a draw of it."""
        mean, logvar = self.vae.encode(x)
        z = mean if noise is None else reparameterize(mean, logvar, noise)
        return (z - self.shift[:, None, None]) / self.spread[:, None, None]

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """Images in [-1, 1] of latents (batch, *latent_shape)."""
        return self.vae.image(self.vae.decode(z * self.spread[:, None, None] + self.shift[:, None, None]))
