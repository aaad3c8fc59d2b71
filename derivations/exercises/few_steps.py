"""Exercises on a flow in few steps."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.flow.few_steps import first, kept
from derivations.flow.mean_velocity import CLOCK, length, time, u
from derivations.flow.units import spread
from derivations.rules import (
    POSITIVE,
    Chain,
    D,
    Domain,
    IntegralTo,
    Statement,
    definition,
    fundamental_theorem,
    integration,
    rates,
    vector,
)

begin, bend = vector("start_velocity", "v_0"), vector("velocity_rate", "b")

# --- a velocity that changes evenly -----------------------------------------------------------------------------------

middle = exercise(
    "few_steps.middle",
    "The mean of a velocity that changes evenly",
    Statement(IntegralTo(begin + (time + u) * bend, u, 0, length) / length, "=", begin + (time + length / 2) * bend),
    domain=CLOCK,
)


@middle.proves()
def _(line: Chain) -> None:
    line(IntegralTo(begin + (time + u) * bend, u, 0, length) / length)
    line(
        IntegralTo(D(u * begin + (time * u + u**2 / 2) * bend, u), u, 0, length) / length,
        by=(rates, integration),
        why="the integrand is a derivative",
    )
    line((length * begin + (time * length + length**2 / 2) * bend) / length, by=fundamental_theorem)
    line(begin + (time + length / 2) * bend, why="the velocity in the middle of the stretch")


# --- how much a consistency function keeps ----------------------------------------------------------------------------

keeps_half = exercise(
    "few_steps.keeps_half",
    "The level at which a consistency function keeps half of its input",
    Statement(kept(first + spread, first, spread), "=", sp.Rational(1, 2)),
    domain=Domain({"end_level": POSITIVE, "data_std": POSITIVE}),
)


@keeps_half.proves()
def _(line: Chain) -> None:
    line(kept(first + spread, first, spread))
    line(sp.Rational(1, 2), by=definition, why="above the least level by the data's spread: a number over twice itself")
