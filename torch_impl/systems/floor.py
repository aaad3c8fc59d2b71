"""The least training loss on a finite set, by whoever knows its examples by heart."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from torch_impl.diffusion import GaussianDiffusion
from torch_impl.objectives.weights import Weighting
from torch_impl.oracle import FiniteData
from torch_impl.process.parameterization import Prediction

__all__ = ["training_set_floor"]


class Chain(Protocol):
    """What the floor depends on: the config of a diffusion."""

    @property
    def prediction(self) -> Prediction: ...
    @property
    def weighting(self) -> Weighting: ...
    @property
    def variance(self) -> str: ...
    @property
    def conditional(self) -> bool: ...
    @property
    def classes(self) -> int | None: ...
    @property
    def label_drop(self) -> float: ...
    def diffusion(self) -> GaussianDiffusion: ...


def training_set_floor(config: Chain, x: Tensor, y: Tensor | None, draws: int = 2048) -> float | None:
    """The least training loss that any network could reach on these very examples (exact denoiser of a finite set).

    A network that reached it would have learned the examples by heart.  By fixed stratified draws, to about a percent.
    """
    if config.weighting not in ("simple", "vlb", "min_snr") or config.variance == "learned":
        return None
    diffusion, generator = config.diffusion(), torch.Generator().manual_seed(0)

    def floor(points: Tensor, count: int) -> float:
        oracle = FiniteData(points, schedule=diffusion.schedule)
        t = ((torch.randperm(count, generator=generator) + 0.5) / count * diffusion.T).long() + 1
        chosen = points[torch.randint(len(points), (count,), generator=generator)]
        noise = torch.randn(chosen.shape, generator=generator)
        return float(diffusion.loss(oracle.model(config.prediction), chosen, t, noise, config.weighting))

    everything = floor(x, draws)
    if not config.conditional or y is None:
        return everything
    shares = [(float((y == label).float().mean()), x[y == label]) for label in range(config.classes or 0)]
    within = sum(share * floor(points, math.ceil(draws * share)) for share, points in shares if share)
    return (1 - config.label_drop) * within + config.label_drop * everything
