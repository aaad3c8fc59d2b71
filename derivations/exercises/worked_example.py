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
    Statement(guessed(half, noisy, sp.Rational(13, 10)), "=", sp.S.Zero),
    kind="numeric",
)


@black.proves()
def _(line: Chain) -> None:
    line(guessed(half, noisy, sp.Rational(13, 10)))
    line(
        pixel + drawn - sp.Rational(13, 10),
        by=definition,
        why="signal and noise have one weight, so the state over that weight is their sum",
    )
    line(sp.S.Zero, why="the guess takes the whole state for noise")
