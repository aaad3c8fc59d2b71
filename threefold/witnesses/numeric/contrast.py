"""Contrastive losses: chances of SciPy's softmax, row by row and column by column."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special, stats

from threefold.witnesses.cases.contrasts import Paired, SomePaired
from threefold.witnesses.shapes import Shape, Value, measured

CHANCES = "logarithms of chances, one at a time"


@measured("clip.loss.symmetric", method="entropies and softmax of SciPy", cases=SomePaired())
def _(s: Paired) -> Iterator[Shape]:
    point, count = s.point(), len(s.scores)
    own = np.diag(s.scores)
    right = [own - special.logsumexp(s.scores, axis=axis) for axis in (0, 1)]
    size = float(np.abs(s.scores).max())
    yield Value(0, point, -float(np.mean(right)), because=CHANCES, rounding=4.0, plus=8 * (1 + size))
    alike = float(stats.entropy(np.full(count, 1 / count)))  # of equal chances
    yield Value(1, point, alike, because="an entropy, added up", rounding=4.0, plus=4.0)
    others = special.softmax([s.own, np.log(s.rest)])[1]
    yield Value(2, point, -float(others), because="a softmax of a logarithm", rounding=16.0)
