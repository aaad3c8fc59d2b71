"""What noise does for a score: it is defined everywhere, steep where there is little noise, deaf between far modes."""

from __future__ import annotations

import sympy as sp

from derivations.flow.paths import PATH, level, signal
from derivations.notation import d
from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Claim,
    D,
    Density,
    Domain,
    Expect,
    Grad,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    constant_vector,
    define,
    definition,
    density,
    differentiation,
    moments,
    positivity,
    scalar,
    vector_calculus,
)
from derivations.score.functions import clean, corruption, noisy

# --- a ladder of noise levels -----------------------------------------------------------------------------------------

blurred = Expect(Density("q", clean), sp.exp(LogDensity(corruption)))

ladder = Claim(
    id="score.noise_ladder",
    title="Noise makes a score everywhere, steep where the noise is small",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            Expect(corruption, Norm2(Grad(LogDensity(corruption), noisy))) / d,
            "=",
            1 / level**2,
            name="steep",
            words="the mean square of a coordinate of the score, given the datum: 1/sigma is its size",
        ),
        Statement(0, "<", blurred, name="everywhere", words="and blurred data have a density above 0 at every point"),
    ),
    domain=Domain(PATH),
    scope="any dimension d, any data law, on a manifold too, any signal a > 0 and noise level sigma > 0",
    sources=("staircase, Score Matching", "Song and Ermon 2019"),
    words="So at every level of the ladder there is a score to follow. It is gentle at the top, where sigma is near 1; "
    "at the bottom it is as steep as 1/sigma: a hundred at the first step of the usual chain.",
)


@ladder.proves("steep")
def _(line: Chain) -> None:
    line(Expect(corruption, Norm2(Grad(LogDensity(corruption), noisy))) / d)
    line(Expect(corruption, Norm2((noisy - signal * clean) / level**2)) / d, by=(density, vector_calculus))
    line(1 / level**2, by=moments)


@ladder.proves("everywhere")
def _(line: Chain) -> None:
    line(0)
    line.lt(blurred, by=positivity)


# --- two far modes ----------------------------------------------------------------------------------------------------

odds = scalar("log_odds", r"\ell")
one, two, variance = (
    constant_vector("one_mode", "m_1"),
    constant_vector("other_mode", "m_2"),
    scalar("v_1", "v_1", positive=True),
)
share = define("posterior_share", "r", lambda a, b: sp.exp(a) / (sp.exp(a) + sp.exp(b)))
first, second = LogDensity(Normal(noisy, one, variance)), LogDensity(Normal(noisy, two, variance))
mixture = sp.log(sp.exp(odds + first) + sp.exp(second))
slopes = (Grad(first, noisy), Grad(second, noisy))
mine, yours = share(odds, 0), share(0, odds)

off_support = Claim(
    id="score.off_support",
    title="Between far modes a score does not know their weights",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            Grad(mixture, noisy),
            "=",
            share(odds + first, second) * slopes[0] + share(second, odds + first) * slopes[1],
            name="mixed",
            words="the score of two blurred points is the mean of their scores, with their posterior shares",
        ),
        Statement(
            D(mine, odds),
            "=",
            mine * yours,
            name="reply",
            words="and a share replies to the log-odds of the weights by this much",
        ),
        Statement(
            mine * yours,
            "=",
            sp.exp(-odds) * mine**2,
            name="deaf",
            words="less than e to minus what speaks for one of them",
        ),
    ),
    domain=Domain({"log_odds": REAL, "v_1": POSITIVE}),
    scope="any dimension d, any two points, any width and any odds",
    sources=("staircase, Score Matching", "Wenliang and Kanagawa 2021"),
    words="Near one mode the other one's weight does not show: with |m_1 - m_2| = 10 widths a change of the odds moves "
    "the score by less than e^(-50). So samples keep the weights of where they came from, until noise brings the modes "
    "together.",
)


@off_support.proves("mixed")
def _(line: Chain) -> None:
    line(Grad(mixture, noisy))
    line(
        (sp.exp(odds + first) * slopes[0] + sp.exp(second) * slopes[1]) / (sp.exp(odds + first) + sp.exp(second)),
        by=vector_calculus,
    )
    line(share(odds + first, second) * slopes[0] + share(second, odds + first) * slopes[1], by=definition)


@off_support.proves("reply")
def _(line: Chain) -> None:
    line(D(mine, odds))
    line(D(sp.exp(odds) / (sp.exp(odds) + 1), odds), by=definition)
    line(sp.exp(odds) / (sp.exp(odds) + 1) ** 2, by=differentiation)
    line(mine * yours, by=definition)


@off_support.proves("deaf")
def _(line: Chain) -> None:
    line(mine * yours)
    line(sp.exp(odds) / (sp.exp(odds) + 1) ** 2, by=definition)
    line(sp.exp(-odds) * mine**2, by=definition)
