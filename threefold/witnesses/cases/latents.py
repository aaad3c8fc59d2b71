"""Latents and scales: ends on a circle, pictures and their counts, profiles of averages, data with EDM's scales."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from threefold.witnesses.cases.codes import dirichlet
from threefold.witnesses.cases.flows import bumps
from threefold.witnesses.cases.numbers import between, edges, normals, positive
from threefold.witnesses.cases.scores import exactly
from threefold.witnesses.cases.solvers import Bumps
from threefold.witnesses.point import Array, GaussianLaw, Point, finite_law
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Latent:
    """Half-tangents of two angles and a length; joint tables of (small, large, caption); counts; a profile; a clock."""

    half_angle: float
    half_way: float
    length: float
    model: Array
    coded: Array
    at: tuple[int, int, int]
    counts: Array
    profile: Array
    power: float
    snr: Bumps
    area: Bumps
    snrs: Array
    errors: Array
    signal: float
    level: float
    spread: float
    kept: float
    weight: float
    vectors: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "a small angle": abs(self.half_angle) < 0.1,
                "beyond the end": abs(self.half_way) > abs(self.half_angle),
                "two updates": len(self.profile) == 3,
                "c_skip": self.kept == self.skip,
            }
        )

    @property
    def skip(self) -> float:
        return self.spread**2 / (self.level**2 + self.spread**2)

    def on_circle(self) -> Point:
        """Ends in 30 digits: a = (r, 0) and b = r (cos, sin), with the rational points of the circle."""
        u, r = Fraction(self.half_angle), Fraction(self.length)
        end = (r * (1 - u * u) / (1 + u * u), r * 2 * u / (1 + u * u))
        numbers = {"half_angle": self.half_angle, "half_way": self.half_way, "end_length": self.length}
        made = Point(2, numbers)
        made.world().vectors |= {("one_end",): (r, Fraction(0)), ("other_end",): end}
        return made

    def pictures(self) -> Point:
        names = [("small_picture",), ("large_picture",), ("caption",)]
        tables = {"p": finite_law(names, self.model), "q": finite_law(names, self.coded)}
        vectors = {name[0]: [value] for name, value in zip(names, self.at, strict=True)}
        return Point(1, vectors=vectors, tables=tables)

    def scaled(self) -> Point:
        """Data N(0, sigma_data^2 I) in R^d."""
        d = self.vectors.shape[1]
        own = exactly(self.spread) ** 2
        law = GaussianLaw({("clean",): d}, [0] * d, [[own if i == j else own * 0 for j in range(d)] for i in range(d)])
        numbers = {"level": self.level, "data_std": self.spread, "kept_share": self.kept}
        vectors = {"clean": self.vectors[0], "eps": self.vectors[1]}
        return Point(d, numbers, vectors=vectors, tables={"q": law})

    def clock(self) -> Point:
        numbers: dict[str, Any] = {f"snr_{n}": v for n, v in zip("sut", self.snrs, strict=True)}
        numbers |= {"error_u": self.errors[0], "error_t": self.errors[1], "clock_time": 0.5}
        return Point(1, numbers, exact={"snr_at": self.snr, "error_area": self.area})

    def weighted(self) -> Point:
        share = self.signal**2 / (self.signal**2 + self.level**2)
        vectors = {"answer": self.vectors[0], "eps": self.vectors[1]}
        numbers = {"signal_share": share, "loss_weight": self.weight}
        return Point(self.vectors.shape[1], numbers, x={0: self.vectors[2]}, vectors=vectors)

    def averaged(self, n: int, k: int) -> Point:
        heights = {m: exactly(v) for m, v in enumerate(self.profile)}
        numbers = {"n": n, "k": k, "profile_power": self.power}
        return Point(1, numbers, exact={"profile": lambda m: heights[int(m)]})


@dataclass(frozen=True)
class Latents:
    share: int = 2
    must: frozenset[str] = frozenset({"a small angle", "beyond the end", "two updates", "c_skip"})

    def draw(self, case: Cases) -> Iterator[Latent]:
        for n in range(max(8, case.n // self.share)):
            half_angle = 1 / 64 if n % 5 == 1 else float(between(case, 0.2, 2)) * (-1 if n % 2 else 1)
            half_way = 2 * half_angle if n % 5 == 2 else half_angle * float(between(case, 0.1, 0.9))
            length, power, signal, level, spread = (float(v) for v in positive(case, -1, 1, 5))
            model, coded = (dirichlet(case, 8).reshape(2, 2, 2) for _ in range(2))
            heights = np.cumsum(positive(case, -1, 1, 3 + n % 4))
            kept = spread**2 / (level**2 + spread**2) if n % 4 == 3 else float(between(case, -1, 2))
            at = tuple(int(b) for b in case.rng.integers(0, 2, 3))
            yield Latent(
                half_angle,
                half_way,
                length,
                model,
                coded,
                (at[0], at[1], at[2]),
                positive(case, 0, 4, 4),
                heights,
                power,
                bumps(case),
                bumps(case),
                positive(case, -1, 2, 3),
                positive(case, -2, 1, 2),
                signal,
                level,
                spread,
                kept,
                float(between(case, -1, 3)),
                normals(case, 3, n % 3 + 1),
            )
