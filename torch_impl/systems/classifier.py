"""A classifier of noisy images, whose gradient guides a diffusion that was told no class (Dhariwal and Nichol 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.diffusion import GaussianDiffusion
from torch_impl.networks.classifier import NoisyClassifier, NoisyClassifierConfig
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import new_figure, save_figure
from torch_impl.random.draws import Draws
from torch_impl.systems.chain import ChainConfig
from torch_impl.systems.levels import unet_levels
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, listed
from torch_impl.training.system import Batch, System

__all__ = ["ClassifierConfig", "ClassifierSystem"]


@dataclass(frozen=True)
class ClassifierConfig(ChainConfig, kind="classifier"):
    """A classifier at every time of a chain, which must be the chain of the diffusion that it guides."""

    widths: tuple[int, ...] = option((32, 64), "Widths of the network, a level each.")
    blocks: int = option(2, "Its residual blocks a level.")
    attention: bool = option(True, "Attention after the last level.", flag="--attention/--no-attention")
    head_channels: int = option(32, "Channels of a head of its attention.")
    dropout: float = option(0.0, "Dropout.")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.network()
        self.noise_schedule()

    def check_labels(self) -> None:
        if self.classes is None:
            raise ValueError("a classifier needs labels, and this data has none; choose data with classes")

    def network(self) -> NoisyClassifierConfig:
        return NoisyClassifierConfig(
            image_size=self.image_size,
            in_channels=self.channels,
            num_classes=self.classes or 1,
            channels=self.widths,
            blocks_per_level=self.blocks,
            attention=self.attention,
            head_channels=self.head_channels,
            dropout=self.dropout,
        )

    def at_side(self, size: int) -> ClassifierConfig:
        return replace(self, image_size=size, widths=unet_levels(size)[0])

    @classmethod
    def small(cls) -> ClassifierConfig:
        return cls(classes=10, timesteps=20, widths=(8,), blocks=1, attention=False)

    def build(self) -> ClassifierSystem:
        return ClassifierSystem(self)


class ClassifierSystem(System):
    """loss = cross-entropy of the class given x_t, nats, over uniform times (`guidance.classifier`)."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        config.check_labels()
        self.config, self.model = config, NoisyClassifier(config.network())
        self.diffusion = GaussianDiffusion(config.noise_schedule())

    def networks(self) -> Sequence[nn.Module]:
        return [self.model]

    def logits(self, x_t: Tensor, t: Tensor) -> Tensor:
        """log p(y | x_t) up to a constant, (batch, classes); t integers (batch,) in 1..T."""
        found: Tensor = self.model(x_t, t)
        return found

    def functions(self) -> dict[str, Function]:
        """The logits of noisy images, for other programs."""
        config = self.config
        shape = (config.channels, config.image_size, config.image_size)
        inputs = (torch.zeros(2, *shape), torch.ones(2, dtype=torch.int64))
        takes = (f"x_t, float32 (batch, {listed(shape)})", "t, int64 (batch,), 1..T")
        gives = f"logits, float32 (batch, {config.classes})"
        return {"classifier": Function(self.logits, (self.model,), inputs, takes, gives)}

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        if batch.y is None:
            raise ValueError("the batch has no labels, and a classifier learns from nothing else")
        t = draws.timesteps(self.diffusion.T, stratified=True)
        logits = self.logits(self.diffusion.q_sample(batch.x, t, draws.normal_like(batch.x)), t).float()
        right = (logits.argmax(1) == batch.y).float().mean()
        return {"loss": F.cross_entropy(logits, batch.y), "accuracy": right}

    @torch.no_grad()
    def accuracies(self, batch: Batch, times: Sequence[int], generator: torch.Generator) -> Tensor:
        """Whether each example is told right at each time, (times, batch), as 0 and 1."""
        assert batch.y is not None
        found = []
        for time in times:
            t = torch.full((len(batch.x),), time, device=batch.x.device)
            noise = torch.randn(batch.x.shape, generator=generator, device=batch.x.device)
            guessed = self.logits(self.diffusion.q_sample(batch.x, t, noise), t).argmax(1)
            found.append((guessed == batch.y).double())
        return torch.stack(found)

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        if held_out is None or held_out.y is None:
            return
        T = self.diffusion.T
        times = sorted({1 + (T - 1) * i // 19 for i in range(20)})
        shares = self.accuracies(held_out, times, album.generator()).mean(1)

        def write(path: Path) -> None:
            figure, axes = new_figure(width=5.5, height=3.6)
            noise = [float(self.diffusion.schedule.sigma(t)) for t in times]
            axes.plot(noise, [100 * float(share) for share in shares], "o-", color="#3355bb")
            axes.set(xlabel="noise, sqrt(1 - alpha_bar)", ylabel="held-out images told right (%)", ylim=(0, 102))
            save_figure(figure, path)

        album.draw("accuracy", write)
