"""Exercises on the best losses, and on a denoiser that knows one datum."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.as_euler import a_s, a_t, sigma_t
from derivations.exercises import exercise
from derivations.flow.few_steps import start, stepped
from derivations.notation import abar, d, eps, schedule, t
from derivations.rules import POSITIVE, Chain, Domain, Expect, Norm2, Normal, Statement, definition, moments
from derivations.score.best_losses import standard
from derivations.score.functions import clean
from derivations.solvers.constant import only

# --- half the noise ---------------------------------------------------------------------------------------------------

halved = exercise(
    "best_losses.half_the_noise",
    "Where a step to half of the noise leads, if the network knows one datum",
    Statement(
        stepped(start, only, a_t, sigma_t, a_s, sigma_t / 2) - a_s * only,
        "=",
        (start - a_t * only) / 2,
        words="half as far from it",
    ),
    domain=Domain({name: POSITIVE for name in ("signal_t", "signal_s", "level_t")}),
)


@halved.proves()
def _(line: Chain) -> None:
    line(stepped(start, only, a_t, sigma_t, a_s, sigma_t / 2) - a_s * only)
    line((start - a_t * only) / 2, by=definition)


# --- the velocity -----------------------------------------------------------------------------------------------------

velocity = exercise(
    "best_losses.velocity",
    "What is lost on the velocity of standard normal data by always answering 0",
    Statement(
        standard(Norm2(sp.sqrt(abar(t)) * eps - sp.sqrt(1 - abar(t)) * clean)) / d,
        "=",
        1,
        words="one a dimension at every t, which is also the least: there v is independent of x_t",
    ),
    domain=schedule(),
)


@velocity.proves()
def _(line: Chain) -> None:
    line(standard(Norm2(sp.sqrt(abar(t)) * eps - sp.sqrt(1 - abar(t)) * clean)) / d)
    line(Expect(Normal(clean, 0, 1), abar(t) * d + (1 - abar(t)) * Norm2(clean)) / d, by=moments)
    line(1, by=moments)
