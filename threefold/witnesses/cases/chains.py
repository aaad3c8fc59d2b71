"""Diffusion chains and the steps on them: schedules at every edge, vectors, networks that look at the time."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.refutation.laws import mp, number
from threefold.witnesses.cases.networks import Network
from threefold.witnesses.cases.numbers import HUGE, TINY, coarse, edges, normals, sizes_reached
from threefold.witnesses.point import Array, GaussianLaw, Moved, Point
from threefold.witnesses.registry import Cases

Numbers = Sequence[Any] | Array
KINDS = ("ordinary", "tiny betas", "huge betas", "one step", "mixed")


def draw_betas(case: Cases, kind: str, least: int = 1, most: int = 6) -> Array:
    """A schedule of `least` to `most` steps with every beta in (0, 1), of the kind that is named."""
    T = least if kind == "one step" else int(case.rng.integers(least, most + 1))
    if kind == "tiny betas":
        return np.asarray(10.0 ** case.rng.uniform(-6, -5, T))
    if kind == "huge betas":
        return np.asarray(1 - 10.0 ** case.rng.uniform(-3, -2, max(T, 2)))[-max(T, 2) :]
    if kind == "mixed":
        return np.asarray(case.rng.choice([1e-4, 0.5, 0.999], T))
    return np.asarray(case.rng.uniform(0.02, 0.6, T))


@dataclass(frozen=True)
class Chain:
    """A schedule beta_1..beta_T."""

    betas: Array

    @property
    def T(self) -> int:
        return len(self.betas)

    @functools.cached_property
    def bars(self) -> Array:
        """abar_0..abar_T as plain products: for choosing cases and shapes, not for comparing."""
        return np.concatenate([[1.0], np.cumprod(1 - self.betas)])

    @property
    def roundings(self) -> float:
        """How many roundings a float64 table over this chain may carry: sums of T logarithms, and what follows."""
        return 64.0 + 4.0 * self.T * max(1.0, -float(np.sum(np.log1p(-self.betas))))

    def chain_edges(self, at: int) -> dict[str, bool]:
        kept, lost = float(self.bars[at]), -float(np.expm1(np.sum(np.log1p(-self.betas[:at]))))
        return {
            "T = 1": self.T == 1,
            "t = 1": at == 1,
            "t = 2": at == 2,
            "t = T": at == self.T,
            "abar near 0": kept < 1e-4,
            "abar near 1": lost < 1e-4,
        }


@dataclass(frozen=True)
class Step(Chain):
    """One step of one chain: the time t, and the vectors x_0, x_{t-1}, x_t, noise of R^d; x_{t-1} is x_0 at t = 1."""

    t: int
    x0: Array
    x_prev: Array
    x_t: Array
    noise: Array
    network: Network  # of x alone, one output
    rng: np.random.Generator
    n: int  # which case it is

    @property
    def d(self) -> int:
        return len(self.x0)

    @property
    def edges(self) -> frozenset[str]:
        vectors = (self.x0, self.x_t, self.noise)
        return edges(
            {
                "d = 1": self.d == 1,
                "repeated points": bool((self.x0 == self.x_t).all()),
                **self.chain_edges(self.t),
                **sizes_reached(vectors),
            }
        )

    def point(self, **more: Any) -> Point:
        """x_0, x_{t-1}, x_t, eps, t and T of this step; `more` are other fields of the point."""
        vectors = {"eps": self.noise, **more.pop("vectors", {})}
        numbers = {"t": self.t, "T": self.T, **more.pop("numbers", {})}
        x = {self.t: self.x_t, self.t - 1: self.x_prev, 0: self.x0, **more.pop("x", {})}
        return Point(self.d, numbers, self.betas, x=x, vectors=vectors, **more)

    def mean_at(self, prediction: Numbers) -> tuple[Any, ...]:
        """The posterior's mean at a predicted x_0, in 30 digits; t >= 1."""
        alphas = [1 - mp.mpf(b) for b in self.betas]
        before, now = (mp.fprod(alphas[:n]) for n in (self.t - 1, self.t))
        alpha = alphas[self.t - 1]
        a, b = mp.sqrt(before) * (1 - alpha) / (1 - now), mp.sqrt(alpha) * (1 - before) / (1 - now)
        return tuple(a * number(u) + b * mp.mpf(v) for u, v in zip(prediction, self.x_t, strict=True))

    def by_prediction(self, name: str, exact: Mapping[str, Any]) -> Moved:
        """The predicted x_0 (the noise of this step) as a place, where network `name` is the mean that it makes."""

        def moved(c: int, h: Fraction) -> Point:
            answer = self.mean_at([Fraction(v) + (h if i == c else 0) for i, v in enumerate(self.noise)])
            return self.point(exact={name: lambda *_: answer, **exact})

        return Moved(self.d, moved)

    @property
    def exact_root_beta(self) -> Any:
        """sqrt(beta_t) in 30 digits."""
        return mp.sqrt(mp.mpf(self.betas[self.t - 1]))

    @property
    def root(self) -> Array:
        """A square root of a covariance of the data, of eight binary digits."""
        return coarse(
            np.eye(self.d) + 0.5 * np.outer(self.noise, self.noise) / max(1.0, float(self.noise @ self.noise))
        )

    @functools.cached_property
    def near_posterior(self) -> Array:
        """A vector within three deviations of the mean of q(x_{t-1} | x_t, x_0), t >= 2; rounded to float64."""
        alphas = [1 - mp.mpf(b) for b in self.betas]
        before, now = (mp.fprod(alphas[:n]) for n in (self.t - 1, self.t))
        alpha = alphas[self.t - 1]
        a, b = mp.sqrt(before) * (1 - alpha) / (1 - now), mp.sqrt(alpha) * (1 - before) / (1 - now)
        spread = mp.sqrt((1 - alpha) * (1 - before) / (1 - now))
        noise = np.clip(self.noise, -3, 3)
        return np.array([float(a * u + b * v + spread * e) for u, v, e in zip(self.x0, self.x_t, noise, strict=True)])

    def moving(self, mean: Array, covariance: Array) -> GaussianLaw:
        """The joint law of x_0, x_{t-1}, x_t when x_0 ~ N(mean, covariance); in 30 digits."""
        d, alphas = self.d, [1 - mp.mpf(b) for b in self.betas]
        before, now = (mp.sqrt(mp.fprod(alphas[:n])) for n in (self.t - 1, self.t))
        gains = {0: mp.mpf(1), self.t - 1: before, self.t: now}
        fresh = {0: mp.mpf(0), self.t - 1: 1 - before**2, self.t: 1 - now**2}
        times, eye = sorted(gains), mp.eye(d)
        start = mp.matrix(covariance.tolist())
        cov = mp.matrix(len(times) * d, len(times) * d)
        for (a, early), (b, late) in itertools.product(enumerate(times), repeat=2):
            shared = fresh[min(early, late)] * gains[max(early, late)] / gains[min(early, late)]
            block = gains[early] * gains[late] * start + shared * eye
            for i, j in itertools.product(range(d), repeat=2):
                cov[a * d + i, b * d + j] = block[i, j]
        centre = [gains[t] * mp.mpf(m) for t in times for m in mean]
        return GaussianLaw({("x", t): d for t in times}, centre, cov.tolist())


