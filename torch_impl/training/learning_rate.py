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
    its end one step after the last, so that no step is wasted on a rate of zero.
    """

    peak: float
    steps: int
    warmup: int = 0
    shape: Literal["constant", "cosine"] = "cosine"
    final: float = 0.0

    def __post_init__(self) -> None:
        if not (self.peak > 0 and math.isfinite(self.peak)):
            raise ValueError(f"learning rate is {self.peak}; it must be positive and finite, for example 1e-3")
        if self.steps < 1:
            raise ValueError(f"number of steps is {self.steps}; it must be at least 1")
        if self.warmup < 0:
            raise ValueError(f"warm-up is {self.warmup} steps; it must not be negative")
        if self.shape not in ("constant", "cosine"):
            raise ValueError(f"learning-rate shape is {self.shape!r}; choose constant or cosine")
        if not 0 <= self.final <= 1:
            raise ValueError(f"final learning rate is {self.final} of the peak; it must lie in [0, 1]")

    def at(self, step: int) -> float:
        if step <= self.warmup:
            return self.peak * step / self.warmup
        if self.shape == "constant":
            return self.peak
        progress = min(1.0, (step - 1 - self.warmup) / (self.steps - self.warmup))
        return self.peak * (self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * progress)))
