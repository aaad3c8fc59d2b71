"""Strides on a chain: from a time t back to any earlier s >= 1, with a share of fresh noise."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from threefold.witnesses.cases.chains import KINDS, Chain, draw_betas
from threefold.witnesses.cases.numbers import HUGE, TINY, between, edges, normals, sizes_reached
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class StepBack(Chain):
    """A step from t to s < t: the vectors x_0, x_s, x_t, noise and a prediction; rho is the share of fresh noise."""

    s: int
    t: int
    rho: float
    x0: Array
    x_s: Array
    x_t: Array
    noise: Array
    answer: Array

    @property
    def d(self) -> int:
        return len(self.x0)

    @property
    def roundings(self) -> float:
        """Of a coefficient of the step: what it is the difference of cancels where s is near t in noise."""
        late, early = (math.sqrt(-math.expm1(float(np.sum(np.log1p(-self.betas[:n]))))) for n in (self.t, self.s))
        ratio = math.sqrt(float(np.prod(1 - self.betas[self.s : self.t])))  # of the signals
        terms = [(early * math.sqrt(1 - share), late / ratio) for share in (0.0, self.rho)]
        terms += [(1.0, early * math.sqrt(1 - share) * ratio / late) for share in (0.0, self.rho, *self._of_ddpm)]
        terms += [(1.0, share) for share in self._of_ddpm]  # under a root: the noise that is kept
        return super().roundings * max(max(a, b) / abs(a - b) for a, b in terms)

    @property
    def _of_ddpm(self) -> tuple[float, ...]:
        """The share of fresh noise of DDPM's own step, where this is one step."""
        if self.s < self.t - 1:
            return ()
        return (float(self.betas[self.t - 1] / -np.expm1(np.sum(np.log1p(-self.betas[: self.t])))),)

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "d = 1": self.d == 1,
                "s = 1": self.s == 1,
                "s = t - 1": self.s == self.t - 1,
                "a long stride": self.t - self.s > 2,
                "nearly no fresh noise": self.rho < 0.1,
                "nearly all noise fresh": self.rho > 0.9,
                **self.chain_edges(self.t),
                **sizes_reached((self.x0, self.x_t, self.noise)),
            }
        )

    def point(self, **more: Any) -> Point:
        """x_0, x_s, x_t, eps, s, t, T and rho of this stride; `more` are other fields of the point."""
        vectors = {"eps": self.noise, **more.pop("vectors", {})}
        numbers = {"s": self.s, "t": self.t, "T": self.T, "rho": self.rho, **more.pop("numbers", {})}
        x = {self.t: self.x_t, self.s: self.x_s, 0: self.x0, **more.pop("x", {})}
        return Point(self.d, numbers, self.betas, x=x, vectors=vectors, **more)


@dataclass(frozen=True)
class Strides:
    """Strides of every length on every kind of schedule, with little and with much fresh noise."""

    most_d: int = 3
    share: int = 1
    must: frozenset[str] = frozenset(
        {
            "d = 1",
            "s = 1",
            "s = t - 1",
            "a long stride",
            "t = T",
            "nearly no fresh noise",
            "nearly all noise fresh",
            "abar near 0",
            "abar near 1",
            "huge values",
            "tiny values",
        }
    )

    def draw(self, case: Cases) -> Iterator[StepBack]:
        for n in range(case.n // self.share):
            betas = draw_betas(case, KINDS[n % len(KINDS)], least=2)
            if n % 6 == 4:
                betas = draw_betas(case, "ordinary", least=5)
            T = len(betas)
            t = T if n % 3 == 0 or n % 6 == 4 else int(case.rng.integers(2, T + 1))
            s = {0: 1, 1: t - 1, 4: 1}.get(n % 6, int(case.rng.integers(1, t)))
            rho = {0: 2.0**-6, 1: 1 - 2.0**-6}.get(n % 5, float(between(case, 0.1, 0.9)))
            scale = {3: HUGE, 5: TINY}.get(n % 8, 1.0)
            yield StepBack(betas, s, t, rho, *normals(case, 5, n % self.most_d + 1, scale=scale))
