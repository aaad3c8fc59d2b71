"""Exercises on what a VAE is trained with."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.notation import d, i, k, mu, mu_theta, obs, sigma_x, std, z
from derivations.rules import (
    POSITIVE,
    BernoulliProduct,
    Chain,
    Coord,
    Domain,
    Expect,
    LogDensity,
    Normal,
    Statement,
    SumTo,
    density,
    moments,
)
from derivations.vae.decoders import bit, error, gaussian
from derivations.vae.latent_term import DIAGONAL, encoder

half = sp.Rational(1, 2)

# --- a decoder that knows nothing -------------------------------------------------------------------------------------

ignorant = exercise(
    "vae_objective.ignorant",
    "What a decoder pays that gives every pixel one half",
    Statement(LogDensity(BernoulliProduct(obs, i, half, d)), "=", -d * sp.log(2)),
)


@ignorant.proves()
def _(line: Chain) -> None:
    line(LogDensity(BernoulliProduct(obs, i, half, d)))
    line(
        SumTo(bit * sp.log(half) + (1 - bit) * sp.log(half), i, 1, d),
        by=density,
        why="one term a pixel, whatever the pixel is",
    )
    line(-d * sp.log(2), why="the pixel drops out: its two weights sum to 1")


# --- twice the spread -------------------------------------------------------------------------------------------------

twice_the_spread = exercise(
    "vae_objective.twice_the_spread",
    "When a decoder gains by doubling its spread",
    Statement(
        LogDensity(Normal(obs, mu_theta(z), 4 * sigma_x**2)) - LogDensity(gaussian),
        "=",
        3 * error / (8 * sigma_x**2) - d * sp.log(2),
    ),
    domain=Domain({"sigma_x": POSITIVE}),
)


@twice_the_spread.proves()
def _(line: Chain) -> None:
    line(LogDensity(Normal(obs, mu_theta(z), 4 * sigma_x**2)) - LogDensity(gaussian))
    line(
        -d * sp.log(8 * sp.pi * sigma_x**2) / 2
        - error / (8 * sigma_x**2)
        + d * sp.log(2 * sp.pi * sigma_x**2) / 2
        + error / (2 * sigma_x**2),
        by=density,
    )
    line(3 * error / (8 * sigma_x**2) - d * sp.log(2), why="an error costs a quarter, and the normaliser log 2 more")


# --- the length of a code ---------------------------------------------------------------------------------------------

length = exercise(
    "vae_objective.length_of_a_code",
    "How long a code is, in mean square",
    Statement(
        Expect(encoder, SumTo(Coord(z, i) ** 2, i, 1, k)),
        "=",
        SumTo(Coord(mu, i) ** 2 + Coord(std, i) ** 2, i, 1, k),
    ),
    domain=DIAGONAL,
)


@length.proves()
def _(line: Chain) -> None:
    line(Expect(encoder, SumTo(Coord(z, i) ** 2, i, 1, k)))
    line(
        SumTo(Coord(mu, i) ** 2 + Coord(std, i) ** 2, i, 1, k),
        by=moments,
        why="in each coordinate the square of the mean and the variance",
    )
