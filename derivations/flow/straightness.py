"""Straight paths and curved flows: Gaussian data, independently paired with Gaussian noise."""

from __future__ import annotations

import sympy as sp
from sympy import exp, log

from derivations.flow.paths import PATH, level, noise_of_clean, signal
from derivations.flow.units import spread
from derivations.rules import (
    POSITIVE,
    UNIT,
    Chain,
    Claim,
    D,
    Density,
    Domain,
    Expect,
    Grad,
    Hypothesis,
    LogDensity,
    Normal,
    Statement,
    by_claim,
    composition,
    define,
    definition,
    differentiation,
    given,
    identify,
    linearity,
    log_p,
    positivity,
    scalar,
    squares,
    total_probability,
    vector_calculus,
)
from derivations.score.functions import clean, corruption, noisy, score
from derivations.score.marginal import DIFFERENTIATED, denoiser, noised, posterior

share, other = scalar("time_share", "t"), scalar("noise_std", r"\sigma_1", positive=True)
half = sp.Rational(1, 2)
signal_rate, level_rate = scalar("signal_speed", r"\dot a"), scalar("level_speed", r"\dot\varsigma")
power = signal**2 * spread**2 + level**2


def variance(t: sp.Expr) -> sp.Expr:
    """Of (1 - t) x_0 + t x_1, with independent ends."""
    return (1 - t) ** 2 * spread**2 + t**2 * other**2


passed = define("flow_width", "w", lambda t, s_0, s_1: sp.sqrt((1 - t) ** 2 * s_0**2 + t**2 * s_1**2), notation=False)


def width(t: sp.Expr) -> sp.Expr:
    return sp.sqrt(variance(t))


pull = (share * other**2 - (1 - share) * spread**2) / variance(share)
gaussian_data = Hypothesis(
    "Gaussian data",
    "q(x_0) = N(0, sigma_data^2 I)",
    log_p("q", clean),
    LogDensity(Normal(clean, 0, spread**2)),
)
drawn, corrupted = Density("q", clean), exp(log_p("q", noisy, clean))
whole = LogDensity(Normal(noisy, 0, power))
moving = signal_rate * clean + level_rate * noise_of_clean(signal, level, noisy, clean)

curved = Claim(
    id="flow_matching.straight_paths",
    title="Straight paths, curved flow",
    chapter="Flow matching",
    kind="identity",
    says=(
        Statement(
            Expect(posterior, moving),
            "=",
            (signal * signal_rate * spread**2 + level * level_rate) / power * noisy,
            name="field",
            words="the velocity that is learned, the mean over all paths through x, of any path and its rates",
        ),
        Statement(
            D(width(share), share),
            "=",
            pull * width(share),
            name="flow",
            words="for straight lines, a = 1 - t and sigma = t sigma_1, a point moves as the width of the law does",
        ),
        Statement(
            width(half),
            "<",
            (spread + other) / 2,
            name="bend",
            words="half-way it is nearer to the origin than the middle of its chord: the flow is curved",
        ),
        Statement(
            passed(half, sp.S.One, sp.Integer(2)),
            "=",
            sp.sqrt(5) / 2,
            name="example",
            words="from N(0, 1) to N(0, 4) it passes 1.118, and the chord 1.5",
        ),
    ),
    domain=Domain({**PATH, "time_share": UNIT, "data_std": POSITIVE, "noise_std": POSITIVE}),
    hypotheses=(noised, gaussian_data, *DIFFERENTIATED),
    scope="any dimension d, any two widths, independent ends; with ends that are paired by the flow the lines are "
    "straight",
    sources=("staircase, Where the story goes", "Liu, Gong and Liu 2023"),
    words="What is straight is each path that is drawn for training. Where paths cross, the flow takes their mean "
    "velocity and turns.",
)


@curved.proves("field")
def _(line: Chain) -> None:
    line(Expect(posterior, moving))
    line(Expect(posterior, signal_rate * clean + level_rate * (noisy - signal * clean) / level), by=definition)
    line(signal_rate * denoiser + level_rate * (noisy - signal * denoiser) / level, by=linearity)
    guess = (noisy + level**2 * score) / signal
    line(
        signal_rate * guess + level_rate * (noisy - signal * guess) / level,
        by=by_claim("score.marginal_identity", part="denoiser"),
    )

    def seen(log_density: sp.Expr) -> sp.Expr:
        guess = (noisy + level**2 * Grad(log_density, noisy)) / signal
        return signal_rate * guess + level_rate * (noisy - signal * guess) / level

    line(seen(log(Expect(drawn, corrupted))), by=total_probability)
    line(seen(log(Expect(drawn, exp(LogDensity(corruption))))), by=given(noised))
    line(
        seen(log(Expect(Normal(clean, 0, spread**2), exp(LogDensity(corruption))))),
        by=identify(drawn, Normal(clean, 0, spread**2), given(gaussian_data)),
    )
    line(seen(whole), by=composition, why="variances add")
    guess = (noisy - level**2 * noisy / power) / signal
    line(signal_rate * guess + level_rate * (noisy - signal * guess) / level, by=vector_calculus)
    line(
        signal * signal_rate * spread**2 / power * noisy + level * level_rate / power * noisy,
        why="1 - varsigma^2/P = a^2 sigma_data^2/P, with P = a^2 sigma_data^2 + varsigma^2",
    )
    line((signal * signal_rate * spread**2 + level * level_rate) / power * noisy, why="over one denominator")


@curved.proves("flow")
def _(line: Chain) -> None:
    line(D(width(share), share))
    line(pull * width(share), by=differentiation)


@curved.proves("bend")
def _(line: Chain) -> None:
    line(width(half))
    line(sp.sqrt(spread**2 + other**2) / 2, why="a quarter under the root is a half before it")
    line.lt(
        (spread + other) / 2,
        by=squares(positivity),
        why="their squares differ by the product of the widths, over 2",
    )


@curved.proves("example")
def _(line: Chain) -> None:
    line(passed(half, sp.S.One, sp.Integer(2)))
    line(sp.sqrt(5) / 2, by=definition, why="the root of 1/4 + 4/4")
