"""The solvers that sample: their weights, and the slope of their error on a mixture's exact denoiser."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

from derivations.solvers import multistep, third_order
from threefold.witnesses.cases.solvers import SolverStep, SolverSteps
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, Falls, On, Shape, trained
from torch_impl import GaussianDiffusion, NoiseSchedule, sample
from torch_impl.oracle import GaussianMixture
from torch_impl.samplers.exponential import multistep_weights

LOW, HIGH = -1.5, 1.8  # log(signal/noise) where the samplers start and end
COUNTS = (64, 128, 256)
STARTS = (-1.7, -0.4, 0.1, 0.9, 2.0)


@cache
def reached(method: str, steps: int) -> torch.Tensor:
    """Where a sampler ends on a mixture, on a grid whose steps grow threefold on the way."""
    with _disable_current_modes():
        u = np.linspace(0.0, 1.0, steps + 1)
        levels = 1 / (1 + np.exp(-2 * (HIGH + (LOW - HIGH) * (u + u**2) / 2)))
        schedule = NoiseSchedule.from_alpha_bars(torch.tensor(levels, dtype=torch.float64))
        oracle = GaussianMixture([0.4, 0.6], [[-1.0], [0.8]], [0.15, 0.3], schedule)
        x = torch.tensor(STARTS, dtype=torch.float64)[:, None]
        end: torch.Tensor = sample(oracle.noise, GaussianDiffusion(schedule), x, method, list(range(steps + 1, 0, -1)))
        return end


def errors(method: str) -> torch.Tensor:
    """The distances from where the best of the samplers ends on a far finer grid."""
    with _disable_current_modes():
        truth = reached("dpmpp_3m", 2048)
        return torch.stack([(reached(method, n) - truth).abs().max() for n in COUNTS])


def falls(part: int, method: str, order: int) -> Falls:
    return Falls(part, errors(method), tuple(1 / n for n in COUNTS), order)


def stepped(s: SolverStep, on: On, order: int, h: float) -> torch.Tensor:
    """What the code's step adds to x/signal."""
    back = [r * h for r in s.ratios[: order - 1]]
    weights = multistep_weights(order, h, back)
    values = [on.computed([float(s.curve(s.level - node * h))]) for node in s.back[:order]]
    total = values[0] * weights[0]
    for weight, value in zip(weights[1:], values[1:], strict=True):
        total = total + value * weight
    return total


ONLY = {
    1: "a term of the expansion: no code computes it",
    2: "a rate along the trajectory: no code computes it",
    3: "another way to write the same step",
}
SLOPES = "the code's step; the slope of the sampler's error on a mixture's exact denoiser, uneven steps"


@trained("solver.dpmpp_2m.local_error", method=SLOPES, cases=SolverSteps(), excused={1: ONLY[1]}, no_gradient="weights")
def _(s: SolverStep, on: On) -> Iterator[Shape]:
    value = stepped(s, on, 2, 0.25)
    yield Computed(0, s.point(0.25), value, expression=multistep.two_values)
    if s.seed == 0:
        yield falls(0, "dpmpp_2m", 2)


@trained("solver.multistep3.local_error", method=SLOPES, cases=SolverSteps(), excused=ONLY, no_gradient="weights")
def _(s: SolverStep, on: On) -> Iterator[Shape]:
    value = stepped(s, on, 3, 0.25)
    yield Computed(0, s.point(0.25), value, expression=third_order.third(third_order.c_2))
    if s.seed == 0:
        yield falls(0, "dpmpp_3m", 3)


@trained(
    "solver.euler.local_error",
    method="the slope of the sampler's error on a mixture's exact denoiser, uneven steps",
    cases=SolverSteps(),
    excused={1: ONLY[1], 2: ONLY[2]},
    no_gradient="an order",
    dtypes=("float64",),
)
def _(s: SolverStep, on: On) -> Iterator[Shape]:
    if s.seed == 0:
        yield falls(0, "euler", 1)


@trained(
    "solver.heun.local_error",
    method="the slope of the sampler's error on a mixture's exact denoiser, uneven steps",
    cases=SolverSteps(),
    excused={1: ONLY[1]},
    no_gradient="an order",
    dtypes=("float64",),
)
def _(s: SolverStep, on: On) -> Iterator[Shape]:
    if s.seed == 0:
        yield falls(0, "heun", 2)


not_applicable(
    "solver.exact.variation_of_constants",
    "the exact step is what samplers approximate: no code computes it",
    witness="torch",
)
not_applicable(
    "solver.exponential_ab.local_error",
    "the samplers keep three values at most, and two with weights of their own: see solver.multistep3.local_error",
    witness="torch",
)
not_applicable(
    "solver.multistep2.ratio_forgotten",
    "a mistake that the code does not make: it is tested on uneven steps",
    witness="torch",
)
not_applicable(
    "solver.multistep3.published_coefficient",
    "the code has the right coefficient; the other is tested",
    witness="torch",
)
not_applicable(
    "solver.multistep3.published_order", "the code has the right coefficient; the other is tested", witness="torch"
)
not_applicable(
    "solver.start.lower_order", "the code corrects its first step: solver.multistep3.local_error", witness="torch"
)
