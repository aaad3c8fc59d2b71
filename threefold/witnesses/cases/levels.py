"""Levels of signal on the way down, and numbers of levels, classes, bins and frequencies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from threefold.witnesses.cases.codes import dirichlet
from threefold.witnesses.cases.numbers import between, coarse, edges, normals
from threefold.witnesses.cases.scores import exactly
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Emptied:
    """Roots of abar at the first step, at two between, and at the last."""

    first: float
    here: float
    later: float
    last: float

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "nearly empty already": self.last < 0.01,
                "hardly any noise": self.last > 0.9,
                "the first step": self.here == self.first,
            }
        )

    def point(self) -> Point:
        names = {"root_first": self.first, "root_here": self.here, "root_later": self.later, "root_last": self.last}
        return Point(1, names)


@dataclass(frozen=True)
class SignalLevels:
    share: int = 2
    must: frozenset[str] = frozenset({"nearly empty already", "hardly any noise", "the first step"})

    def draw(self, case: Cases) -> Iterator[Emptied]:
        for n in range(max(8, case.n // self.share)):
            low, high = {1: (0.92, 0.999), 2: (0.001, 0.9)}.get(n % 4, (0.05, 0.99))
            last, later, here, first = np.sort(coarse(np.linspace(low, high, 4) * case.rng.uniform(0.99, 1.0)))
            yield Emptied(float(first), float(first if n % 4 == 3 else here), float(later), float(last))


@dataclass(frozen=True)
class Graded:
    """Shares of classes and a height; levels of digits, their values; a staircase; tangents of half angles."""

    shares: Array
    chosen: int
    height: float
    levels: Array
    digits: Array
    stairs: Array
    angles: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "one class": len(self.shares) == 1,
                "a low height": self.height < -1.5,
                "one digit": len(self.levels) == 2,
                "one bin": len(self.stairs) == 2,
                "nearly a quarter turn": float(np.abs(self.angles[:2]).max()) > 0.95,
            }
        )

    def classes(self) -> Point:
        shares = [exactly(v) for v in self.shares]
        total = sum(shares)
        families = {"code_share": lambda k: shares[int(k) - 1] / total}
        numbers = {"K_v": len(shares), "k_g": self.chosen + 1, "gumbel_height": self.height}
        return Point(1, numbers, exact=families)

    def index(self) -> Point:
        values = np.concatenate([[1], np.cumprod(self.levels)])
        families: dict[str, Any] = {
            "levels_of": lambda i: exactly(self.levels[int(i) - 1]),
            "place_value": lambda i: exactly(values[int(i) - 1]),
            "digit": lambda i: exactly(self.digits[int(i) - 1]),
        }
        return Point(1, {"digits": len(self.levels) - 1}, exact=families)

    def bins(self) -> Point:
        families = {"below_edge": lambda k: exactly(self.stairs[int(k)])}
        count = len(self.stairs) - 1
        return Point(1, {"L_a": count, "L_b": (count + 1) // 2}, exact=families)

    def turned(self) -> Point:
        families = {"half_angle_of": lambda i: exactly(self.angles[int(i) - 1])}
        now, later = (float(v) for v in self.angles[:2])
        return Point(
            1,
            {"half_angle_now": now, "half_angle_later": later, "frequencies": len(self.angles)},
            exact=families,
        )


@dataclass(frozen=True)
class SomeGraded:
    share: int = 2
    must: frozenset[str] = frozenset({"one class", "a low height", "one digit", "one bin", "nearly a quarter turn"})

    def draw(self, case: Cases) -> Iterator[Graded]:
        for n in range(max(8, case.n // self.share)):
            shares = dirichlet(case, 1 + n % 4)
            levels = case.rng.integers(2, 9, 2 + n % 4).astype(float)
            digits = np.array([float(case.rng.integers(0, int(v))) for v in levels])
            stairs = np.concatenate([[0.0], np.cumsum(dirichlet(case, 1 + n % 5))])
            stairs[-1] = 1.0
            angles = coarse(normals(case, 2 + n % 3) / 4)
            if n % 4 == 1:
                angles[0] = 1 - 2.0**-6
            height = -2.0 if n % 4 == 2 else float(between(case, -1, 3))
            yield Graded(shares, int(case.rng.integers(len(shares))), height, levels, digits, stairs, angles)
