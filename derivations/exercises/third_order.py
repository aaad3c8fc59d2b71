"""Exercises on methods of third order."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.rules import Chain, D, IntegralTo, Series, Statement, fundamental_theorem, integration, rates, series
from derivations.solvers.exact import STEP, h, u

left = sp.exp(-h)
first = 1 - (1 - left) / h
second = 1 - 2 * first / h

# --- what the coefficients are for short steps ------------------------------------------------------------------------

short_steps = exercise(
    "third_order.short_steps",
    "The two coefficients for a short step",
    Statement(Series(first, h, 3), "=", h / 2 - h**2 / 6, words="of the first difference"),
    Statement(Series(second, h, 3), "=", h / 3 - h**2 / 12, words="of the second"),
    domain=STEP,
)


@short_steps.proves()
def _(line: Chain) -> None:
    line(Series(first, h, 3))
    line(h / 2 - h**2 / 6, by=series, why="1 - e^{-h} = h - h^2/2 + h^3/6 - ...")


@short_steps.proves(1)
def _(line: Chain) -> None:
    line(Series(second, h, 3))
    line(h / 3 - h**2 / 12, by=series, why="the same series, two powers further on")


# --- where the second coefficient comes from --------------------------------------------------------------------------

squares_added = exercise(
    "third_order.squares",
    "What a prediction that grows with the square of the time adds",
    Statement(IntegralTo(sp.exp(-(h - u)) * u**2, u, 0, h), "=", h**2 * second),
    domain=STEP,
)


@squares_added.proves()
def _(line: Chain) -> None:
    line(IntegralTo(sp.exp(-(h - u)) * u**2, u, 0, h))
    line(
        left * IntegralTo(D(sp.exp(u) * (u**2 - 2 * u + 2), u), u, 0, h),
        by=(rates, integration),
        why="twice by parts: e^u (u^2 - 2u + 2) has the derivative e^u u^2",
    )
    line(left * (sp.exp(h) * (h**2 - 2 * h + 2) - 2), by=fundamental_theorem)
    line(h**2 * second, why="take h^2 out")
