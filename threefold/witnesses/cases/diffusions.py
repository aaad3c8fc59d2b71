"""Linear SDEs: smooth rates, a start, a time, and a point whose density is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from threefold.witnesses.cases.numbers import between, edges, normals, positive
from threefold.witnesses.cases.scores import exactly
from threefold.witnesses.cases.solvers import Bumps
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Diffusion:
    """Rates as bumps above 0, a time, a start and an end point."""

    drift: Bumps
    noise: Bumps
    beta: Bumps
    time: float
    start: float
    end: float

    @property
    def edges(self) -> frozenset[str]:
        return frozenset({"a short time"} if self.time < 0.05 else {"a long time"} if self.time > 1 else ())

    def beta_until(self, t: float) -> float:
        """The integral of beta from 0 to t, in closed form: bumps add up to arctangents."""
        bumps = zip(self.beta.heights, self.beta.centres, self.beta.narrow, strict=True)
        return float(sum(h / k * (np.arctan((t - c) * k) + np.arctan(c * k)) for h, c, k in bumps))

    def point(self) -> Point:
        families: dict[str, Any] = {"drift_rate": self.drift, "noise_rate": self.noise, "vp_rate": self.beta}
        vectors = {"x_at": [self.end], "x_begin": [self.start]}
        return Point(1, {"time": self.time}, vectors=vectors, exact=families)


@dataclass(frozen=True)
class Diffusions:
    share: int = 16
    must: frozenset[str] = frozenset({"a short time", "a long time"})

    def draw(self, case: Cases) -> Iterator[Diffusion]:
        for n in range(max(3, case.n // self.share)):
            rates: list[Bumps] = []
            for _ in range(3):
                heights = tuple(float(v) for v in case.rng.uniform(0.3, 1.5, 2))
                centres = tuple(float(v) for v in case.rng.uniform(-0.5, 1.5, 2))
                rates.append(Bumps(heights, centres, (0.8, 0.6)))
            time = {0: 1 / 32, 1: 1.5}.get(n, float(np.round(case.rng.uniform(0.2, 1.2), 3)))
            start, end = (float(v) for v in np.round(case.rng.standard_normal(2), 3))
            drift, noise, beta = rates
            yield Diffusion(drift, noise, beta, time, start, end)


@dataclass(frozen=True)
class LinearRun:
    """Euler-Maruyama on dx = - theta x dt + sqrt(2 D) dw: r = theta h, D/theta, a start, n steps, a point."""

    share: float
    target: float
    start: Array
    spread: float
    n: int
    then: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "no step yet": self.n == 0,
                "a tiny step": self.share < 0.02,
                "nearly the whole way": self.share > 0.95,
                "d = 1": len(self.start) == 1,
            }
        )

    def point(self) -> Point:
        r, last, first = (exactly(v) for v in (self.share, self.target, self.spread))

        def variance(n: Any) -> Any:
            v = first
            for _ in range(int(n)):
                v = (1 - r) ** 2 * v + 2 * r * last
            return v

        families = {"em_left": lambda n: (1 - r) ** int(n), "em_variance": variance}
        numbers = {"decay_share": self.share, "target_variance": self.target, "n": self.n, "small_step": self.share}
        vectors = {"start_mean": self.start, "then": self.then}
        return Point(len(self.start), numbers, vectors=vectors, exact=families)


@dataclass(frozen=True)
class LinearRuns:
    share: int = 2
    must: frozenset[str] = frozenset({"no step yet", "a tiny step", "nearly the whole way", "d = 1"})

    def draw(self, case: Cases) -> Iterator[LinearRun]:
        for n in range(max(8, case.n // self.share)):
            share = {1: 2.0**-6, 2: 1 - 2.0**-5}.get(n % 4, float(between(case, 0.05, 0.9)))
            target, spread = (float(v) for v in positive(case, -1, 1, 2))
            yield LinearRun(share, target, start := normals(case, n % 3 + 1), spread, n % 5, normals(case, len(start)))
