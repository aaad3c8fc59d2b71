"""Exercises on both ends of the noise."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.ends import before, both, jump, over_both
from derivations.exercises import exercise
from derivations.notation import abar, alpha, d, eps, schedule, t, x
from derivations.onestep import ONE_LEVEL, mixed, noise
from derivations.onestep import alpha as share
from derivations.rules import Chain, Expect, Inner, Norm2, Normal, Statement, definition, moments

unit = Normal(x(0), 0, 1)

# --- unit power -------------------------------------------------------------------------------------------------------

power = exercise(
    "ends.unit_power",
    "What a step of noise does to the power of standard normal data",
    Statement(Expect(unit, Expect(noise, Norm2(mixed(share, x(0), eps)))), "=", d, words="nothing"),
    domain=ONE_LEVEL,
)


@power.proves()
def _(line: Chain) -> None:
    line(Expect(unit, Expect(noise, Norm2(mixed(share, x(0), eps)))))
    line(Expect(unit, Expect(noise, Norm2(sp.sqrt(share) * x(0) + sp.sqrt(1 - share) * eps))), by=definition)
    line(Expect(unit, share * Norm2(x(0)) + (1 - share) * d), by=moments, why="the noise first")
    line(d, by=moments, why="then the data: the weights are the roots of shares that add up to 1")


# --- the older noise --------------------------------------------------------------------------------------------------

older = exercise(
    "ends.older_noise",
    "How much of the jump's noise was there before the last step",
    Statement(
        over_both(Inner(before, jump(t, before, eps))) / d,
        "=",
        sp.sqrt(alpha(t) * (1 - abar(t - 1)) / (1 - abar(t))),
        words="nearly all of it, late in the chain",
    ),
    domain=schedule(2),
)


@older.proves()
def _(line: Chain) -> None:
    kept, new = sp.sqrt(alpha(t)) * sp.sqrt(1 - abar(t - 1)), sp.sqrt(1 - alpha(t))
    line(over_both(Inner(before, jump(t, before, eps))) / d)
    line(over_both(Inner(before, (kept * before + new * eps) / sp.sqrt(1 - abar(t)))) / d, by=definition)
    line(Expect(both, kept * Norm2(before) / sp.sqrt(1 - abar(t))) / d, by=moments)
    line(sp.sqrt(alpha(t) * (1 - abar(t - 1)) / (1 - abar(t))), by=moments)
