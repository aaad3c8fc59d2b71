"""Noise-conditional score networks: a ladder of noise levels, and Langevin dynamics down it (Song and Ermon 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from torch_impl.networks import UNet
from torch_impl.random.draws import Draws
from torch_impl.systems.sde import SDEBase, SDEBaseConfig
from torch_impl.systems.shared import WithUNet
from torch_impl.training.fields import option

__all__ = ["NCSNConfig", "NCSNSystem"]


@dataclass(frozen=True)
class NCSNConfig(WithUNet, SDEBaseConfig, kind="ncsn"):
    """A score model that is trained at a geometric ladder of noise levels only, and sampled by walking down it."""

    sde: Literal["ve"] = "ve"  # no option: noise is added, and nothing else
    levels: int = option(
        40, "Noise levels, from the largest to the least, evenly in their logarithm.", least=2, most=10_000
    )

    def build(self) -> NCSNSystem:
        return NCSNSystem(self)


class NCSNSystem(SDEBase):
    """loss = squared error of the predicted noise at the levels of the ladder (`score.noise_ladder`)."""

    config: NCSNConfig
    samplers = ("langevin",)
    first_choice = "langevin"
    takes = ("sampler", "guidance", "label", "columns")

    def __init__(self, config: NCSNConfig) -> None:
        super().__init__(config, UNet(config.network()))
        self._ladder = self.ladder(config.levels - 1)

    def times(self, draws: Draws) -> Tensor:
        rungs = torch.tensor(self._ladder, dtype=torch.float64, device=draws.device)
        chosen: Tensor = rungs[(draws.stratified() * len(rungs)).long().clamp_(max=len(rungs) - 1)]
        return chosen

    def sample(self, n: int, generator: torch.Generator, **options: Any) -> Tensor:
        """n samples by `langevin_count` steps at every level of the ladder, with the options of `SDEBase.sample`."""
        if options.pop("steps", None) is not None:
            raise ValueError(
                f"this model is sampled at the {len(self._ladder)} levels of its training; leave out --steps"
            )
        return super().sample(n, generator, steps=len(self._ladder) - 1, **options)
