"""Pairs of Gaussians with a coupling, given by the roots that the statements of optimal transport are written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivations.refutation.laws import mp
from threefold.witnesses.cases.numbers import between, coarse, edges, normals, positive
from threefold.witnesses.point import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Coupled:
    """N(m_1, R^2) and N(m_2, R^-1 Q^2 R^-1), the second coordinate of a coupling following the map to a share."""

    root: Array
    middle: Array
    m_1: Array
    m_2: Array
    y: Array
    share: float
    blur: float
    variance: float
    time: float
    level: float
    top: float

    @property
    def edges(self) -> frozenset[str]:
        return edges({"d = 1": len(self.y) == 1, "d = 3": len(self.y) == 3, "drawn apart": self.share == 0.0})

    @property
    def second(self) -> Array:
        """The second covariance, in float64."""
        half = np.linalg.solve(self.root, self.middle)
        return half @ half.T

    def point(self) -> Point:
        root, middle = mp.matrix(self.root.tolist()), mp.matrix(self.middle.tolist())
        first, half = root * root, mp.inverse(root) * middle
        across = mp.mpf(self.share) * root * middle * mp.inverse(root)
        covariance = _blocks(first, across, half * half.T)
        d = len(self.y)
        mean = [mp.mpf(v) for v in (*self.m_1, *self.m_2)]
        q = GaussianLaw({("ot_x",): d, ("ot_y",): d}, mean, covariance)
        numbers = {"ot_blur": self.blur, "ot_variance": self.variance, "ot_time": self.time}
        return Point(
            d,
            {**numbers, "ot_level": self.level, "ot_top": self.top},
            vectors={"ot_y": self.y, "ot_m_1": self.m_1, "ot_m_2": self.m_2},
            covariances={"R_ot": root, "Q_ot": middle},
            tables={"q": q},
        )


def _blocks(first: Any, across: Any, second: Any) -> list[list[Any]]:
    d = first.rows
    above = [[*(first[r, c] for c in range(d)), *(across[r, c] for c in range(d))] for r in range(d)]
    return above + [[*(across[c, r] for c in range(d)), *(second[r, c] for c in range(d))] for r in range(d)]


@dataclass(frozen=True)
class Couplings:
    """Couplings in 1 to 3 dimensions, every fourth with both drawn apart."""

    share: int = 6
    must: frozenset[str] = frozenset({"d = 1", "d = 3", "drawn apart"})

    def draw(self, case: Cases) -> Iterator[Coupled]:
        for n in range(max(12, case.n // self.share)):
            d = n % 3 + 1
            share = 0.0 if n % 4 == 2 else float(between(case, -0.9, 0.9))
            blur, variance, level, top = (float(positive(case, -1, 1)) for _ in range(4))
            time = float(between(case, 0.1, 0.9))
            m_1, m_2, y = normals(case, d), normals(case, d), normals(case, d)
            root, middle = _definite(case, d), _definite(case, d)
            yield Coupled(root, middle, m_1, m_2, y, share, blur, variance, time, level, top)


def _definite(case: Cases, d: int) -> Array:
    """A symmetric positive definite matrix of few digits, its diagonal the larger."""
    off = between(case, -0.4, 0.4, d, d)
    return coarse((off + off.T) / 2 + np.diag(1 + d / 4 + between(case, 0, 1, d)))
