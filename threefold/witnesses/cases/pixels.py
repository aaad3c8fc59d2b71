"""One pixel with its level, noise and guess, as exact fractions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from threefold.witnesses.cases.numbers import edges
from threefold.witnesses.point import Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Pixels:
    """Levels in (0, 1) near both ends too; the first is that of the worked example."""

    share: int = 4
    must: frozenset[str] = frozenset({"abar near 0", "abar near 1", "a perfect guess"})

    def draw(self, case: Cases) -> Iterator[Pixel]:
        for n in range(case.n // self.share):
            level = {1: Fraction(1, 1024), 2: Fraction(1023, 1024)}.get(
                n % 8, Fraction(int(case.rng.integers(1, 64)), 64)
            )
            pixel, noise, guess = (Fraction(int(case.rng.integers(-64, 65)), 32) for _ in range(3))
            yield Pixel(level, pixel, noise, noise if n % 8 == 4 else guess)


@dataclass(frozen=True)
class Pixel:
    """abar, x_0, the noise and what the network says it was."""

    level: Fraction
    pixel: Fraction
    noise: Fraction
    guess: Fraction

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "abar near 0": self.level < Fraction(1, 100),
                "abar near 1": self.level > Fraction(99, 100),
                "a perfect guess": self.noise == self.guess,
            }
        )

    def point(self) -> Point:
        return Point(1, {"abar_x": self.level, "x_pixel": self.pixel, "e": self.noise, "g": self.guess})
