"""Exercises on the units of an error."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.flow.paths import level, on_path, signal, x_0
from derivations.flow.units import answer, clean_of_u, clean_of_v
from derivations.notation import eps
from derivations.rules import UNIT, Chain, Domain, Norm2, Statement, by_claim

# --- the straight path ------------------------------------------------------------------------------------------------

straight = on_path(1 - level, level, x_0, eps)

on_straight = exercise(
    "units.straight",
    "The weight of a velocity's error on the straight path",
    Statement(Norm2(clean_of_u(1 - level, level, straight, answer) - x_0), "=", level**2 * Norm2(answer - (eps - x_0))),
    domain=Domain({"level": UNIT}),
)


@on_straight.proves()
def _(line: Chain) -> None:
    line(Norm2(clean_of_u(1 - level, level, straight, answer) - x_0))
    line(
        level**2 * Norm2(answer - (eps - x_0)),
        by=by_claim("weights.units", 2, at={signal: 1 - level, level: level}),
        why="the signal is what the noise leaves, so the two weights sum to 1 all the way",
    )


# --- a path that keeps the power --------------------------------------------------------------------------------------

kept = sp.sqrt(1 - level**2)
turned = on_path(kept, level, x_0, eps)

on_circle = exercise(
    "units.power_kept",
    "The weight of the error of v where signal and noise keep the power",
    Statement(
        Norm2(clean_of_v(kept, level, turned, answer) - x_0),
        "=",
        level**2 * Norm2(answer - (kept * eps - level * x_0)),
    ),
    domain=Domain({"level": UNIT}),
)


@on_circle.proves()
def _(line: Chain) -> None:
    line(Norm2(clean_of_v(kept, level, turned, answer) - x_0))
    line(
        level**2 * Norm2(answer - (kept * eps - level * x_0)),
        by=by_claim("weights.units", 1, at={signal: kept, level: level}),
        why="the signal is the root of the power that the noise leaves, so the two powers sum to 1",
    )