@dataclass(frozen=True)
class Steps:
    """Steps with t in least_t..T and d in 1..most_d, every kind of schedule and every edge again and again.

    first: only the step t = least_t. printed: first of all the numbers of an erratum: alphas 5/9 and 9/10, x_0 = 1,
    eps = 1/2.
    """

    least_t: int = 1
    most_d: int = 3
    share: int = 1
    first: bool = False
    printed: bool = False

    @property
    def must(self) -> frozenset[str]:
        always = {"d = 1", "t = T", "huge values", "tiny values", "zero vector", "repeated points", "abar near 1"}
        ends = set() if self.first else {"abar near 0"}
        return frozenset(always | ends | ({"T = 1", "t = 1"} if self.least_t == 1 else {"t = 2"}))

    def draw(self, case: Cases) -> Iterator[Step]:
        if self.printed:
            vectors = np.array([[1.0], [0.0], [0.0], [0.5]])
            x0, x_prev, x_t, noise = vectors
            yield Step(np.array([4 / 9, 0.1]), 2, x0, x_prev, x_t, noise, Network.draw(case, 1, 1), case.rng, 0)
        for n in range(int(self.printed), case.n // self.share):
            betas = draw_betas(case, KINDS[n % len(KINDS)], least=self.least_t)
            if n % 15 == 9 and len(betas) > 1:
                betas[-2:] = 0.5, 1e-4  # hardly any noise is added to much: two neighbours that are nearly alike
            t = len(betas) if n % 3 == 0 else int(case.rng.integers(self.least_t, len(betas) + 1))
            yield self.at(case, n, betas, self.least_t if n % 7 == 1 or self.first else t)

    def at(self, case: Cases, n: int, betas: Array, t: int) -> Step:
        """The n-th case on this schedule: its vectors."""
        scale = {3: HUGE, 5: TINY}.get(n % 8, 1.0)
        x0, x_prev, x_t, noise = normals(case, 4, n % self.most_d + 1, scale=scale)
        if n % 8 == 6:
            x_prev = x_t = x0
        if n % 8 == 7:
            x0 = np.zeros_like(x0)
        network = Network.draw(case, len(x0), 1)
        return Step(betas, t, x0, x0 if t == 1 else x_prev, x_t, noise, network, case.rng, n)
