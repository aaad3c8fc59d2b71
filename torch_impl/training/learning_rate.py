"""Learning rates as functions of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["LearningRate"]


@dataclass(frozen=True)
class LearningRate:
    """Linear warm-up over the first `warmup` steps, then constant or half a cosine down to `final` x `peak`.

    `at(step)` takes step = 1..steps.  The last warm-up step and the one after it are at the peak; a cosine reaches
    its end one step after the last, so that no step is wasted on a rate of zero.  With `start` the schedule begins
    there anew: it warms up from `start_rate`, what the rate was by then, so that nothing jumps.
    """

    peak: float
    steps: int
    warmup: int = 0
    shape: Literal["constant", "cosine"] = "cosine"
    final: float = 0.0
    start: int = 0
    start_rate: float = 0.0

    def __post_init__(self) -> None:
        if not (self.peak > 0 and math.isfinite(self.peak)):
            raise ValueError(f"learning rate is {self.peak}; it must be positive and finite, for example 1e-3")
        if self.steps < 1:
            raise ValueError(f"number of steps is {self.steps}; it must be at least 1")
        if self.warmup < 0:
            raise ValueError(f"warm-up is {self.warmup} steps; it must not be negative")
        if not 0 <= self.start < self.steps or not 0 <= self.start_rate < math.inf:
            raise ValueError(
                f"the schedule begins anew at step {self.start} with a rate of {self.start_rate}; that step must lie "
                f"before the last, {self.steps}, and the rate must not be negative"
            )
        if self.warmup > self.steps - self.start:
            raise ValueError(
                f"warm-up is {self.warmup} steps, longer than the run of {self.steps - self.start}: the rate would "
                f"never reach its peak; give --warmup {(self.steps - self.start) // 10} or --steps {2 * self.warmup}"
            )
        if self.shape not in ("constant", "cosine"):
            raise ValueError(f"learning-rate shape is {self.shape!r}; choose constant or cosine")
        if not 0 <= self.final <= 1:
            raise ValueError(f"final learning rate is {self.final} of the peak; it must lie in [0, 1]")

    def at(self, step: int) -> float:
        step, steps = step - self.start, self.steps - self.start
        if step <= self.warmup:
            return self.start_rate + (self.peak - self.start_rate) * step / self.warmup
        if self.shape == "constant":
            return self.peak
        progress = min(1.0, (step - 1 - self.warmup) / (steps - self.warmup))
        return self.peak * (self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * progress)))
