"""Guided outputs brought back into their range: by their standard deviation, and by a quantile of their own pixels."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.ddpm.clipping import PIXEL, cut, excess, said
from derivations.refutation.worlds import World
from derivations.rules import (
    CLOSED_UNIT,
    NONNEGATIVE,
    POSITIVE,
    REAL,
    Chain,
    Claim,
    Domain,
    Hypothesis,
    Statement,
    SumTo,
    above,
    define,
    definition,
    given,
    scalar,
    scalar_function,
)

# --- by the standard deviation ----------------------------------------------------------------------------------------

i, N = (sp.Symbol(name, integer=True, positive=True) for name in ("i_p", "N_p"))
guided = scalar_function("guided_pixel", "g")
factor, share = scalar("rescale_factor", "f"), scalar("rescale_share", r"\varphi")
wide, usual = scalar("guided_std", "s_g", positive=True), scalar("conditional_std", "s_c", positive=True)


def mean(scale: sp.Expr) -> sp.Expr:
    """The mean of the guided pixels times a number."""
    return SumTo(scale * guided(i), i, 1, N) / N


def variance(scale: sp.Expr) -> sp.Expr:
    """Their variance, by the number of pixels less one."""
    return (SumTo((scale * guided(i)) ** 2, i, 1, N) - N * mean(scale) ** 2) / (N - 1)


mixture = define("rescale_mixture", "r", lambda part, to, of: 1 - part + part * to / of, notation=False)
of_guided = Hypothesis(
    "deviation",
    "s_g is the standard deviation of the guided output: its squares add up to (N - 1) s_g^2 and those of the mean",
    SumTo(guided(i) ** 2, i, 1, N),
    (N - 1) * wide**2 + SumTo(guided(i), i, 1, N) ** 2 / N,
)


def pixels(rng: Random, seed: int) -> World:
    """Three or four pixels whose deviation is a fraction."""
    std = Fraction(rng.randint(2, 12), 4)
    middle = Fraction(rng.randint(-9, 9), 4)
    offsets = {0: (std, -std, Fraction(0)), 1: (3 * std / 2, -std / 2, -std / 2, -std / 2)}[seed % 2]
    values = [middle + o for o in offsets]
    families: dict[str, Any] = {"guided_pixel": lambda m: dict(enumerate(values, 1)).get(int(m), Fraction(7, 3))}
    numbers = {"N_p": len(values), "guided_std": std, "conditional_std": Fraction(rng.randint(2, 9), 4)}
    if seed % 5 == 4:  # where that is not its deviation
        numbers["guided_std"] = std + 1
    numbers |= {"rescale_factor": Fraction(rng.randint(2, 9), 4), "rescale_share": Fraction(rng.randint(1, 3), 4)}
    return World(seed=seed, numbers=numbers, families=families)


SIZES = {N: (sp.Integer(2), sp.oo)}

rescale = Claim(
    id="guidance.rescale",
    title="A guided output rescaled to the deviation of the conditional one",
    chapter="Guidance",
    kind="identity",
    says=(
        Statement(variance(factor), "=", factor**2 * variance(sp.S.One), name="scale", words="a factor counts twice"),
        Statement(
            variance(usual / wide),
            "=",
            usual**2,
            name="whole",
            words="so with the quotient of the deviations the output has the conditional one's",
        ),
        Statement(
            variance(mixture(share, usual, wide)),
            "=",
            ((1 - share) * wide + share * usual) ** 2,
            name="share",
            words="and a share phi of the rescaled output with the rest of the guided one has a deviation in between, "
            "in the same proportion: the two are multiples of one another",
        ),
        Statement(
            mean(mixture(share, usual, wide)),
            "=",
            mixture(share, usual, wide) * mean(sp.S.One),
            name="mean",
            words="the mean is shrunk as well, although nothing was wrong with it",
        ),
    ),
    domain=Domain(
        {
            "rescale_factor": REAL,
            "guided_std": POSITIVE,
            "conditional_std": POSITIVE,
            "rescale_share": CLOSED_UNIT,
        },
        SIZES,
    ),
    hypotheses=(of_guided,),
    worlds=(pixels,),
    scope="any number N >= 2 of pixels, any guided output that is not constant, any deviation of the conditional one, "
    "any share phi in [0, 1]; deviations with N - 1, over all pixels and channels of one example",
    sources=("Lin et al. 2024, eqs. 15 and 16",),
    words="Guidance makes outputs too wide. Dividing the width out again leaves the direction of the output alone.",
)


@rescale.proves("scale")
def _(line: Chain) -> None:
    line(variance(factor))
    line(factor**2 * variance(sp.S.One), why="the factor comes out of both sums, as a square")


@rescale.proves("whole")
def _(line: Chain) -> None:
    line(variance(usual / wide))
    line((usual / wide) ** 2 * variance(sp.S.One), by=above("scale", at={factor: usual / wide}))
    line(usual**2, by=given(of_guided))


@rescale.proves("share")
def _(line: Chain) -> None:
    r = mixture(share, usual, wide)
    line(variance(r))
    line(r**2 * variance(sp.S.One), by=above("scale", at={factor: r}))
    line(r**2 * wide**2, by=given(of_guided))
    line(((1 - share) * wide + share * usual) ** 2, by=definition, why="(1 - phi + phi s_c/s_g) s_g")


@rescale.proves("mean")
def _(line: Chain) -> None:
    line(mean(mixture(share, usual, wide)))
    line(mixture(share, usual, wide) * mean(sp.S.One), by=definition, why="the factor comes out of the sum")


# --- by a quantile ----------------------------------------------------------------------------------------------------

limit, room, place = scalar("threshold", "s", positive=True), scalar("threshold_room", "m"), scalar("pixel_place", "w")
squeezed = define(
    "squeezed",
    r"\mathrm{squeezed}",
    lambda v, at: (sp.Abs(v + at) - sp.Abs(v - at)) / (2 * at),
    notation=False,
)

threshold = Claim(
    id="guidance.dynamic_threshold",
    title="Dynamic thresholding: a picture in its range, with the contrast that a clip would lose",
    chapter="Guidance",
    kind="algorithm",
    says=(
        Statement(
            squeezed(limit * place, limit),
            "=",
            place,
            name="within",
            words="within the limit s the estimate is divided by s, and so brought into [-1, 1]",
        ),
        Statement(
            squeezed(limit + excess, limit),
            "=",
            1,
            name="light",
            words="what is lighter than the limit becomes white",
        ),
        Statement(squeezed(-limit - excess, limit), "=", -1, name="dark", words="and what is darker black"),
        Statement(
            squeezed(said, sp.S.One),
            "=",
            cut(said),
            name="static",
            words="a limit of 1, where the quantile is no larger, is a clip: an estimate in the range is left alone",
        ),
        Statement(
            squeezed(1 + excess, 1 + excess + room),
            "=",
            (1 + excess) / (1 + excess + room),
            name="contrast",
            words="pixels between 1 and the limit keep their differences: a clip would make all of them white",
        ),
        Statement(
            place - squeezed(place, 1 + room),
            "=",
            room / (1 + room) * place,
            name="price",
            words="the price is that the others fade with them: what was right is moved towards grey",
        ),
    ),
    domain=Domain(
        {
            "threshold": POSITIVE,
            "threshold_room": NONNEGATIVE,
            "pixel_place": PIXEL,
            "excess": NONNEGATIVE,
            "said_pixel": REAL,
        }
    ),
    scope="every pixel for itself, any estimate; s = max(1, q) with q a quantile of the absolute values of one "
    "example. No evaluation of a network",
    sources=("Saharia et al. 2022 (Imagen), section 2.3",),
    words="A clip with a limit that follows the picture, and a division by it.",
)


@threshold.proves("within")
def _(line: Chain) -> None:
    line(squeezed(limit * place, limit))
    line(place, by=definition, why="|s w + s| - |s w - s| = 2 s w")


@threshold.proves("light")
def _(line: Chain) -> None:
    line(squeezed(limit + excess, limit))
    line(1, by=definition, why="|2 s + e| - |e| = 2 s")


@threshold.proves("dark")
def _(line: Chain) -> None:
    line(squeezed(-limit - excess, limit))
    line(-1, by=definition, why="|-e| - |-2 s - e| = -2 s")


@threshold.proves("static")
def _(line: Chain) -> None:
    line(squeezed(said, sp.S.One))
    line(cut(said), by=definition, why="the same, with s = 1")


@threshold.proves("contrast")
def _(line: Chain) -> None:
    line(squeezed(1 + excess, 1 + excess + room))
    line((1 + excess) / (1 + excess + room), by=definition, why="it is below the limit by m")


@threshold.proves("price")
def _(line: Chain) -> None:
    line(place - squeezed(place, 1 + room))
    line(place - place / (1 + room), by=definition, why="no pixel in the range is beyond the limit")
    line(room / (1 + room) * place, why="over one denominator")
