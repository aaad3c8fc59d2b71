"""Two laws side by side: Gaussians that move with a parameter, points from which one sampler makes others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from reference.gaussians import Gaussian
from threefold.witnesses.cases.flows import Affine
from threefold.witnesses.cases.numbers import edges, normals, positive
from threefold.witnesses.cases.scores import exactly
from threefold.witnesses.point import Array, GaussianLaw, Point, finite_law
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class MovingPair:
    """Two joint Gaussians of (noisy, moment), an affine drift common to both, a noise, and where they are looked at."""

    mean: Array
    root: Array
    other_mean: Array
    other_root: Array
    drift: Affine
    noise: float
    moment: Array
    pace: Array

    @property
    def d(self) -> int:
        return len(self.moment)

    @property
    def edges(self) -> frozenset[str]:
        return edges({"d = 1": self.d == 1, "no noise": self.noise == 0.0})

    def given(self, mean: Array, root: Array) -> tuple[Array, Array, Array]:
        """Mean at the moment, gain on it, and covariance."""
        d, cov = self.d, Gaussian(mean, root).cov
        gain = np.asarray(np.linalg.solve(cov[d:, d:], cov[d:, :d]).T)
        law = Gaussian(mean, root).condition(range(d, 2 * d), self.moment)
        return law.mean, gain, law.cov

    def point(self) -> Point:
        d = self.d
        sizes = {("noisy_point",): d, ("moment",): d}
        tables = {}
        for name, mean, root in (("q", self.mean, self.root), ("p", self.other_mean, self.other_root)):
            exact = [[exactly(v) for v in row] for row in root]
            rows = [[sum(a * b for a, b in zip(u, v, strict=True)) for v in exact] for u in exact]
            tables[name] = GaussianLaw(sizes, [exactly(m) for m in mean], rows)
        vectors = {"noisy_point": self.mean[:d], "moment": self.moment, "pace": self.pace}
        exact_drift = {"common_drift": self.drift.exact}
        return Point(d, {"noise_intake": self.noise}, vectors=vectors, exact=exact_drift, tables=tables)


@dataclass(frozen=True)
class MovingPairs:
    share: int = 16
    must: frozenset[str] = frozenset({"d = 1", "no noise"})

    def draw(self, case: Cases) -> Iterator[MovingPair]:
        for n in range(max(4, case.n // self.share)):
            d = 1 if n % 4 < 3 else 2
            roots = []
            for _ in range(2):
                root = np.tril(normals(case, 2 * d, 2 * d)) / 2
                root[np.diag_indices(2 * d)] = positive(case, -0.5, 0.5, 2 * d)
                roots.append(root)
            means, drift = normals(case, 2, 2 * d), Affine(normals(case, d, 2 * d), normals(case, d))
            noise = 0.0 if n % 4 == 1 else float(positive(case, -1, 0.5))
            yield MovingPair(means[0], roots[0], means[1], roots[1], drift, noise, *normals(case, 2, d))


@dataclass(frozen=True)
class Processed:
    """Two laws of a point (first, other), and what is made from each point: made (x, z)."""

    first: Array
    other: Array
    made: Array

    @property
    def edges(self) -> frozenset[str]:
        sharp = float(np.sort(self.made, axis=1)[:, -1].min())
        return edges(
            {
                "nearly a bijection": sharp > 0.999,
                "the input is forgotten": bool((self.made == self.made[0]).all()),
                "one law": bool((self.first == self.other).all()),
            }
        )

    def point(self) -> Point:
        made = [[Fraction(float(v)) for v in row] for row in self.made]
        made = [[v / sum(row) for v in row] for row in made]
        tables = {}
        for name, law in (("q", self.first), ("p", self.other)):
            exact = [Fraction(float(v)) for v in law]
            table: Any = np.empty(self.made.shape, dtype=object)
            for x, z in np.ndindex(*table.shape):
                table[x, z] = exact[x] / sum(exact) * made[x][z]
            tables[name] = finite_law([("x_obs",), ("z",)], table)
        return Point(vectors={"x_obs": [0], "z": [0]}, tables=tables)


@dataclass(frozen=True)
class OneSampler:
    """Two or three points, from each of which two or three others are made."""

    share: int = 4
    must: frozenset[str] = frozenset({"nearly a bijection", "the input is forgotten", "one law"})

    def draw(self, case: Cases) -> Iterator[Processed]:
        for n in range(max(8, case.n // self.share)):
            size = 2 + n % 2
            first, other = (case.rng.dirichlet(np.ones(size)) + 0.05 for _ in range(2))
            made = case.rng.dirichlet(np.ones(size), size=size) + 0.05
            if n % 4 == 1:
                made = np.eye(size) + 2.0**-12
            if n % 4 == 2:
                made = np.broadcast_to(made[0], made.shape)
            if n % 8 == 3:
                other = first
            yield Processed(first / first.sum(), other / other.sum(), made / made.sum(axis=1, keepdims=True))
