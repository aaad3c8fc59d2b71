"""The model of one step, and encoders that depend on a parameter: numbers of few digits, networks of degree 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivations.refutation.laws import mp
from threefold.witnesses.cases.gaussians import Code
from threefold.witnesses.cases.networks import Network
from threefold.witnesses.cases.numbers import HUGE, between, coarse, edges, normals, positive
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class OneSteps:
    """One noise level alpha in (0, 1), near both ends too; d = 1..most_d; a decoder or a noise network of x_1.

    The networks do not mix coordinates, so that what is known of one coordinate adds up.
    """

    share: int = 1
    most_d: int = 3
    affine: bool = False

    @property
    def must(self) -> frozenset[str]:
        return frozenset({"d = 1", "alpha near 0", "alpha near 1", "huge values"})

    def draw(self, case: Cases) -> Iterator[OneStep]:
        for n in range(case.n // self.share):
            d = n % self.most_d + 1
            alpha = {2: 2.0**-6, 3: 1 - 2.0**-8}.get(n % 4, float(between(case, 0.1, 0.9)))
            x0, noise = normals(case, 2, d, scale=HUGE if n % 8 == 5 else 1.0)
            network, other = (Network.diagonal(case, d, 1, affine=self.affine) for _ in range(2))
            sigma = float(positive(case, 0.5, 2)) if n % 4 == 3 else float(positive(case, -1, 1))
            mean, spread = float(normals(case)), float(positive(case, -1, 0.5))
            yield OneStep(alpha, x0, noise, network, other, sigma, mean, spread)


@dataclass(frozen=True)
class OneStep:
    """alpha, x_0, the noise, a network of x_1 and another, the decoder's sigma, and a normal law of scalar data."""

    alpha: float
    x0: Array
    noise: Array
    network: Network
    other: Network
    sigma: float
    data_mean: float
    data_spread: float

    @property
    def d(self) -> int:
        return len(self.x0)

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "d = 1": self.d == 1,
                "alpha near 0": self.alpha < 0.02,
                "alpha near 1": self.alpha > 0.99,
                "huge values": float(np.abs(self.x0).max()) > 100,
            }
        )

    def point(self, name: str, *, more: Mapping[str, Network] | None = None, **fields: Any) -> Point:
        """The step with its network under a name; `more` are other networks by name."""
        networks = {name: self.network, **(more or {})}
        return Point(
            self.d,
            {"alpha_one": self.alpha, "sigma_x": self.sigma},
            x={0: self.x0},
            vectors={"eps": self.noise},
            exact={key: (lambda x, n=network: n.exact(x)) for key, network in networks.items()},
            **fields,
        )


@dataclass(frozen=True)
class Pathwises:
    """Encoders mean + drift phi, deviation (1 + growth phi^2) of 1 or 2 latents, and a scalar f of degree 2."""

    share: int = 1
    must: frozenset[str] = frozenset({"k = 1", "one draw", "narrow"})

    def draw(self, case: Cases) -> Iterator[Pathwise]:
        for n in range(case.n // self.share):
            k = n % 2 + 1
            code = Code(normals(case, k), between(case, -6, 1, k), normals(case, k))
            drift, growth = normals(case, k), between(case, 0.1, 1, k)
            phi, draws = float(between(case, 0.5, 1.5)), n % 3 + 1
            yield Pathwise(code, drift, growth, phi, Network.draw(case, k, 1), draws, case.rng)


@dataclass(frozen=True)
class Pathwise:
    """A code, how it moves with phi, f, a number of draws, and a generator for them."""

    code: Code
    drift: Array
    growth: Array
    phi: float
    network: Network
    draws: int
    rng: np.random.Generator

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "k = 1": self.code.k == 1,
                "one draw": self.draws == 1,
                "narrow": float(self.code.deviation.min()) < 0.2,
            }
        )

    @property
    def coarse_deviation(self) -> Array:
        """Deviations of eight binary digits, for what moves with phi."""
        return coarse(self.code.deviation)

    def location(self, phi: float) -> Array:
        return np.asarray(self.code.mean + self.drift * phi)

    def spread(self, phi: float) -> Array:
        return np.asarray(self.coarse_deviation * (1 + self.growth * phi**2))

    @property
    def spread_slope(self) -> Array:
        return np.asarray(self.coarse_deviation * 2 * self.growth * self.phi)

    def point(self) -> Point:
        def location(p: Any, _: Any) -> tuple[Any, ...]:
            return tuple(mp.mpf(m) + mp.mpf(c) * p for m, c in zip(self.code.mean, self.drift, strict=True))

        def spread(p: Any, _: Any) -> tuple[Any, ...]:
            pairs = zip(self.coarse_deviation, self.growth, strict=True)
            return tuple(mp.mpf(s) * (1 + mp.mpf(g) * p * p) for s, g in pairs)

        k = self.code.k
        return Point(
            k,
            {"k": k, "phi": self.phi, "L": self.draws},
            vectors={"mu": self.code.mean, "std": self.code.deviation, "x_obs": np.zeros(k)},
            exact={"mu_of": location, "std_of": spread, "f": lambda z: self.network.first(z)},
        )
