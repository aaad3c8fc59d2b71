"""Between two codes, between two resolutions, between two averages: interpolations, cascades, profiles of averages."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import sympy as sp

from derivations.notation import integrable
from derivations.refutation.worlds import World
from derivations.rules import (
    NONZERO,
    POSITIVE,
    REAL,
    Chain,
    Claim,
    Density,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    Norm2,
    Statement,
    bayes,
    constant_vector,
    define,
    definition,
    given,
    linearity,
    log_p,
    scalar,
    scalar_function,
    tower,
    vector,
)
from derivations.vae.limits import values

# --- spherical interpolation ------------------------------------------------------------------------------------------

one, two, length = (
    constant_vector("one_end", "a"),
    constant_vector("other_end", "b"),
    scalar("end_length", "r", positive=True),
)
half_angle, half_way = scalar("half_angle", "u"), scalar("half_way", "w")
cosine = define("cosine", r"\mathrm{cos}", lambda v: (1 - v**2) / (1 + v**2), notation=False)
sine = define("sine", r"\mathrm{sin}", lambda v: 2 * v / (1 + v**2), notation=False)
C, S, c, s = cosine(half_angle), sine(half_angle), cosine(half_way), sine(half_way)
left = define("sine_left", r"\mathrm{sin}_-", lambda v, at: sine(v) * cosine(at) - cosine(v) * sine(at), notation=False)
remaining = left(half_angle, half_way)
between = (remaining * one + s * two) / S  # the weights sin(omega - theta) and sin(theta), over sin(omega)
lengths = (
    Hypothesis("length of a", "a has the length r", Norm2(one), length**2),
    Hypothesis("length of b", "b has the length r", Norm2(two), length**2),
    Hypothesis("angle of a and b", "their angle is omega = 2 arctan u", Inner(one, two), length**2 * C),
)


def on_a_circle(rng: Random, n: int) -> World:
    """Two ends on a circle of rational points."""
    r, u, w = (Fraction(rng.randint(1, 12), rng.randint(3, 8)) for _ in range(3))
    turned = (1 - u * u) / (1 + u * u), 2 * u / (1 + u * u)
    ends = {("one_end",): (r, Fraction(0)), ("other_end",): (r * turned[0], r * turned[1])}
    return World(2, seed=n, numbers={"end_length": r, "half_angle": u, "half_way": w}, vectors=ends)


interpolation = Claim(
    id="noise.interpolation",
    title="Spherical interpolation keeps the length, and turns at an even pace",
    chapter="Latents",
    kind="identity",
    says=(
        Statement(c**2 + s**2, "=", 1, name="circle", words="with u = tan(omega/2), every angle but a half turn"),
        Statement(Norm2(between), "=", length**2, name="length", words="between two codes of one length, that length"),
        Statement(
            Inner(one, between),
            "=",
            length**2 * c,
            name="angle",
            words="at the angle that was asked for",
        ),
        Statement(
            Norm2((one + two) / 2),
            "=",
            length**2 * (1 + C) / 2,
            name="chord",
            words="half-way along the chord it is shorter: between orthogonal codes half the square is lost",
        ),
    ),
    domain=Domain({"half_angle": NONZERO, "half_way": REAL, "end_length": POSITIVE}),
    hypotheses=lengths,
    worlds=(on_a_circle,),
    scope="any dimension, any length r > 0, any angle omega but 0 and a half turn, any angle theta between",
    sources=("Shoemake 1985", "slides, Image interpolation", "Song et al. 2021 (DDIM), appendix D.5"),
    words="Gaussian noise in many dimensions has nearly one length, so a network expects that length. Straight lines "
    "lose it, arcs do not.",
)


@interpolation.proves("circle")
def _(line: Chain) -> None:
    line(c**2 + s**2)
    line(1, by=definition)


@interpolation.proves("length")
def _(line: Chain) -> None:
    first, second = remaining / S, s / S
    line(Norm2(between))
    line(
        first**2 * Norm2(one) + 2 * first * second * Inner(one, two) + second**2 * Norm2(two),
        why="the square of a sum: both squares, and twice the inner product",
    )
    line(
        length**2 * (first**2 + 2 * first * second * C + second**2),
        by=[given(h) for h in lengths],
    )
    line(length**2, by=definition, why="the law of cosines, backwards")


@interpolation.proves("angle")
def _(line: Chain) -> None:
    line(Inner(one, between))
    line(
        remaining / S * Norm2(one) + s / S * Inner(one, two),
        why="the inner product is linear, and that of a with itself is |a|^2",
    )
    line(length**2 * (remaining / S + s / S * C), by=[given(h) for h in lengths])
    line(length**2 * c, by=definition)


@interpolation.proves("chord")
def _(line: Chain) -> None:
    line(Norm2((one + two) / 2))
    line(
        (Norm2(one) + 2 * Inner(one, two) + Norm2(two)) / 4, why="the square of a sum; the half leaves it as a quarter"
    )
    line(length**2 * (1 + C) / 2, by=[given(h) for h in lengths])


# --- cascades and compressions ----------------------------------------------------------------------------------------

small, large, text = (
    vector("small_picture", r"x_{\mathrm{lo}}"),
    vector("large_picture", r"x_{\mathrm{hi}}"),
    vector("caption", "y"),
)
pair, small_law = Density("q", [small, large, text]), Density("q", [small, text])

cascade = Claim(
    id="cascade.factorization",
    title="Why the models of a cascade train apart",
    chapter="Latents",
    kind="identity",
    says=(
        Statement(
            log_p("p", [large, small], text),
            "=",
            log_p("p", small, text) + log_p("p", large, [small, text]),
            name="factors",
            words="a small picture given the text, and a large one given both",
        ),
        Statement(
            Expect(pair, log_p("p", [large, small], text)),
            "=",
            Expect(small_law, log_p("p", small, text)) + Expect(pair, log_p("p", large, [small, text])),
            name="apart",
            words="on average over the data two sums, each with a model of its own: the best of both is the best pair",
        ),
    ),
    hypotheses=(integrable,),
    scope="any densities of a small and a large picture given a text; the small one may be made from the large one",
    sources=("slides, Cascaded diffusion models", "Ho et al. 2022 (cascaded diffusion)"),
    words="No approximation: the stages share no parameter, so they may be trained at the same time. In sampling the "
    "second one sees what the first one made, which is another law; noise on its input bridges that.",
)


@cascade.proves("factors")
def _(line: Chain) -> None:
    line(log_p("p", [large, small], text))
    line(log_p("p", small, text) + log_p("p", large, [small, text]), by=bayes)


@cascade.proves("apart")
def _(line: Chain) -> None:
    first, second = log_p("p", small, text), log_p("p", large, [small, text])
    line(Expect(pair, log_p("p", [large, small], text)))
    line(Expect(pair, first + second), by=bayes)
    line(Expect(pair, first) + Expect(pair, second), by=linearity)
    line(
        Expect(small_law, first) + Expect(pair, second),
        by=tower,
        why="the first term does not look at the large picture",
    )


side, factor, channels, deep = (
    scalar(name, tex, positive=True)
    for name, tex in (
        ("picture_side", "n"),
        ("side_factor", "f"),
        ("picture_channels", "c"),
        ("latent_channels", "k"),
    )
)

compression = Claim(
    id="ldm.compression.counts",
    title="How much a first stage compresses",
    chapter="Latents",
    kind="identity",
    says=(
        Statement(
            values(side, channels) / values(side / factor, deep),
            "=",
            factor**2 * channels / deep,
            name="numbers",
            words="f per side is f^2 fewer places, and f^2 c/k fewer numbers",
        ),
        Statement(
            values(sp.Integer(512), sp.Integer(3)) / values(sp.Integer(512) / 8, sp.Integer(4)),
            "=",
            sp.Integer(48),
            name="stable",
            words="for pictures of 512 and latents of 64 x 64 x 4 a factor of 48, and not 8",
        ),
    ),
    domain=Domain(
        {n: POSITIVE for n in ("picture_side", "side_factor", "picture_channels", "latent_channels")},
    ),
    scope="any square picture, any factor per side, any numbers of channels",
    sources=("article, Latent Diffusion", "Rombach et al. 2022, section 3.1"),
    words="The factor that is quoted is that of one side. Attention, the square of the places, gains f^4.",
)


@compression.proves("numbers")
def _(line: Chain) -> None:
    line(values(side, channels) / values(side / factor, deep))
    line(factor**2 * channels / deep, by=definition, why="the side cancels")


@compression.proves("stable")
def _(line: Chain) -> None:
    line(values(sp.Integer(512), sp.Integer(3)) / values(sp.Integer(512) / 8, sp.Integer(4)))
    line(sp.Integer(48), by=definition)


# --- averages of weights ----------------------------------------------------------------------------------------------

n, k = sp.Symbol("n", integer=True, positive=True), sp.Symbol("k", integer=True, positive=True)
profile, power = scalar_function("profile", "h", positive=True), scalar("profile_power", "p", positive=True)
decay = define("profile_decay", r"\beta", lambda m: profile(m - 1) / profile(m))
weight = define("profile_weight", r"\omega", lambda m, last: (profile(m) - profile(m - 1)) / profile(last))
LATER = Domain({"profile": POSITIVE, "profile_power": POSITIVE}, {n: (2, sp.oo), k: (2, n)})

ema = Claim(
    id="ema.profile",
    title="Moving averages whose decay follows a profile",
    chapter="Latents",
    kind="identity",
    says=(
        Statement(
            decay(n) * weight(k, n - 1),
            "=",
            weight(k, n),
            name="old",
            words="an update decays what was averaged, and its weights stay increments of the profile",
        ),
        Statement(1 - decay(n), "=", weight(n, n), name="new", words="and gives the newest its own increment"),
        Statement(
            power / (power + 2) - (power / (power + 1)) ** 2,
            "=",
            power / ((power + 1) ** 2 * (power + 2)),
            name="width",
            words="for h = k^p, p = gamma + 1, the density p tau^(p - 1) of the share tau of training has the moments "
            "p/(p + 1) and p/(p + 2): this is its variance, sigma_rel^2",
        ),
    ),
    domain=LATER,
    scope="any profile h > 0, any updates 2 <= k <= n; the width for power functions, any p > 0",
    sources=("Karras et al. 2024 (EDM2), eqs. 123 and 127",),
    words="One profile for a whole run, however long it is: its width is a share of the training so far.",
)


@ema.proves("old")
def _(line: Chain) -> None:
    line(decay(n) * weight(k, n - 1))
    line(profile(n - 1) / profile(n) * (profile(k) - profile(k - 1)) / profile(n - 1), by=definition)
    line(weight(k, n), by=definition)


@ema.proves("new")
def _(line: Chain) -> None:
    line(1 - decay(n))
    line((profile(n) - profile(n - 1)) / profile(n), by=definition)
    line(weight(n, n), by=definition)


@ema.proves("width")
def _(line: Chain) -> None:
    line(power / (power + 2) - (power / (power + 1)) ** 2)
    line(
        (power * (power + 1) ** 2 - power**2 * (power + 2)) / ((power + 1) ** 2 * (power + 2)),
        why="over one denominator",
    )
    line(power / ((power + 1) ** 2 * (power + 2)), why="above the bar p^3 and 2 p^2 cancel, and p is left")
