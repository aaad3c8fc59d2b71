"""Schedules, times and vectors that witnesses draw, the edges in every run.

The edges are T = 1, t = 1, tiny and huge betas, d = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from threefold.witnesses.oracle import Array
from threefold.witnesses.registry import Cases

Network = Callable[[Array], Array]
EDGES = ("ordinary", "tiny betas", "huge betas", "one step", "mixed")


@dataclass(frozen=True)
class Step:
    """One step of one chain: betas (beta_1..beta_T), the time t, and the vectors x_0, x_{t-1}, x_t, noise of R^d."""

    betas: Array
    t: int
    x0: Array
    x_prev: Array
    x_t: Array
    noise: Array

    @property
    def T(self) -> int:
        return len(self.betas)

    @property
    def d(self) -> int:
        return len(self.x0)


def draw_betas(case: Cases, edge: str, least: int = 1) -> Array:
    """A schedule of `least` to 6 steps with every beta in (0, 1), at the edge that is named."""
    T = least if edge == "one step" else int(case.rng.integers(least, 7))
    if edge == "tiny betas":
        return np.asarray(10.0 ** case.rng.uniform(-6, -3, T))
    if edge == "huge betas":
        return np.asarray(1 - 10.0 ** case.rng.uniform(-3, -1, T))
    if edge == "mixed":
        return np.asarray(case.rng.choice([1e-4, 0.5, 0.999], T))
    return np.asarray(case.rng.uniform(0.02, 0.6, T))


def steps(case: Cases, least_t: int = 1, most_d: int = 3) -> Iterator[Step]:
    """Steps with t in least_t..T; every edge and every dimension 1..most_d comes up again and again."""
    for n in range(case.n):
        betas = draw_betas(case, EDGES[n % len(EDGES)], least=least_t)
        t = len(betas) if n % 3 == 0 else int(case.rng.integers(least_t, len(betas) + 1))
        d = n % most_d + 1
        yield Step(betas, least_t if n % 7 == 1 else t, *case.rng.standard_normal((4, d)))


def bent(case: Cases, inputs: int, outputs: int) -> Network:
    """A random network of degree 2, so that sums over Gauss-Hermite points are exact; takes one input or a batch."""
    shift, slope, bend = (
        case.rng.standard_normal(outputs),
        case.rng.standard_normal((inputs, outputs)),
        0.2 * case.rng.standard_normal((inputs, outputs)),
    )
    return lambda z: np.asarray(shift + np.asarray(z) @ slope + np.square(z) @ bend)
