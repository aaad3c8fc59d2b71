"""Codebooks: weighted means of the vectors themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from threefold.witnesses.cases.variances import Assigned, Codebooks
from threefold.witnesses.shapes import Shape, Value, measured


@measured(
    "vq.codebook.statistics",
    method="weighted means of the vectors: remembered ones and new ones, each with its weight",
    cases=Codebooks(),
)
def _(s: Assigned) -> Iterator[Shape]:
    """The assigned vectors stand at their mean; the remembered ones at the codeword."""
    point, both = s.point(), np.stack([s.codeword, s.mean])
    yield Value(0, point, np.average(both, axis=0, weights=[s.decay * s.count, (1 - s.decay) * s.assigned]))
    yield Value(1, point, np.average(both, axis=0, weights=[s.batches * s.count, s.assigned]))
