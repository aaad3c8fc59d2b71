"""Which noise levels are trained how often: densities of time on the straight path, in the units of EDM."""

from __future__ import annotations

import sympy as sp

from derivations.rules import (
    POSITIVE,
    UNIT,
    Chain,
    Claim,
    D,
    Domain,
    Statement,
    above,
    define,
    definition,
    differentiation,
    scalar,
)

t = scalar("time_share", "t")
shift, again = scalar("shift", "k", positive=True), scalar("shift_again", "k'", positive=True)
centre, width = scalar("log_level_mean", "m"), scalar("log_level_std", "s", positive=True)
noise_ratio = define("straight_ratio", r"\varsigma", lambda n: n / (1 - n))
shifted = define("shifted_time", "t'", lambda k, n: k * n / (1 + (k - 1) * n))
logit = sp.log(t) - sp.log(1 - t)
later = shifted(shift, t)


def normal(value: sp.Expr, mean: sp.Expr) -> sp.Expr:
    """The log-density of a normal number."""
    return -sp.log(2 * sp.pi * width**2) / 2 - (value - mean) ** 2 / (2 * width**2)


times = Claim(
    id="flow.time_density",
    title="Times of the straight path as noise levels",
    chapter="Flow matching",
    kind="identity",
    says=(
        Statement(
            sp.log(noise_ratio(t)),
            "=",
            logit,
            name="logit",
            words="the logarithm of the noise ratio is the logit of t: a logit-normal time is a log-normal noise level",
        ),
        Statement(
            D(sp.log(noise_ratio(t)), t) * noise_ratio(t) / (1 + noise_ratio(t)) ** 2,
            "=",
            1,
            name="uniform",
            words="uniform times are a logistic law of log sigma: its density, times the rate of log sigma, is 1",
        ),
        Statement(
            noise_ratio(later),
            "=",
            shift * noise_ratio(t),
            name="shift",
            words="a shift of time by k multiplies the noise ratio by k",
        ),
        Statement(
            shifted(again, later),
            "=",
            shifted(again * shift, t),
            name="twice",
            words="so shifts multiply: one that is applied twice is another one",
        ),
        Statement(
            normal(sp.log(noise_ratio(later)), centre + sp.log(shift)),
            "=",
            normal(logit, centre),
            name="normal",
            words="and a shifted logit-normal law is the logit-normal law whose mean is larger by log k",
        ),
        Statement(
            sp.log((1 - later) ** 2 / later**2),
            "=",
            sp.log((1 - t) ** 2 / t**2) - 2 * sp.log(shift),
            name="snr",
            words="the log-SNR falls by 2 log k",
        ),
    ),
    domain=Domain({"time_share": UNIT, "shift": POSITIVE, "shift_again": POSITIVE, "log_level_std": POSITIVE}),
    scope="any t in (0, 1), any shifts k > 0, any mean and any spread > 0; straight path, a = 1 - t, sigma = t",
    sources=("Esser et al. 2024 (SD3), eqs. 19 and 23", "Karras et al. 2022 (EDM), Table 1"),
    words="Logit-normal times with mean 0 and spread 1 are EDM's training levels with P_mean = 0 and P_std = 1.",
)


@times.proves("logit")
def _(line: Chain) -> None:
    line(sp.log(noise_ratio(t)))
    line(sp.log(t / (1 - t)), by=definition)
    line(logit, why="the logarithm of a quotient")


@times.proves("uniform")
def _(line: Chain) -> None:
    line(D(sp.log(noise_ratio(t)), t) * noise_ratio(t) / (1 + noise_ratio(t)) ** 2)
    line(D(logit, t) * noise_ratio(t) / (1 + noise_ratio(t)) ** 2, by=above("logit"))
    line((1 / t + 1 / (1 - t)) * noise_ratio(t) / (1 + noise_ratio(t)) ** 2, by=differentiation)
    line(1, by=definition, why="1/t + 1/(1 - t) = 1/(t (1 - t)), and the density is t (1 - t)")


@times.proves("shift")
def _(line: Chain) -> None:
    line(noise_ratio(later))
    line(later / (1 - later), by=definition)
    line(shift * t / (1 - t), by=definition)
    line(shift * noise_ratio(t), by=definition)


@times.proves("twice")
def _(line: Chain) -> None:
    line(shifted(again, later))
    line(
        again * later / (1 + (again - 1) * later),
        by=definition,
        why="the outer shift, written out at the time that the inner one gives",
    )
    line(again * shift * t / (1 + (again * shift - 1) * t), by=definition)
    line(shifted(again * shift, t), by=definition)


@times.proves("normal")
def _(line: Chain) -> None:
    line(normal(sp.log(noise_ratio(later)), centre + sp.log(shift)))
    line(normal(sp.log(shift * noise_ratio(t)), centre + sp.log(shift)), by=above("shift"))
    line(normal(sp.log(noise_ratio(t)), centre), why="log k on both sides of the difference")
    line(normal(logit, centre), by=above("logit"))


@times.proves("snr")
def _(line: Chain) -> None:
    line(sp.log((1 - later) ** 2 / later**2))
    line(-2 * sp.log(noise_ratio(later)), by=definition)
    line(-2 * sp.log(shift * noise_ratio(t)), by=above("shift"))
    line(sp.log((1 - t) ** 2 / t**2) - 2 * sp.log(shift), by=definition)
