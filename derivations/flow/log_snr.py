"""Losses over the log of the signal-to-noise ratio: which weight a schedule is, and what more steps do to the bound."""

from __future__ import annotations

import sympy as sp

from derivations.flow.paths import level
from derivations.flow.units import spread
from derivations.latent.interpolation import cosine, sine
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    Chain,
    Claim,
    D,
    Domain,
    IntegralTo,
    Statement,
    SumTo,
    define,
    definition,
    differentiation,
    fundamental_theorem,
    integration,
    monotone,
    positivity,
    rate,
    rates,
    scalar,
    scalar_function,
    smoothness,
)

# --- weights over log-SNR ---------------------------------------------------------------------------------------------

clock, u, far = scalar("clock_time", "u"), scalar("quarter_tangent", "w"), scalar("log_noise", "v")
log_snr, weighted = scalar_function("log_snr_at", r"\ell"), scalar_function("weighted_area", "W")
share = scalar("straight_time", "t")
of_angle = 2 * sp.log(cosine(u) / sine(u))
of_straight = 2 * sp.log((1 - share) / share)
clock_rate = 4 / (sp.pi * (1 + u**2))  # of the time by the tangent of half the angle pi t/2

in_log_snr = Claim(
    id="weights.log_snr_form",
    title="Every loss is a weight over the log of the signal-to-noise ratio",
    chapter="Paths",
    kind="identity",
    says=(
        Statement(
            IntegralTo(-rate(log_snr(clock)) * rate(weighted(log_snr(clock))), clock, 0, 1),
            "=",
            weighted(log_snr(0)) - weighted(log_snr(1)),
            name="form",
            words="a loss w(l(t)) e(l(t)) |dl/dt| dt, with W' = w e, knows the schedule by the weight w alone: so a "
            "weight omega(t) over time is w = omega/|dl/dt|",
        ),
        Statement(
            cosine(u) * sine(u) / sp.pi * -D(of_angle, u),
            "=",
            clock_rate,
            name="cosine, noise",
            domain=Domain({"quarter_tangent": UNIT}),
            words="noise prediction on the cosine schedule, uniform in time, has w = a sigma/pi = sech(l/2)/(2 pi)",
        ),
        Statement(
            sine(u) / cosine(u) / sp.pi * -D(of_angle, u),
            "=",
            clock_rate / cosine(u) ** 2,
            name="cosine, v",
            domain=Domain({"quarter_tangent": UNIT}),
            words="an error of v is one of the noise over a^2: w = sigma/(pi a) = e^{-l/2}/pi",
        ),
        Statement(
            share / (1 - share) / 2 * -D(of_straight, share),
            "=",
            1 / (1 - share) ** 2,
            name="straight",
            domain=Domain({"straight_time": UNIT}),
            words="the velocity of the straight path, over (1 - t)^2 as well: w = e^{-l/2}/2, the same up to a factor",
        ),
        Statement(
            (level**2 + spread**2) / (2 * spread**2) * -D(-2 * far, far),
            "=",
            (level**2 + spread**2) / (level * spread) ** 2 * level**2,
            name="EDM",
            domain=Domain({"level": POSITIVE, "data_std": POSITIVE, "log_noise": REAL}),
            words="EDM's weight, with l = -2 log sigma: w is this times the density that log sigma is drawn from",
        ),
    ),
    domain=Domain({"clock_time": REAL}),
    hypotheses=(
        smoothness(log_snr, 1, "the loss integrates its rate"),
        smoothness(weighted, 1, "the weighted error is its derivative"),
    ),
    scope="any differentiable log-SNR; e is the mean squared error of the noise at a log-SNR, and time is drawn "
    "uniformly; the cosine schedule is a = cos(pi t/2), sigma = sin(pi t/2), with u the tangent of half that angle",
    sources=("Kingma and Gao 2023", "Salimans and Ho 2022"),
    words="Two recipes are one if their weights are. Prediction of v on the cosine schedule and of the velocity on the "
    "straight path train the same thing.",
)


@in_log_snr.proves("form")
def _(line: Chain) -> None:
    line(IntegralTo(-rate(log_snr(clock)) * rate(weighted(log_snr(clock))), clock, 0, 1))
    line(-IntegralTo(D(weighted(log_snr(clock)), clock), clock, 0, 1), by=(rates, integration), why="the chain rule")
    line(weighted(log_snr(0)) - weighted(log_snr(1)), by=fundamental_theorem)


@in_log_snr.proves("cosine, noise")
def _(line: Chain) -> None:
    line(cosine(u) * sine(u) / sp.pi * -D(of_angle, u))
    line(clock_rate, by=(definition, differentiation), why="d/du of 2 log((1 - u^2)/(2 u))")


