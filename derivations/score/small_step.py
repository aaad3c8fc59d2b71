"""Why a step back may be a Gaussian: its law in units of its own width, in powers of that width."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.refutation.worlds import World
from derivations.rules import (
    UNIT,
    Chain,
    Claim,
    Domain,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Series,
    Statement,
    constant_vector,
    define,
    density,
    rate,
    scalar,
    scalar_function,
    series,
    smoothness,
    vector,
)

noisy = vector("seen_state", "x")
away = constant_vector("step_in_widths", "u")
datum = constant_vector("one_datum", "y")
width = scalar("step_width", "h")  # sqrt(beta_t)
log_before = scalar_function("log_density_before", "f")  # log q_{t-1}
there = noisy + width * away  # x_{t-1}
bend = rate(rate(log_before(noisy), 1, away), 1, away)
twist = rate(bend, 1, away)
kept = sp.sqrt(1 - width**2)

log_back = define(
    "log_of_small_step",
    r"\mathrm{b}",
    lambda x, y, w, then, now: -Norm2(x - sp.sqrt(1 - w**2) * y) / (2 * w**2) + then - now,
    notation=False,
)
stepped = log_back(noisy, there, width, log_before(there), log_before(noisy))
limit = -Norm2(away) / 2
tilt = Inner(away, noisy) / 2 + rate(log_before(noisy), 1, away)
shape = (bend + Norm2(away)) / 2 - Norm2(noisy) / 8


def a_bumpy_law(rng: Random, seed: int) -> World:
    """A log-density of fourth degree, a point and a direction."""
    d = 1 + seed % 2
    slopes = [[Fraction(rng.randint(-6, 6) or 1, 4) for _ in range(4)] for _ in range(d)]
    ways = {
        (name,): tuple(Fraction(rng.randint(1, 8), 4) for _ in range(d))
        for name in ("seen_state", "step_in_widths", "one_datum")
    }

    def log_density(x: Any) -> Any:
        return sum(
            a * v + b * v * v + c * v * v * v + e * v * v * v * v for v, (a, b, c, e) in zip(x, slopes, strict=True)
        )

    families: dict[str, Any] = {"log_density_before": log_density}
    numbers = {"step_width": Fraction(3, 5)}
    return World(d, seed=seed, numbers=numbers, vectors=ways, families=families, smooth=frozenset(families))


small_step = Claim(
    id="ddpm.reverse.small_step_gaussian",
    title="Small steps have nearly Gaussian reversals",
    chapter="Reverse process",
    kind="limit",
    says=(
        Statement(
            Series(stepped, width, 2),
            "=",
            limit + width * tilt,
            name="limit",
            words="as beta tends to 0 the log-density of x_{t-1} given x_t = x at x + sqrt(beta) u, up to what "
            "does not depend on u, is that of a standard normal law of u, and before that of one whose mean is off by "
            "sqrt(beta) (x/2 + grad f)",
        ),
        Statement(
            Series(stepped, width, 4),
            "=",
            limit + width * tilt + width**2 * shape + width**3 * (twist / 6 - Inner(away, noisy) / 8),
            name="beyond",
            words="then its precision is changed by the Hessian of f, and it is a Gaussian still. The first term that "
            "is not of a Gaussian is the third derivative, with beta^{3/2}",
        ),
        Statement(
            LogDensity(Normal(noisy, kept * datum, width**2)) - LogDensity(Normal(noisy, -kept * datum, width**2)),
            "=",
            2 * kept * Inner(noisy, datum) / width**2,
            name="two data",
            words="at t = 1 it fails: of two data y and -y one is ever more certain, and no law lies in between",
        ),
    ),
    domain=Domain({"step_width": UNIT}),
    worlds=(a_bumpy_law,),
    hypotheses=(
        smoothness(
            log_before, 4, "a density with an edge or with atoms is no quadratic, however near: see the last statement"
        ),
    ),
    scope="any dimension d, any law q_{t-1} with a density whose logarithm f has four continuous derivatives, at a "
    "fixed x; h = sqrt(beta_t). So with the noise level before the step held fixed: the derivatives of f are as "
    "large as inverse powers of sqrt(1 - abar_{t-1}), and beta_t must be small against that",
    sources=("Sohl-Dickstein et al. 2015", "staircase, The Bridge", "notes, 1.2.4"),
    words="A density looks flat to whoever looks closely enough: what is left is the step's own "
    "Gaussian, turned round.",
)


@small_step.proves("limit")
def _(line: Chain) -> None:
    line(Series(stepped, width, 2))
    line(limit + width * tilt, by=series, why="x less what is kept of x + h u is - h u + h^2 x/2, and smaller things")


@small_step.proves("beyond")
def _(line: Chain) -> None:
    line(Series(stepped, width, 4))
    line(
        limit
        + width * Inner(away, noisy) / 2
        + width**2 * (Norm2(away) / 2 - Norm2(noisy) / 8)
        - width**3 * Inner(away, noisy) / 8
        + width * rate(log_before(noisy), 1, away)
        + width**2 * bend / 2
        + width**3 * twist / 6,
        by=series,
        why="the step's own exponent, and Taylor's formula for the log-density before it",
    )
    line(
        limit + width * tilt + width**2 * shape + width**3 * (twist / 6 - Inner(away, noisy) / 8),
        why="power by power of the width",
    )


@small_step.proves("two data")
def _(line: Chain) -> None:
    line(LogDensity(Normal(noisy, kept * datum, width**2)) - LogDensity(Normal(noisy, -kept * datum, width**2)))
    line(
        (Norm2(noisy + kept * datum) - Norm2(noisy - kept * datum)) / (2 * width**2),
        by=density,
        why="one normaliser, which cancels",
    )
    line(2 * kept * Inner(noisy, datum) / width**2, why="the difference of the squares is four inner products")
