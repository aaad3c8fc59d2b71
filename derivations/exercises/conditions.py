"""Exercises on how a condition comes in."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.latent.conditioning import C, apart, difference, measures, picture, texts, there_before, wanted
from derivations.rules import NONZERO, POSITIVE, REAL, Chain, Domain, Inner, Norm2, Statement, given, scalar

shared, one_value, other_value = scalar("one_logit", r"\ell"), scalar("one_value", "v"), scalar("other_value", "w")

# --- two tokens alike -------------------------------------------------------------------------------------------------

alike = exercise(
    "conditions.two_alike",
    "What attention makes of two tokens with the same logit",
    Statement(
        (sp.exp(shared) * one_value + sp.exp(shared) * other_value) / (sp.exp(shared) + sp.exp(shared)),
        "=",
        (one_value + other_value) / 2,
        words="the middle of their values",
    ),
    domain=Domain({"one_logit": REAL, "one_value": REAL, "other_value": REAL}),
)


@alike.proves()
def _(line: Chain) -> None:
    line((sp.exp(shared) * one_value + sp.exp(shared) * other_value) / (sp.exp(shared) + sp.exp(shared)))
    line((one_value + other_value) / 2, why="the exponential is a factor above the bar and below")


# --- the straight way -------------------------------------------------------------------------------------------------

straight = exercise(
    "conditions.straight",
    "How long the middle between a picture's code and a difference of texts is",
    Statement(
        Norm2((picture + difference) / 2),
        "=",
        (1 + C) / 2,
        words="shorter than both, unless they agree: so the way is taken along the sphere",
    ),
    domain=Domain({"texts_apart": POSITIVE, "half_angle": NONZERO}),
    hypotheses=measures,
    worlds=(texts,),
)


@straight.proves()
def _(line: Chain) -> None:
    gap = wanted - there_before
    line(Norm2((picture + difference) / 2))
    line(
        Norm2(picture) / 4 + Inner(picture, gap) / (2 * apart) + Norm2(gap) / (4 * apart**2),
        why="the square of a sum; the half leaves it as a quarter",
    )
    line((1 + C) / 2, by=[given(h) for h in measures])
