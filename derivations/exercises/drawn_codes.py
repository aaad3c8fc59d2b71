"""Exercises on codes that are drawn or counted."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.latent.interpolation import cosine
from derivations.rules import REAL, UNIT, Chain, Domain, Statement, definition, exponents, scalar
from derivations.vq.drawn_codes import height, now, under

chance = scalar("bit_chance", "p")

# --- two classes ------------------------------------------------------------------------------------------------------

two = exercise(
    "drawn_codes.two_classes",
    "How likely both heights of two classes are under m",
    Statement(
        under(chance, height) * under(1 - chance, height),
        "=",
        under(1, height),
        words="the higher one of them has a Gumbel law again, whatever the shares",
    ),
    domain=Domain({"bit_chance": UNIT, "gumbel_height": REAL}),
)


@two.proves()
def _(line: Chain) -> None:
    line(under(chance, height) * under(1 - chance, height))
    line(sp.exp(-chance * sp.exp(-height)) * sp.exp(-(1 - chance) * sp.exp(-height)), by=definition)
    line(sp.exp(-sp.exp(-height)), by=exponents, why="exponents add up")
    line(under(1, height), by=definition)


# --- twice the time ---------------------------------------------------------------------------------------------------

twice = exercise(
    "drawn_codes.twice",
    "The cosine of a frequency at twice the time",
    Statement(cosine(2 * now / (1 - now**2)), "=", 2 * cosine(now) ** 2 - 1),
    domain=Domain({"half_angle_now": UNIT}),
)


@twice.proves()
def _(line: Chain) -> None:
    line(cosine(2 * now / (1 - now**2)))
    line(2 * cosine(now) ** 2 - 1, by=definition, why="turn twice by the same angle")