@in_log_snr.proves("cosine, v")
def _(line: Chain) -> None:
    line(sine(u) / cosine(u) / sp.pi * -D(of_angle, u))
    line(clock_rate / cosine(u) ** 2, by=(definition, differentiation), why="the same, over the square of the cosine")


@in_log_snr.proves("straight")
def _(line: Chain) -> None:
    line(share / (1 - share) / 2 * -D(of_straight, share))
    line(1 / (1 - share) ** 2, by=differentiation, why="2 log(1 - t) - 2 log t falls by 2/(t (1 - t))")


@in_log_snr.proves("EDM")
def _(line: Chain) -> None:
    line((level**2 + spread**2) / (2 * spread**2) * -D(-2 * far, far))
    line((level**2 + spread**2) / (level * spread) ** 2 * level**2, by=differentiation, why="the level cancels")


# --- more steps -------------------------------------------------------------------------------------------------------

steps, k = (sp.Symbol(name, integer=True, positive=True) for name in ("K_s", "k_s"))
first, second = scalar_function("first_drop", "g"), scalar_function("second_drop", "h")
between, more = scalar_function("error_between", "e"), scalar_function("error_more", "m")
cost = define("drop_cost", "C", lambda high, low, e: (high - low) * e / 2, notation=False)
old = SumTo((first(k) + second(k)) * (between(k) + more(k)) / 2, k, 1, steps)
new = SumTo(first(k) * between(k) / 2 + second(k) * (between(k) + more(k)) / 2, k, 1, steps)

refinement = Claim(
    id="vdm.refinement",
    title="More steps give a better bound, if the error grows with the noise",
    chapter="Paths",
    kind="identity",
    says=(
        Statement(
            old - new,
            "=",
            SumTo(first(k) * more(k), k, 1, steps) / 2,
            name="gain",
            words="every step in two, at any place: half the first drop of the SNR, times the growth of the error",
        ),
        Statement(
            new,
            "<=",
            old,
            name="better",
            words="so wherever no error falls with more noise, the finer bound is the better one",
            domain=Domain(
                {
                    "first_drop": NONNEGATIVE,
                    "second_drop": NONNEGATIVE,
                    "error_between": NONNEGATIVE,
                    "error_more": NONNEGATIVE,
                },
                {steps: (sp.S.One, sp.oo)},
            ),
        ),
        Statement(
            cost(4, 1, sp.Rational(1, 2)),
            "=",
            sp.Rational(3, 4),
            name="one step",
            words="a network with an error of 1/2 at SNR 1, asked once between SNR 4 and 1",
        ),
        Statement(
            cost(4, 2, 2) + cost(2, 1, sp.Rational(1, 2)),
            "=",
            sp.Rational(9, 4),
            name="two steps",
            words="asked at SNR 2 too, where its error is 2, it pays three times as much: less noise, a worse answer",
        ),
    ),
    domain=Domain(
        {"first_drop": NONNEGATIVE, "second_drop": NONNEGATIVE, "error_between": NONNEGATIVE, "error_more": REAL},
        {steps: (sp.S.One, sp.oo)},
    ),
    scope="any number of steps, any split of each: the SNR falls by g and then by h, the error is e at the new place "
    "and e + m at the old one. Reverse variances are those of the posterior. For the best denoiser m >= 0, since more "
    "noise never lets one know more",
    sources=("Kingma et al. 2021 (VDM), section 4.2",),
    words="Deeper is better for a denoiser that does its best, and need not be for a network.",
)


@refinement.proves("gain")
def _(line: Chain) -> None:
    line(old - new)
    line(SumTo(first(k) * more(k), k, 1, steps) / 2, why="term by term the second drop and the old error cancel")


@refinement.proves("better")
def _(line: Chain) -> None:
    line(new)
    line.le(
        SumTo(first(k) * (between(k) + more(k)) / 2 + second(k) * (between(k) + more(k)) / 2, k, 1, steps),
        by=monotone(positivity),
        why="no error falls",
    )
    line(old, why="both drops have one factor")


@refinement.proves("one step")
def _(line: Chain) -> None:
    line(cost(4, 1, sp.Rational(1, 2)))
    line(sp.Rational(3, 4), by=definition, why="3 times 1/2, over 2")


@refinement.proves("two steps")
def _(line: Chain) -> None:
    line(cost(4, 2, 2) + cost(2, 1, sp.Rational(1, 2)))
    line(sp.Rational(9, 4), by=definition, why="4 and 1/2, over 2")
