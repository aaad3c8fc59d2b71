"""Exercises on the forward chain."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.notation import abar, alpha, kernel, schedule, snr, t, x
from derivations.rules import Chain, Expect, LogDensity, Normal, Statement, composition, definition

# --- two steps in one -------------------------------------------------------------------------------------------------

together = alpha(t) * alpha(t - 1)

two_steps = exercise(
    "forward_process.two_steps",
    "Two steps in a row are one step",
    Statement(
        Expect(kernel(t - 1), sp.exp(LogDensity(kernel(t)))),
        "=",
        sp.exp(LogDensity(Normal(x(t), sp.sqrt(together) * x(t - 2), 1 - together))),
    ),
    domain=schedule(2),
)


@two_steps.proves()
def _(line: Chain) -> None:
    line(Expect(kernel(t - 1), sp.exp(LogDensity(kernel(t)))))
    line(
        sp.exp(LogDensity(Normal(x(t), sp.sqrt(together) * x(t - 2), alpha(t) * (1 - alpha(t - 1)) + 1 - alpha(t)))),
        by=composition,
        why="the second step shrinks the noise of the first, and adds its own",
    )
    line(
        sp.exp(LogDensity(Normal(x(t), sp.sqrt(together) * x(t - 2), 1 - together))),
        why="in the sum of the variances alpha_t cancels",
    )


# --- what multiplies from step to step --------------------------------------------------------------------------------

noise_factor = exercise(
    "forward_process.noise_factor",
    "One plus the noise-to-signal ratio grows by a factor at each step",
    Statement(1 + 1 / snr(t), "=", (1 + 1 / snr(t - 1)) / alpha(t)),
    domain=schedule(2),
)


@noise_factor.proves()
def _(line: Chain) -> None:
    line(1 + 1 / snr(t))
    line(1 / abar(t), by=definition, why="1 + (1 - abar)/abar")
    line(1 / (abar(t - 1) * alpha(t)), why="abar_t is a product")
    line((1 + 1 / snr(t - 1)) / alpha(t), by=definition, why="read the first line backwards, a step earlier")
