"""Codes that are drawn or counted: SciPy's Gumbel laws, NumPy's own indices, sums along a staircase, its angles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from threefold.witnesses.cases.levels import Graded, SomeGraded
from threefold.witnesses.shapes import Shape, Value, measured

TURNED = "angles by arctan, and products of their sines"


@measured("gumbel.softmax", method="SciPy's Gumbel densities and distribution functions", cases=SomeGraded())
def _(s: Graded) -> Iterator[Shape]:
    point, own = s.classes(), np.log(s.shares)
    density = float(stats.gumbel_r.pdf(s.height - own[s.chosen]))
    because = "exponentials of exponentials"
    rounding = 64.0 * (1 + float(np.exp(-s.height)))
    yield Value(0, point, density, because=because, rounding=rounding)
    others = np.delete(own, s.chosen)
    found = density * float(np.prod(stats.gumbel_r.cdf(s.height - others)))
    yield Value(1, point, found, because=because, rounding=rounding)


@measured("fsq.codes", method="NumPy's index of an array of these shapes", cases=SomeGraded())
def _(s: Graded) -> Iterator[Shape]:
    point, levels = s.index(), s.levels.astype(int)
    first, all_but_last = levels[:-1][::-1], tuple(int(v) for v in s.levels[:-1])
    highest = int(np.ravel_multi_index(tuple(first - 1), tuple(first)))
    assert highest == int(np.prod(all_but_last)) - 1
    yield Value(0, point, float(highest))
    shape = tuple(int(v) for v in levels[::-1])
    found = int(np.ravel_multi_index(tuple(int(v) for v in s.digits[::-1]), shape))
    yield Value(1, point, float(found))
    yield Value(2, point, float(np.zeros(all_but_last, dtype=np.int8).size))


@measured("unet.time_embedding.relative", method="NumPy's own cosines and sines", cases=SomeGraded())
def _(s: Graded) -> Iterator[Shape]:
    point = s.turned()
    now, later = (2 * float(np.arctan(v)) for v in s.angles[:2])
    for part, value in enumerate((np.cos(now + later), np.sin(now + later), np.cos(later - now))):
        yield Value(part, point, float(value), because=TURNED, rounding=64.0, plus=64.0)
    turned = 2 * np.arctan(s.angles)
    found = float(np.cos(turned) @ np.cos(turned) + np.sin(turned) @ np.sin(turned))
    yield Value(3, point, found, because=TURNED, rounding=64.0)


@measured("decoder.discretized.normalised", method="bins one by one, added up", cases=SomeGraded())
def _(s: Graded) -> Iterator[Shape]:
    point, chances = s.bins(), np.diff(s.stairs)
    some = (len(chances) + 1) // 2
    yield Value(0, point, float(chances[:some].sum()), because="differences, added up again", plus=16.0)
    yield Value(1, point, float(chances.sum()), because="differences, added up again", plus=16.0)
