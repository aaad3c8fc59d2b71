"""Noisy data and the fields that are compared with their score: a few points, or a Gaussian, and an affine network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from derivations.refutation.laws import mp
from reference.gaussians import Gaussian
from reference.mixtures import GaussianMixture
from threefold.witnesses.cases.numbers import between, edges, normals, positive
from threefold.witnesses.noised import NoisedPoints
from threefold.witnesses.point import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases


def exactly(v: Any) -> Any:
    """A float as a number of 30 digits."""
    return mp.mpf(float(v))


@dataclass(frozen=True)
class Noised:
    """Data y with weights, blurred to x = signal y + level noise; a point x, two directions, a guidance weight."""

    signal: float
    level: float
    data: Array
    weights: Array
    x: Array
    u: Array
    w: Array
    answer: Array
    guidance: float

    @property
    def d(self) -> int:
        return len(self.x)

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "d = 1": self.d == 1,
                "one datum": len(self.data) == 1,
                "much noise": self.level > 4 * self.signal,
                "little noise": self.signal > 4 * self.level,
            }
        )

    @property
    def length(self) -> float:
        """c, with which x / c lies on the path of variance 1."""
        return float(np.hypot(self.signal, self.level))

    @property
    def abar(self) -> float:
        return float((self.signal / self.length) ** 2)

    @cached_property
    def mixture(self) -> GaussianMixture:
        return GaussianMixture.of_points(self.data, self.weights)

    @property
    def score(self) -> Array:
        """By complex steps of the log-density of x / c."""
        return np.asarray(self.mixture.score(self.x[None] / self.length, self.abar)[0] / self.length)

    @property
    def denoised(self) -> Array:
        return np.asarray(self.mixture.denoiser(self.x[None] / self.length, self.abar)[0])

    @property
    def shares(self) -> Array:
        """The probability of each datum given x."""
        return np.asarray(self.mixture.responsibilities(self.x[None] / self.length, self.abar)[0])

    @property
    def scatter(self) -> Array:
        """The posterior covariance: the weighted products of deviations from the posterior mean."""
        off = self.data - self.denoised
        return np.asarray(np.einsum("k,ki,kj->ij", self.shares, off, off))

    @property
    def reach(self) -> float:
        """How large the numbers are whose differences a score is made of."""
        return float(np.abs(self.x).max() + self.signal * np.abs(self.data).max() + self.level)

    @property
    def magnitude(self) -> float:
        """How far rounding them moves a score: the size of its own derivative, times theirs."""
        bend = (1 + self.signal**2 * float(np.trace(self.scatter)) / self.level**2) / self.level**2
        return 8 * self.d * self.reach * bend

    @property
    def uncertain(self) -> float:
        """The same for the posterior covariance: products of deviations, weighted by shares that move with x."""
        far, between = float(np.abs(self.data).max()), float(np.trace(self.scatter))
        apart = float(np.ptp(self.data, axis=0).max())
        moved = self.reach * self.signal / self.level**2 * apart * between
        return float(8 * self.d * (moved + far * np.sqrt(between) + 2.0**-53 * far**2))

    def kept(self) -> Noised:
        """The same with levels of one step of a chain: sqrt(1 - sigma^2) of the signal under sigma < 1."""
        level = self.level / (2 * self.length)
        return replace(self, signal=float(np.sqrt(1 - level**2)), level=level)

    def point(self, clean: str = "clean", which: int = 0, **numbers: float) -> Point:
        """The law q of (clean, noisy), read at this x and at one of the data."""
        rows = [tuple(map(exactly, row)) for row in self.data]
        law: Any = NoisedPoints(
            (clean,),
            ("noisy_point",),
            rows,
            [exactly(v) for v in self.weights],
            exactly(self.signal),
            exactly(self.level),
        )
        known = {"signal": self.signal, "level": self.level, "guidance": self.guidance, **numbers}
        vectors = {
            "noisy_point": self.x,
            clean: self.data[which],
            "one_way": self.u,
            "another_way": self.w,
            "prediction": self.answer,
            "eps": self.w,
        }
        return Point(self.d, known, vectors=vectors, tables={"q": law})


def of_data(s: Noised, **numbers: float) -> Point:
    """The data and their weights by number, at this x."""
    weights = [exactly(w) for w in s.weights]
    rows = [tuple(map(exactly, row)) for row in s.data]
    nearest = int(np.argmin(((s.x / s.signal - s.data) ** 2).sum(axis=1)))
    known = {"signal": s.signal, "level": s.level, "N_D": len(rows)}
    known |= {"n_b": len(rows), "n_q": nearest + 1, **numbers}
    families = {"datum_weight": lambda k: weights[int(k) - 1], "datum": lambda k: rows[int(k) - 1]}
    return Point(s.d, known, vectors={"noisy_point": s.x}, exact=families)


@dataclass(frozen=True)
class NoisedData:
    """One to four data in one to three dimensions, little noise and much."""

    share: int = 4
    must: frozenset[str] = frozenset({"d = 1", "one datum", "much noise", "little noise"})

    def draw(self, case: Cases) -> Iterator[Noised]:
        for n in range(case.n // self.share):
            d, k = n % 3 + 1, n % 4 + 1
            signal, level = (float(v) for v in positive(case, -0.5, 0.5, 2))
            level = {1: signal / 8, 2: 8 * signal}.get(n % 4, level)
            data, raw = normals(case, k, d), case.rng.integers(1, 9, k)
            x = signal * data[0] + level * normals(case, d)
            u, w, answer = normals(case, 3, d)
            weights = np.full(k, 1 / k) if n % 2 else raw / raw.sum()
            yield Noised(
                signal, level, data, weights, x, u, w, answer, {0: 1.0, 1: 0.0}.get(n % 5, float(between(case, -1, 3)))
            )


@dataclass(frozen=True)
class Blurred:
    """Gaussian data N(mean, root root^T), blurred; an affine network of x; two directions."""

    signal: float
    level: float
    mean: Array
    root: Array
    slope: Array
    shift: Array
    u: Array
    w: Array

    @property
    def d(self) -> int:
        return len(self.mean)

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "d = 1": self.d == 1,
                "much noise": self.level > 4 * self.signal,
                "little noise": self.signal > 4 * self.level,
                "a constant network": not self.slope.any(),
            }
        )

    @cached_property
    def joint(self) -> Gaussian:
        """The law of (clean, noisy), by its loadings."""
        eye = np.eye(self.d)
        return Gaussian(self.mean, self.root).extend(self.signal * eye, 0.0, self.level * eye)

    @cached_property
    def draws(self) -> Array:
        """Points (clean, noisy), equally weighted, whose averages of quadratic polynomials are exact."""
        return self.joint.cubature()

    @property
    def noisy(self) -> Array:
        return self.draws[:, self.d :]

    @property
    def clean(self) -> Array:
        return self.draws[:, : self.d]

    def scores(self, x: Array) -> Array:
        """By complex steps of the log-density, shape (n, d)."""
        length = float(np.hypot(self.signal, self.level))
        law = GaussianMixture(np.ones(1), (Gaussian(self.mean, self.root),))
        return np.asarray(law.score(x / length, (self.signal / length) ** 2) / length)

    def denoised(self, x: Array) -> Array:
        """E[clean | noisy] by conditioning the loadings, shape (n, d)."""
        seen = list(range(self.d, 2 * self.d))
        return np.stack([self.joint.condition(seen, row).mean for row in x])

    def answers(self, x: Array) -> Array:
        return x @ self.slope.T + self.shift

    def average(self, values: Array) -> float:
        return float(np.mean(values))

    @property
    def narrow(self) -> float:
        """How the inverse of the noisy covariance magnifies a rounding."""
        return float(np.linalg.cond(self.joint.cov[self.d :, self.d :]))

    def size(self, off: Array, *parts: float) -> float:
        """The error of an average of squares of `off`, a difference of parts of these sizes."""
        return 8 * self.d * float(np.abs(off).max()) * sum(parts)

    @property
    def of_answers(self) -> float:
        return float((np.abs(self.noisy) @ np.abs(self.slope).T + np.abs(self.shift)).max())

    @property
    def of_scores(self) -> float:
        return float(np.abs(self.scores(self.noisy)).max()) * self.narrow

    @property
    def of_targets(self) -> float:
        return float(np.abs(self.noisy).max() + self.signal * np.abs(self.clean).max()) / self.level**2

    def point(self, **more: Any) -> Point:
        law = self.joint
        covariance = [[exactly(v) for v in row] for row in self._covariance()]
        table = GaussianLaw(
            {("clean",): self.d, ("noisy_point",): self.d},
            [exactly(m) for m in self.mean] + [exactly(self.signal) * exactly(m) for m in self.mean],
            covariance,
        )
        slope = [[exactly(v) for v in row] for row in self.slope]
        shift = [exactly(v) for v in self.shift]

        def network(x: Any) -> Any:
            return tuple(mp.fdot(zip(row, x, strict=True)) + b for row, b in zip(slope, shift, strict=True))

        vectors = {"noisy_point": law.mean[self.d :], "clean": self.mean, "one_way": self.u, "another_way": self.w}
        numbers = {"signal": self.signal, "level": self.level}
        exact = {"score_model": network, "guess": network}
        return Point(self.d, numbers, vectors=vectors, exact=exact, tables={"q": table}, **more)

    def _covariance(self) -> Any:
        """The covariance of (clean, noisy) in 30 digits."""
        a, s = exactly(self.signal), exactly(self.level)
        root = mp.matrix([[exactly(v) for v in row] for row in self.root])
        own = root * root.T
        d = self.d
        rows = [[own[i, j] for j in range(d)] + [a * own[i, j] for j in range(d)] for i in range(d)]
        rows += [
            [a * own[i, j] for j in range(d)] + [a * a * own[i, j] + (s * s if i == j else 0) for j in range(d)]
            for i in range(d)
        ]
        return rows


@dataclass(frozen=True)
class BlurredGaussians:
    """Gaussian data in one or two dimensions, little noise and much; networks near and far from the best one."""

    share: int = 8
    must: frozenset[str] = frozenset({"d = 1", "much noise", "little noise", "a constant network"})

    def draw(self, case: Cases) -> Iterator[Blurred]:
        for n in range(case.n // self.share):
            d = 2 if n % 3 == 2 else 1
            signal, level = (float(v) for v in positive(case, -0.5, 0.5, 2))
            level = {1: signal / 8, 2: 8 * signal}.get(n % 4, level)
            root = np.tril(normals(case, d, d))
            root[np.diag_indices(d)] = positive(case, -1, 0.5, d)
            slope = np.zeros((d, d)) if n % 5 == 4 else normals(case, d, d)
            yield Blurred(signal, level, normals(case, d), root, slope, *normals(case, 3, d))
