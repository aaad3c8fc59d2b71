"""Exercises on one pixel."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.examples import drawn, guess, guessed, half, later, noised, noisy, pixel
from derivations.exercises import exercise
from derivations.rules import Chain, Statement, definition

# --- less noise -------------------------------------------------------------------------------------------------------

clearer = noised(later, pixel, drawn)

less_noise = exercise(
    "worked_example.less_noise",
    "The same guess where four fifths of the power are signal",
    Statement(guessed(later, clearer, guess) - pixel, "=", sp.Rational(1, 40), words="half of the error"),
    kind="numeric",
)


@less_noise.proves()
def _(line: Chain) -> None:
    line(guessed(later, clearer, guess) - pixel)
    line(
        sp.Rational(1, 40),
        by=definition,
        why="only the error of the noise is left, over the root of the SNR: half of the twentieth that it is off",
    )


# --- the guess behind an image ----------------------------------------------------------------------------------------

black = exercise(
    "worked_example.black",
    "The guess of the noise that makes the pixel black",
    Statement(noisy / sp.sqrt(1 - half), "=", sp.Rational(13, 10)),
    kind="numeric",
)


@black.proves()
def _(line: Chain) -> None:
    line(noisy / sp.sqrt(1 - half))
    line(
        sp.Rational(13, 10),
        by=definition,
        why="without signal all is noise, and here both have one weight: pixel and noise add",
    )
