"""Exercises on what noise makes smooth, and what it forgets."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.flow.paths import PATH, level, signal
from derivations.notation import d
from derivations.rules import (
    POSITIVE,
    UNIT,
    Chain,
    Domain,
    Expect,
    Grad,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    composition,
    definition,
    density,
    moments,
    vector,
    vector_calculus,
)
from derivations.score.functions import clean, corruption, noisy
from derivations.score.langevin import kept, now, target, then
from derivations.sde.euler_maruyama import share

start = vector("start_mean", "m_0")

# --- the method's own law ---------------------------------------------------------------------------------------------

held = kept(target, share / 2)
left = exercise(
    "forgetting.left_alone",
    "Which variance a step of Euler-Maruyama leaves alone",
    Statement(
        Expect(Normal(now, start, held), sp.exp(LogDensity(Normal(then, (1 - share) * now, 2 * share * target)))),
        "=",
        sp.exp(LogDensity(Normal(then, (1 - share) * start, held))),
        words="lambda/(1 - r/2), wherever the mean is",
    ),
    domain=Domain({"decay_share": UNIT, "target_variance": POSITIVE}),
)


@left.proves()
def _(line: Chain) -> None:
    line(Expect(Normal(now, start, held), sp.exp(LogDensity(Normal(then, (1 - share) * now, 2 * share * target)))))
    line(
        sp.exp(LogDensity(Normal(then, (1 - share) * start, (1 - share) ** 2 * held + 2 * share * target))),
        by=composition,
    )
    line(
        sp.exp(LogDensity(Normal(then, (1 - share) * start, held))),
        by=definition,
        why="1 - (1 - r)^2 = 2 r (1 - r/2)",
    )


# --- the score along the noise ----------------------------------------------------------------------------------------

slope = Grad(LogDensity(corruption), noisy)
along = exercise(
    "forgetting.against_the_noise",
    "How far the score of a corruption is from taking the noise back",
    Statement(
        Expect(corruption, Norm2(slope + (noisy - signal * clean))),
        "=",
        d * (level - 1 / level) ** 2,
        words="at the level 1 it does just that; below it points too far, above not far enough",
    ),
    domain=Domain(PATH),
)


@along.proves()
def _(line: Chain) -> None:
    away = noisy - signal * clean
    line(Expect(corruption, Norm2(slope + away)))
    line(Expect(corruption, Norm2(-away / level**2 + away)), by=(density, vector_calculus))
    line(d * (level - 1 / level) ** 2, by=moments)
