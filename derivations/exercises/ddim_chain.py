"""Exercises on DDIM along any steps."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.gaussian import GAUSSIAN, centre, now, spread, then
from derivations.exercises import exercise
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    Chain,
    Domain,
    Grad,
    LogDensity,
    Normal,
    Statement,
    density,
    vector_calculus,
)
from derivations.sde.fokker_planck import x


def stride(variance: sp.Expr, level: sp.Expr) -> sp.Expr:
    """Where the deterministic step to a ratio of noise to signal leads, with the exact noise for Gaussian data."""
    return x - now * (level - now) * Grad(LogDensity(Normal(x, centre, variance + now**2)), x)


# --- one image --------------------------------------------------------------------------------------------------------

one_image = exercise(
    "ddim_chain.one_image",
    "Where the data are a single image, no length of a stride is too long",
    Statement(
        stride(sp.S.Zero, then),
        "=",
        centre + then / now * (x - centre),
        words="the distance from it shrinks as the noise does",
    ),
    domain=Domain({"ratio_now": POSITIVE, "ratio_then": NONNEGATIVE}),
)


@one_image.proves()
def _(line: Chain) -> None:
    line(stride(sp.S.Zero, then))
    line(
        x + (then - now) / now * (x - centre),
        by=[density, vector_calculus],
        why="the noise is what separates the state from the image, over its level",
    )
    line(
        centre + then / now * (x - centre),
        why="(varsigma_s - varsigma_t)/varsigma_t = varsigma_s/varsigma_t - 1, and x - (x - m) = m",
    )


# --- in one stride to no noise ----------------------------------------------------------------------------------------

at_once = exercise(
    "ddim_chain.at_once",
    "All the way in one stride",
    Statement(
        stride(spread, sp.S.Zero),
        "=",
        centre + spread / (spread + now**2) * (x - centre),
        words="the sampler lands on the best guess of the image",
    ),
    domain=Domain(GAUSSIAN),
)


@at_once.proves()
def _(line: Chain) -> None:
    line(stride(spread, sp.S.Zero))
    line(
        x - now**2 / (spread + now**2) * (x - centre),
        by=[density, vector_calculus],
        why="the score of the noisy law, times the square of the ratio",
    )
    line(centre + spread / (spread + now**2) * (x - centre), why="what stays is the data's part of the variance")
