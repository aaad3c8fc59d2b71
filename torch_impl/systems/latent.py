"""Latent diffusion: a trained VAE compresses, diffusion runs on its latents of unit scale, the decoder comes last."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from torch_impl.networks import VAE, LatentCompressor, build
from torch_impl.pictures.album import Album
from torch_impl.random.draws import Draws
from torch_impl.systems.config import FirstStage, config_from_json
from torch_impl.systems.ddpm import DDPMConfig, DiffusionSystem
from torch_impl.systems.levels import halvings
from torch_impl.systems.vae import VAESystem, VAESystemConfig
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, listed
from torch_impl.training.system import Batch, TrainedStage

__all__ = ["LatentConfig", "LatentSystem"]


@dataclass(frozen=True)
class LatentConfig(DDPMConfig, kind="latent"):
    """Diffusion on the latents of a VAE with a latent map; `latent_dim` channels, `compressor_widths` per level.

    Each level of the compressor halves the side.  The chain's network is shaped as in `DDPMConfig`.  Latents
    have no range to clip to, so what is predicted must determine x_0 at the end of the chain too: by default v does.
    """

    stage = "compressor"

    prediction: Literal["eps", "x0", "v", "score"] = option("v", "What the network predicts.", group="Diffusion")
    latent_dim: int = option(4, "Latent channels.", group="Compressor")
    compressor_widths: tuple[int, ...] = option((64,), "Its widths, a level each.", group="Compressor")
    compressor_blocks: int = option(1, "Its residual blocks a level.", group="Compressor")
    compressor_beta: float = option(0.1, "Weight of its KL.", group="Compressor", least=0)
    compressor_steps: int = option(2000, "Steps of its training.", group="Compressor", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.compressor()
        signal = float(self.noise_schedule().signal(self.timesteps))
        if self.prediction in ("eps", "score") and signal < 1e-3:
            raise ValueError(
                f"prediction {self.prediction!r}: x_0 of a latent is found by dividing by sqrt(alpha_bar_T) = "
                f"{signal:.1e}, which multiplies the network's error by {1 / signal:,.0f}, and latents are not "
                "clipped; use --prediction v or x0, or --schedule linear"
            )

    def compressor(self) -> VAESystemConfig:
        """The first stage."""
        return VAESystemConfig(
            image_size=self.image_size,
            channels=self.channels,
            classes=self.classes,
            encoder="cnn",
            likelihood="gaussian",
            beta=self.compressor_beta,
            latent_dim=self.latent_dim,
            latent_map=True,
            widths=self.compressor_widths,
            blocks=self.compressor_blocks,
        )

    def first_stage(self) -> FirstStage:
        return FirstStage(self.compressor(), self.compressor_steps, trainer={"clip": 1000.0})

    def network_config(self) -> Any:
        return self.network_for(self.image_size >> len(self.compressor_widths), self.latent_dim)

    def at_side(self, size: int) -> LatentConfig:
        levels = halvings(size, 1 if size < 32 else 2 if size <= 128 else 3)
        while levels > 1 and (size >> levels) % 2:
            levels -= 1
        side = size >> levels
        widths = (128, 256) if size >= 32 else (64, 128)
        return dataclasses.replace(
            self,
            image_size=size,
            compressor_widths=(64, 128, 128)[:levels],
            widths=widths[1:] if side % 2 else widths,
            attention=tuple(at for at in ((side,) if side % 2 else (side // 2,)) if at <= 32),
            patch=1 if side % 2 else 2,
        )

    @classmethod
    def small(cls) -> LatentConfig:
        return cls(timesteps=20, widths=(8,), blocks=1, compressor_widths=(8,))

    def build(self) -> LatentSystem:
        return LatentSystem(self)


class LatentSystem(DiffusionSystem):
    """Diffusion on latents; the frozen compressor travels with it, in its state and so in every checkpoint."""

    config: LatentConfig
    clips = False

    def __init__(self, config: LatentConfig) -> None:
        super().__init__(config, build(config.network_config()))
        self.compressor = LatentCompressor(VAE(config.compressor().network()))

    def shape(self) -> tuple[int, ...]:
        return self.compressor.latent_shape

    def data(self, x: Tensor, draws: Draws) -> Tensor:
        noise = draws.normal(len(x), *self.shape())
        return self.compressor.encode(x, noise).float()

    def decode(self, x0: Tensor) -> Tensor:
        return self.compressor.decode(x0)

    def functions(self) -> dict[str, Function]:
        """The denoiser of latents and what makes images of them, for other programs."""
        z, compressor = torch.zeros(2, *self.shape()), self.compressor
        takes = (f"latents, float32 (batch, {listed(self.shape())})",)
        decoder = Function(compressor.decode, (compressor,), (z,), takes, "images, float32, in [-1, 1]")
        return {**super().functions(), "decoder": decoder}

    def prepare(self, data: Any, stage: TrainedStage | None) -> None:
        """Take the averaged VAE of the first stage, with the scale of its latents on this data."""
        if stage is None:
            raise ValueError(
                "latent diffusion needs a trained compressor; train it first, or give one with --compressor"
            )
        if not isinstance(stage.system, VAESystem) or not stage.system.config.latent_map:
            raise ValueError(f"{stage.path} is not a compressor: latent diffusion needs a VAE with a latent map")
        x, _ = data.fetch(torch.arange(10_000 if data.size is None else min(10_000, data.size)))
        self.take_compressor(LatentCompressor.fit(stage.system.model, torch.split(x, 500)))

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        if held_out is not None:
            album.pairs("reconstructions", held_out.x[:40], self.reconstruct(held_out.x[:40]))
        super().portraits(album, held_out)

    def take_compressor(self, compressor: LatentCompressor) -> None:
        """Use a fitted compressor of the same shape.

        Raises:
            ValueError: it has another shape.
        """
        theirs, mine = compressor.vae.config, self.compressor.vae.config
        options = {"latent_dim": "latent_dim", "channels": "compressor_widths", "blocks": "compressor_blocks"}
        for field in dataclasses.fields(mine):
            has, wanted = getattr(theirs, field.name), getattr(mine, field.name)
            if has != wanted:
                name = options.get(field.name, field.name)
                raise ValueError(
                    f"the compressor has {name} = {_shown(has)}, and this model asks for {_shown(wanted)}; "
                    f"set {name} to {_shown(has)}, or choose another compressor"
                )
        self.compressor.load_state_dict(compressor.state_dict())

    def reconstructed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """`reconstruct`, for which nothing is drawn."""
        return self.reconstruct(x)

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Images compressed and decoded, without diffusion."""
        return self.compressor.decode(self.compressor.encode(x))


def _shown(value: Any) -> str:
    """A value as `--set` takes it."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def compressor_config(data: dict[str, Any]) -> VAESystemConfig:
    """A stored first stage's config; ValueError if it is not a VAE with a latent map."""
    config = config_from_json(data)
    if not isinstance(config, VAESystemConfig) or not config.latent_map:
        raise ValueError(
            "the compressor of latent diffusion is a VAE with a latent map; this checkpoint is another model"
        )
    return config
