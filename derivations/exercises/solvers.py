"""Exercises on solvers."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.rules import Chain, D, IntegralTo, Statement, fundamental_theorem, integration, rates
from derivations.solvers.exact import STEP, guess, h, noise, start, u

left = sp.exp(-h)

# --- a prediction that moves ------------------------------------------------------------------------------------------

moving = exercise(
    "solvers.moving_prediction",
    "The exact step for a prediction that moves at one velocity",
    Statement(
        IntegralTo(sp.exp(-(h - u)) * (guess + u * noise), u, 0, h),
        "=",
        (1 - left) * guess + (h - 1 + left) * noise,
    ),
    domain=STEP,
)


@moving.proves()
def _(line: Chain) -> None:
    line(IntegralTo(sp.exp(-(h - u)) * (guess + u * noise), u, 0, h))
    line(
        left * IntegralTo(D(sp.exp(u) * (guess + (u - 1) * noise), u), u, 0, h),
        by=(rates, integration),
        why="e^u (u - 1) has the derivative e^u u",
    )
    line(
        left * (sp.exp(h) * (guess + (h - 1) * noise) - (guess - noise)),
        by=fundamental_theorem,
    )
    line((1 - left) * guess + (h - 1 + left) * noise, why="e^{-h} goes into the bracket: e^{-h} e^h = 1")


# --- twice the same ---------------------------------------------------------------------------------------------------

twice = exercise(
    "solvers.two_steps",
    "Two steps with one prediction",
    Statement(
        left * (left * start + (1 - left) * guess) + (1 - left) * guess,
        "=",
        sp.exp(-2 * h) * start + (1 - sp.exp(-2 * h)) * guess,
        words="one step of twice the size",
    ),
    domain=STEP,
)


@twice.proves()
def _(line: Chain) -> None:
    line(left * (left * start + (1 - left) * guess) + (1 - left) * guess)
    line(left**2 * start + (1 - left) * (1 + left) * guess, why="collect the prediction")
    line(sp.exp(-2 * h) * start + (1 - sp.exp(-2 * h)) * guess, why="the square of e^{-h} is e^{-2h}")
