"""Two Gaussians, with a condition and without, noise levels, a scale of guidance; a step and a classifier's slope."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from threefold.witnesses.cases.numbers import between, edges, normals, positive
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class TwoGaussians:
    """Variances v and v + gap, the scale 1 + beyond, a noise variance, two more of an interval, and a point."""

    variance: float
    gap: float
    beyond: float
    noise: float
    early: float
    late: float
    x: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "no guidance": self.beyond == 0,
                "strong guidance": self.beyond > 4,
                "nearly equal variances": self.gap < 0.01,
                "guided to the data": self.early == 0,
            }
        )

    def pull(self, s: float) -> float:
        """The guided score at a noise variance, over -x."""
        return (1 + self.beyond) / (self.variance + s) - self.beyond / (self.variance + self.gap + s)

    def point(self) -> Point:
        numbers = {"variance_with": self.variance, "variance_gap": self.gap, "guidance_beyond": self.beyond}
        numbers |= {"noise_variance": self.noise, "inverse_start": 0.5}
        numbers |= {"noise_variance_early": self.early, "noise_variance_late": self.late}
        return Point(len(self.x), numbers, vectors={"state": self.x})


@dataclass(frozen=True)
class GuidedGaussians:
    share: int = 4
    must: frozenset[str] = frozenset({"no guidance", "strong guidance", "nearly equal variances", "guided to the data"})

    def draw(self, case: Cases) -> Iterator[TwoGaussians]:
        for n in range(max(8, case.n // self.share)):
            variance, gap, noise, late = (float(v) for v in positive(case, -1.0, 1.0, 4))
            gap = gap / 256 if n % 4 == 2 else gap
            beyond = {0: 0.0, 3: 6.0}.get(n % 5, float(between(case, 0.25, 3)))
            early = 0.0 if n % 3 == 0 else late / 4
            yield TwoGaussians(variance, gap, beyond, noise, early, late, normals(case, n % 3 + 1))


@dataclass(frozen=True)
class Tilted:
    """A normal step with its mean and variance, a classifier's slope and bend, a scale, and a point."""

    x: Array
    centre: Array
    slope: Array
    variance: float
    bend: float
    scale: float

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "no bend": self.bend == 0,
                "no guidance": self.scale == 0,
                "a narrow step": self.variance < 0.01,
                "d = 1": len(self.x) == 1,
            }
        )

    def point(self) -> Point:
        numbers = {"step_variance": self.variance, "log_classifier_bend": self.bend, "guidance": self.scale}
        vectors = {"state": self.x, "step_centre": self.centre, "log_classifier_slope": self.slope}
        return Point(len(self.x), numbers, vectors=vectors)


@dataclass(frozen=True)
class TiltedSteps:
    share: int = 4
    must: frozenset[str] = frozenset({"no bend", "no guidance", "a narrow step", "d = 1"})

    def draw(self, case: Cases) -> Iterator[Tilted]:
        for n in range(max(8, case.n // self.share)):
            variance, bend, scale = (float(v) for v in positive(case, -1.0, 1.0, 3))
            variance = variance / 512 if n % 4 == 1 else variance
            centre, slope, away = normals(case, 3, n % 3 + 1)
            x = centre + np.sqrt(variance) * away
            yield Tilted(x, centre, slope, variance, 0.0 if n % 3 == 0 else bend, 0.0 if n % 5 == 4 else scale)
