"""What guided sampling really draws where everything is known: two Gaussians, the flow, the SDE and the tilted law.

In units of the signal, with s the noise variance there: data with the condition N(0, v), without it N(0, v + delta), so
that noisy data have the variances v + s and v + delta + s. The scale is w = 1 + gamma; gamma = 0 is no guidance.
"""

from __future__ import annotations

import sympy as sp

from derivations.guidance.classifier_free import guided
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    At,
    Chain,
    Claim,
    D,
    Domain,
    Grad,
    LogDensity,
    Normal,
    Statement,
    above,
    continuity,
    define,
    definition,
    differentiation,
    scalar,
    vector_calculus,
)
from derivations.sde.fokker_planck import x

gamma = scalar("guidance_beyond", r"\gamma")
v = scalar("variance_with", "v", positive=True)
gap = scalar("variance_gap", r"\delta")
s = scalar("noise_variance", "s", positive=True)
early, late = scalar("noise_variance_early", "s_1"), scalar("noise_variance_late", "s_2")
inverse = scalar("inverse_start", "r")
w, wide = 1 + gamma, v + gap


def power(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    return sp.exp(exponent * sp.log(base))


def score(variance: sp.Expr) -> sp.Expr:
    return Grad(LogDensity(Normal(x, 0, variance)), x)


pull = w / (v + s) - gamma / (wide + s)  # minus the guided score, over x
flowing = (v + s) * power(v + s, gamma) * power(wide + s, -gamma)  # the variance that the flow keeps in proportion
drawn_by_flow = v * power(v, gamma) * power(wide, -gamma)
beginning = (1 + inverse * v) * power(1 + inverse * v, gamma) * power(1 + inverse * wide, -gamma)
drawn_by_sde = ((v + s) * (wide + s) - (v + s) * flowing * power(v + s, gamma) * power(wide + s, -gamma)) / (
    (1 + 2 * gamma) * gap
)
tilted = v * wide / (v + w * gap)


gain = define(
    "guided_gain",
    "G",
    lambda beyond, u, more, to, since: (
        (u + to)
        / (u + since)
        * (power(u + to, beyond) * power(u + more + since, beyond))
        / (power(u + since, beyond) * power(u + more + to, beyond))
    ),
)  # by how much the guided flow multiplies a variance between two noise levels


PAIR = {"variance_with": POSITIVE, "variance_gap": NONNEGATIVE, "guidance_beyond": NONNEGATIVE}
NOISY = Domain({**PAIR, "noise_variance": POSITIVE})

gaussian_law = Claim(
    id="guidance.cfg.gaussian_law",
    title="What guided sampling draws, for Gaussians: flow, SDE, interval, and the tilted law",
    chapter="Guidance",
    kind="identity",
    says=(
        Statement(
            guided(w, score(wide + s), score(v + s)),
            "=",
            -pull * x,
            name="score",
            words="the guided score at the noise variance s",
        ),
        Statement(
            D(flowing, s),
            "=",
            pull * flowing,
            name="flow",
            words="the flow, dx/ds = - score/2, multiplies variances like (v + s)^w (v + delta + s)^(1 - w)",
        ),
        Statement(
            At(drawn_by_flow / beginning, inverse, 0),
            "=",
            drawn_by_flow,
            name="drawn by the flow",
            domain=Domain({**PAIR, "inverse_start": NONNEGATIVE}),
            words="begun at N(0, 1/r) with r -> 0 it draws the variance v^w (v + delta)^(1 - w)",
        ),
        Statement(
            D(drawn_by_sde, s),
            "=",
            2 * pull * drawn_by_sde - 1,
            name="SDE",
            domain=Domain({**PAIR, "variance_gap": POSITIVE, "noise_variance": POSITIVE}),
            words="the reverse SDE, begun with as much, has this variance: it solves its moment equation",
        ),
        Statement(
            (v + late) * gain(gamma, v, gap, early, late) * v / (v + early),
            "=",
            v
            * (power(v + early, gamma) * power(wide + late, gamma))
            / (power(v + late, gamma) * power(wide + early, gamma)),
            name="interval",
            domain=Domain({**PAIR, "noise_variance_early": NONNEGATIVE, "noise_variance_late": NONNEGATIVE}),
            words="guided between two levels only, with the gain G there, and plain conditional elsewhere",
        ),
        Statement(
            guided(w, score(wide), score(v)),
            "=",
            score(tilted),
            name="tilted",
            words="at the clean end the guided score is that of the tilted law, whose variance is a third one",
        ),
        Statement(
            guided(w, score(wide + s), score(v + s)) - score(tilted + s),
            "=",
            -w * gamma * gap**2 * s / ((v + s) * (wide + s) * (v * wide + s * (v + w * gap))) * x,
            name="apart",
            words="with noise it is not that of the tilted law with noise: what is missing vanishes only without "
            "noise, without guidance, or for equal variances",
        ),
    ),
    domain=NOISY,
    scope="data N(0, v I) with the condition and N(0, (v + delta) I) without, delta >= 0; any w = 1 + gamma >= 1; "
    "along each common eigenvector of two covariances; exact scores and exact integration",
    sources=("Bradley and Nakkiran 2024", "Kynkäänniemi et al. 2024", "article, Classifier-Free Guidance"),
    words="Three laws that one might expect, and three different variances: with v = 1, delta = 1 and w = 2 they are "
    "1/2 for the flow, 7/12 for the SDE, 2/3 for the tilted law. Tilting and adding noise do not commute.",
)


@gaussian_law.proves("score")
def _(line: Chain) -> None:
    line(guided(w, score(wide + s), score(v + s)))
    line(score(wide + s) + w * (score(v + s) - score(wide + s)), by=definition)
    line(-pull * x, by=vector_calculus, why="the score of N(0, u) is - x/u")


@gaussian_law.proves("flow")
def _(line: Chain) -> None:
    line(D(flowing, s))
    line(
        pull * flowing, by=differentiation, why="the rates of the logarithms are w/(v + s) and (1 - w)/(v + delta + s)"
    )


@gaussian_law.proves("drawn by the flow")
def _(line: Chain) -> None:
    line(At(drawn_by_flow / beginning, inverse, 0))
    line(drawn_by_flow, by=continuity, why="what the start has is forgotten")


@gaussian_law.proves("SDE")
def _(line: Chain) -> None:
    line(D(drawn_by_sde, s))
    line(2 * pull * drawn_by_sde - 1, by=differentiation)


@gaussian_law.proves("interval")
def _(line: Chain) -> None:
    line((v + late) * gain(gamma, v, gap, early, late) * v / (v + early))
    line(
        v
        * (power(v + early, gamma) * power(wide + late, gamma))
        / (power(v + late, gamma) * power(wide + early, gamma)),
        by=definition,
        why="three stretches: their gains multiply, and those of w = 1 cancel",
    )


@gaussian_law.proves("tilted")
def _(line: Chain) -> None:
    line(guided(w, score(wide), score(v)))
    line(score(wide) + w * (score(v) - score(wide)), by=definition)
    line(score(tilted), by=vector_calculus, why="precisions are mixed, w/v + (1 - w)/(v + delta)")


@gaussian_law.proves("apart")
def _(line: Chain) -> None:
    line(guided(w, score(wide + s), score(v + s)) - score(tilted + s))
    line(-pull * x - score(tilted + s), by=above("score"))
    line(
        -w * gamma * gap**2 * s / ((v + s) * (wide + s) * (v * wide + s * (v + w * gap))) * x,
        by=vector_calculus,
        why="the mean of inverses is not the inverse of the mean",
    )
