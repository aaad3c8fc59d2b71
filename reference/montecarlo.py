"""Means by sampling, never without their standard error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reference.validation import Array, integer, real_number


@dataclass(frozen=True)
class Estimate:
    """A sample mean, its standard error and the number of independent draws behind it."""

    mean: float
    standard_error: float
    n: int

    def within(self, value: float, errors: float = 5.0) -> bool:
        """Tell whether `value` lies within that many standard errors of the mean."""
        return abs(self.mean - real_number("value", value)) <= errors * self.standard_error

    def deviation(self, value: float) -> float:
        """Return the signed distance to `value` in standard errors (0 when both agree and the error is 0)."""
        gap = self.mean - real_number("value", value)
        return 0.0 if gap == 0.0 else float(np.divide(gap, self.standard_error))


def estimate(
    f: Callable[[Array], Array],
    draw: Callable[[np.random.Generator, int], Array],
    n: int,
    rng: np.random.Generator,
    batch: int = 65_536,
) -> Estimate:
    """Return the mean of f over n independent draws; draw(rng, m) gives m draws, f maps them to (m,).

    Batches keep memory bounded; moments are merged without cancellation (Chan's update).
    """
    n, batch = integer("n", n, 2), integer("batch", batch, 1)
    count, mean, scatter = 0, 0.0, 0.0
    while count < n:
        size = min(batch, n - count)
        values = np.asarray(f(draw(rng, size)), dtype=np.float64)
        if values.shape != (size,):
            raise ValueError(f"f returned shape {values.shape} for {size} draws; return one value a draw")
        if not np.isfinite(values).all():
            raise ValueError("f returned a value that is not finite, so the mean does not exist; restrict the draws")
        shift = float(values.mean()) - mean
        scatter += float(np.sum((values - values.mean()) ** 2)) + shift**2 * count * size / (count + size)
        mean += shift * size / (count + size)
        count += size
    return Estimate(mean, float(np.sqrt(scatter / (n - 1) / n)), n)


def antithetic_estimate(
    f: Callable[[Array], Array], dimension: int, pairs: int, rng: np.random.Generator, batch: int = 65_536
) -> Estimate:
    """Return E f(eps), eps ~ N(0, I), from pairs (eps, -eps): odd parts of f cancel exactly. n counts the pairs."""
    d = integer("dimension", dimension, 1)
    return estimate(
        lambda noise: 0.5 * (np.asarray(f(noise)) + np.asarray(f(-noise))),
        lambda generator, size: generator.standard_normal((size, d)),
        pairs,
        rng,
        batch,
    )
