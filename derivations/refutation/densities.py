"""Densities of the laws that have names, from the textbook and from numbers alone.

What watches the kernel shares no formula with it: these are written down once more, coordinate by coordinate, for
whatever kind of number the world calculates with. `log` is that kind's logarithm and `pi` its pi; logs are natural.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Log = Callable[[Any], Any]


def log_normal(value: Sequence[Any], mean: Sequence[Any], variances: Sequence[Any], log: Log, pi: Any) -> Any:
    """log N(value; mean, diag(variances)), a sum over independent coordinates."""
    total: Any = 0
    for v, m, s2 in zip(value, mean, variances, strict=True):
        total -= (v - m) ** 2 / (2 * s2) + log(2 * pi * s2) / 2
    return total


def log_normal_full(
    value: Sequence[Any], mean: Sequence[Any], covariance: Sequence[Sequence[Any]], log: Log, pi: Any
) -> Any:
    """log N(value; mean, covariance) as a product of conditionals: each coordinate given those before it.

    Elimination leaves, at each step, the variance of a coordinate given the earlier ones, and its distance from the
    conditional mean. No inverse and no determinant is formed.
    """
    rows = [list(row) for row in covariance]
    rest = [v - m for v, m in zip(value, mean, strict=True)]
    total: Any = 0
    for n, (surprise, row) in enumerate(zip(rest, rows, strict=True)):
        variance = row[n]
        total -= surprise**2 / (2 * variance) + log(2 * pi * variance) / 2
        for later in range(n + 1, len(rows)):
            slope = rows[later][n] / variance
            rest[later] = rest[later] - slope * surprise
            rows[later] = [b - slope * a for a, b in zip(row, rows[later], strict=True)]
    return total


def log_bernoulli(bits: Sequence[Any], chances: Sequence[Any], log: Log) -> Any:
    """The log probability of independent bits, the n-th of them 1 with its own chance."""
    total: Any = 0
    for bit, chance in zip(bits, chances, strict=True):
        total += bit * log(chance) + (1 - bit) * log(1 - chance)
    return total
