"""Exercises on a chain and the SDE that it tends to."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.rules import POSITIVE, Chain, Domain, Series, Statement, scalar, series
from derivations.sde.limit import h

rate = scalar("rate", r"\beta", positive=True)
STEP = Domain({"time_step": POSITIVE, "rate": POSITIVE})

# --- one rate for all times -------------------------------------------------------------------------------------------

one_rate = exercise(
    "chain_and_sde.one_rate",
    "How much more signal a step of the chain takes than the SDE does, at one rate",
    Statement(Series(sp.log(1 - h * rate) + h * rate, h, 4), "=", -(h**2) * rate**2 / 2 - h**3 * rate**3 / 3),
    domain=STEP,
)


@one_rate.proves()
def _(line: Chain) -> None:
    line(Series(sp.log(1 - h * rate) + h * rate, h, 4))
    line(-(h**2) * rate**2 / 2 - h**3 * rate**3 / 3, by=series, why="log(1 - y) = -y - y^2/2 - y^3/3 - ...")


# --- two steps or a long one ------------------------------------------------------------------------------------------

two_or_one = exercise(
    "chain_and_sde.two_or_one",
    "Two steps, or one of twice the size",
    Statement((1 - h * rate) ** 2 - (1 - 2 * h * rate), "=", h**2 * rate**2),
    Statement(
        1 - (1 - h * rate) ** 2,
        "=",
        2 * h * rate - h**2 * rate**2,
        words="so the two bring in so much less noise than the one, 2 h beta",
    ),
    domain=STEP,
)


@two_or_one.proves()
def _(line: Chain) -> None:
    line((1 - h * rate) ** 2 - (1 - 2 * h * rate))
    line(h**2 * rate**2, why="two small steps leave a little more of the signal's power than one of twice the length")


@two_or_one.proves(1)
def _(line: Chain) -> None:
    line(1 - (1 - h * rate) ** 2)
    line(2 * h * rate - h**2 * rate**2, why="the second step shrinks the noise of the first, too")
