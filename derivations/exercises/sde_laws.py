"""Exercises on the laws of linear SDEs."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.rules import NONNEGATIVE, POSITIVE, Chain, Domain, Statement, linear_sde, positivity, scalar
from derivations.sde.laws import law, normal, s, t

rate = scalar("rate", r"\beta", positive=True)
TIMES = Domain({"time": POSITIVE, "clock": NONNEGATIVE, "rate": POSITIVE})

# --- one rate for all times -------------------------------------------------------------------------------------------

one_rate = exercise(
    "sde_laws.one_rate",
    "Noise at one rate",
    Statement(law(-rate / 2, rate), "=", normal(sp.exp(-rate * t / 2), 1 - sp.exp(-rate * t))),
    domain=TIMES,
)


@one_rate.proves()
def _(line: Chain) -> None:
    line(law(-rate / 2, rate))
    line(
        normal(sp.exp(-rate * t / 2), 1 - sp.exp(-rate * t)),
        by=linear_sde(sp.exp(-rate * s / 2), 1 - sp.exp(-rate * s)),
        why="the mean falls at half the rate; variance' = beta (1 - variance)",
    )


# --- a drift that pushes outward --------------------------------------------------------------------------------------

outward = exercise(
    "sde_laws.outward",
    "A drift that pushes outward",
    Statement(law(sp.S.One, sp.S.One), "=", normal(sp.exp(t), (sp.exp(2 * t) - 1) / 2)),
    Statement(
        sp.exp(t) ** 2 / ((sp.exp(2 * t) - 1) / 2), ">", 2, words="so the data are never lost, however long one waits"
    ),
    domain=Domain({"time": POSITIVE, "clock": NONNEGATIVE}),
)


@outward.proves()
def _(line: Chain) -> None:
    line(law(sp.S.One, sp.S.One))
    line(
        normal(sp.exp(t), (sp.exp(2 * t) - 1) / 2),
        by=linear_sde(sp.exp(s), (sp.exp(2 * s) - 1) / 2),
        why="mean' = mean, and variance' = 2 variance + 1",
    )


@outward.proves(1)
def _(line: Chain) -> None:
    line(sp.exp(t) ** 2 / ((sp.exp(2 * t) - 1) / 2))
    line(2 / (1 - sp.exp(-2 * t)), why="divide both by e^{2t}")
    line.gt(2, by=positivity, why="the denominator is below 1")
