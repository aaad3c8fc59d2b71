"""Flows: smooth curves and fields along them, paths from a few data, Gaussian laws that move with a parameter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.refutation.laws import FiniteJoint, mp
from reference.gaussians import Gaussian
from threefold.witnesses.cases.numbers import between, edges, normals, positive
from threefold.witnesses.cases.scores import exactly
from threefold.witnesses.cases.solvers import Bumps
from threefold.witnesses.point import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases


def bumps(case: Cases) -> Bumps:
    """A curve of numbers, smooth everywhere."""
    heights, centres = (tuple(float(v) for v in case.rng.uniform(0.3, 1.5, 2)) for _ in range(2))
    return Bumps(heights, centres, (0.8, 0.6))


@dataclass(frozen=True)
class Curve:
    """A curve of vectors, coordinate by coordinate, computed with whatever numbers it is asked at."""

    parts: tuple[Bumps, ...]

    def __call__(self, t: Any) -> tuple[Any, ...]:
        return tuple(part(t) for part in self.parts)


@dataclass(frozen=True)
class Field:
    """A vector field that bends with time: each coordinate a bump in the sum and one in time, both times itself."""

    still: Bumps
    moving: Bumps

    def __call__(self, z: Any, t: Any) -> tuple[Any, ...]:
        total = sum(z[1:], z[0])
        return tuple(self.still(total) * v + self.moving(t) * (1 + v) + n * total for n, v in enumerate(z))


# --- along a flow -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stretch:
    """A time, a length of time, curves for place, velocity and a guess, and a field of place and time."""

    time: float
    length: float
    place: Curve
    velocity: Curve
    guess: Curve
    field: Field
    spread: float
    least: float
    noisy: Array
    answer: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {"d = 1": len(self.noisy) == 1, "a short stretch": self.length < 0.05, "a long one": self.length > 2}
        )

    def point(self) -> Point:
        numbers = {
            "flow_time": self.time,
            "flow_length": self.length,
            "data_std": self.spread,
            "end_level": self.least,
        }
        exact: dict[str, Any] = {
            "flow_place": self.place,
            "flow_velocity": self.velocity,
            "mean_guess": self.guess,
            "stretch_velocity": self.field,
            "consistency": self.field,
        }
        vectors = {"noisy_point": self.noisy, "answer": self.answer}
        return Point(len(self.noisy), numbers, vectors=vectors, exact=exact)


@dataclass(frozen=True)
class Stretches:
    share: int = 8
    must: frozenset[str] = frozenset({"d = 1", "a short stretch", "a long one"})

    def draw(self, case: Cases) -> Iterator[Stretch]:
        for n in range(max(4, case.n // self.share)):
            d = n % 3 + 1
            place, velocity, guess = (Curve(tuple(bumps(case) for _ in range(d))) for _ in range(3))
            length = {0: 1 / 32, 1: 2.5}.get(n, float(between(case, 0.1, 1.5)))
            time, (spread, least) = float(between(case, -1, 1)), (float(v) for v in positive(case, -2, 1, 2))
            field = Field(bumps(case), bumps(case))
            yield Stretch(time, length, place, velocity, guess, field, spread, least, *normals(case, 2, d))


# --- paths from a few data --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FewPaths:
    """Weighted data, each the start of a Gaussian path with centre m(z, t) and width s(t); a point, a place in it."""

    time: float
    data: Array
    weights: Array
    drift: Bumps
    pull: Bumps
    width: Bumps
    x: Array
    drawn: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges({"d = 1": len(self.x) == 1, "one datum": len(self.data) == 1})

    def centre(self, z: Any, t: Any) -> tuple[Any, ...]:
        """A path that leaves its datum, bends, and moves faster the farther out it is."""
        return tuple(self.drift(t) * v + self.pull(t) * v * v for v in z)

    def point(self) -> Point:
        table: dict[Any, Any] = {}
        for z, w in zip(self.data, self.weights, strict=True):
            key = (tuple(map(exactly, z)),)
            table[key] = table.get(key, 0) + exactly(w)
        return Point(
            len(self.x),
            {"path_time": self.time},
            vectors={"noisy_point": self.x, "drawn": self.drawn, "clean": self.data[0]},
            exact={"path_centre": self.centre, "path_width": self.width},
            tables={"q": FiniteJoint((("clean",),), table)},
        )


@dataclass(frozen=True)
class SomePaths:
    share: int = 4
    must: frozenset[str] = frozenset({"d = 1", "one datum"})

    def draw(self, case: Cases) -> Iterator[FewPaths]:
        for n in range(max(4, case.n // self.share)):
            d, k = n % 3 + 1, n % 4 + 1
            raw = case.rng.integers(1, 9, k)
            drift, pull, width = (bumps(case) for _ in range(3))
            time, data = float(between(case, -1, 1)), normals(case, k, d)
            yield FewPaths(time, data, raw / raw.sum(), drift, pull, width, *normals(case, 2, d))


# --- Gaussian laws ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Affine:
    """A linear map of several vectors, put together, and a shift."""

    matrix: Array
    shift: Array

    def __call__(self, *parts: Array) -> Array:
        return np.asarray(np.concatenate(parts, axis=-1) @ self.matrix.T + self.shift)

    def exact(self, *parts: Any) -> tuple[Any, ...]:
        """The same in the oracle's numbers; a number among the parts is a factor of the whole."""
        factor = mp.mpf(1)
        flat: list[Any] = []
        for part in parts:
            if isinstance(part, tuple):
                flat.extend(part)
            else:
                factor = factor * part
        rows = [[exactly(v) for v in row] for row in self.matrix]
        return tuple(
            factor * (mp.fdot(zip(row, flat, strict=True)) + exactly(b))
            for row, b in zip(rows, self.shift, strict=True)
        )


