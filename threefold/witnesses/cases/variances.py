"""Langevin steps on a Gaussian target, and codewords with what is assigned to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from threefold.witnesses.cases.numbers import HUGE, TINY, between, edges, normals, positive, sizes_reached
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Langevin:
    """A target N(centre, target I), a step as a fraction of the largest stable one, distances in deviations."""

    target: float
    fraction: float
    centre: Array
    out: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "d = 1": len(self.centre) == 1,
                "a tiny step": self.fraction < 0.01,
                "near the stability limit": self.fraction > 0.95,
            }
        )

    def point(self, then: Array) -> Point:
        numbers = {"target_variance": self.target, "step_fraction": self.fraction}
        return Point(len(then), numbers, vectors={"centre": self.centre, "now": self.centre, "then": then})


@dataclass(frozen=True)
class LangevinSteps:
    """Targets from narrow to wide, steps from tiny to nearly unstable."""

    share: int = 2
    must: frozenset[str] = frozenset({"d = 1", "a tiny step", "near the stability limit"})

    def draw(self, case: Cases) -> Iterator[Langevin]:
        for n in range(case.n // self.share):
            fraction = {0: 2.0**-8, 1: 1 - 2.0**-6}.get(n % 5, float(between(case, 0.05, 0.9)))
            d = n % 3 + 1
            out = between(case, -3, 3, d)
            yield Langevin(float(positive(case, -2, 2)), fraction, normals(case, 1, d)[0], out)


@dataclass(frozen=True)
class Assigned:
    """A codeword with its count, and `assigned` vectors of one mean; the decay, and the batches before this one."""

    decay: float
    count: float
    assigned: float
    batches: float
    codeword: Array
    mean: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "nothing assigned": self.assigned == 0.0,
                "one batch before": self.batches == 1.0,
                "d = 1": len(self.codeword) == 1,
                **sizes_reached((self.codeword, self.mean)),
            }
        )

    def point(self) -> Point:
        numbers = {
            "decay": self.decay,
            "codeword_count": self.count,
            "assigned": self.assigned,
            "batches": self.batches,
        }
        vectors = {"codeword": self.codeword, "batch_mean": self.mean}
        return Point(len(self.codeword), numbers, vectors=vectors)


@dataclass(frozen=True)
class Codebooks:
    """Codewords that get nothing, little or much in a batch."""

    share: int = 1
    must: frozenset[str] = frozenset({"nothing assigned", "one batch before", "d = 1", "huge values", "tiny values"})

    def draw(self, case: Cases) -> Iterator[Assigned]:
        for n in range(case.n // self.share):
            assigned = float(case.rng.integers(1, 9)) if n % 4 else 0.0
            batches = float(case.rng.integers(1, 6)) if n % 3 else 1.0
            scale = {3: HUGE, 5: TINY}.get(n % 8, 1.0)
            vectors = normals(case, 2, n % 3 + 1, scale=scale)
            yield Assigned(float(between(case, 0.1, 0.99)), float(positive(case, -2, 3)), assigned, batches, *vectors)
