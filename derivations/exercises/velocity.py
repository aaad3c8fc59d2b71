"""Exercises on the velocity."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.means import x_0
from derivations.ddpm.parameterizations import (
    data_error_of_v,
    level,
    noise_error_of_v,
    noised,
    prediction,
    target,
    v_error,
    v_level,
    velocity,
    x_level,
)
from derivations.exercises import exercise
from derivations.notation import abar, eps, schedule, t
from derivations.rules import CLOSED_UNIT, Chain, Domain, Inner, Norm2, Statement, definition

half = sp.Rational(1, 2)
ANY_LEVEL = Domain({"alpha_bar": CLOSED_UNIT})

# --- half way ---------------------------------------------------------------------------------------------------------

half_way = exercise(
    "velocity.half_way",
    "Half of the power is noise: what the state and the velocity are",
    Statement(velocity(half, x_0, eps), "=", (eps - x_0) / sp.sqrt(2)),
    Statement(
        noised(half, x_0, eps) + velocity(half, x_0, eps),
        "=",
        sp.sqrt(2) * eps,
        words="their sum shows the noise alone",
    ),
)


@half_way.proves()
def _(line: Chain) -> None:
    line(velocity(half, x_0, eps))
    line((eps - x_0) / sp.sqrt(2), by=definition, why="both weights are sqrt(1/2)")


@half_way.proves(1)
def _(line: Chain) -> None:
    line(noised(half, x_0, eps) + velocity(half, x_0, eps))
    line((x_0 + eps) / sp.sqrt(2) + (eps - x_0) / sp.sqrt(2), by=definition)
    line(sp.sqrt(2) * eps, why="the data cancel")


# --- the angle between them -------------------------------------------------------------------------------------------

angle = exercise(
    "velocity.angle",
    "The angle between the state and the velocity",
    Statement(
        Inner(x_level, v_level),
        "=",
        (2 * level - 1) * Inner(x_0, eps) + sp.sqrt(level * (1 - level)) * (Norm2(eps) - Norm2(x_0)),
    ),
    domain=ANY_LEVEL,
)


@angle.proves()
def _(line: Chain) -> None:
    line(Inner(x_level, v_level))
    line(
        Inner(
            sp.sqrt(level) * x_0 + sp.sqrt(1 - level) * eps,
            sp.sqrt(level) * eps - sp.sqrt(1 - level) * x_0,
        ),
        by=definition,
    )
    line(
        (2 * level - 1) * Inner(x_0, eps) + sp.sqrt(level * (1 - level)) * (Norm2(eps) - Norm2(x_0)),
        why="multiply out: the mixed terms have the weights abar and -(1 - abar)",
    )


# --- the two errors ---------------------------------------------------------------------------------------------------

errors_add = exercise(
    "velocity.errors_add",
    "The errors of the image and of the noise add up to that of the velocity",
    Statement(data_error_of_v + noise_error_of_v, "=", v_error),
    domain=schedule(),
)


@errors_add.proves()
def _(line: Chain) -> None:
    line(data_error_of_v + noise_error_of_v)
    line(
        Norm2(sp.sqrt(1 - abar(t)) * (prediction - target)) + Norm2(sp.sqrt(abar(t)) * (prediction - target)),
        by=definition,
        why="an error of v turns into one of the image by one weight, into one of the noise by the other",
    )
    line(v_error, why="the squares of the two weights sum to 1")
