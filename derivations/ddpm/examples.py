"""One pixel, worked through by hand: noising it, guessing the noise, and one deterministic stride of DDIM."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.rules import (
    REAL,
    UNIT,
    Chain,
    Claim,
    Domain,
    Rounded,
    Statement,
    algebra,
    define,
    definition,
    interval_arithmetic,
    scalar,
)

signal = define("pixel_signal", r"\mathrm{signal}", lambda a, pixel: sp.sqrt(a) * pixel, notation=False)
hiss = define("pixel_noise", r"\mathrm{noise}", lambda a, e: sp.sqrt(1 - a) * e, notation=False)
noised = define("pixel_noised", "x_t", lambda a, pixel, e: sp.sqrt(a) * pixel + sp.sqrt(1 - a) * e, notation=False)
guessed = define(
    "pixel_guess", r"\hat x_0", lambda a, noisy, e: (noisy - sp.sqrt(1 - a) * e) / sp.sqrt(a), notation=False
)
squared_error = define("pixel_loss", r"\mathrm{loss}", lambda e, guess: (e - guess) ** 2, notation=False)
stride = define("pixel_stride", "x_s", lambda a, pixel, e: sp.sqrt(a) * pixel + sp.sqrt(1 - a) * e, notation=False)

half, pixel, drawn, guess = sp.Rational(1, 2), sp.Integer(1), sp.Rational(3, 10), sp.Rational(1, 4)
noisy = noised(half, pixel, drawn)
estimate = guessed(half, noisy, guess)
later = sp.Rational(4, 5)

a, c, e, g = (
    scalar("abar_x", r"\bar\alpha"),
    scalar("x_pixel", "x_0"),
    scalar("e", r"\epsilon"),
    scalar("g", r"\hat\epsilon"),
)
error = guessed(a, noised(a, c, e), g) - c


def in_digits(claim: Claim, part: int, *between: Any, why: str = "") -> None:
    """Prove a numeric statement: its left side, the lines between for a reason (or only the reason), and the digits."""

    @claim.proves(part)
    def _(line: Chain) -> None:
        statement = claim.says[part]
        line(statement.lhs)
        for value in between:
            line(value, by=definition, why=why)
        enclosed = isinstance(statement.rhs, Rounded)
        line(statement.rhs, by=[definition, interval_arithmetic if enclosed else algebra], why="" if between else why)


one_pixel = Claim(
    id="ddpm.example.one_pixel",
    title="One-pixel worked example",
    chapter="Worked example",
    kind="numeric",
    says=(
        Statement(noisy, "=", Rounded("0.919"), words="x_0 = 1, abar_t = 0.5, eps = 0.3"),
        Statement(noisy, "=", Rounded("0.919239"), words="to six digits"),
        Statement(signal(half, pixel), "=", Rounded("0.707"), words="the signal in it"),
        Statement(hiss(half, drawn), "=", Rounded("0.212"), words="the noise in it"),
        Statement(
            squared_error(drawn, guess), "=", sp.Rational(25, 10**4), words="the guess 0.25 costs 0.0025 exactly"
        ),
        Statement(estimate, "=", sp.Rational(105, 100), words="and implies a pixel of exactly 1.05"),
        Statement(
            error,
            "=",
            sp.sqrt((1 - a) / a) * (e - g),
            words="for any pixel and any guess: the error of the image is that of the noise over the root of the SNR",
            domain=Domain({"abar_x": UNIT, "x_pixel": REAL, "e_pixel": REAL, "g_pixel": REAL}),
        ),
        Statement(estimate - pixel, "=", sp.Rational(5, 100), words="here exactly 0.05, since the SNR is 1"),
    ),
    scope="these numbers, each to the digits shown; the formula for the error for all numbers",
    sources=("staircase, The Forward Process; The reparameterization",),
    words="A pixel of value 1 at half signal, half noise. A network that guesses 0.25 for a noise of 0.3 turns the "
    "pixel into 1.05.",
)

for _part, _middle in enumerate((sp.sqrt(half) * (pixel + drawn), sp.sqrt(half) * (pixel + drawn))):
    in_digits(one_pixel, _part, _middle, why="both weights are the root of one half")
in_digits(one_pixel, 2, sp.sqrt(half))
in_digits(one_pixel, 3, sp.sqrt(half) * drawn)
in_digits(one_pixel, 4)
in_digits(one_pixel, 5, why="the roots cancel, and 1 + 0.3 - 0.25 is left")
in_digits(one_pixel, 7)


@one_pixel.proves(6)
def _(line: Chain) -> None:
    line(error)
    line((sp.sqrt(a) * c + sp.sqrt(1 - a) * e - sp.sqrt(1 - a) * g) / sp.sqrt(a) - c, by=definition)
    line(sp.sqrt(1 - a) / sp.sqrt(a) * (e - g), why="the pixel cancels")
    line(sp.sqrt((1 - a) / a) * (e - g), why="abar > 0 and 1 - abar > 0: one root of the quotient")


ddim_stride = Claim(
    id="ddim.example.stride",
    title="One-pixel example: DDIM stride",
    chapter="Worked example",
    kind="numeric",
    says=(
        Statement(stride(later, estimate, guess), "=", Rounded("1.051"), words="from abar = 0.5 to abar = 0.8"),
        Statement(stride(later, estimate, guess), "=", Rounded("1.05095"), words="to six digits"),
        Statement(signal(later, estimate), "=", Rounded("0.939"), words="the guessed image in it"),
        Statement(hiss(later, guess), "=", Rounded("0.112"), words="the guessed noise in it"),
        Statement(
            stride(later, pixel, drawn),
            "=",
            Rounded("1.02859"),
            words="with the true noise it would land on the true path",
        ),
    ),
    scope="these numbers, each to the digits shown",
    sources=("staircase, DDIM",),
    words="One deterministic stride of DDIM from the pixel of ddpm.example.one_pixel: keep the guessed image and the "
    "guessed noise, and mix them anew with the weights of the new level.",
)

mixture = sp.sqrt(later) * sp.Rational(105, 100) + sp.sqrt(1 - later) * guess
in_digits(ddim_stride, 0, mixture, why="the guessed pixel is 1.05")
in_digits(ddim_stride, 1, mixture, why="the guessed pixel is 1.05")
in_digits(ddim_stride, 2, sp.sqrt(later) * sp.Rational(105, 100), why="the guessed pixel is 1.05")
in_digits(ddim_stride, 3, sp.sqrt(1 - later) * guess)
in_digits(ddim_stride, 4, sp.sqrt(later) + sp.sqrt(1 - later) * drawn)
