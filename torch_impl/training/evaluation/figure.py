"""A figure: a number with its name, unit, what it was taken on, and its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

__all__ = ["Figure", "mean_figure"]


@dataclass(frozen=True)
class Figure:
    """One figure: its name, value, unit, what it was taken on; its standard error or 95 % interval where it has one."""

    name: str
    value: float
    unit: str
    over: str
    error: float | None = None
    interval: tuple[float, float] | None = None


def mean_figure(values: Tensor, name: str, unit: str, over: str) -> Figure:
    """The mean of the values with its standard error, which a single value does not have."""
    values = values.double().flatten()
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else None
    return Figure(name, float(values.mean()), unit, over, error)
