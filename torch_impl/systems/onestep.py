"""The encoder-free one-step model: corrupt once with a fixed alpha, predict the noise, divide it out.

x_1 = sqrt(alpha) x_0 + sqrt(1 - alpha) eps.  Sampling needs a law for x_1: N(0, I), or the Gaussian with the pixelwise
moments of x_1 (`onestep.prior.moment_matched_hack`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from torch_impl.diffusion import GaussianDiffusion
from torch_impl.networks import OneStepCNNConfig, UNetConfig, build
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import save_images
from torch_impl.process.schedule import NoiseSchedule
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.systems.config import SystemConfig
from torch_impl.systems.levels import halvings
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, of_images
from torch_impl.training.system import Batch, System, TrainedStage

__all__ = ["OneStepConfig", "OneStepSystem", "Prior"]

Prior = Literal["normal", "matched"]


@dataclass(frozen=True)
class OneStepConfig(SystemConfig, kind="onestep"):
    """One noise level `alpha` in (0, 1), and a plain CNN or a U-Net to undo it."""

    alpha: float = option(0.5, "Signal power of the one noise level, in (0, 1).")
    network: Literal["cnn", "unet"] = option("unet", "Network.")
    widths: tuple[int, ...] = option((32, 64), "Widths of the network, a level each.")
    blocks: int = option(1, "Residual blocks a level.", least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha == 0:
            raise ValueError(
                "alpha is 0: x_1 is pure noise and x_0 cannot be recovered from it, though the loss can reach zero; "
                "choose alpha in (0, 1), for example 0.1"
            )
        if self.alpha == 1:
            raise ValueError(
                "alpha is 1: x_1 is x_0 and tells nothing of the noise, so there is nothing to learn; "
                "choose alpha in (0, 1), for example 0.9"
            )
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; it must lie in (0, 1)")
        self.network_config()

    def network_config(self) -> OneStepCNNConfig | UNetConfig:
        if self.network == "cnn":
            return OneStepCNNConfig(self.image_size, self.channels, self.widths, self.blocks)
        if self.network == "unet":
            return UNetConfig(self.image_size, self.channels, self.widths, self.blocks, attention=())
        raise ValueError(f"network is {self.network!r}; choose cnn or unet")

    def at_side(self, size: int) -> OneStepConfig:
        return replace(self, image_size=size, widths=(32, 64, 128)[: halvings(size, 2 if size < 32 else 3)])

    @classmethod
    def small(cls) -> OneStepConfig:
        return cls(network="cnn", widths=(8,))

    def build(self) -> OneStepSystem:
        return OneStepSystem(self)


class OneStepSystem(System):
    """loss = mean squared error of the noise, mean over elements (`onestep.loss.equivalence`)."""

    data_mean: Tensor
    data_variance: Tensor

    def __init__(self, config: OneStepConfig) -> None:
        super().__init__()
        self.config = config
        self.model: nn.Module = build(config.network_config())
        self.diffusion = GaussianDiffusion(NoiseSchedule.from_alpha_bars([config.alpha]), "eps")
        shape = (config.channels, config.image_size, config.image_size)
        self.register_buffer("data_mean", torch.zeros(shape))
        self.register_buffer("data_variance", torch.ones(shape))

    def prepare(self, data: Any, stage: TrainedStage | None) -> None:
        self.measure(data.fetch(torch.arange(10_000 if data.size is None else min(10_000, data.size)))[0])

    def measure(self, x: Tensor) -> None:
        """Take the pixelwise moments of the training images, for the matched prior."""
        self.data_mean.copy_(x.double().mean(0))
        self.data_variance.copy_(x.double().var(0, unbiased=False))

    def _predict(self, x_1: Tensor, t: Tensor) -> Tensor:
        output: Tensor = self.model(x_1, t)
        return output

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        noise = draws.normal_like(batch.x)
        t = torch.ones(len(batch.x), dtype=torch.int64, device=batch.x.device)
        loss = self.diffusion.loss(self._predict, batch.x, t, noise)
        scale = (1 - self.config.alpha) / self.config.alpha  # planned:onestep.loss.proportional
        return {"loss": loss, "x0_error": loss.detach() * scale}

    def functions(self) -> dict[str, Function]:
        """The denoiser, for other programs."""
        time = ("t, int64 (batch,), 1", torch.ones(2, dtype=torch.int64))
        return {"denoiser": of_images(self._predict, self.model, self.data_mean.shape, [time], "eps", name="x_1")}

    @torch.no_grad()
    def reconstruct(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """x_1 and the predicted x_0."""
        t = torch.ones(len(x), dtype=torch.int64, device=x.device)
        x_1 = self.diffusion.q_sample(x, t, noise)
        return x_1, self.diffusion.to_x0(self._predict(x_1, t), x_1, t)

    def reconstructed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The images back from one noising, clipped to [-1, 1]."""
        noise = torch.randn(x.shape, generator=generator, device=x.device)
        return self.reconstruct(x, noise)[1].clamp(-1, 1)

    takes = ("prior", "columns")

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator, prior: Prior = "matched") -> Tensor:
        """n samples: x_1 from N(0, I) or from the moment-matched normal, then one step; clipped to [-1, 1].

        The first ones are the same whatever n.
        """
        x_1 = SampleDraws(generator, n).normal(n, *self.data_mean.shape).to(self.data_mean.device)
        if prior == "matched":
            alpha = self.config.alpha
            std = (alpha * self.data_variance + 1 - alpha).sqrt()
            x_1 = math.sqrt(alpha) * self.data_mean + std * x_1
        elif prior != "normal":
            raise ValueError(f"prior is {prior!r}; choose normal or matched")
        t = torch.ones(n, dtype=torch.int64, device=x_1.device)
        x_0: Tensor = self.diffusion.to_x0(self._predict(x_1, t), x_1, t)
        return x_0.clamp(-1, 1)

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        if held_out is None:
            return
        x, generator = held_out.x, album.generator()
        noise = torch.randn(x[:20].shape, generator=generator, device=x.device)
        x_1, x_0 = self.reconstruct(x[:20], noise)
        album.images("denoising", torch.cat([x[:20], x_1.clamp(-1, 1), x_0.clamp(-1, 1)]), 20)
        album.images("samples-normal", self.sample(80, generator, "normal"))
        album.images("samples-matched", self.sample(80, generator, "matched"))

    def preview(self, path: Path, seed: int) -> None:
        generator = torch.Generator(self.data_mean.device).manual_seed(seed)
        both = [self.sample(32, generator, prior) for prior in ("normal", "matched")]
        save_images(path, torch.cat(both), columns=8)
