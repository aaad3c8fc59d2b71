"""Schedules and signal levels by themselves: linear ramps, levels from 0 to 1, and cases with nothing to draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from threefold.witnesses.cases.numbers import HUGE, TINY, edges, normals, sizes_reached
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Ramps:
    """Linear schedules of T >= 2 steps between two ends in (0, 1), near both of them too."""

    must: frozenset[str] = frozenset({"T = 2", "t = 1", "t = T", "beta near 0", "beta near 1", "equal ends"})

    def draw(self, case: Cases) -> Iterator[Ramp]:
        for n in range(case.n):
            T = n % 9 + 2
            low, high = np.sort(case.rng.uniform(1e-3, 0.9, 2)).tolist()
            low, high = (2.0**-20, high) if n % 4 == 1 else (low, 1 - 2.0**-20) if n % 4 == 2 else (low, high)
            t = {0: 1, 1: 1, 2: T}.get(n % 8, int(case.rng.integers(1, T + 1)))
            yield Ramp(T, t, Fraction(low), Fraction(low if n % 8 == 3 else high))


@dataclass(frozen=True)
class Ramp:
    """T, a time t, and the two ends as exact numbers."""

    T: int
    t: int
    first: Fraction
    last: Fraction

    @property
    def edges(self) -> frozenset[str]:
        beta = float(self.first + (self.t - 1) * (self.last - self.first) / (self.T - 1))
        return edges(
            {
                "T = 2": self.T == 2,
                "t = 1": self.t == 1,
                "t = T": self.t == self.T,
                "beta near 0": beta < 1e-5,
                "beta near 1": beta > 1 - 1e-5,
                "equal ends": self.first == self.last,
            }
        )

    def point(self) -> Point:
        return Point(1, {"t": self.t, "T": self.T, "beta_1": self.first, "beta_T": self.last})


@dataclass(frozen=True)
class Once:
    """For claims about fixed numbers: one case, with nothing to draw."""

    must: frozenset[str] = frozenset()
    edges: frozenset[str] = frozenset()
    fixed: bool = True
    roundings: float = 64.0 + 4.0 * 1000 * 11  # of tables over the linear schedule: T = 1000, log abar_T = -10.1

    def draw(self, case: Cases) -> Iterator[Once]:
        yield self

    @staticmethod
    def linear_betas() -> Array:
        """The linear schedule of 1000 steps, each beta the float64 nearest to it."""
        first, last = Fraction("1e-4"), Fraction("0.02")
        return np.array([float(first + Fraction(t, 999) * (last - first)) for t in range(1000)])


@dataclass(frozen=True)
class Levels:
    """Signal levels abar in [0, 1], both ends included, with x_0 and eps in 1 to 3 dimensions."""

    share: int = 1
    start: bool = True  # whether abar = 1, the start of a chain, is among them; else a level next to it

    @property
    def must(self) -> frozenset[str]:
        ends = {"abar = 0", "abar = 1" if self.start else "abar near 1"}
        return frozenset({"d = 1", "huge values", "tiny values", "repeated points", *ends})

    def draw(self, case: Cases) -> Iterator[Level]:
        for n in range(case.n // self.share):
            level = {0: 0.0, 1: 1.0 if self.start else 1 - 2.0**-30}.get(n % 8, float(case.rng.uniform(0, 1)))
            x0, noise = normals(case, 2, n % 3 + 1, scale={3: HUGE, 5: TINY}.get(n % 8, 1.0))
            yield Level(level, x0, x0 if n % 8 == 6 else noise)


@dataclass(frozen=True)
class Level:
    """abar, x_0 and eps."""

    level: float
    x0: Array
    noise: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "abar = 0": self.level == 0.0,
                "abar = 1": self.level == 1.0,
                "abar near 1": 1 - 1e-6 < self.level < 1,
                "d = 1": len(self.x0) == 1,
                "repeated points": bool((self.x0 == self.noise).all()),
                **sizes_reached([self.x0, self.noise]),
            }
        )

    def point(self) -> Point:
        return Point(len(self.x0), {"alpha_bar": self.level}, x={0: self.x0}, vectors={"eps": self.noise})
