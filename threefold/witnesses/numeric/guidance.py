"""Guidance: the line through two answers, found by a linear solve and followed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from threefold.witnesses.cases.finite import Coded, FiniteVAEs
from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.point import Array, Point, finite_law
from threefold.witnesses.shapes import Shape, Value, measured


def line(at_zero: Array, at_one: Array, weight: float) -> Array:
    """Where the line that passes `at_zero` at 0 and `at_one` at 1 is at the weight, by solving for its coefficients."""
    offset, slope = np.linalg.solve([[1.0, 0.0], [1.0, 1.0]], np.stack([at_zero, at_one]))
    return np.asarray(offset + weight * slope)


@measured("guidance.cfg.views", method="the line through both answers, by a linear solve", cases=PathPoints())
def _(s: OnPath) -> Iterator[Shape]:
    point, free, conditioned = s.point(), s.answer, s.other
    views = [s.drift * s.z + s.rate * o for o in (free, conditioned)]
    size = float(max(np.abs(s.drift * s.z).max(), abs(s.rate) * max(np.abs(free).max(), np.abs(conditioned).max())))
    because = "the line is followed from a difference of the two answers"
    slack = size * (1 + 2 * abs(s.guidance))
    yield Value(0, point, line(views[0], views[1], s.guidance), because=because, plus=slack)
    slack = float(max(np.abs(free).max(), np.abs(conditioned).max())) * (3 + 2 * abs(s.guidance))
    yield Value(1, point, line(free, conditioned, 1.0), because=because, plus=slack)
    yield Value(2, point, line(free, conditioned, 0.0))
    yield Value(3, point, line(free, conditioned, 1 + s.guidance), because=because, plus=slack)


@measured(
    "guidance.classifier_free.tilted_density",
    method="densities counted on a finite law; powers of them, then one logarithm",
    cases=FiniteVAEs(),
)
def _(s: Coded) -> Iterator[Shape]:
    """The model's x is the condition, its code the point."""
    table = s.model.joint().table
    law = finite_law([("condition",), ("z",)], table)
    for z in range(table.shape[1]):
        marginal = float(table[:, z].sum())
        conditional = float(table[s.observed, z] / table[s.observed].sum())
        weight = (0.0, 1.0, 7.5)[z % 3]
        point = Point(numbers={"guidance": weight}, vectors={"condition": [s.observed], "z": [z]}, tables={"p": law})
        found = float(np.log(marginal * (conditional / marginal) ** weight))
        because = "the power magnifies the rounding of the ratio by the weight"
        yield Value(0, point, found, because=because, plus=1.0 + weight)
