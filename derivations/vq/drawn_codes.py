"""Codes that are drawn or counted: noise that draws a class, an index for levels, and time as an angle."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.latent.interpolation import cosine, sine
from derivations.refutation.worlds import World
from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Claim,
    D,
    Domain,
    Hypothesis,
    ProductTo,
    Statement,
    SumTo,
    below,
    define,
    definition,
    differentiation,
    exponents,
    given,
    induction_hypothesis,
    last_term,
    scalar,
    scalar_function,
)
from derivations.vq.assignment import K, a_few_codes, k, share, shares

# --- noise that draws a class -----------------------------------------------------------------------------------------

height = scalar("gumbel_height", "m")
chosen = sp.Symbol("k_g", integer=True, positive=True)
under = define("gumbel_under", "G", lambda p, m: sp.exp(-p * sp.exp(-m)))  # chance that log p + Gumbel noise is under m


def a_choice(rng: Random, number: int) -> World:
    """One to four classes, and one of them at some height."""
    world = a_few_codes(rng, number)
    count = world.numbers["K_v"]
    world.numbers |= {"k_g": rng.randint(1, count), "gumbel_height": Fraction(rng.randint(-20, 30), 10)}
    return world


gumbel = Claim(
    id="gumbel.softmax",
    title="Gumbel noise on log-probabilities draws the classes",
    chapter="Vector quantisation",
    kind="identity",
    says=(
        Statement(
            D(under(share(chosen), height), height),
            "=",
            share(chosen) * sp.exp(-height) * under(share(chosen), height),
            name="density",
            words="how likely the height of one class is",
        ),
        Statement(
            share(chosen) * sp.exp(-height) * ProductTo(under(share(k), height), k, 1, K),
            "=",
            share(chosen) * D(under(1, height), height),
            name="highest",
            words="that it is at m, and all others are under it: its share, times the density of one Gumbel height. "
            "Over all heights that adds up to the share",
        ),
    ),
    domain=Domain(
        {"code_share": POSITIVE, "gumbel_height": REAL},
        {K: (sp.S.One, sp.oo), chosen: (sp.S.One, K)},
    ),
    hypotheses=(shares,),
    worlds=(a_choice,),
    scope="any number K of classes, any shares above 0 that add up to 1; heights log p_k + g_k with independent "
    "standard Gumbel g_k. Dividing all heights by a temperature changes no order, so this is the law of the largest "
    "entry of a Gumbel-softmax at every temperature",
    sources=("Maddison et al. 2017 (Concrete)", "Jang et al. 2017 (Gumbel-softmax)"),
    words="The largest entry is an exact draw. The soft vector itself has another mean than the shares: for two "
    "classes of 0.9 and 0.1 and a temperature of 1 it is 0.816.",
)


@gumbel.proves("density")
def _(line: Chain) -> None:
    line(D(under(share(chosen), height), height))
    line(D(sp.exp(-share(chosen) * sp.exp(-height)), height), by=definition)
    line(share(chosen) * sp.exp(-height) * sp.exp(-share(chosen) * sp.exp(-height)), by=differentiation)
    line(share(chosen) * sp.exp(-height) * under(share(chosen), height), by=definition)


@gumbel.proves("highest")
def _(line: Chain) -> None:
    line(share(chosen) * sp.exp(-height) * ProductTo(under(share(k), height), k, 1, K))
    line(share(chosen) * sp.exp(-height) * ProductTo(sp.exp(-share(k) * sp.exp(-height)), k, 1, K), by=definition)
    line(
        share(chosen) * sp.exp(-height) * sp.exp(-sp.exp(-height) * SumTo(share(k), k, 1, K)),
        by=exponents,
        why="a product of exponentials",
    )
    line(share(chosen) * sp.exp(-height) * sp.exp(-sp.exp(-height)), by=given(shares))
    line(share(chosen) * D(sp.exp(-sp.exp(-height)), height), by=differentiation)
    line(share(chosen) * D(under(1, height), height), by=definition)


# --- an index for levels ----------------------------------------------------------------------------------------------

n, i = (sp.Symbol(name, integer=True, positive=True) for name in ("digits", "i_d"))
levels, place = scalar_function("levels_of", "L", positive=True), scalar_function("place_value", "P", positive=True)
digit = scalar_function("digit", "c")
places = (
    Hypothesis("first place", "the first digit counts ones", place(1), sp.S.One),
    Hypothesis(
        "next place",
        "each place counts the values that all digits before it can take",
        place(i),
        place(i - 1) * levels(i - 1),
        {i: (sp.Integer(2), sp.oo)},
    ),
)


def a_few_digits(rng: Random, seed: int) -> World:
    """One to four digits; now and then with places that are none."""
    count = [rng.randint(2, 8) for _ in range(8)]
    values = [Fraction(2 if seed % 8 == 5 else 1)]
    for c in count:
        values.append(values[-1] * c + (1 if seed % 8 == 6 else 0))
    families: dict[str, Any] = {
        "levels_of": lambda m: Fraction(count[int(m) - 1]),
        "place_value": lambda m: values[int(m) - 1],
    }
    return World(seed=seed, numbers={"digits": 1 + seed % 4}, families=families)


fsq = Claim(
    id="fsq.codes",
    title="Finite scalar quantisation: how many codes, and their index",
    chapter="Vector quantisation",
    kind="identity",
    says=(
        Statement(
            SumTo((levels(i) - 1) * place(i), i, 1, n),
            "=",
            place(n + 1) - 1,
            name="last",
            words="with every digit at its highest the index is one less than the product of all numbers of levels",
        ),
        Statement(
            SumTo(digit(i) * place(i), i, 1, n + 1),
            "=",
            SumTo(digit(i) * place(i), i, 1, n) + digit(n + 1) * place(n) * levels(n),
            name="read",
            words="and a further digit counts whole products: so dividing with remainder gives the digits back, and no "
            "index stands for two codes",
        ),
        Statement(
            place(n + 1),
            "=",
            ProductTo(levels(i), i, 1, n),
            name="count",
            words="the number of codes is the product of all numbers of levels",
        ),
    ),
    domain=Domain({"levels_of": POSITIVE, "place_value": POSITIVE}, {n: (sp.S.One, sp.oo)}),
    hypotheses=places,
    worlds=(a_few_digits,),
    scope="any number of digits, any numbers of levels; digits count from 0",
    sources=("Mentzer et al. 2023 (FSQ)",),
    words="Levels 8, 5, 5, 5 make a thousand codes, and no codebook is learned. The short formula that rounds "
    "floor(L/2) tanh(z) has L + 1 values where L is even: there the levels need an offset of a half.",
)


@fsq.proves("last", induction_on=n)
def _(base: Chain, step: Chain) -> None:
    base(SumTo((levels(i) - 1) * place(i), i, 1, 1))
    base(levels(1) * place(1) - place(1), why="a sum of one term, multiplied out")
    base(place(2) - 1, by=[given(places[1], i_d=2), given(places[0])])
    step(SumTo((levels(i) - 1) * place(i), i, 1, n + 1))
    step(SumTo((levels(i) - 1) * place(i), i, 1, n) + (levels(n + 1) - 1) * place(n + 1), by=last_term(n + 1))
    step(place(n + 1) - 1 + (levels(n + 1) - 1) * place(n + 1), by=induction_hypothesis)
    step(place(n + 2) - 1, by=given(places[1], i_d=n + 2))


@fsq.proves("read")
def _(line: Chain) -> None:
    line(SumTo(digit(i) * place(i), i, 1, n + 1))
    line(SumTo(digit(i) * place(i), i, 1, n) + digit(n + 1) * place(n + 1), by=last_term(n + 1))
    line(
        SumTo(digit(i) * place(i), i, 1, n) + digit(n + 1) * place(n) * levels(n),
        by=given(places[1], i_d=n + 1),
    )


@fsq.proves("count", induction_on=n)
def _(base: Chain, step: Chain) -> None:
    base(place(2))
    base(levels(1), by=[given(places[1], i_d=2), given(places[0])])
    base(ProductTo(levels(i), i, 1, 1), why="a product of one factor")
    step(place(n + 2))
    step(place(n + 1) * levels(n + 1), by=given(places[1], i_d=n + 2))
    step(ProductTo(levels(i), i, 1, n) * levels(n + 1), by=induction_hypothesis)
    step(ProductTo(levels(i), i, 1, n + 1), by=last_term(n + 1))


# --- time as an angle -------------------------------------------------------------------------------------------------

now, later = scalar("half_angle_now", "u"), scalar("half_angle_later", "w")
frequencies, f = (
    sp.Symbol("frequencies", integer=True, positive=True),
    sp.Symbol("i_f", integer=True, positive=True),
)
half_angle = scalar_function("half_angle_of", "u")
after, between = (now + later) / (1 - now * later), (later - now) / (1 + now * later)

embedding = Claim(
    id="unet.time_embedding.relative",
    title="A sinusoidal embedding turns with time",
    chapter="Worked example",
    kind="identity",
    says=(
        Statement(
            cosine(after),
            "=",
            cosine(later) * cosine(now) - sine(later) * sine(now),
            name="cosine",
            words="k steps later the pair of one frequency has turned by an angle that depends on k alone",
        ),
        Statement(
            sine(after),
            "=",
            sine(later) * cosine(now) + cosine(later) * sine(now),
            name="sine",
            words="both of its coordinates",
        ),
        Statement(
            cosine(now) * cosine(later) + sine(now) * sine(later),
            "=",
            cosine(between),
            name="product",
            words="so the inner product of two times is a function of their difference",
        ),
        Statement(
            SumTo(cosine(half_angle(f)) ** 2 + sine(half_angle(f)) ** 2, f, 1, frequencies),
            "=",
            frequencies,
            name="length",
            words="and every time has the same length, the root of d/2",
        ),
    ),
    domain=Domain(
        {"half_angle_now": REAL, "half_angle_later": REAL},
        {frequencies: (sp.S.One, sp.oo)},
        conditions=(below(now * later, 1), below(-now * later, 1)),
    ),
    scope="any frequencies, u and w the tangents of half of omega t and omega k: every pair of angles for which the "
    "tangents' product lies between -1 and 1, the others by continuity",
    sources=("Vaswani et al. 2017", "Ho et al. 2020, appendix B"),
    words="A network can read from it how far apart two times are, by a linear map that is the same at all times.",
)


@embedding.proves("cosine")
def _(line: Chain) -> None:
    line(cosine(after))
    line(cosine(later) * cosine(now) - sine(later) * sine(now), by=definition)


@embedding.proves("sine")
def _(line: Chain) -> None:
    line(sine(after))
    line(sine(later) * cosine(now) + cosine(later) * sine(now), by=definition)


@embedding.proves("product")
def _(line: Chain) -> None:
    line(cosine(now) * cosine(later) + sine(now) * sine(later))
    line(cosine(between), by=definition)


@embedding.proves("length")
def _(line: Chain) -> None:
    line(SumTo(cosine(half_angle(f)) ** 2 + sine(half_angle(f)) ** 2, f, 1, frequencies))
    line(SumTo(sp.S.One, f, 1, frequencies), by=definition)
    line(frequencies, why="a sum of ones counts its terms")
