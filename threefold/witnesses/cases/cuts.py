"""Prices with a floor, and pixels beyond their range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.numbers import between, coarse, edges
from threefold.witnesses.cases.scores import exactly
from threefold.witnesses.point import Array, Point, finite_law
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Floored:
    """Prices of groups (rows) at a few data (columns) of some weight, a floor under all, a fit."""

    prices: Array
    weights: Array
    floor: float
    fit: float

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "one group": len(self.prices) == 1,
                "one datum": len(self.weights) == 1,
                "no floor": self.floor == 0.0,
                "all below the floor": bool((self.prices < self.floor).all()),
            }
        )

    def point(self) -> Point:
        least = np.minimum(self.prices, self.floor)
        parts = {
            "lesser_price": least,
            "beyond_floor": self.prices - least,
            "below_floor": self.floor - least,
        }
        families: dict[str, Any] = {name: _at(table) for name, table in parts.items()}
        weights = [Fraction(float(w)) for w in self.weights]
        law = finite_law([("x_obs",)], np.array([w / sum(weights) for w in weights], dtype=object))
        smaller, larger = sorted((float(self.prices[0, 0]), self.floor))
        numbers = {"groups": len(self.prices), "group": 1, "fit_of": self.fit}
        numbers |= {"one_number": smaller, "other_number": larger}
        return Point(1, numbers, vectors={"x_obs": [0]}, exact=families, tables={"q": law})


def _at(table: Array) -> Any:
    """A family of a group's number and a datum, which is its own index."""
    return lambda k, x: exactly(table[int(k) - 1, int(x[0])])


@dataclass(frozen=True)
class SomeFloors:
    share: int = 2
    must: frozenset[str] = frozenset({"one group", "one datum", "no floor", "all below the floor"})

    def draw(self, case: Cases) -> Iterator[Floored]:
        for n in range(max(8, case.n // self.share)):
            prices = np.abs(coarse(case.rng.standard_normal((1 + n % 3, 1 + n // 2 % 3))))
            floor = {1: 0.0, 2: 4.0}.get(n % 4, float(np.abs(between(case, 0, 2))))
            prices = np.minimum(prices, 3.0)
            yield Floored(prices, case.rng.dirichlet(np.ones(prices.shape[1])), floor, float(between(case, -8, 1)))


@dataclass(frozen=True)
class Cut:
    """A step of a chain whose network sees so much noise that what it says of a pixel may be beyond the range."""

    step: Step
    said: float
    true: float
    excess: float

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "the end of the range": abs(self.said) == 1.0,
                "nothing to cut": self.excess == 0.0,
                "the lightest picture": self.true == 1.0,
                "the darkest picture": self.true == -1.0,
            }
        )

    def beyond(self) -> Point:
        return Point(1, {"said_pixel": self.said, "true_pixel": self.true, "excess": self.excess})

    def at(self, said: float) -> Point:
        return Point(1, {"said_pixel": said})

    def pixel(self, n: int) -> tuple[float, float]:
        """What is seen of a pixel, and the noise that the network tells of it."""
        return float(self.step.x_t[n]), float(self.step.x_prev[n])

    def point(self, n: int) -> Point:
        seen, told = self.pixel(n)
        return self.step.point(numbers={"seen_pixel": seen, "told_noise": told, "said_pixel": self.said})


@dataclass(frozen=True)
class SomeCuts:
    share: int = 2
    must: frozenset[str] = frozenset(
        {"the end of the range", "nothing to cut", "the lightest picture", "the darkest picture"}
    )

    def draw(self, case: Cases) -> Iterator[Cut]:
        for n, step in enumerate(Steps(least_t=2, share=self.share).draw(case)):
            said = {1: 1.0, 2: -1.0}.get(n % 6, float(between(case, -1, 1)))
            true = {1: 1.0, 2: -1.0}.get(n % 5, float(between(case, -1, 1)))
            excess = 0.0 if n % 4 == 1 else float(np.abs(between(case, 0, 3)))
            yield Cut(step, said, true, excess)


@dataclass(frozen=True)
class Refined:
    """Steps cut in two, with drops of the SNR and errors; a log-SNR that falls in time; places on two schedules."""

    first: Array
    second: Array
    between: Array
    more: Array
    slope: float
    tangent: float
    straight: float
    level: float
    spread: float

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "one step": len(self.first) == 1,
                "nothing before the cut": bool((self.first == 0).any()),
                "an error that falls": bool((self.more < 0).any()),
                "hardly any noise": self.tangent < 0.05,
                "hardly any signal": self.tangent > 0.9,
            }
        )

    def log_snr(self, t: Any) -> Any:
        return self.slope * (1 - t) - t * t

    def area(self, v: Any) -> Any:
        """The weighted error, added up over log-SNR."""
        return v + v * v / 8

    def clock(self) -> Point:
        slope = exactly(self.slope)
        families = {"log_snr_at": lambda t: slope * (1 - t) - t * t, "weighted_area": lambda v: v + v * v / 8}
        return Point(1, {"clock_time": 0.5}, exact=families)

    def times(self) -> Point:
        numbers = {"quarter_tangent": self.tangent, "straight_time": self.straight}
        return Point(
            1, {**numbers, "level": self.level, "data_std": self.spread, "log_noise": float(np.log(self.level))}
        )

    def steps(self) -> Point:
        names = ("first_drop", "second_drop", "error_between", "error_more")
        tables = (self.first, self.second, self.between, self.more)
        families: dict[str, Any] = {name: _by_number(table) for name, table in zip(names, tables, strict=True)}
        return Point(1, {"K_s": len(self.first)}, exact=families)


def _by_number(table: Array) -> Any:
    return lambda k: exactly(table[int(k) - 1])


@dataclass(frozen=True)
class SomeRefined:
    share: int = 2
    must: frozenset[str] = frozenset(
        {"one step", "nothing before the cut", "an error that falls", "hardly any noise", "hardly any signal"}
    )

    def draw(self, case: Cases) -> Iterator[Refined]:
        for n in range(max(8, case.n // self.share)):
            count = 1 + n % 4
            first, second, between_them = np.abs(coarse(case.rng.standard_normal((3, count))))
            if n % 3 == 1:
                first[0] = 0.0
            more = np.maximum(coarse(case.rng.standard_normal(count)), -between_them)
            tangent = {1: 2.0**-5, 2: 1 - 2.0**-5}.get(n % 5, float(between(case, 0.1, 0.8)))
            straight, level, spread = (float(v) for v in between(case, 0.1, 0.9, 3))
            slope = float(between(case, 1, 8))
            yield Refined(first, second, between_them, more, slope, tangent, straight, level, spread)
