"""Batches of pairs: the score of each picture with each caption."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from threefold.witnesses.cases.numbers import between, edges, normals
from threefold.witnesses.cases.scores import exactly
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Paired:
    """Scores (pictures, captions); what the right pair is scored where the others weigh `rest`."""

    scores: Array
    own: float
    rest: float

    @property
    def edges(self) -> frozenset[str]:
        size = float(np.abs(self.scores).max())
        told = float(np.diag(self.scores).min())
        return edges(
            {
                "one pair": len(self.scores) == 1,
                "alike": float(np.ptp(self.scores)) == 0,
                "sharp scores": size > 30,
                "pairs that are told apart": len(self.scores) > 1 and told > 8,
            }
        )

    def point(self) -> Point:
        scores = {"pair_score": lambda i, k: exactly(self.scores[int(i) - 1, int(k) - 1])}
        numbers = {"N_c": len(self.scores), "own_score": self.own, "other_weights": self.rest}
        return Point(1, numbers, exact=scores)


@dataclass(frozen=True)
class SomePaired:
    share: int = 2
    must: frozenset[str] = frozenset({"one pair", "alike", "sharp scores", "pairs that are told apart"})

    def draw(self, case: Cases) -> Iterator[Paired]:
        for n in range(max(10, case.n // self.share)):
            count = 1 + n % 5
            scores = normals(case, count, count, scale=3.0)
            if n % 4 == 1:
                scores = np.full((count, count), float(between(case, -2.0, 2.0)))
            if n % 4 == 2:
                scores = between(case, -40.0, 40.0, count, count)
                scores[0, 0] = 40.0
            if n % 4 == 3:
                scores[np.diag_indices(count)] = between(case, 9.0, 12.0, count)
            yield Paired(scores, float(between(case, -3.0, 3.0)), float(between(case, 0.25, 20.0)))
