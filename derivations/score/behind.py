"""What is known of the data behind a noisy point: if they are finitely many, in information, and one step back."""

from __future__ import annotations

import sympy as sp

from derivations.flow.paths import PATH, level, signal
from derivations.flow.paths import rate as log_ratio_rate
from derivations.notation import d
from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Claim,
    D,
    Domain,
    Expect,
    Grad,
    Hypothesis,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    SumTo,
    below,
    by_claim,
    density,
    differentiation,
    exponents,
    given,
    rate,
    rates,
    scalar,
    scalar_function,
    smoothness,
    vector_calculus,
    vector_function,
)
from derivations.score.functions import another_way, clean, noisy, one_way, score
from derivations.score.marginal import (
    DIFFERENTIATED,
    bend,
    covariance,
    denoiser,
    joint,
    noised,
    of_corruption,
)
from derivations.sde.fokker_planck import MOVING
from derivations.sde.fokker_planck import level as level_at
from derivations.sde.fokker_planck import signal as signal_at
from derivations.sde.laws import t as moment

NUMBERS = ("N_D", "n_a", "n_b", "n_q", "n_e")
count, n, some, near, m = (sp.Symbol(name, integer=True, positive=True) for name in NUMBERS)
weight, datum = scalar_function("datum_weight", "w", positive=True), vector_function("datum", "y")


def bump(k: sp.Expr) -> sp.Expr:
    """The weight of a datum at x, up to what is common to all: the exponential of its logit."""
    return weight(k) * sp.exp(-Norm2(noisy - signal * datum(k)) / (2 * level**2))


def among(body: sp.Expr) -> sp.Expr:
    return SumTo(body, n, 1, count)


total = SumTo(bump(m), m, 1, count)
best = among(bump(n) * datum(n)) / total
here = bump(some)
own = bump(near) / total


def odds(k: sp.Expr) -> sp.Expr:
    """How much a datum counts for one that another datum counts."""
    farther = Norm2(noisy / signal - datum(k)) - Norm2(noisy / signal - datum(near))
    return weight(k) / weight(near) * sp.exp(-farther / (2 * (level / signal) ** 2))


finite_data = Claim(
    id="denoiser.finite_data",
    title="The best denoiser of finitely many data is a softmax, and it memorises",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            Grad(sp.log(total), noisy),
            "=",
            (signal * best - noisy) / level**2,
            name="score",
            words="the score of the noised data is that of the mean of the data under their weights at x: so this mean "
            "is the best denoiser",
        ),
        Statement(
            sp.log(weight(some)) + LogDensity(Normal(noisy, signal * datum(some), level**2)),
            "=",
            sp.log(bump(some)) - d * sp.log(2 * sp.pi * level**2) / 2,
            name="softmax",
            words="these weights are those of Bayes' rule, for the normaliser of the noise is common to all data: a "
            "softmax of log w_i less the squared distance over twice the noise",
        ),
        Statement(
            here / total,
            "=",
            own * odds(some),
            name="odds",
            words="a datum that is farther from x/a than another one counts exponentially less",
        ),
        Statement(
            best - datum(near),
            "=",
            among(bump(n) * (datum(n) - datum(near))) / total,
            name="memory",
            words="so the answer is off from the nearest datum by no more than these odds times the distances of the "
            "data, added up; with less and less noise it is that datum",
        ),
        Statement(among(bump(n) / total), "=", 1, name="shares", words="for no weight is above 1"),
    ),
    domain=Domain(
        {"signal": POSITIVE, "level": POSITIVE, "datum_weight": POSITIVE},
        {count: (sp.S.One, sp.oo), near: (sp.S.One, count), some: (sp.S.One, count)},
    ),
    scope="any dimension d, any number of data of any weights > 0, any signal a > 0 and noise level sigma > 0",
    sources=("derived here", "Karras et al. 2022 (EDM), appendix B.3"),
    words="What a network that fits such data as well as can be has learned is the data. That trained networks make "
    "new pictures is because they do not.",
)


@finite_data.proves("score")
def _(line: Chain) -> None:
    line(Grad(sp.log(total), noisy))
    line(
        among(bump(n) * (signal * datum(n) - noisy)) / level**2 / total,
        by=vector_calculus,
    )
    line((signal * best - noisy) / level**2, why="x comes out of the sum, and the sum over itself is 1")


@finite_data.proves("softmax")
def _(line: Chain) -> None:
    line(sp.log(weight(some)) + LogDensity(Normal(noisy, signal * datum(some), level**2)))
    line(sp.log(bump(some)) - d * sp.log(2 * sp.pi * level**2) / 2, by=density)


@finite_data.proves("odds")
def _(line: Chain) -> None:
    line(here / total)
    line(own * odds(some), by=exponents)


@finite_data.proves("memory")
def _(line: Chain) -> None:
    line(best - datum(near))
    line(among(bump(n) * (datum(n) - datum(near))) / total, why="the weights add up to 1")


@finite_data.proves("shares")
def _(line: Chain) -> None:
    line(among(bump(n) / total))
    line(1, why="what they are divided by is their sum")


# --- information ------------------------------------------------------------------------------------------------------

