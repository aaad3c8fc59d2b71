"""Exercises on the law that guidance draws from."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.guidance.classifier_free import guidance, guided
from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Domain,
    Grad,
    LogDensity,
    Normal,
    Statement,
    definition,
    density,
    vector_calculus,
)
from derivations.sde.fokker_planck import x as state
from derivations.vae.gaussian_kl import m_1, m_2, v_1


def score(mean: sp.Expr, variance: sp.Expr) -> sp.Expr:
    return Grad(LogDensity(Normal(state, mean, variance)), state)


# --- one width --------------------------------------------------------------------------------------------------------

one_width = exercise(
    "guidance_law.one_width",
    "Guidance between two normal laws of one width",
    Statement(guided(guidance, score(m_2, v_1), score(m_1, v_1)), "=", score(m_2 + guidance * (m_1 - m_2), v_1)),
    domain=Domain({"guidance": REAL, "v_1": POSITIVE}),
)


@one_width.proves()
def _(line: Chain) -> None:
    line(guided(guidance, score(m_2, v_1), score(m_1, v_1)))
    line(
        (m_2 - state) / v_1 + guidance * ((m_1 - state) / v_1 - (m_2 - state) / v_1),
        by=[definition, density, vector_calculus],
        why="each score points to its mean",
    )
    line((m_2 + guidance * (m_1 - m_2) - state) / v_1, why="the place cancels in the difference")
    line(
        score(m_2 + guidance * (m_1 - m_2), v_1),
        by=[density, vector_calculus],
        why="the score of a law of that width, beyond the condition's mean for w > 1",
    )


# --- a flat law without the condition ---------------------------------------------------------------------------------

flat = exercise(
    "guidance_law.flat",
    "Guidance away from a law that is flat",
    Statement(guided(guidance, 0, score(m_1, v_1)), "=", score(m_1, v_1 / guidance)),
    domain=Domain({"guidance": POSITIVE, "v_1": POSITIVE}),
)


@flat.proves()
def _(line: Chain) -> None:
    line(guided(guidance, 0, score(m_1, v_1)))
    line(guidance * (m_1 - state) / v_1, by=[definition, density, vector_calculus], why="a flat law has no slope")
    line(score(m_1, v_1 / guidance), by=[density, vector_calculus], why="a score w times as steep: a narrower law")
