"""Exercises on the linear schedule."""

from __future__ import annotations

from derivations.ddpm.schedule import beta_linear, first, last, line_domain, linear
from derivations.exercises import exercise
from derivations.notation import T, t
from derivations.rules import Chain, Statement, definition

# --- one step ---------------------------------------------------------------------------------------------------------

increment = exercise(
    "schedule.increment",
    "By how much the variance grows from a step to the next",
    Statement(beta_linear(t + 1, T, first, last) - linear, "=", (last - first) / (T - 1)),
    domain=line_domain(1),
)


@increment.proves()
def _(line: Chain) -> None:
    line(beta_linear(t + 1, T, first, last) - linear)
    line(t / (T - 1) * (last - first) - (t - 1) / (T - 1) * (last - first), by=definition, why="the start drops out")
    line((last - first) / (T - 1), why="T - 1 equal steps lead from the one end to the other")


# --- from both ends ---------------------------------------------------------------------------------------------------

from_both_ends = exercise(
    "schedule.from_both_ends",
    "Two steps equally far from the ends",
    Statement(linear + beta_linear(T + 1 - t, T, first, last), "=", first + last),
    domain=line_domain(1),
)


@from_both_ends.proves()
def _(line: Chain) -> None:
    line(linear + beta_linear(T + 1 - t, T, first, last))
    line(
        2 * first + ((t - 1) / (T - 1) + (T - t) / (T - 1)) * (last - first),
        by=definition,
        why="t - 1 equal steps from the start, and T - t of them",
    )
    line(first + last, why="together they are all T - 1 steps")
