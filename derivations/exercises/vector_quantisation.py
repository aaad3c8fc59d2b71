"""Exercises on vector quantisation."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.rules import Chain, Grad, Inner, Norm2, Statement, SumTo, by_claim
from derivations.vq.assignment import MANY, assigned, centre, codeword, i, n, other, point

# --- the border of two cells ------------------------------------------------------------------------------------------

border = exercise(
    "vector_quantisation.border",
    "The border between two cells",
    Statement(
        Norm2(point - codeword) - Norm2(point - other),
        "=",
        2 * Inner(other - codeword, point - (codeword + other) / 2),
        words="it goes through the middle between the codewords, at right angles to their difference",
    ),
)


@border.proves()
def _(line: Chain) -> None:
    line(Norm2(point - codeword) - Norm2(point - other))
    line(
        2 * Inner(other - codeword, point) - (Norm2(other) - Norm2(codeword)),
        why="the square of the point cancels",
    )
    line(
        2 * Inner(other - codeword, point - (codeword + other) / 2),
        why="a difference of squares is the inner product of difference and sum",
    )


# --- one step of descent ----------------------------------------------------------------------------------------------

errors = SumTo(Norm2(assigned(i) - codeword), i, 1, n)

one_step = exercise(
    "vector_quantisation.one_step",
    "One step of descent that puts a codeword where it belongs",
    Statement(codeword - Grad(errors, codeword) / (2 * n), "=", centre),
    domain=MANY,
)


@one_step.proves()
def _(line: Chain) -> None:
    line(codeword - Grad(errors, codeword) / (2 * n))
    line(
        centre,
        by=by_claim("vqvae.codebook.kmeans", 2),
        why="the gradient is twice the number times the way from the mean: the step leads there at once",
    )
