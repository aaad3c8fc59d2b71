"""Finite models of data and codes: several draws of one code, codes in layers, budgets, pairs of data and codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from threefold.witnesses.cases.numbers import between, edges, normals, positive
from threefold.witnesses.point import Array, Point, finite_law
from threefold.witnesses.registry import Cases


def dirichlet(case: Cases, *shape: int) -> Array:
    """Probabilities over the last axis, none of them tiny."""
    drawn = case.rng.dirichlet(np.ones(shape[-1]), size=shape[:-1]) + 0.05
    return np.asarray(drawn / drawn.sum(axis=-1, keepdims=True))


# --- draws ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weighed:
    """model (x, z): p(x, z); coded (x, z): q(z | x); which x is looked at; how many codes are drawn."""

    model: Array
    coded: Array
    x: int
    K: int

    @property
    def weights(self) -> Array:
        """p(x, z) / q(z | x) of each code."""
        return np.asarray(self.model[self.x] / self.coded[self.x])

    @property
    def edges(self) -> frozenset[str]:
        tight = float(np.ptp(np.log(self.weights))) < 1e-2
        return edges({"one draw": self.K == 1, "several draws": self.K > 2, "nearly the model's own codes": tight})

    def point(self) -> Point:
        """Each law with z and all draws, independent given x."""
        names = [("x_obs",), ("z",), *(("code_draw", m) for m in range(1, self.K + 1))]
        behind = self.model / self.model.sum(axis=1, keepdims=True)
        tables = {}
        for name, start, codes in (("p", self.model.sum(axis=1), behind), ("q", np.ones(2) / 2, self.coded)):
            exact = [[Fraction(float(v)) for v in row] for row in codes]
            exact = [[v / sum(row) for v in row] for row in exact]
            first = [Fraction(float(v)) for v in start]
            table: Any = np.empty((2, *(codes.shape[1],) * (self.K + 1)), dtype=object)
            for index in np.ndindex(*table.shape):
                value = first[index[0]]
                for code in index[1:]:
                    value *= exact[index[0]][code]
                table[index] = value
            tables[name] = finite_law(names, table)
        return Point(1, {"K": self.K}, vectors={"x_obs": [self.x]}, tables=tables)


@dataclass(frozen=True)
class DrawnCodes:
    """One to three draws of two or three codes; encoders far from the model's posterior and near it."""

    share: int = 4
    must: frozenset[str] = frozenset({"one draw", "several draws", "nearly the model's own codes"})

    def draw(self, case: Cases) -> Iterator[Weighed]:
        for n in range(max(8, case.n // self.share)):
            codes, count = 2 + n % 2, 1 + n % 3
            model = dirichlet(case, 2 * codes).reshape(2, codes)
            coded = dirichlet(case, 2, codes)
            if n % 4 == 1:  # the posterior, but for a thousandth
                near = model / model.sum(axis=1, keepdims=True) * (1 + 1e-3 * case.rng.uniform(-1, 1, (2, codes)))
                coded = near / near.sum(axis=1, keepdims=True)
            yield Weighed(model, coded, n % 2, count)


# --- layers -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layers:
    """p and q over (x, z_1, ..., z_N), bits; which x is looked at, and which layers."""

    model: Array
    coded: Array
    at: tuple[int, ...]

    @property
    def N(self) -> int:
        return self.model.ndim - 1

    @property
    def edges(self) -> frozenset[str]:
        return edges({"one layer": self.N == 1, "three layers": self.N == 3})

    def point(self) -> Point:
        names = [("x_obs",), *(("layer", m) for m in range(1, self.N + 1))]
        tables = {"p": finite_law(names, self.model), "q": finite_law(names, self.coded)}
        vectors = {"x_obs": [self.at[0]]}
        made = Point(1, {"N": self.N}, vectors=vectors, tables=tables)
        made.world().vectors |= {("layer", m): (Fraction(bit),) for m, bit in enumerate(self.at[1:], 1)}
        return made


@dataclass(frozen=True)
class LayeredCodes:
    share: int = 4
    must: frozenset[str] = frozenset({"one layer", "three layers"})

    def draw(self, case: Cases) -> Iterator[Layers]:
        for n in range(max(6, case.n // self.share)):
            count = 1 + n % 3
            shape = (2,) * (count + 1)
            model, coded = (dirichlet(case, 2 ** (count + 1)).reshape(shape) for _ in range(2))
            yield Layers(model, coded, tuple(int(b) for b in case.rng.integers(0, 2, count + 1)))


# --- what cannot be told or shown -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """joint (x, z) over data (rows of x) and codes; what is shown for each code; numbers of a budget; other codes."""

    joint: Array
    x: Array
    pictures: Array
    beta: float
    fits: Array
    costs: Array
    sizes: Array
    shift: float
    stretch: float

    @property
    def edges(self) -> frozenset[str]:
        return edges({"d = 1": self.x.shape[1] == 1, "one code": self.joint.shape[1] == 1})

    @property
    def best(self) -> int:
        """Which of the attainable pairs maximises R - beta K."""
        return int(np.argmax(self.fits - self.beta * self.costs))


@dataclass(frozen=True)
class Pictures:
    share: int = 2
    must: frozenset[str] = frozenset({"d = 1", "one code"})

    def draw(self, case: Cases) -> Iterator[Shown]:
        for n in range(case.n // self.share):
            data, codes, d = 2 + n % 2, 1 + n % 3, 1 + (n // 2) % 2
            joint = dirichlet(case, data * codes).reshape(data, codes)
            beta, stretch = (float(v) for v in positive(case, -1, 1, 2))
            fits, costs = between(case, -5, 0, 5), positive(case, -2, 1, 5)
            sizes = np.array([*positive(case, 0, 3, 2), float(case.rng.integers(1, 5000))])
            shift = float(between(case, -2, 2))
            yield Shown(
                joint, normals(case, data, d), normals(case, codes, d), beta, fits, costs, sizes, shift, stretch
            )