@dataclass(frozen=True)
class MovingGaussian:
    """Data, points and a parameter, jointly Gaussian; affine velocities of the paths, and affine networks."""

    mean: Array
    root: Array
    of_path: Affine
    network: Affine
    parameter: float
    x: Array
    moment: Array
    pace: Array

    @property
    def d(self) -> int:
        return len(self.x)

    @property
    def edges(self) -> frozenset[str]:
        return edges({"d = 1": self.d == 1, "the law of the data moves": bool(self.root[self.d :, : self.d].any())})

    @property
    def joint(self) -> Gaussian:
        """The law of (clean, noisy, moment)."""
        return Gaussian(self.mean, self.root)

    def gain(self, wanted: slice, known: slice) -> Array:
        """How the mean of some coordinates moves with the values of others."""
        cov = self.joint.cov
        return np.asarray(np.linalg.solve(cov[known, known], cov[known, wanted]).T)

    def point(self) -> Point:
        d = self.d
        root = mp.matrix([[exactly(v) for v in row] for row in self.root])
        covariance = root * root.T
        rows = [[covariance[i, j] for j in range(3 * d)] for i in range(3 * d)]
        sizes = {("clean",): d, ("noisy_point",): d, ("moment",): d}
        law = GaussianLaw(sizes, [exactly(m) for m in self.mean], rows)
        return Point(
            d,
            {"parameter": Fraction(self.parameter)},
            vectors={"noisy_point": self.x, "moment": self.moment, "pace": self.pace, "clean": self.mean[:d]},
            exact={
                "moving_path": self.of_path.exact,
                "velocity_of_path": lambda x, z: self.of_path.exact(x, z, (mp.mpf(0),) * d),
                "velocity_model": self.network.exact,
                "velocity_network": self.network.exact,
            },
            tables={"q": law},
        )


@dataclass(frozen=True)
class MovingGaussians:
    share: int = 8
    must: frozenset[str] = frozenset({"d = 1", "the law of the data moves"})

    def draw(self, case: Cases) -> Iterator[MovingGaussian]:
        for n in range(max(4, case.n // self.share)):
            d = n % 2 + 1
            root = np.tril(normals(case, 3 * d, 3 * d))
            root[np.diag_indices(3 * d)] = positive(case, -0.5, 0.5, 3 * d)
            of_path = Affine(normals(case, d, 3 * d), normals(case, d))
            network = Affine(normals(case, d, d), normals(case, d))
            parameter = float(between(case, 0.5, 2))
            yield MovingGaussian(normals(case, 3 * d), root, of_path, network, parameter, *normals(case, 3, d))


# --- the straight path ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Straight:
    """A time between Gaussian data and Gaussian noise, any other path's weights and rates, shifts, a normal law."""

    time: float
    spread: float
    other: float
    signal: float
    level: float
    signal_rate: float
    level_rate: float
    shift: float
    again: float
    centre: float
    width: float
    x: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "almost data": self.time < 0.01,
                "almost noise": self.time > 0.99,
                "nearly straight": self.spread > 200 * self.other,
                "no shift": self.shift == 1.0,
                "d = 1": len(self.x) == 1,
            }
        )

    def point(self) -> Point:
        d, a, s = len(self.x), exactly(self.signal), exactly(self.level)
        own = exactly(self.spread) ** 2
        rows = [[mp.mpf(0)] * (2 * d) for _ in range(2 * d)]
        for i in range(d):
            rows[i][i], rows[d + i][d + i] = own, a * a * own + s * s
            rows[i][d + i] = rows[d + i][i] = a * own
        law = GaussianLaw({("clean",): d, ("noisy_point",): d}, [mp.mpf(0)] * (2 * d), rows)
        numbers = {
            "time_share": self.time,
            "data_std": self.spread,
            "noise_std": self.other,
            "signal": self.signal,
            "level": self.level,
            "signal_speed": self.signal_rate,
            "level_speed": self.level_rate,
            "shift": self.shift,
            "shift_again": self.again,
            "log_level_mean": self.centre,
            "log_level_std": self.width,
        }
        vectors = {"noisy_point": self.x, "clean": np.zeros(d)}
        return Point(d, numbers, vectors=vectors, tables={"q": law})


@dataclass(frozen=True)
class StraightPaths:
    share: int = 1
    must: frozenset[str] = frozenset({"almost data", "almost noise", "nearly straight", "no shift", "d = 1"})

    def draw(self, case: Cases) -> Iterator[Straight]:
        for n in range(case.n // self.share):
            time = {0: 2.0**-8, 1: 1 - 2.0**-8}.get(n % 6, float(between(case, 0.05, 0.95)))
            spread, other, signal, level, again, width = (float(v) for v in positive(case, -1, 1, 6))
            if n % 5 == 2:
                other = spread * 2.0**-9
            shift = {3: 1.0}.get(n % 7, float(positive(case, -2, 2)))
            rates, centre = between(case, -2, 2, 2), float(between(case, -1, 1))
            yield Straight(
                time,
                spread,
                other,
                signal,
                level,
                float(rates[0]),
                float(rates[1]),
                shift,
                again,
                centre,
                width,
                normals(case, n % 3 + 1),
            )
