"""How straight the lines of a flow are: what one step of Euler's method costs against the whole flow."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from torch_impl.evaluation.context import Evaluation
from torch_impl.evaluation.figure import Figure, mean_figure
from torch_impl.evaluation.metric import Metric
from torch_impl.process.paths import Path
from torch_impl.random.draws import SampleDraws
from torch_impl.samplers.runge_kutta import integrate, solver
from torch_impl.training.capabilities import Labels

__all__ = ["METRICS", "Flows", "bends"]

_STEPS = 100


@runtime_checkable
class Flows(Protocol):
    """Samples along an ODE whose velocity it knows."""

    path: Path

    def velocity(self, y: Tensor | None = None, guidance: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
        """(x, t) -> dx/dt."""

    def shape(self) -> tuple[int, ...]:
        """Of one example."""


@torch.no_grad()
def bends(field: Callable[[Tensor, Tensor], Tensor], x: Tensor, T: float) -> tuple[Tensor, Tensor]:
    """For each line: int |u - mean of u|^2 dt and |end - end of one Euler step|^2, over |end - start|^2 of T = 1.

    Both are 0 exactly where a line is straight and run through at constant speed (Liu et al. 2023, eq. 7).
    """
    times = [T * (1 - i / _STEPS) for i in range(_STEPS + 1)]
    points = [x]
    for t, s in pairwise(times):
        points.append(integrate(field, points[-1], [t, s], solver("rk4")))
    mean = (x - points[-1]) / T
    size = mean.flatten(1).square().sum(1)
    speeds = [
        field(at, torch.full(x.shape[:1], t, device=x.device, dtype=x.dtype))
        for at, t in zip(points, times, strict=True)
    ]
    apart = torch.stack([(speed - mean).flatten(1).square().sum(1) for speed in speeds])
    weights = torch.full((len(times), 1), 1 / _STEPS, device=x.device, dtype=x.dtype)
    weights[0] = weights[-1] = 0.5 / _STEPS
    one_step = (speeds[0] - mean).flatten(1).square().sum(1)
    length = size.mean().clamp_min(torch.finfo(x.dtype).tiny)  # a field that is 0 everywhere has straight lines
    return (weights * apart).sum(0) / length, one_step / length


def straightness_metric(e: Evaluation) -> list[Figure]:
    """The bend of the lines that noise takes to samples, beside that of the exact flow where it is known."""
    assert isinstance(e.system, Flows)
    n = min(e.settings.samples, 1000)
    x = SampleDraws(e.generator(7), n).normal(n, *e.system.shape()).to(e.device)
    labels = e.system.sample_labels(n) if isinstance(e.system, Labels) else None
    bend, step = bends(e.system.velocity(labels, e.settings.guidance), x, e.system.path.T)
    over = f"{n} lines, {_STEPS} steps of rk4"
    figures = [
        mean_figure(bend, "bend", "bend of the lines (0: straight)", "of the squared length", over),
        mean_figure(step, "one_step", "squared error of a single Euler step", "of the squared length", over),
    ]
    exact = getattr(getattr(e.system, "oracle", None), "field", None)
    if exact is not None:
        true_bend, true_step = bends(exact, x.double(), e.system.path.T)
        figures += [
            mean_figure(true_bend, "bend_exact", "bend of the exact flow", "of the squared length", over),
            mean_figure(true_step, "one_step_exact", "that error in the exact flow", "of the squared length", over),
            Figure(
                "ratio", "bend against that of the exact flow", float(bend.double().mean() / true_bend.mean()), "", over
            ),
        ]
    return figures


METRICS = (
    Metric(
        "straightness",
        straightness_metric,
        "bend of a flow's lines, and the error of a single Euler step",
        "of the squared length",
        "less",
        needs=(Flows,),
    ),
)
