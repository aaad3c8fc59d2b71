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
        sp.sqrt(1 - later) / sp.sqrt(later) * (drawn - guess),
        by=definition,
        why="only the error of the noise is left, in units of noise over signal",
    )
    line(sp.Rational(1, 40), why="sqrt(1/4) of the twentieth that the guess is off")


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
        (sp.sqrt(half) * pixel + sp.sqrt(half) * drawn) / sp.sqrt(half),
        by=definition,
        why="without signal the whole state is noise of that weight",
    )
    line(sp.Rational(13, 10), why="signal and noise have one weight here: pixel and noise simply add")
