"""A discrete VAE, trained through Gumbel-softmax draws of its codes: the first stage of DALL·E (Ramesh et al. 2021)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from torch_impl.networks.dvae import DVAE, DVAEConfig
from torch_impl.objectives.gumbel import annealed, gumbel_draw, gumbel_softmax, ramp, uniform_kl
from torch_impl.pictures.album import Album
from torch_impl.random.draws import Draws
from torch_impl.systems.config import SystemConfig
from torch_impl.systems.levels import halvings
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, listed
from torch_impl.training.system import Batch, System, TrainedStage

__all__ = ["TRAINING_ONLY", "DVAESystem", "DVAESystemConfig", "WithDVAE", "code_functions", "code_use"]

TRAINING_ONLY = (
    "decoder_variance",
    "beta",
    "first_beta",
    "beta_steps",
    "temperature",
    "last_temperature",
    "temperature_steps",
)
"""Fields that say how a discrete VAE is trained, not what it is."""
_CODES = "Codes"
_FIRST = 500  # pictures that the codes are spread over before the first step


@dataclass(frozen=True)
class WithDVAE(SystemConfig):
    """A discrete VAE of images, and how it is trained."""

    widths: tuple[int, ...] = option((64,), "Widths of encoder and decoder of images, a level each.", group=_CODES)
    blocks: int = option(1, "Their residual blocks a level.", group=_CODES, least=0)
    codes: int = option(64, "Codes to choose from at each place.", group=_CODES, least=2)
    code_dim: int = option(16, "Entries of the vector that a code stands for.", group=_CODES)
    decoder_variance: float = option(0.03, "Variance of pixels about the decoded ones.", group=_CODES, above=0)
    beta: float = option(0.5, "Weight of the KL to the uniform law of codes.", group=_CODES, least=0)
    first_beta: float = option(4.0, "That weight at the first step.", group=_CODES, least=0)
    beta_steps: int = option(1000, "Steps over which it goes from the one to the other.", group=_CODES, least=0)
    temperature: float = option(1.0, "Temperature of the draws of codes at the first step.", group=_CODES, above=0)
    last_temperature: float = option(0.4, "Temperature once it has fallen.", group=_CODES, above=0)
    temperature_steps: int = option(1000, "Steps over which it falls, along half a cosine.", group=_CODES, least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.last_temperature > self.temperature:
            raise ValueError(
                f"last_temperature is {self.last_temperature}; it must be at most temperature = {self.temperature}, "
                "for draws become sharper"
            )
        self.network()

    def network(self) -> DVAEConfig:
        return DVAEConfig(
            image_size=self.image_size,
            in_channels=self.channels,
            channels=self.widths,
            blocks=self.blocks,
            codes=self.codes,
            code_dim=self.code_dim,
        )

    def at_side(self, size: int) -> Self:
        levels = halvings(size, 1 if size < 32 else 2 if size < 64 else 3)  # to a map of 8 by 8, where that can be
        return replace(self, image_size=size, widths=(64, 128, 128)[:levels])


@dataclass(frozen=True)
class DVAESystemConfig(WithDVAE, kind="dvae"):
    """A discrete VAE by itself."""

    @classmethod
    def small(cls) -> DVAESystemConfig:
        return cls(widths=(8,), blocks=0, codes=8, code_dim=8)

    def build(self) -> DVAESystem:
        return DVAESystem(self)


class DVAESystem(System):
    """loss = -log N(x; x', variance) + beta KL(q(codes | x) || uniform), nats for each number of a picture.

    In training x' is decoded from Gumbel-softmax draws at a temperature that falls, with a beta that moves; otherwise
    from draws of whole codes with the last beta, so that 1 gives the evidence bound (`vae.beta.bound`,
    `gumbel.softmax`).  A high beta at first keeps all codes in use, a low one later lets them say more.
    """

    taken: Tensor

    def __init__(self, config: DVAESystemConfig) -> None:
        super().__init__()
        self.config, self.model = config, DVAE(config.network())
        self.register_buffer("taken", torch.zeros((), dtype=torch.int64))  # steps, where a recorded step finds them

    def prepare(self, data: Any, stage: TrainedStage | None) -> None:
        """Spread the codes over the first pictures of the training data."""
        x, _ = data.fetch(torch.arange(_FIRST if data.size is None else min(_FIRST, data.size)))
        self.model.spread_(x)

    def temperature(self) -> Tensor:
        """That of the draws at this step."""
        config = self.config
        return annealed(self.taken, config.temperature, config.last_temperature, config.temperature_steps)

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        config, x = self.config, batch.x
        logits = self.model.logits(x).float()
        uniform, temperature = draws.uniform(*logits.shape), self.temperature()
        if self.training:
            decoded = self.model.decode_mixture(gumbel_softmax(logits, uniform, temperature))
            beta = config.first_beta + (config.beta - config.first_beta) * ramp(self.taken, config.beta_steps)
        else:
            decoded, beta = self.model.decode(gumbel_draw(logits, uniform)), torch.tensor(config.beta)
        error = (decoded.float() - x).square().mean()
        kl = uniform_kl(logits).sum((1, 2)).mean()
        surprise = 0.5 * (error / config.decoder_variance + math.log(2 * math.pi * config.decoder_variance))
        share = logits.softmax(1).mean((0, 2, 3))
        return {
            "loss": surprise + beta * kl / x[0].numel(),
            "reconstruction_error": error,
            "kl": kl,
            "perplexity": torch.exp(-torch.special.xlogy(share, share).sum()),
            "temperature": temperature,
        }

    def after_backward(self) -> None:
        self.taken += 1

    def stateful_buffers(self) -> list[Tensor]:
        return [self.taken]

    def functions(self) -> dict[str, Function]:
        """Encoder and decoder, for other programs."""
        return code_functions(self.model)

    @torch.no_grad()
    def reconstructed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The images back from their likeliest codes, clipped to [-1, 1]."""
        decoded: Tensor = self.model(x)
        return decoded.clamp(-1, 1)

    def code_use(self, x: Tensor) -> tuple[float, int, int]:
        """Of the codes of these images: perplexity, how many different ones, how many there are."""
        return code_use(self.model, x)

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        if held_out is not None:
            x = held_out.x[:40]
            album.pairs("reconstructions", x, self.reconstructed(x, album.generator()))


def code_functions(model: DVAE) -> dict[str, Function]:
    """Encoder and decoder of a discrete VAE, for other programs."""
    config, place = model.config, model.code_shape
    shape = (config.in_channels, config.image_size, config.image_size)
    x, codes = torch.zeros(2, *shape), torch.zeros(2, *place, dtype=torch.int64)
    images, inner = f"images, float32 (batch, {listed(shape)}) in [-1, 1]", f"codes, int64 (batch, {listed(place)})"
    return {
        "encoder": Function(model.encode, (model,), (x,), (images,), inner),
        "decoder": Function(model.decode, (model,), (codes,), (inner,), images),
    }


@torch.no_grad()
def code_use(model: DVAE, x: Tensor) -> tuple[float, int, int]:
    """Of the likeliest codes of images: perplexity, how many different ones, how many there are."""
    codes = model.encode(x).flatten()
    share = torch.bincount(codes, minlength=model.config.codes) / len(codes)
    perplexity = float(torch.exp(-torch.special.xlogy(share, share).sum()))
    return perplexity, int((share > 0).sum()), model.config.codes
