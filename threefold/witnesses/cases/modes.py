"""A few points under noise: laws that are blurred, two modes with a weight, paths between points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.refutation.laws import FiniteJoint
from threefold.witnesses.cases.numbers import between, coarse, edges, normals, positive
from threefold.witnesses.cases.scores import exactly
from threefold.witnesses.point import Array, Point, finite_law
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Modes:
    """Two points, log-odds of their weights, a variance; signal and level of another blur; where one looks."""

    one: Array
    two: Array
    odds: float
    variance: float
    signal: float
    level: float
    share: float
    x: Array

    @property
    def edges(self) -> frozenset[str]:
        apart = float(np.linalg.norm(self.one - self.two)) / np.sqrt(self.variance)
        return edges(
            {
                "d = 1": len(self.x) == 1,
                "far modes": apart > 20,
                "equal weights": self.odds == 0,
                "hardly any noise": self.level < 0.05,
                "a density near 0": self.density < 1e-3,
            }
        )

    @property
    def away(self) -> tuple[float, float]:
        """Squared distances of x from both points, shrunk by the signal."""
        first, second = (
            float(((self.x - self.signal * v) ** 2).sum()) for v in (np.zeros(len(self.x)), np.ones(len(self.x)))
        )
        return first, second

    @property
    def density(self) -> float:
        """Of the points 0 and 1 under noise, at x."""
        first, second = (np.exp(-a / (2 * self.level**2)) for a in self.away)
        return float(
            (self.share * first + (1 - self.share) * second) / (2 * np.pi * self.level**2) ** (len(self.x) / 2)
        )

    def point(self) -> Point:
        d = len(self.x)
        share = Fraction(self.share)
        law: Any = finite_law([("clean",)], [share, 1 - share]) if d == 1 else _corners(d, share)
        numbers = {"log_odds": self.odds, "v_1": self.variance, "signal": self.signal, "level": self.level}
        vectors = {"one_mode": self.one, "other_mode": self.two, "noisy_point": self.x, "clean": np.zeros(d)}
        return Point(d, numbers, vectors=vectors, tables={"q": law})


def _corners(d: int, share: Fraction) -> Any:
    """The law of two points, all zeros and all ones."""
    zero, one = (Fraction(0),) * d, (Fraction(1),) * d
    return FiniteJoint((("clean",),), {(zero,): share, (one,): 1 - share})


@dataclass(frozen=True)
class SomeModes:
    share: int = 2
    must: frozenset[str] = frozenset({"d = 1", "far modes", "equal weights", "hardly any noise", "a density near 0"})

    def draw(self, case: Cases) -> Iterator[Modes]:
        for n in range(max(8, case.n // self.share)):
            d = n % 3 + 1
            one, two, x = normals(case, 3, d)
            variance = 2.0**-6 if n % 4 == 1 else float(positive(case, -1, 1))
            if n % 4 == 1:
                two = one + 4.0
                x = one + 2.0 + x / 64
            odds = 0.0 if n % 5 == 2 else float(between(case, -4, 4))
            level = 2.0**-5 if n % 4 == 2 else float(positive(case, -1, 1))
            signal, share = float(between(case, 0.1, 1)), float(between(case, 0.1, 0.9))
            if n % 4 == 2:
                x = coarse(signal + level * x)
            if n % 4 == 3:
                level, x = 0.5, x / 4 + 2.5
            yield Modes(one, two, odds, variance, signal, level, share, x)


@dataclass(frozen=True)
class Crossing:
    """A joint table of two data (rows) and two points (columns), and a convex cost steep |v|^2 + <tilt, v>."""

    table: Array
    steep: float
    tilt: float
    curve: float

    @property
    def edges(self) -> frozenset[str]:
        alone = bool((self.table.min(axis=0) < 1e-3).all())
        return edges({"paths hardly cross": alone, "a flat cost": self.steep == 0.0})

    def velocity(self, x: Any, z: Any) -> Any:
        """Of the path from datum z through x."""
        return z - x / 2 + self.curve * z * x + z * z / 4

    def point(self) -> Point:
        exact = [[Fraction(float(v)) for v in row] for row in self.table]
        total = sum(map(sum, exact))
        table: Any = np.array([[v / total for v in row] for row in exact], dtype=object)
        steep, tilt, curve = (exactly(v) for v in (self.steep, self.tilt, self.curve))

        def velocity(x: Any, z: Any) -> tuple[Any, ...]:
            return tuple(b - a / 2 + curve * b * a + b * b / 4 for a, b in zip(x, z, strict=True))

        families: dict[str, Any] = {
            "velocity_of_path": velocity,
            "cost_of_velocity": lambda v: sum(steep * c * c + tilt * c for c in v),
            "cost_slope": lambda v: tuple(2 * steep * c + tilt for c in v),
            "above_tangent": lambda v, w: sum(steep * (a - b) ** 2 for a, b in zip(v, w, strict=True)),
        }
        law = finite_law([("clean",), ("noisy_point",)], table)
        return Point(1, vectors={"clean": [0], "noisy_point": [0]}, exact=families, tables={"q": law})


@dataclass(frozen=True)
class Crossings:
    share: int = 4
    must: frozenset[str] = frozenset({"paths hardly cross", "a flat cost"})

    def draw(self, case: Cases) -> Iterator[Crossing]:
        for n in range(max(8, case.n // self.share)):
            table = case.rng.dirichlet(np.ones(4)).reshape(2, 2) + 0.05
            if n % 4 == 1:
                table = np.array([[0.4, 2.0**-12], [2.0**-12, 0.6]])
            steep = 0.0 if n % 4 == 2 else float(positive(case, -1, 1))
            yield Crossing(table / table.sum(), steep, float(normals(case)), float(between(case, -1, 1)))
