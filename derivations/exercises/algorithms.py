"""Exercises on what one step of an algorithm does."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.family import ANY_PAIR
from derivations.ddpm.algorithms import drawn, here, size, strided, walked, x_t
from derivations.exercises import exercise
from derivations.guidance.classifier_free import conditioned, free
from derivations.notation import abar, d, s, t, z
from derivations.rules import POSITIVE, Chain, Domain, Norm2, Statement, definition, moments

half = sp.Rational(1, 2)

# --- half of the guidance ---------------------------------------------------------------------------------------------

guided = exercise(
    "algorithms.half_guided",
    "Where a guided step with the scale 1/2 leads",
    Statement(
        strided(t, s, x_t, (free + conditioned) / 2),
        "=",
        (strided(t, s, x_t, free) + strided(t, s, x_t, conditioned)) / 2,
        words="half-way between the step without the condition and the one with it",
    ),
    domain=ANY_PAIR,
)


@guided.proves()
def _(line: Chain) -> None:
    line(strided(t, s, x_t, (free + conditioned) / 2))
    line(
        sp.sqrt(abar(s)) / sp.sqrt(abar(t)) * x_t
        + (sp.sqrt(1 - abar(s)) - sp.sqrt(abar(s)) * sp.sqrt(1 - abar(t)) / sp.sqrt(abar(t)))
        * (free + conditioned)
        / 2,
        by=definition,
        why="write the step out, sorted by x_t and the noise",
    )
    line(
        (strided(t, s, x_t, free) + strided(t, s, x_t, conditioned)) / 2,
        by=definition,
        why="x_t and the noise, half for each of the two: two steps, each by half",
    )


# --- where the slope is 0 ---------------------------------------------------------------------------------------------

ridge = exercise(
    "algorithms.on_a_ridge",
    "How far a step of Langevin dynamics goes where the score is 0",
    Statement(
        drawn(Norm2(walked(size, here, 0, z) - here)),
        "=",
        2 * size * d,
        words="as far as the noise alone",
    ),
    domain=Domain({"walk_size": POSITIVE}),
)


@ridge.proves()
def _(line: Chain) -> None:
    line(drawn(Norm2(walked(size, here, 0, z) - here)))
    line(drawn(Norm2(sp.sqrt(2 * size) * z)), by=definition)
    line(2 * size * d, by=moments)
