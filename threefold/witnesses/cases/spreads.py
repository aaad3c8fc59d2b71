"""Gaussian decoders over a few codes: data, the encoder's weights, the means that a network gives, a spread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from derivations.refutation.laws import FiniteJoint, mp
from threefold.witnesses.cases.numbers import edges, normals, positive
from threefold.witnesses.point import Array, Point, finite_law
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Spreads:
    """1 to 3 data, 1 to 4 codes, 1 to 3 coordinates; spreads at the best one, close to it, and far from it."""

    share: int = 1
    must: frozenset[str] = frozenset(
        {"one datum", "one code", "d = 1", "the best spread", "nearly the best spread", "far off"}
    )

    def draw(self, case: Cases) -> Iterator[Erring]:
        for n in range(case.n // self.share):
            count, d, data = n % 4 + 1, n % 3 + 1, (n // 2) % 3 + 1
            codes = case.rng.dirichlet(np.ones(count), size=data) + 0.01
            prior = case.rng.dirichlet(np.ones(count)) + 0.01
            means = np.stack([normals(case, 1, d)[0] for _ in range(count)])
            x = np.stack([normals(case, 1, d)[0] for _ in range(data)])
            made = Erring(codes / codes.sum(axis=1, keepdims=True), prior / prior.sum(), means, x, 1.0)
            factor = {0: 1.0, 1: 1 + 2.0**-10, 2: 64.0, 3: 1 / 16}.get(n % 5, float(positive(case, -1, 1)))
            yield Erring(made.codes, made.prior, means, x, made.best * factor)


@dataclass(frozen=True)
class Erring:
    """codes (data, count): q(z | x); prior (count,); means (count, d): mu_theta(z); x (data, d), alike; sigma."""

    codes: Array
    prior: Array
    means: Array
    x: Array
    sigma: float

    @property
    def pairs(self) -> Array:
        """q(x, z), shape (data, count)."""
        return np.asarray(self.codes / len(self.x))

    @property
    def best(self) -> float:
        """The root of the mean squared error."""
        errors = ((self.x[:, None] - self.means[None]) ** 2).mean(axis=2)
        return float(np.sqrt((self.pairs * errors).sum()))

    @property
    def edges(self) -> frozenset[str]:
        ratio = self.sigma / self.best
        return edges(
            {
                "one datum": len(self.x) == 1,
                "one code": len(self.prior) == 1,
                "d = 1": self.x.shape[1] == 1,
                "the best spread": ratio == 1.0,
                "nearly the best spread": 0 < abs(ratio - 1) < 1e-2,
                "far off": ratio > 50,
            }
        )

    def point(self, sigma: float) -> Point:
        prior = finite_law([("z",)], self.prior)
        coded = {
            (tuple(map(mp.mpf, x)), *path): mp.mpf(w)
            for x, row in zip(self.x, self.pairs, strict=True)
            for path, w in zip(prior.table, row, strict=True)
        }
        return Point(
            d=self.x.shape[1],
            numbers={"sigma_x": sigma, "sigma_best": self.best},
            networks={"mu_theta": lambda z: self.means[int(z[0])]},
            tables={"p": prior, "q": FiniteJoint((("x_obs",), ("z",)), coded)},
        )
