"""Diffusion on 2-D Gaussian mixtures, where the best loss, the score and the density are known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from torch_impl.networks import MLPDenoiser, MLPDenoiserConfig
from torch_impl.oracle import GaussianMixture
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import scatter
from torch_impl.random.draws import Draws
from torch_impl.samplers.likelihood import flow_times, flow_words, ode_log_likelihood
from torch_impl.systems.ddpm import DiffusionConfig, DiffusionSystem
from torch_impl.systems.shared import OnPoints
from torch_impl.training.system import Batch

__all__ = ["MixtureConfig", "MixtureSystem"]


@dataclass(frozen=True)
class MixtureConfig(OnPoints, DiffusionConfig, kind="mixture"):
    """Diffusion on points of the plane with an MLP."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.oracle()
        self.network()

    def network(self) -> MLPDenoiserConfig:
        return MLPDenoiserConfig(
            dim=len(self.means[0]),
            width=self.width,
            depth=self.depth,
            num_classes=self.label_count,
            learned_variance=self.variance == "learned",
        )

    def oracle(self) -> GaussianMixture:
        return GaussianMixture(self.weights, self.means, self.variances, self.noise_schedule())

    @classmethod
    def small(cls) -> MixtureConfig:
        return cls(2, 2, timesteps=20, width=8, depth=1)

    def build(self) -> MixtureSystem:
        return MixtureSystem(self)


class MixtureSystem(DiffusionSystem):
    """Diffusion on points, with its oracle: the loss is logged beside the least that any network could reach."""

    config: MixtureConfig
    clips = False
    takes = ("sampler", "steps", "guidance", "clip", "label")

    def __init__(self, config: MixtureConfig) -> None:
        super().__init__(config, MLPDenoiser(config.network()))
        self.oracle = config.oracle()

    def best_loss(self) -> float | None:
        """The least loss that any network could reach, found when it is first asked for."""
        config = self.config
        known = config.weighting in ("simple", "vlb", "min_snr") and config.variance != "learned"
        if self.known_best_loss is None and known and not config.conditional:
            self.known_best_loss = self.oracle.best_training_loss(self.diffusion, config.weighting)
        return self.known_best_loss

    def oracle_loss(self, batch: Batch, draws: Draws) -> Tensor:
        """The loss of the exact denoiser on the draws that the model had."""
        t = draws.timesteps(self.diffusion.T, self.config.stratified)
        noise = draws.normal_like(batch.x)
        model = self.oracle.model(self.config.prediction)
        return self.diffusion.loss(model, batch.x, t, noise, self.config.weighting)

    def log_density(self, x: Tensor, steps: int) -> tuple[Tensor, str]:
        """log p(x) by the probability-flow ODE with exact trace, nats, (batch,); and how, in words."""
        times = flow_times(self.diffusion.schedule, steps)
        found = ode_log_likelihood(self.predictor(), self.diffusion, x, timesteps=times)
        return found.log_prob, flow_words(times, self.diffusion.T)

    def shape(self) -> tuple[int, ...]:
        return (len(self.config.means[0]),)

    def sample_labels(self, n: int) -> Tensor | None:
        """Components in the proportions of their weights, so that samples of them follow the law.

        By the multiples of the golden ratio, which fill [0, 1) evenly from the first on: sample i has the same whatever
        n.
        """
        if not self.config.conditional:
            return None
        weights = torch.tensor(self.config.weights, dtype=torch.float64, device=next(self.parameters()).device)
        golden = (math.sqrt(5) - 1) / 2
        places = torch.arange(n, device=weights.device, dtype=torch.float64).mul(golden).add(0.5).frac() * weights.sum()
        return torch.searchsorted(weights.cumsum(0), places, right=True).clamp_(max=len(weights) - 1)

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        steps: list[Tensor] = []
        points = self.sample(2000, album.generator(), callback=lambda _, x_t: steps.append(x_t[:24].clone()))
        truth = self.oracle.sample(2000, torch.Generator().manual_seed(album.seed))
        album.draw("samples", lambda path: scatter(path, points, truth, torch.stack(steps)))

    def preview(self, path: Path, seed: int) -> None:
        generator = torch.Generator(next(self.parameters()).device).manual_seed(seed)
        steps: list[Tensor] = []
        points = self.sample(1000, generator, callback=lambda _, x: steps.append(x[:24].clone()))
        truth = self.oracle.sample(1000, torch.Generator().manual_seed(seed))
        scatter(path, points, truth, torch.stack(steps))
