"""Exercises on latents and what lies between them."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.latent.interpolation import length, lengths, on_a_circle, one, two
from derivations.notation import d, eps, z
from derivations.rules import POSITIVE, Chain, Domain, Expect, Norm2, Normal, Statement, given, moments

half = sp.Rational(1, 2)

# --- the middle of two draws ------------------------------------------------------------------------------------------

middle_of_draws = exercise(
    "latents.middle_of_two_draws",
    "How long the middle of two standard normal codes is",
    Statement(
        Expect(Normal(z, 0, 1), Expect(Normal(eps, 0, 1), Norm2(half * z + half * eps))),
        "=",
        d / 2,
        words="the squared length, which is d for a draw",
    ),
)


@middle_of_draws.proves()
def _(line: Chain) -> None:
    line(Expect(Normal(z, 0, 1), Expect(Normal(eps, 0, 1), Norm2(half * z + half * eps))))
    line(Expect(Normal(z, 0, 1), Norm2(z) / 4 + d / 4), by=moments, why="the second code, whose mean is 0")
    line(d / 2, by=moments, why="and the first: a quarter of d each")


# --- how much a chord lies inside -------------------------------------------------------------------------------------

inside = exercise(
    "latents.inside",
    "How far inside the sphere the middle of a chord lies",
    Statement(
        length**2 - Norm2(half * one + half * two),
        "=",
        Norm2(one - two) / 4,
        words="the square over half of the chord, as Pythagoras says",
    ),
    domain=Domain({"end_length": POSITIVE}),
    hypotheses=lengths[:2],
    worlds=(on_a_circle,),
)


@inside.proves()
def _(line: Chain) -> None:
    line(length**2 - Norm2(half * one + half * two))
    line(
        length**2 - (Norm2(one) + Norm2(two)) / 2 + Norm2(one - two) / 4,
        why="the parallelogram: sum and difference have twice the squares together",
    )
    line(
        Norm2(one - two) / 4,
        by=[given(lengths[0]), given(lengths[1])],
        why="both ends lie on the sphere, so half of their squares is its own",
    )
