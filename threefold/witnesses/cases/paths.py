"""Any path from data to noise: weights, rates, a change of units, the outputs that networks may give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from threefold.witnesses.cases.numbers import HUGE, TINY, between, coarse, edges, normals, positive, sizes_reached
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class OnPath:
    """x = signal x_0 + level noise; rates through the drift and the rate of log(signal/level), never 0."""

    signal: float
    level: float
    drift: float
    rate: float
    scale: float
    guidance: float
    spread: float
    x0: Array
    noise: Array
    z: Array
    answer: Array
    other: Array

    @property
    def d(self) -> int:
        return len(self.x0)

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "d = 1": self.d == 1,
                "nearly all signal": self.signal > 30 * self.level,
                "nearly all noise": self.level > 30 * self.signal,
                "variance exploding": self.signal == 1.0,
                "w = 0": self.guidance == 0.0,
                "w = 1": self.guidance == 1.0,
                "w above 1": self.guidance > 1.0,
                **sizes_reached((self.x0, self.noise)),
            }
        )

    @property
    def x(self) -> Array:
        """The point on the path, rounded to float64."""
        return self.signal * self.x0 + self.level * self.noise

    def point(self, **more: Any) -> Point:
        """Every symbol of derivations.flow and derivations.guidance; `more` are other fields of the point."""
        numbers = {
            "signal": self.signal,
            "level": self.level,
            "drift": self.drift,
            "log_ratio_rate": self.rate,
            "scale": self.scale,
            "guidance": self.guidance,
            "data_std": self.spread,
            "c_x": self.drift,
            "c_o": self.rate,
        }
        vectors = {
            "eps": self.noise,
            "z": self.z,
            "prediction": self.answer,
            "answer": self.answer,
            "unconditioned": self.answer,
            "conditioned": self.other,
        }
        x = {0: self.x0, **more.pop("x", {})}
        vectors |= more.pop("vectors", {})
        return Point(self.d, numbers | more.pop("numbers", {}), x=x, vectors=vectors, **more)


@dataclass(frozen=True)
class PathPoints:
    """Points on paths with much, with little and with equal signal; weights of guidance around and beyond 0 and 1."""

    share: int = 1
    exploding: bool = False
    must: frozenset[str] = frozenset(
        {"d = 1", "nearly all signal", "nearly all noise", "huge values", "tiny values", "w = 0", "w = 1", "w above 1"}
    )

    def draw(self, case: Cases) -> Iterator[OnPath]:
        for n in range(case.n // self.share):
            signal, level = (float(v) for v in positive(case, -2, 2, 2))
            signal, level = {0: (signal, signal * 2.0**-8), 1: (level * 2.0**-8, level)}.get(n % 6, (signal, level))
            if self.exploding:
                signal, level = 1.0, float(coarse(level / signal))
            rate = float(positive(case, -2, 2)) * (-1 if n % 2 else 1)
            weight = {0: 0.0, 1: 1.0, 2: 7.5}.get(n % 4, float(between(case, -2, 2)))
            scale, spread = (float(v) for v in positive(case, -2, 2, 2))
            size = {3: HUGE, 5: TINY}.get(n % 8, 1.0)
            yield OnPath(
                signal,
                level,
                float(coarse(case.rng.standard_normal())),
                rate,
                scale,
                weight,
                spread,
                *normals(case, 5, n % 3 + 1, scale=size),
            )
