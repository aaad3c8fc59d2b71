"""Exercises on paths."""

from __future__ import annotations

from derivations.ddim.as_euler import a_s, a_t, sigma_s, sigma_t
from derivations.exercises import exercise
from derivations.flow.paths import level, on_path, velocity, x_0
from derivations.notation import eps
from derivations.rules import POSITIVE, UNIT, Chain, Domain, Statement, definition

# --- the straight path ------------------------------------------------------------------------------------------------

drift, log_ratio_rate = -1 / (1 - level), -1 / (level * (1 - level))

straight = exercise(
    "paths.straight",
    "The velocity of the straight path",
    Statement(velocity(1 - level, level, drift, log_ratio_rate, x_0, eps), "=", eps - x_0),
    domain=Domain({"level": UNIT}),
)


@straight.proves()
def _(line: Chain) -> None:
    line(velocity(1 - level, level, drift, log_ratio_rate, x_0, eps))
    line(
        drift * (1 - level) * x_0 + (drift - log_ratio_rate) * level * eps,
        by=definition,
        why="the signal is 1 - t, the noise t: their rates in the path's own terms",
    )
    line(eps - x_0, why="-1/(1 - t) + 1/(t (1 - t)) = 1/t")


# --- two points of one path -------------------------------------------------------------------------------------------

two_points = exercise(
    "paths.two_points",
    "The noise from two points of one path",
    Statement(
        a_s * on_path(a_t, sigma_t, x_0, eps) - a_t * on_path(a_s, sigma_s, x_0, eps),
        "=",
        (a_s * sigma_t - a_t * sigma_s) * eps,
    ),
    domain=Domain({"signal_s": POSITIVE, "signal_t": POSITIVE, "level_s": POSITIVE, "level_t": POSITIVE}),
)


@two_points.proves()
def _(line: Chain) -> None:
    line(a_s * on_path(a_t, sigma_t, x_0, eps) - a_t * on_path(a_s, sigma_s, x_0, eps))
    line(a_s * (a_t * x_0 + sigma_t * eps) - a_t * (a_s * x_0 + sigma_s * eps), by=definition)
    line((a_s * sigma_t - a_t * sigma_s) * eps, why="both points are given one share of the data, which then cancels")
