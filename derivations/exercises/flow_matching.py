"""Exercises on flow matching."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.flow.straightness import share
from derivations.notation import d, eps
from derivations.rules import UNIT, Chain, Div, Domain, Statement, vector_calculus
from derivations.score.functions import clean, noisy

INSIDE = Domain({"time_share": UNIT})
of_line = (noisy - (1 - share) * clean) / share - clean  # width'/width (x - centre) + centre', for 1 - t and t

# --- the velocity of one straight path --------------------------------------------------------------------------------

one_path = exercise(
    "flow_matching.one_path",
    "The velocity on straight lines from one image",
    Statement(of_line, "=", (noisy - clean) / share, words="away from the image, at the distance over the time"),
    Statement(
        ((1 - share) * clean + share * eps - clean) / share,
        "=",
        eps - clean,
        words="and the same all along a line, so nothing happens as t tends to 0",
    ),
    domain=INSIDE,
)


@one_path.proves()
def _(line: Chain) -> None:
    line(of_line)
    line((noisy - (1 - share) * clean - share * clean) / share, why="common denominator")
    line((noisy - clean) / share, why="t x_0 cancels")


@one_path.proves(1)
def _(line: Chain) -> None:
    line(((1 - share) * clean + share * eps - clean) / share)
    line((share * eps - share * clean) / share, why="the image stands there 1 - t - 1 times")
    line(eps - clean, why="t cancels")


# --- how it spreads ---------------------------------------------------------------------------------------------------

spreads = exercise(
    "flow_matching.spreads",
    "How fast the lines of one image come apart",
    Statement(Div((noisy - clean) / share, noisy), "=", d / share),
    domain=INSIDE,
)


@spreads.proves()
def _(line: Chain) -> None:
    line(Div((noisy - clean) / share, noisy))
    line(Div(noisy, noisy) / share, by=vector_calculus, why="the image does not move")
    line(d / share, by=vector_calculus, why="each coordinate grows with itself")
