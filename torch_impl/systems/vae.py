"""VAE and beta-VAE: objective in nats, summed over pixels, averaged over examples."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl.distributions.gaussian import LOG_2PI, reparameterize, standard_normal_kl
from torch_impl.networks import VAE, VAEConfig
from torch_impl.objectives.elbo import elbo, importance_weighted_bound
from torch_impl.ops.checks import check_range
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import save_images
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.systems.config import SystemConfig
from torch_impl.systems.levels import vae_widths
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, listed
from torch_impl.training.system import Batch, System

__all__ = ["VAESystem", "VAESystemConfig"]


@dataclass(frozen=True)
class VAESystemConfig(SystemConfig, kind="vae"):
    """A VAE with `beta` as the weight of the KL (1 is the ELBO).

    `hidden` are the widths of the MLP, `widths` those of the CNN's levels; `decoder_variance` of the Gaussian
    likelihood is a number or "learned".  `latent_map` makes the compressor of latent diffusion.
    """

    encoder: Literal["mlp", "cnn"] = option("mlp", "Encoder and decoder.")
    likelihood: Literal["bernoulli", "gaussian"] = option("bernoulli", "Law of a pixel given the latents.")
    beta: float = option(1.0, "Weight of the KL; 1 is the ELBO.")
    latent_dim: int = option(8, "Latent entries.")
    latent_map: bool = False
    decoder_variance: float | Literal["learned"] = option(
        "learned", "Variance of a Gaussian pixel: a number, or learned."
    )
    hidden: tuple[int, ...] = option((256, 128), "Widths of the MLP.")
    widths: tuple[int, ...] = option((32, 64), "Widths of the CNN, a level each.")
    blocks: int = option(1, "Residual blocks a level of the CNN.", least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.beta < math.inf:
            raise ValueError(f"beta is {self.beta}; it must be finite and not negative (1 is the ELBO)")
        self.network()

    def unused(self) -> dict[str, str]:
        others = ("widths", "blocks") if self.encoder == "mlp" else ("hidden",)
        found = dict.fromkeys(others, f"--encoder {self.encoder}")
        if self.likelihood == "bernoulli":
            found["decoder_variance"] = "--likelihood bernoulli"
        return found

    def network(self) -> VAEConfig:
        return VAEConfig(
            image_size=self.image_size,
            in_channels=self.channels,
            latent_dim=self.latent_dim,
            latent_map=self.latent_map,
            encoder=self.encoder,
            likelihood=self.likelihood,
            decoder_variance=self.decoder_variance,
            hidden=self.hidden,
            channels=self.widths,
            blocks=self.blocks,
        )

    def at_side(self, size: int) -> VAESystemConfig:
        return replace(self, image_size=size, widths=vae_widths(size, halved=self.encoder == "cnn"))

    @classmethod
    def small(cls) -> VAESystemConfig:
        return cls(hidden=(8,), latent_dim=2)

    def build(self) -> VAESystem:
        return VAESystem(self)


class VAESystem(System):
    """loss = -E_q log p(x | z) + beta KL(q(z | x) || N(0, I)), nats per example (`vae.beta.objective`).

    Beside it are logged the two terms and the ELBO, whatever beta is.
    """

    def __init__(self, config: VAESystemConfig) -> None:
        super().__init__()
        self.config = config
        self.model = VAE(config.network())
        self._range_seen = False

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        if not self._range_seen:  # on a GPU the first batch alone is looked at: a look waits for the device
            check_range(batch.x, -1, 1, "the images' values", "scale them: x / 127.5 - 1 for bytes")
            self._range_seen = True
        mean, logvar = self.model.encode(batch.x)
        z = reparameterize(mean, logvar, draws.normal(*mean.shape, dtype=mean.dtype))
        reconstruction = self._negative_log_likelihood(self.model.decode(z), self.model.target(batch.x))
        kl = standard_normal_kl(mean, logvar).mean()
        loss = torch.add(reconstruction, kl, alpha=self.config.beta)
        return {
            "loss": loss,
            "reconstruction": reconstruction,
            "kl": kl,
            "elbo": -(reconstruction.detach() + kl.detach()),
        }

    def _negative_log_likelihood(self, decoded: Tensor, target: Tensor) -> Tensor:
        """Mean over examples of -log p(x | z), nats: `VAE.log_prob` without a value for each example in memory."""
        n, pixels = len(target), target[0].numel()
        if self.config.likelihood == "bernoulli":
            return F.binary_cross_entropy_with_logits(decoded, target, reduction="sum") / n
        squares = F.mse_loss(decoded, target, reduction="sum") / n
        logvar = self.model.decoder_logvar
        return 0.5 * (squares * torch.exp(-logvar) + pixels * (LOG_2PI + logvar))

    @torch.no_grad()
    def bounds(self, x: Tensor, samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """ELBO and importance-weighted bound of each example, nats, both from `samples` draws of z."""
        mean, logvar = self.model.encode(x)
        target = self.model.target(x)
        bound = elbo(target, mean, logvar, self.model.decode, self.model, samples=samples, generator=generator)
        weighted = importance_weighted_bound(
            target, mean, logvar, self.model.decode, self.model, samples=samples, generator=generator
        )
        return bound.value, weighted

    @torch.no_grad()
    def reconstructed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The decoder's images at the latent means."""
        return self.model.reconstruct(x)

    takes = ("columns",)

    def functions(self) -> dict[str, Function]:
        """Encoder and decoder, for other programs."""
        model, config = self.model, self.config
        shape, latent = (config.channels, config.image_size, config.image_size), model.latent_shape
        x, z = torch.zeros(2, *shape), torch.zeros(2, *latent)
        images, inner = f"float32 (batch, {listed(shape)}) in [-1, 1]", f"float32 (batch, {listed(latent)})"
        given = f"mean and log-variance of the latents, each {inner}"
        return {
            "encoder": Function(model.encode, (model,), (x,), (f"images, {images}",), given),
            "decoder": Function(
                lambda z: model.image(model.decode(z)), (model,), (z,), (f"latents, {inner}",), f"images, {images}"
            ),
        }

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Decoder means of n draws from the prior, in [-1, 1]; the first ones are the same whatever n."""
        device = next(self.parameters()).device
        return self.model.sample(SampleDraws(generator, n).normal(n, *self.model.latent_shape).to(device))

    @torch.no_grad()
    def interpolate(self, x: Tensor, steps: int = 8) -> Tensor:
        """Images decoded along straight lines between the latent means of consecutive pairs: (pairs * steps, ...)."""
        mean, _ = self.model.encode(x[: len(x) // 2 * 2])
        start, end = mean[0::2], mean[1::2]
        fractions = torch.linspace(0, 1, steps, device=x.device).view(1, steps, *(1,) * (mean.ndim - 1))
        z = start.unsqueeze(1) + fractions * (end - start).unsqueeze(1)
        return self.model.image(self.model.decode(z.flatten(0, 1)))

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        if held_out is None:
            return
        x = held_out.x
        album.images("samples", self.sample(80, album.generator()))
        album.pairs("reconstructions", x[:40], self.model.reconstruct(x[:40]))
        if len(x) > 1:
            album.images("interpolations", self.interpolate(x[:16], steps=10))
        if held_out.y is not None:
            album.latent_map("latent-map", self.model.encode(x)[0].flatten(1), held_out.y)

    def preview(self, path: Path, seed: int) -> None:
        device = next(self.parameters()).device
        save_images(path, self.sample(64, torch.Generator(device).manual_seed(seed)))
