"""How far the jumps of a few-step model land from where the exact flow of a known law leads."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from torch_impl.evaluation.context import Evaluation
from torch_impl.evaluation.figure import Figure, mean_figure
from torch_impl.evaluation.metric import Metric
from torch_impl.random.draws import SampleDraws

__all__ = ["METRICS", "Jumps"]


@runtime_checkable
class Jumps(Protocol):
    """Takes noise to a sample at once, and knows where it should land."""

    def shape(self) -> tuple[int, ...]:
        """Of one example."""

    def jump(self, noise: Tensor, steps: int) -> Tensor:
        """Where the model takes standard normal noise, in that many steps."""

    def exact_jump(self, noise: Tensor) -> Tensor:
        """Where the exact flow takes it."""


@torch.no_grad()
def jump_metric(e: Evaluation) -> list[Figure]:
    """Squared distance of landings to those of the exact flow, over the variance of these."""
    assert isinstance(e.system, Jumps)
    n, steps = e.settings.samples, e.settings.steps or 1
    noise = SampleDraws(e.generator(9), n).normal(n, *e.system.shape()).to(e.device)
    exact = e.system.exact_jump(noise.double())
    landed = e.system.jump(noise, steps).double()
    spread = (exact - exact.mean(0)).square().flatten(1).sum(1).mean()
    apart = (landed - exact).square().flatten(1).sum(1) / spread
    over = f"{n} starts, {steps} step{'s' if steps > 1 else ''}"
    return [
        mean_figure(apart, "apart", "squared distance to where the exact flow leads", "of the variance", over),
        Figure("median", "median of it", float(apart.median()), "of the variance", over),
    ]


METRICS = (
    Metric(
        "jump",
        jump_metric,
        "where a few-step model lands, against where the exact flow of a known law leads",
        "of the variance",
        "less",
        needs=(Jumps,),
    ),
)
