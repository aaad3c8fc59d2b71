"""Numbers of one step and of the standard schedule: a start with the right moments, and the profile of the weights."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.ends import along, clean_along, data, drawn, way
from derivations.ddpm.schedule import abar_linear, beta_linear
from derivations.notation import eps, integrable, x
from derivations.onestep import ONE_LEVEL, mixed
from derivations.onestep import alpha as share
from derivations.rules import (
    REAL,
    Chain,
    Claim,
    Domain,
    Expect,
    Inner,
    Norm2,
    Rounded,
    Statement,
    by_claim,
    constant_vector,
    define,
    definition,
    interval_arithmetic,
    linearity,
    moments,
    scalar,
)

# --- a start with the right moments -----------------------------------------------------------------------------------

another, centre = constant_vector("other_direction", "u"), scalar("start_centre", "c")
across, clean_across = Inner(another, mixed(share, x(0), eps)), Inner(another, x(0))
mean, square = Expect(data, clean_along), Expect(data, clean_along**2)
spread = share * (square - mean**2) + (1 - share) * Norm2(way)
together = Expect(data, clean_along * clean_across) - mean * Expect(data, clean_across)

start = Claim(
    id="onestep.prior.moment_matched_hack",
    title="A start with the right moments, pixel by pixel",
    chapter="One step",
    kind="algorithm",
    says=(
        Statement(
            drawn((along - centre) ** 2),
            "=",
            spread + (sp.sqrt(share) * mean - centre) ** 2,
            name="square",
            words="the mean square of x_1 about c along w: least at the mean, where it is alpha times the variance of "
            "the data and that of the noise",
        ),
        Statement(
            drawn(along * across) - drawn(along) * drawn(across),
            "=",
            share * together + (1 - share) * Inner(way, another),
            name="between",
            words="but two pixels of x_1 vary together as much as alpha times those of the data: left out by a start "
            "that is made pixel by pixel",
        ),
    ),
    domain=Domain({**ONE_LEVEL.intervals, "start_centre": REAL}),
    hypotheses=(integrable,),
    scope="any dimension d, any data with second moments, any alpha in (0, 1); any two directions, so any two pixels",
    sources=("journey, 2.4", "derived here"),
    words="A start at the empirical mean and variance of every pixel has the moments of x_1 one by one, and misses "
    "what pixels have in common.",
)


@start.proves("square")
def _(line: Chain) -> None:
    line(drawn((along - centre) ** 2))
    line(
        drawn((sp.sqrt(share) * clean_along + sp.sqrt(1 - share) * Inner(way, eps) - centre) ** 2),
        by=definition,
        why="x_1 along w",
    )
    line(Expect(data, (sp.sqrt(share) * clean_along - centre) ** 2 + (1 - share) * Norm2(way)), by=moments)
    line(share * square - 2 * sp.sqrt(share) * centre * mean + centre**2 + (1 - share) * Norm2(way), by=linearity)
    line(spread + (sp.sqrt(share) * mean - centre) ** 2, why="complete the square in c")


@start.proves("between")
def _(line: Chain) -> None:
    line(drawn(along * across) - drawn(along) * drawn(across))
    line(
        drawn(
            (sp.sqrt(share) * clean_along + sp.sqrt(1 - share) * Inner(way, eps))
            * (sp.sqrt(share) * clean_across + sp.sqrt(1 - share) * Inner(another, eps))
        )
        - drawn(along) * drawn(across),
        by=definition,
        why="x_1 along w and along u",
    )
    line(
        Expect(data, share * clean_along * clean_across + (1 - share) * Inner(way, another))
        - drawn(along) * drawn(across),
        by=moments,
    )
    line(
        share * Expect(data, clean_along * clean_across)
        + (1 - share) * Inner(way, another)
        - sp.sqrt(share) * mean * drawn(across),
        by=(linearity, by_claim("onestep.tradeoff", part="mean")),
    )
    line(
        share * together + (1 - share) * Inner(way, another),
        by=by_claim("onestep.tradeoff", part="mean", at={way: another}),
    )


# --- the weights of the standard schedule -----------------------------------------------------------------------------

first, last = sp.Rational(1, 10**4), sp.Rational(2, 100)


def beta(n: int) -> sp.Expr:
    return beta_linear(n, 1000, first, last)


over_noise = define("over_noise", r"\rho^\epsilon", lambda b, before: 2 * (1 - b) * (1 - before) / b, notation=False)
over_data = define(
    "over_data",
    r"\rho^{x_0}",
    lambda b, before: 2 * (1 - before) * (1 - (1 - b) * before) / (b * before),
    notation=False,
)


def noise_at(n: int) -> sp.Expr:
    return over_noise(beta(n), abar_linear(n - 1))


def data_at(n: int) -> sp.Expr:
    return over_data(beta(n), abar_linear(n - 1))


SHOWN = (
    (noise_at(2), "1.6676", "at the second step the simple loss counts 1.67 times as much as the bound"),
    (noise_at(10), "11.57", "at the tenth 12 times"),
    (noise_at(100), "97.40", "at the hundredth 97 times"),
    (noise_at(350), "200.72", "in the middle of the chain 201 times"),
    (noise_at(1000), "98.00", "and at the end 98 times"),
    (data_at(2), "0.00036679", "a loss on the data without weights counts the second step hardly at all"),
)

profile = Claim(
    id="ddpm.loss.weight_profile",
    title="How the bound weighs the steps of the standard schedule",
    chapter="Losses",
    kind="numeric",
    says=tuple(Statement(value, "=", Rounded(digits), words=words) for value, digits, words in SHOWN),
    scope="T = 1000, beta from 1e-4 to 0.02, sigma_t^2 = beta_tilde_t, t >= 2; each value to the digits shown",
    sources=("derived here", "staircase, the reparameterization"),
    words="Relative to the bound the simple loss cares 120 times less for the second step than for the middle of the "
    "chain. A loss on the data without weights all but forgets it.",
)


def _value(part: int, value: sp.Expr, digits: str) -> None:
    @profile.proves(part)
    def _(line: Chain) -> None:
        line(value)
        line(Rounded(digits), by=[definition, interval_arithmetic], why="a product of exact fractions, enclosed")


for _part, (_shown, _digits, _said) in enumerate(SHOWN):
    _value(_part, _shown, _digits)
