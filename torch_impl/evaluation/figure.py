"""A figure: a number with its name, unit, what it was taken on, and its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

__all__ = ["Figure", "mean_figure"]


@dataclass(frozen=True)
class Figure:
    """One figure: its key, its name in words, value, unit, what it was taken on; its error where it has one.

    The key finds it, with the name of its metric (`classifier` and `intended`); the words are for readers alone.
    `error` is a standard error, `interval` one of 95 %.
    """

    key: str
    name: str
    value: float
    unit: str
    over: str
    error: float | None = None
    interval: tuple[float, float] | None = None


def mean_figure(values: Tensor, key: str, name: str, unit: str, over: str) -> Figure:
    """The mean of the values with its standard error, which a single value does not have."""
    values = values.double().flatten()
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else None
    return Figure(key, name, float(values.mean()), unit, over, error)
