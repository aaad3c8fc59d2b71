"""Exercises on processes that lead back."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.rules import (
    POSITIVE,
    Chain,
    Domain,
    Grad,
    LogDensity,
    Normal,
    Statement,
    density,
    scalar,
    vector_calculus,
)
from derivations.sde.fokker_planck import x as state
from derivations.vae.gaussian_kl import v_1

rate = scalar("rate", r"\beta", positive=True)
score = Grad(LogDensity(Normal(state, 0, v_1)), state)
RATES = Domain({"rate": POSITIVE, "v_1": POSITIVE})

# --- the flow on Gaussian data ----------------------------------------------------------------------------------------

flow = exercise(
    "reverse.flow_of_a_gaussian",
    "Which way the probability flow moves a Gaussian",
    Statement(-rate / 2 * (state + score), "=", rate / 2 * (1 / v_1 - 1) * state),
    domain=RATES,
)


@flow.proves()
def _(line: Chain) -> None:
    line(-rate / 2 * (state + score))
    line(-rate / 2 * (state - state / v_1), by=[density, vector_calculus], why="the score points to the mean")
    line(rate / 2 * (1 / v_1 - 1) * state, why="outward while the variance is below 1, and nowhere at 1")


# --- the drift of the reverse equation --------------------------------------------------------------------------------

reverse_drift = exercise(
    "reverse.drift_of_a_gaussian",
    "Which way the reverse equation pulls",
    Statement(
        -(-rate / 2 * state - rate * score),
        "=",
        rate * (sp.Rational(1, 2) - 1 / v_1) * state,
        words="the drift that a sampler takes, whose time runs backwards",
    ),
    domain=RATES,
)


@reverse_drift.proves()
def _(line: Chain) -> None:
    line(-(-rate / 2 * state - rate * score))
    line(rate / 2 * state - rate / v_1 * state, by=[density, vector_calculus])
    line(
        rate * (sp.Rational(1, 2) - 1 / v_1) * state,
        why="inward for any variance below 2: the fresh noise pushes out, and what is pulled in must pay for it",
    )
