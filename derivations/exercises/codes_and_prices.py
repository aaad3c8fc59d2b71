"""Exercises on what an autoencoder cannot tell, and on prices."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.flow.units import answer
from derivations.rules import Chain, Inner, Norm2, Statement, definition, scalar, vector
from derivations.vae.limits import best_cost, best_fit, cost, fit, priced, weight

heavier = scalar("beta_heavier", r"\beta'")

# --- two weights ------------------------------------------------------------------------------------------------------

gains = (
    priced(weight, fit, cost)
    - priced(weight, best_fit, best_cost)
    + priced(heavier, best_fit, best_cost)
    - priced(heavier, fit, cost)
)

two_weights = exercise(
    "codes_and_prices.two_weights",
    "Of two winners under two weights, the heavier weight has the cheaper code",
    Statement(gains, "=", (heavier - weight) * (cost - best_cost)),
)


@two_weights.proves()
def _(line: Chain) -> None:
    line(gains)
    line(
        -weight * cost + weight * best_cost - heavier * best_cost + heavier * cost,
        by=definition,
        why="each fit stands there once with either sign",
    )
    line(
        (heavier - weight) * (cost - best_cost),
        why="neither gain is negative, so a heavier weight goes with a cost that is not larger",
    )


# --- two images with one code -----------------------------------------------------------------------------------------

one, other = vector("one_image", "x"), vector("other_image", "y")
half = sp.Rational(1, 2)
loss = half * Norm2(answer - one) + half * Norm2(answer - other)

blur = exercise(
    "codes_and_prices.two_images",
    "What a decoder shows for two images with one code",
    Statement(loss, "=", Norm2(answer - half * (one + other)) + Norm2(one - other) / 4),
)


@blur.proves()
def _(line: Chain) -> None:
    line(loss)
    line(
        Norm2(answer) - Inner(answer, one + other) + half * (Norm2(one) + Norm2(other)),
        why="multiply out",
    )
    line(
        Norm2(answer - half * (one + other)) - Norm2(one + other) / 4 + half * (Norm2(one) + Norm2(other)),
        why="complete the square",
    )
    line(
        Norm2(answer - half * (one + other)) + Norm2(one - other) / 4,
        why="least where both images are laid over each other, and not 0 there",
    )
