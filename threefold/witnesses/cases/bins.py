"""A density over a bin, a decoder and its codes: what is counted in bits, or shown with a spread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.refutation.laws import FiniteJoint, mp
from threefold.witnesses.cases.flows import Affine
from threefold.witnesses.cases.numbers import between, edges, normals, positive
from threefold.witnesses.cases.scores import exactly
from threefold.witnesses.point import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Binned:
    """Places within a bin with their weights, its width, and a density e^(slope sum of x)."""

    places: Array
    weights: Array
    width: float
    slope: float
    x: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {"d = 1": len(self.x) == 1, "a flat density": self.slope == 0.0, "a narrow bin": self.width < 0.05}
        )

    def point(self) -> Point:
        rows = [tuple(Fraction(float(v)) for v in row) for row in self.places]
        exact = [Fraction(float(w)) for w in self.weights]
        law = FiniteJoint((("within_bin",),), {(r,): w / sum(exact) for r, w in zip(rows, exact, strict=True)})
        slope = exactly(self.slope)
        families: dict[str, Any] = {"model_height": lambda v: mp.exp(slope * mp.fsum(v))}
        vectors = {"x_obs": self.x, "within_bin": self.places[0]}
        return Point(len(self.x), {"bin_width": self.width}, vectors=vectors, exact=families, tables={"uniform": law})


@dataclass(frozen=True)
class SomeBins:
    share: int = 2
    must: frozenset[str] = frozenset({"d = 1", "a flat density", "a narrow bin"})

    def draw(self, case: Cases) -> Iterator[Binned]:
        for n in range(max(8, case.n // self.share)):
            d, count = n % 3 + 1, 1 + n % 4
            width = 2.0**-7 if n % 4 == 1 else float(positive(case, -2, 1))
            places = np.unique(np.round(between(case, -0.5, 0.5, count, d), 4), axis=0) * width
            weights = case.rng.dirichlet(np.ones(len(places)))
            yield Binned(places, weights, width, 0.0 if n % 4 == 2 else float(normals(case)), normals(case, d))


@dataclass(frozen=True)
class Decoder:
    """An affine decoder of k latents, its spread, a normal law of the codes, a picture, a code, a cost, a direction."""

    network: Affine
    spread: float
    mean: Array
    root: Array
    code: Array
    x: Array
    way: Array
    cost: float
    width: float

    @property
    def edges(self) -> frozenset[str]:
        return edges({"d = 1": len(self.x) == 1, "a narrow decoder": self.spread < 0.2, "half": self.width == 0.5})

    def point(self) -> Point:
        d, rows = len(self.x), [[exactly(v) for v in row] for row in self.root]
        cov = [[mp.fdot(zip(u, v, strict=True)) for v in rows] for u in rows]
        law = GaussianLaw({("z",): d}, [exactly(v) for v in self.mean], cov)
        numbers = {"sigma_x": self.spread, "cost_of": self.cost, "v_1": self.width}
        vectors = {"x_obs": self.x, "z": self.code, "way": self.way}
        return Point(d, numbers, vectors=vectors, exact={"mu_theta": self.network.exact}, tables={"p": law})


@dataclass(frozen=True)
class AffineDecoders:
    share: int = 2
    must: frozenset[str] = frozenset({"d = 1", "a narrow decoder", "half"})

    def draw(self, case: Cases) -> Iterator[Decoder]:
        for n in range(max(8, case.n // self.share)):
            d = n % 3 + 1
            network = Affine(normals(case, d, d), normals(case, d))
            spread = 0.125 if n % 4 == 1 else float(positive(case, -1, 1))
            root = np.tril(normals(case, d, d))
            root[np.diag_indices(d)] = positive(case, -0.5, 0.5, d)
            mean, code, x, way = normals(case, 4, d)
            width = 0.5 if n % 4 == 2 else float(positive(case, -1, 1))
            yield Decoder(network, spread, mean, root, code, x, way, float(positive(case, -1, 1)), width)
