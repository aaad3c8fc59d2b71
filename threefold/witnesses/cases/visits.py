"""A sampler's visited steps: falling noise levels, a share of fresh noise at each, and where the data are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivations.refutation.laws import mp
from threefold.witnesses.cases.moving import exactly
from threefold.witnesses.cases.numbers import between, coarse, edges, normals, positive
from threefold.witnesses.point import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Visits:
    """Levels abar of y_1..y_N, deviations sigma_1..sigma_{N-1} of fresh noise, the datum, and the points visited."""

    levels: Array
    noises: Array
    clean: Array
    points: Array
    n: int

    @property
    def N(self) -> int:
        return len(self.levels)

    @property
    def edges(self) -> frozenset[str]:
        room = 1 - self.levels[1:]
        return edges(
            {
                "one step": self.N == 1,
                "many steps": self.N > 3,
                "the last visited": self.n == self.N > 1,
                "hardly any fresh noise": bool((self.noises**2 < 0.01 * room).any()),
                "nearly all noise fresh": bool((self.noises**2 > 0.99 * room).any()),
            }
        )

    @property
    def betas(self) -> Array:
        """Of the chain whose steps these are: from the last visited, the least noisy, to the first."""
        bars = np.concatenate([[1.0], self.levels[::-1]])
        return np.asarray(1 - bars[1:] / bars[:-1])

    def point(self) -> Point:
        """The law q of (x_0, y_1, ..., y_N), built step by step in the oracle's numbers, with a normal datum."""
        levels, noises = [[exactly(v) for v in row] for row in (self.levels, self.noises)]
        rows = [[mp.mpf(1)], [mp.sqrt(levels[0]), mp.sqrt(1 - levels[0])]]  # loadings on the datum and the fresh noises
        for n in range(1, self.N):
            kept = mp.sqrt(1 - levels[n] - noises[n - 1] ** 2) / mp.sqrt(1 - levels[n - 1])
            old = [kept * v for v in rows[-1]]
            old[0] += mp.sqrt(levels[n]) - kept * mp.sqrt(levels[n - 1])
            rows.append([*old, noises[n - 1]])
        covariance = [[mp.fsum(a * b for a, b in zip(one, two, strict=False)) for two in rows] for one in rows]
        d = len(self.clean)
        wide = [
            [covariance[i // d][j // d] * (i % d == j % d) for j in range(d * len(rows))] for i in range(d * len(rows))
        ]
        sizes = {("clean",): d} | {("visit", n): d for n in range(1, self.N + 1)}
        law: Any = GaussianLaw(sizes, [mp.mpf(0)] * (d * len(rows)), wide)
        families: dict[str, Any] = {
            "visited_level": lambda n: levels[int(n) - 1],
            "visited_noise": lambda n: noises[int(n) - 1],
        }
        visited = {("visit", n + 1): row for n, row in enumerate(self.points)}
        numbers = {"n": self.n, "N": self.N}
        return Point(d, numbers, members=visited, vectors={"clean": self.clean}, exact=families, tables={"q": law})


@dataclass(frozen=True)
class VisitedSteps:
    """One to five steps, next to each other in noise or far apart."""

    share: int = 4
    must: frozenset[str] = frozenset(
        {"one step", "many steps", "the last visited", "hardly any fresh noise", "nearly all noise fresh"}
    )

    def draw(self, case: Cases) -> Iterator[Visits]:
        for m in range(max(6, case.n // self.share)):
            N, d = m % 5 + 1, m % 2 + 1
            levels = np.sort(case.rng.uniform(0.01, 0.99, N))
            shares = case.rng.uniform(0.1, 0.9, N - 1)
            if N > 1:
                shares[0] = (1e-3, 0.999, shares[0])[m % 3]
            noises = np.sqrt(shares * (1 - levels[1:]))
            n = N if m % 2 else int(case.rng.integers(1, N + 1))
            yield Visits(levels, noises, normals(case, d), normals(case, N, d), n)


@dataclass(frozen=True)
class Shrunk:
    """A step from one noise ratio to a smaller one on data N(centre, variance I), and where it starts."""

    x: Array
    centre: Array
    variance: float
    now: float
    then: float

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "to the data": self.then == 0,
                "hardly a step": 0.99 < self.then / self.now < 1,
                "from much noise": self.now**2 > 100 * self.variance,
            }
        )

    @property
    def cosine(self) -> float:
        """Of the difference of the two angles with the tangents varsigma/sqrt(v)."""
        late, early = (np.arctan2(level, np.sqrt(self.variance)) for level in (self.now, self.then))
        return float(np.cos(late - early))

    def point(self) -> Point:
        numbers = {"data_variance": self.variance, "ratio_now": self.now, "ratio_then": self.then}
        numbers["ratio_share"] = self.then / self.now
        return Point(len(self.x), numbers, vectors={"state": self.x, "data_centre": self.centre})


@dataclass(frozen=True)
class ShrunkSteps:
    """Steps from much noise, to the data, and tiny ones, in one to three dimensions."""

    share: int = 4
    must: frozenset[str] = frozenset({"to the data", "hardly a step", "from much noise"})

    def draw(self, case: Cases) -> Iterator[Shrunk]:
        for m in range(max(6, case.n // self.share)):
            variance, now = (float(v) for v in positive(case, -1.0, 1.0, 2))
            now *= 32 if m % 4 == 1 else 1
            then = now * {0: 0.0, 2: 511 / 512}.get(m % 4, float(between(case, 0.1, 0.9)))
            x, centre = normals(case, 2, m % 3 + 1)
            yield Shrunk(x, centre, variance, now, then)


@dataclass(frozen=True)
class RoundTrip:
    """A point and a noise ratio, and a network (M x + b varsigma)/(1 + |x|^2/8 + varsigma^2/4)."""

    x: Array
    matrix: Array
    offset: Array
    ratio: float

    @property
    def edges(self) -> frozenset[str]:
        return edges({"d = 1": len(self.x) == 1, "d = 2": len(self.x) == 2})

    def answer(self, x: Any, ratio: Any) -> Any:
        """In floats."""
        return (self.matrix @ x + self.offset * ratio) / (1 + (x @ x) / 8 + ratio * ratio / 4)

    def _exact(self, x: Any, ratio: Any) -> Any:
        """In the oracle's numbers, series in a step among them."""
        below = 1 + sum(v * v for v in x) / 8 + ratio * ratio / 4
        rows = zip(self.matrix, self.offset, strict=True)
        return tuple(
            (sum(exactly(m) * v for m, v in zip(row, x, strict=True)) + exactly(b) * ratio) / below for row, b in rows
        )

    def point(self, step: float) -> Point:
        numbers = {"varsigma_now": self.ratio, "varsigma_step": step}
        return Point(len(self.x), numbers, vectors={"state": self.x}, exact={"eps_field": self._exact})


@dataclass(frozen=True)
class RoundTrips:
    share: int = 8
    must: frozenset[str] = frozenset({"d = 1", "d = 2"})

    def draw(self, case: Cases) -> Iterator[RoundTrip]:
        for m in range(max(4, case.n // self.share)):
            d = m % 2 + 1
            matrix = normals(case, d, d) / 2 + np.eye(d)
            yield RoundTrip(normals(case, d), coarse(matrix), normals(case, d), float(positive(case, -1.0, 0.5)))
