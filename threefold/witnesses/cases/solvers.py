"""Steps of solvers: a smooth prediction along a trajectory, where a step starts, and the ratios of the steps before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from derivations.refutation.laws import mp
from threefold.witnesses.cases.numbers import edges
from threefold.witnesses.point import Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Bumps:
    """A sum of bumps 1/(1 + z^2): smooth, bounded, and computed with whatever numbers it is asked at."""

    heights: tuple[float, ...]
    centres: tuple[float, ...]
    narrow: tuple[float, ...]

    def __call__(self, x: Any) -> Any:
        total: Any = 0.0
        for height, centre, narrow in zip(self.heights, self.centres, self.narrow, strict=True):
            z = (x - self._as(x, centre)) * self._as(x, narrow)
            total = total + self._as(x, height) / (1 + z * z)
        return total

    def slope(self, x: Any) -> Any:
        """The derivative, in floats."""
        total: Any = 0.0
        for height, centre, narrow in zip(self.heights, self.centres, self.narrow, strict=True):
            z = (x - centre) * narrow
            total = total - 2 * height * narrow * z / (1 + z * z) ** 2
        return total

    @staticmethod
    def _as(x: Any, number: float) -> Any:
        """The number in the kind that x is made of."""
        return number if isinstance(x, float | complex | np.ndarray) else _thirty_digits(number)

    def exact(self, x: Any) -> tuple[Any]:
        """As a vector of R^1, for the oracle."""
        return (self(x),)


@lru_cache(maxsize=4096)
def _thirty_digits(number: float) -> Any:
    return mp.mpf(number)


@dataclass(frozen=True)
class SolverStep:
    """A prediction, where the step starts, the ratios of earlier steps to this one, a first share, and a rest."""

    curve: Bumps
    level: float
    ratios: tuple[float, float, float]
    share: float
    left: float
    seed: int

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "equal steps": self.ratios == (1.0, 1.0, 1.0),
                "much shorter steps before": max(self.ratios) <= 0.5,
                "much longer steps before": min(self.ratios) >= 2.0,
            }
        )

    @property
    def back(self) -> tuple[float, float, float, float]:
        """How far back the known predictions lie, in steps."""
        r_0, r_1, r_2 = self.ratios
        return 0.0, r_0, r_0 + r_1, r_0 + r_1 + r_2

    def point(self, h: float) -> Point:
        numbers = {f"ratio_{n}": r for n, r in enumerate(self.ratios)}
        numbers |= {"lam": self.level, "lam_step": h, "first_share": self.share, "lam_left": self.left}
        return Point(1, numbers, exact={"m_along": self.curve.exact})


@dataclass(frozen=True)
class SolverSteps:
    """Three grids at least: equal steps, steps that grow, steps that shrink; curves whose derivatives are not small."""

    share: int = 8
    must: frozenset[str] = frozenset({"equal steps", "much shorter steps before", "much longer steps before"})

    def draw(self, case: Cases) -> Iterator[SolverStep]:
        grids = ((1.0, 1.0, 1.0), (0.5, 0.25, 0.5), (2.0, 3.0, 2.0))
        for n in range(max(3, case.n // self.share)):
            signs = np.where(case.rng.random(2) < 0.5, -1.0, 1.0)
            heights = tuple(float(v) for v in signs * case.rng.uniform(0.5, 1.5, 2))
            centres = tuple(float(v) for v in np.array([-0.7, 0.6]) + case.rng.uniform(-0.1, 0.1, 2))
            narrow = tuple(float(v) for v in case.rng.uniform(0.6, 0.9, 2))
            ratios = grids[n] if n < 3 else tuple(float(v) for v in np.round(case.rng.uniform(0.5, 2.0, 3), 3))
            yield SolverStep(
                Bumps(heights, centres, narrow),
                float(np.round(case.rng.uniform(-0.3, 0.3), 4)),
                ratios,  # type: ignore[arg-type]
                float(np.round(case.rng.uniform(0.5, 1.5), 3)),
                float(np.round(case.rng.uniform(0.5, 2.0), 3)),
                n,
            )
