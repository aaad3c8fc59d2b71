"""Flow matching and few steps as `torch_impl` computes them; the velocity of a pair is matched in `paths`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from torch import Tensor

from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.cases.scores import Noised, NoisedData
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.objectives.consistency import BoundaryScales
from torch_impl.objectives.distillation import one_step_target
from torch_impl.process.paths import Coefficients, Path


class TwoTimes:
    """A path that is known at two times, whatever is asked: its weights at the first, then at the second."""

    def __init__(self, *weights: tuple[Tensor, Tensor]) -> None:
        self._left = list(weights)

    def at(self, t: Tensor) -> Coefficients:
        alpha, sigma = self._left.pop(0)
        return Coefficients(alpha, sigma, alpha, alpha, sigma, alpha)


@trained(
    "distillation.progressive",
    method="one_step_target between the ends of the teacher's two steps",
    cases=PathPoints(share=2),
    excused={0: "the student's step is ddim.step.forms, and its target the second statement"},
)
def _(s: OnPath, on: On) -> Iterator[Shape]:
    levels, signals = (s.level, s.level, s.level / 2), (s.signal, s.signal * 2, s.signal * 4)
    numbers = dict(zip(("signal_t", "signal_m", "signal_s"), signals, strict=True))
    numbers |= dict(zip(("level_t", "level_m", "level_s"), levels, strict=True))
    vectors = {"state_of_flow": s.z, "guess_early": s.answer, "guess_late": s.other}
    point = s.point(numbers=numbers, vectors=vectors)
    z, early, late = on(s.z), on(s.answer), on(s.other)
    (a_t, a_m, a_s), (b_t, b_m, b_s) = ([on.fixed(v) for v in row] for row in (signals, levels))
    half = b_m / b_t * z + (a_m - a_t * b_m / b_t) * early
    landed = b_s / b_m * half + (a_s - a_m * b_s / b_m) * late
    path = cast(Path, TwoTimes((a_t, b_t), (a_s, b_s)))
    found = one_step_target(path, z[None], landed[None], a_t[None], a_s[None])
    by = {("vectors", "state_of_flow"): z, ("vectors", "guess_early"): early, ("vectors", "guess_late"): late}
    yield Computed(1, point, found[0], by, side="lhs")


@trained(
    "consistency.function_and_target",
    method="BoundaryScales.function at the least level",
    cases=NoisedData(),
    excused={
        1: "the code draws one datum and its noise; the mean over all data is what it stands for",
        2: "the code draws one datum and its noise, and computes no covariance",
    },
)
def _(s: Noised, on: On) -> Iterator[Shape]:
    """The scales hold the least level as a number, so that at that very level nothing is added."""
    least, spread = float(s.level), float(s.signal)
    numbers = {"signal_t": 1.0, "level_t": 1.0, "signal_s": 1.0, "level_s": 1.0}
    drawn = s.point("clean", 0, **numbers, end_level=least, data_std=spread)
    answer, x = on(s.answer), on(s.x)
    f = BoundaryScales(spread, least).function(lambda *_: answer[None])
    point = type(drawn)(s.d, drawn.numbers, vectors={**drawn.vectors, "answer": s.answer}, tables=drawn.tables)
    yield Computed(0, point, f(x[None], on.fixed([least]))[0], {("vectors", "noisy_point"): x}, side="lhs")


NOT_COMPUTED = {
    "flow.matching.objective": "the code computes the loss of a path that is drawn, whose velocity is matched by "
    "path.velocity_views; the mean over all paths is what a network is trained to stand for",
    "flow.marginal_velocity": "no code computes how a law moves",
    "flow.gaussian_velocity": "the code draws points and their velocities, and computes no density of a path",
    "flow_matching.straight_paths": "no code computes the velocity averaged over Gaussian data",
    "flow.time_density": "`flow_times` and `NoiseSchedule.shifted` compute times and levels, and no density",
    "meanflow.identity": "`velocity_of_average` takes the derivative in forward mode, which this analysis of roundings "
    "does not follow; tests/torch_impl compare it with an exact average",
    "consistency.constant": "no code differentiates a consistency function along a trajectory",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