gamma = scalar("snr_now", r"\gamma", positive=True)
width = scalar("own_variance", r"\lambda", positive=True)
i_mmse = Claim(
    id="information.i_mmse",
    title="What noise takes of the information: half the best error",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            level**2 * log_ratio_rate * Expect(joint, Norm2(of_corruption - score)),
            "=",
            log_ratio_rate * signal**2 / level**2 * Expect(joint, Norm2(clean - denoiser)),
            name="fall",
            words="the laws of x given the datum and of x alone move by one diffusion, g^2 = -2 sigma^2 lambda', so "
            "their mean divergence, which is the information of x about the datum, changes by minus g^2/2 times the "
            "mean square of the difference of their scores: by the left side",
        ),
        Statement(
            D(signal_at(moment) ** 2 / level_at(moment) ** 2, moment) / 2,
            "=",
            D(sp.log(signal_at(moment) / level_at(moment)), moment) * signal_at(moment) ** 2 / level_at(moment) ** 2,
            name="rate",
            words="and lambda' a^2/sigma^2 is half the rate of the signal-to-noise ratio: so the information changes "
            "by half the best error for each unit of that ratio, whatever the path",
        ),
        Statement(
            D(sp.log(1 + gamma * width) / 2, gamma),
            "=",
            width / (1 + gamma * width) / 2,
            name="Gaussian",
            words="Gaussian data have log(1 + gamma lambda)/2 nats in a direction of variance lambda, and a best error "
            "of lambda/(1 + gamma lambda)",
        ),
    ),
    domain=Domain({**PATH, **MOVING.intervals, "log_ratio_rate": REAL, "snr_now": POSITIVE, "own_variance": POSITIVE}),
    hypotheses=(
        noised,
        *DIFFERENTIATED,
        smoothness(signal_at, 1, "its rate is asked for"),
        smoothness(level_at, 1, "its rate is asked for"),
    ),
    scope="any dimension d, any data law with second moments, any path; nats, errors summed over coordinates. That a "
    "divergence falls by half the noise times the mean square of the difference of the scores is sde.kl_dissipation",
    sources=("Guo et al. 2005", "Kingma et al. 2021 (VDM)", "derived here"),
    words="So the error that a network is trained on, added up over the signal-to-noise ratio, is the information that "
    "the data hold.",
)


@i_mmse.proves("fall")
def _(line: Chain) -> None:
    line(level**2 * log_ratio_rate * Expect(joint, Norm2(of_corruption - score)))
    line(
        log_ratio_rate * signal**2 / level**2 * Expect(joint, Norm2(clean - denoiser)),
        by=by_claim("score.dsm.constant", part="variance"),
        why="two of the four powers of the level cancel",
    )


@i_mmse.proves("rate")
def _(line: Chain) -> None:
    a, s = signal_at(moment), level_at(moment)
    line(D(a**2 / s**2, moment) / 2)
    line(rate(a) * a / s**2 - rate(s) * a**2 / s**3, by=rates)
    line(D(sp.log(a / s), moment) * a**2 / s**2, by=rates, why="the rate of log(a/sigma) is a'/a - sigma'/sigma")


@i_mmse.proves("Gaussian")
def _(line: Chain) -> None:
    line(D(sp.log(1 + gamma * width) / 2, gamma))
    line(width / (1 + gamma * width) / 2, by=differentiation)


# --- one step back ----------------------------------------------------------------------------------------------------

one_step = Hypothesis(
    "one step of the chain",
    "a step keeps sqrt(alpha_t) = sqrt(1 - sigma^2) of what it adds noise of the variance beta_t = sigma^2 to",
    signal,
    sp.sqrt(1 - level**2),
)
added = level**2  # beta_t

reverse_moments = Claim(
    id="ddpm.reverse.moments",
    title="Mean and covariance of the true step back",
    chapter="Reverse process",
    kind="identity",
    says=(
        Statement(
            denoiser,
            "=",
            (noisy + added * score) / sp.sqrt(1 - added),
            name="mean",
            words="the mean of x_{t-1} given x_t: a small correction of x_t along the score",
        ),
        Statement(
            covariance,
            "=",
            added / (1 - added) * (Inner(one_way, another_way) + added * bend),
            name="covariance",
            words="and its covariance, in any two directions: beta_t, and of second order in it the Hessian of log q",
        ),
    ),
    domain=Domain(PATH, conditions=(below(level, 1),)),
    hypotheses=(noised, one_step, *DIFFERENTIATED),
    scope="any dimension d, any data law, any t >= 1 of any schedule; x_{t-1} stands as x_0 here, x_t as x, "
    "beta_t as sigma^2",
    sources=("derived here", "Bao et al. 2022 (Analytic-DPM)"),
    words="The two moments of the step back need nothing but the score and its Jacobian. Its law is not normal for "
    "that: at t = 1 it is the law of the data that may have been blurred into x_1.",
)


@reverse_moments.proves("mean")
def _(line: Chain) -> None:
    line(denoiser)
    line((noisy + added * score) / sp.sqrt(1 - added), by=(by_claim("score.tweedie", part="mean"), given(one_step)))


@reverse_moments.proves("covariance")
def _(line: Chain) -> None:
    line(covariance)
    line(
        added / (1 - added) * (Inner(one_way, another_way) + added * bend),
        by=(by_claim("score.tweedie", part="covariance"), given(one_step)),
    )
