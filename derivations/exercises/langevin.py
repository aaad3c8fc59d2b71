"""Exercises on Langevin dynamics with a finite step."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.rules import (
    POSITIVE,
    Chain,
    Domain,
    Expect,
    LogDensity,
    Normal,
    Statement,
    composition,
    definition,
    scalar,
)
from derivations.score.langevin import STEP, centre, fraction, kept, now, target, then

variance = scalar("start_variance", "v_0", positive=True)

# --- how fast a start is forgotten ------------------------------------------------------------------------------------

forgets = exercise(
    "langevin.forgets",
    "How fast the variance comes to the one that is kept",
    Statement(
        (1 - 2 * fraction) ** 2 * variance + 4 * target * fraction - kept(target, fraction),
        "=",
        (1 - 2 * fraction) ** 2 * (variance - kept(target, fraction)),
    ),
    domain=Domain({**STEP.intervals, "start_variance": POSITIVE}),
)


@forgets.proves()
def _(line: Chain) -> None:
    line((1 - 2 * fraction) ** 2 * variance + 4 * target * fraction - kept(target, fraction))
    line(
        (1 - 2 * fraction) ** 2 * variance - (1 - 2 * fraction) ** 2 * target / (1 - fraction),
        by=definition,
        why="4 r (1 - r) = 1 - (1 - 2r)^2",
    )
    line((1 - 2 * fraction) ** 2 * (variance - kept(target, fraction)), by=definition)


# --- at once ----------------------------------------------------------------------------------------------------------

at_half = Normal(then, now - (now - centre), 2 * target)

at_once = exercise(
    "langevin.at_once",
    "The step that forgets every start at once",
    Statement(
        Expect(Normal(now, centre, variance), sp.exp(LogDensity(at_half))),
        "=",
        sp.exp(LogDensity(Normal(then, centre, kept(target, sp.Rational(1, 2))))),
    ),
    domain=Domain({"target_variance": POSITIVE, "start_variance": POSITIVE}),
)


@at_once.proves()
def _(line: Chain) -> None:
    line(Expect(Normal(now, centre, variance), sp.exp(LogDensity(at_half))))
    line(
        sp.exp(LogDensity(Normal(then, centre, 2 * target))),
        by=composition,
        why="the step leads to the mean from everywhere; only its own noise is left",
    )
    line(
        sp.exp(LogDensity(Normal(then, centre, kept(target, sp.Rational(1, 2))))),
        by=definition,
        why="lambda/(1 - 1/2): twice as wide as the target",
    )
