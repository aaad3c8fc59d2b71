"""A few data whose blur moves in time, and what is put beside their density: a velocity, some noise, a field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.refutation.laws import FiniteJoint, mp
from threefold.witnesses.cases.numbers import edges, normals
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


def exactly(v: Any) -> Any:
    """A float as a number of 30 digits."""
    return mp.mpf(float(v))


@dataclass(frozen=True)
class Moving:
    """Data with weights under the signal 1/(1 + shrink t) and the level start + grow t; a point x, a velocity M x + b,

    a second velocity, noise spread (1 + |x|^2 / 8), a share of noise, a level.
    """

    data: Array
    weights: Array
    shrink: float
    start: float
    grow: float
    time: float
    x: Array
    matrix: Array
    offset: Array
    other: Array
    spread: float
    share: float
    level: float

    @property
    def d(self) -> int:
        return len(self.x)

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "d = 1": self.d == 1,
                "one datum": len(self.data) == 1,
                "no noise": self.share == 0 and self.spread == 0,
                "as much noise as forwards": self.share == 1,
                "the signal stays": self.shrink == 0,
            }
        )

    # --- in floats and in complex numbers -----------------------------------------------------------------------------

    def blur(self, t: Any) -> tuple[Any, Any]:
        """Signal and level at a time."""
        return 1 / (1 + self.shrink * t), self.start + self.grow * t

    def density(self, x: Any, t: Any) -> Any:
        """q_t(x), also at complex arguments."""
        a, s = self.blur(t)
        away = ((x - a * self.data) ** 2).sum(axis=1)
        return self.weights @ np.exp(-away / (2 * s**2)) / (2 * np.pi * s**2) ** (self.d / 2)

    def velocity(self, x: Any) -> Any:
        return self.matrix @ x + self.offset

    def noise(self, x: Any) -> Any:
        """D(x)."""
        return self.spread * (1 + (x**2).sum() / 8)

    def rates(self, t: float) -> tuple[float, float]:
        """f and g^2 that go with the blur: from the two weights and their slopes."""
        f, (_, level) = -self.shrink / (1 + self.shrink * t), self.blur(t)
        return f, 2 * level * self.grow - 2 * f * level**2

    # --- for the oracle -----------------------------------------------------------------------------------------------

    def point(self, **more: Any) -> Point:
        shrink, start, grow = map(exactly, (self.shrink, self.start, self.grow))

        def f(t: Any) -> Any:
            return -shrink / (1 + shrink * t)

        def level(t: Any) -> Any:
            return start + grow * t

        families: dict[str, Callable[..., Any]] = {
            "signal_at": lambda t: 1 / (1 + shrink * t),
            "level_at": level,
            "drift_rate": f,
            "noise_rate": lambda t: 2 * level(t) * grow - 2 * f(t) * level(t) ** 2,
            "vp_rate": lambda t: grow + shrink * t,
            "density_at": self._density,
            "spread_at": lambda x, t: exactly(self.spread) * (1 + mp.fsum(v * v for v in x) / 8),
            "velocity_at": lambda x, t: self._affine(self.matrix, x),
            "other_velocity_at": lambda x, t: self._affine(self.other, x),
            "clock_at": lambda t: t + exactly(self.level) * t * t / 2,
            "field_at": lambda x: self._affine(self.matrix, x, bend=True),
        }
        rows = [tuple(Fraction(float(v)) for v in row) for row in self.data]
        law = FiniteJoint(
            (("x_begin",),), {(row,): Fraction(float(w)) for row, w in zip(rows, self.weights, strict=True)}
        )
        numbers = {"time": self.time, "noise_share": self.share, "level": self.level}
        return Point(
            self.d,
            numbers,
            vectors={"state": self.x, "x_begin": self.data[0], **more},
            exact=families,
            tables={"p": law},
        )

    def _density(self, x: Any, t: Any) -> Any:
        a, s = 1 / (1 + exactly(self.shrink) * t), exactly(self.start) + exactly(self.grow) * t
        total = mp.mpf(0)
        for row, w in zip(self.data, self.weights, strict=True):
            away = mp.fsum((v - a * exactly(y)) ** 2 for v, y in zip(x, row, strict=True))
            total += exactly(w) * mp.exp(-away / (2 * s**2))
        return total / (2 * mp.pi * s**2) ** (mp.mpf(self.d) / 2)

    def _affine(self, matrix: Array, x: Any, bend: bool = False) -> tuple[Any, ...]:
        """M x + b, or M x + b + x_i^2 x_1 / 4."""
        made = []
        for row, b, v in zip(matrix, self.offset, x, strict=True):
            value = mp.fsum(exactly(m) * u for m, u in zip(row, x, strict=True)) + exactly(b)
            made.append(value + v * v * x[0] / 4 if bend else value)
        return tuple(made)


@dataclass(frozen=True)
class MovingData:
    """One to three data in one or two dimensions, with no noise, with as much as forwards, and with other amounts."""

    share: int = 8
    must: frozenset[str] = frozenset(
        {"d = 1", "one datum", "no noise", "as much noise as forwards", "the signal stays"}
    )

    def draw(self, case: Cases) -> Iterator[Moving]:
        for n in range(max(4, case.n // self.share)):
            d, k = n % 2 + 1, n % 3 + 1
            uniform = case.rng.uniform
            weights = (np.ones(1), np.array([0.375, 0.625]), np.array([0.25, 0.5, 0.25]))[k - 1]
            yield Moving(
                normals(case, k, d),
                weights,
                0.0 if n % 4 == 1 else float(np.round(uniform(0.2, 1.5), 2)),
                float(np.round(uniform(0.3, 0.8), 2)),
                float(np.round(uniform(0.2, 1.0), 2)),
                float(np.round(uniform(0.1, 1.0), 2)),
                normals(case, d),
                normals(case, d, d),
                normals(case, d),
                normals(case, d, d),
                0.0 if n % 4 == 0 else float(np.round(uniform(0.1, 1.0), 2)),
                {0: 0.0, 1: 1.0}.get(n % 4, float(np.round(uniform(0.2, 2.0), 2))),
                float(np.round(uniform(0.3, 1.5), 2)),
            )
