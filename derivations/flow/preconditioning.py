"""EDM's scales from what they are for, one weight in the units of every answer, and a bound that its ends decide."""

from __future__ import annotations

import sympy as sp

from derivations.flow.paths import clean_of_noise, level, on_path, signal, x_0
from derivations.flow.units import answer, clean_of_u, clean_of_v, out, skip, spread
from derivations.notation import d, eps, integrable
from derivations.rules import (
    POSITIVE,
    REAL,
    UNIT,
    Chain,
    Claim,
    D,
    Density,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    IntegralTo,
    Norm2,
    Normal,
    Statement,
    by_claim,
    fundamental_theorem,
    given,
    integration,
    linearity,
    moments,
    rate,
    rates,
    scalar,
    scalar_function,
    smoothness,
)
from derivations.score.functions import clean

# --- preconditioning --------------------------------------------------------------------------------------------------

kept = scalar("kept_share", "c")
noise, data = Normal(eps, 0, 1), Density("q", clean)
noisy = clean + level * eps
power = Hypothesis(
    "power of the data",
    "the mean square of a coordinate of the data is sigma_data^2",
    Expect(data, Norm2(clean)),
    d * spread**2,
)


def mean(body: sp.Expr) -> sp.Expr:
    """Over data and noise, which are independent."""
    return Expect(data, Expect(noise, body))


preconditioning = Claim(
    id="edm.preconditioning",
    title="EDM's scales, from what they are for",
    chapter="Paths",
    kind="identity",
    says=(
        Statement(
            mean(Norm2(clean - kept * noisy)),
            "=",
            d * ((spread**2 + level**2) * (kept - skip) ** 2 + out**2),
            name="target",
            words="what is left for the network if c of its input is kept: least at c_skip, and there it is c_out^2 a "
            "coordinate",
        ),
        Statement(
            mean(Norm2(noisy / sp.sqrt(spread**2 + level**2))),
            "=",
            d,
            name="input",
            words="the scale that gives the input the power 1",
        ),
        Statement(
            mean(Inner(clean - skip * noisy, noisy)),
            "=",
            0,
            name="apart",
            words="at c_skip the target has nothing in common with the input, to first order",
        ),
        Statement(
            (level * (clean / spread) - spread * eps) / sp.sqrt(spread**2 + level**2),
            "=",
            (clean - skip * noisy) / out,
            name="velocity",
            words="and it is minus the v of the data in units of their spread: EDM's network predicts v",
        ),
    ),
    domain=Domain({"level": POSITIVE, "data_std": POSITIVE}),
    hypotheses=(power, integrable),
    scope="any dimension d, any data law with that power, Gaussian noise of any level > 0",
    sources=("Karras et al. 2022 (EDM), appendix B.6", "Salimans and Ho 2022"),
    words="Two demands, unit power in and out, and a wish, the least amplification of the network's error, leave "
    "nothing to choose.",
)


@preconditioning.proves("target")
def _(line: Chain) -> None:
    line(mean(Norm2(clean - kept * noisy)))
    line(
        Expect(data, (1 - kept) ** 2 * Norm2(clean) + kept**2 * level**2 * d),
        by=moments,
        why="the noise has mean 0 and d coordinates of variance sigma^2",
    )
    line((1 - kept) ** 2 * Expect(data, Norm2(clean)) + kept**2 * level**2 * d, by=linearity)
    line((1 - kept) ** 2 * d * spread**2 + kept**2 * level**2 * d, by=given(power))
    line(d * ((spread**2 + level**2) * (kept - skip) ** 2 + out**2), why="complete the square")


@preconditioning.proves("input")
def _(line: Chain) -> None:
    line(mean(Norm2(noisy / sp.sqrt(spread**2 + level**2))))
    line(Expect(data, (Norm2(clean) + level**2 * d) / (spread**2 + level**2)), by=moments)
    line((Expect(data, Norm2(clean)) + level**2 * d) / (spread**2 + level**2), by=linearity)
    line((d * spread**2 + level**2 * d) / (spread**2 + level**2), by=given(power))
    line(d, why="sigma_data^2 + varsigma^2 cancels")


@preconditioning.proves("apart")
def _(line: Chain) -> None:
    line(mean(Inner(clean - skip * noisy, noisy)))
    line(Expect(data, (1 - skip) * Norm2(clean) - skip * level**2 * d), by=moments)
    line((1 - skip) * Expect(data, Norm2(clean)) - skip * level**2 * d, by=linearity)
    line((1 - skip) * d * spread**2 - skip * level**2 * d, by=given(power))
    line(0, why="over one denominator: d sigma_data^2 varsigma^2, once with plus and once with minus")


@preconditioning.proves("velocity")
def _(line: Chain) -> None:
    line((level * (clean / spread) - spread * eps) / sp.sqrt(spread**2 + level**2))
    line(
        (level**2 * clean - spread**2 * level * eps) / (spread**2 + level**2) / out,
        why="multiply above and below by sigma_data varsigma",
    )
    line(
        (clean - skip * noisy) / out,
        why="divide both by sigma_data^2 + varsigma^2: c_out is left below, x_0 - c_skip x above",
    )


# --- one weight in every unit -----------------------------------------------------------------------------------------

share, weight = scalar("signal_share", r"\bar\alpha"), scalar("loss_weight", "w")
gain, spoil = sp.sqrt(share), sp.sqrt(1 - share)
ratio = share / (1 - share)
x = on_path(gain, spoil, x_0, eps)
as_noise = Norm2(clean_of_noise(gain, spoil, x, answer) - x_0)
as_v = Norm2(clean_of_v(gain, spoil, x, answer) - x_0)
as_u = Norm2(clean_of_u(gain, spoil, x, answer) - x_0)
HERE = {signal: gain, level: spoil}

in_units = Claim(
    id="weights.min_snr",
    title="One weight on the data error, in the units of every answer",
    chapter="Paths",
    kind="identity",
    says=(
        Statement(
            weight * as_noise,
            "=",
            weight / ratio * Norm2(answer - eps),
            name="noise",
            words="min-SNR's min(S, gamma) on the data is min(S, gamma)/S on the noise",
        ),
        Statement(
            weight * as_v,
            "=",
            weight / (ratio + 1) * Norm2(answer - (gain * eps - spoil * x_0)),
            name="v",
            words="and min(S, gamma)/(S + 1) on v, not min(S, gamma)/S",
        ),
        Statement(
            weight * as_u,
            "=",
            weight / (1 + sp.sqrt(ratio)) ** 2 * Norm2(answer - (eps - x_0)),
            name="velocity",
            words="and min(S, gamma)/(1 + sqrt S)^2 on the velocity of the straight path",
        ),
        Statement(
            share * as_noise,
            "=",
            1 / (1 + ratio) * Norm2(answer - eps),
            name="P2",
            words="P2 with k = gamma = 1 is a weight of abar on the data",
        ),
    ),
    domain=Domain({"signal_share": UNIT, "loss_weight": REAL}),
    scope="any dimension d, any weight w of the time alone, abar in (0, 1), S = abar/(1 - abar)",
    sources=("Hang et al. 2023 (min-SNR), section 3.4", "Choi et al. 2022 (P2)"),
    words="A weight belongs to a unit. Used with another answer it is another weight: at S = 0.01 and gamma = 5 the "
    "one for the noise, put on v, counts a hundred times too much.",
)


@in_units.proves("noise")
def _(line: Chain) -> None:
    line(weight * as_noise)
    line(weight / ratio * Norm2(answer - eps), by=by_claim("weights.units", 0, at=HERE))


@in_units.proves("v")
def _(line: Chain) -> None:
    line(weight * as_v)
    line(weight * (1 - share) * Norm2(answer - (gain * eps - spoil * x_0)), by=by_claim("weights.units", 1, at=HERE))
    line(weight / (ratio + 1) * Norm2(answer - (gain * eps - spoil * x_0)), why="1 - abar = 1/(S + 1)")


@in_units.proves("velocity")
def _(line: Chain) -> None:
    line(weight * as_u)
    line(
        weight * (1 - share) / (gain + spoil) ** 2 * Norm2(answer - (eps - x_0)),
        by=by_claim("weights.units", 2, at=HERE),
    )
    line(
        weight / (1 + sp.sqrt(ratio)) ** 2 * Norm2(answer - (eps - x_0)),
        why="divide above and below by 1 - abar: the roots' quotient is the root of the SNR",
    )


@in_units.proves("P2")
def _(line: Chain) -> None:
    line(share * as_noise)
    line(share * (1 - share) / share * Norm2(answer - eps), by=by_claim("weights.units", 0, at=HERE))
    line(1 / (1 + ratio) * Norm2(answer - eps), why="1 - abar = 1/(1 + SNR), for 1 + abar/(1 - abar) = 1/(1 - abar)")


# --- the bound in continuous time -------------------------------------------------------------------------------------

snr, area, u = scalar_function("snr_at", r"\gamma"), scalar_function("error_area", "G"), scalar("clock_time", "u")
S_s, S_u, S_t = (scalar(f"snr_{n}", rf"\gamma_{n}") for n in "sut")
e_u, e_t = scalar("error_u", "e_u"), scalar("error_t", "e_t")

continuous = Claim(
    id="vdm.continuous_bound",
    title="The bound in continuous time knows the ends of the schedule alone",
    chapter="Paths",
    kind="identity",
    says=(
        Statement(
            IntegralTo(-rate(snr(u)) * rate(area(snr(u))) / 2, u, 0, 1),
            "=",
            (area(snr(0)) - area(snr(1))) / 2,
            name="ends",
            words="with an error that depends on the SNR alone, G' = e, the bound is half the area under the error "
            "between the two ends, whatever the schedule does between them",
        ),
        Statement(
            ((S_s - S_u) * e_u + (S_u - S_t) * e_t) / 2 - (S_s - S_t) * e_t / 2,
            "=",
            (S_s - S_u) * (e_u - e_t) / 2,
            name="refinement",
            words="one more step of the sum changes it by half the gain in SNR times the fall of the error",
        ),
    ),
    domain=Domain({"clock_time": REAL, "snr_at": POSITIVE}),
    hypotheses=(
        smoothness(snr, 1, "the bound integrates its rate"),
        smoothness(area, 1, "the error is its derivative"),
    ),
    scope="any differentiable SNR, any error that depends on the SNR alone and is continuous in it; any three SNRs",
    sources=("Kingma et al. 2021 (VDM), sections 5.1 and A.4",),
    words="A schedule between fixed ends changes the variance of the estimate, and not what is estimated. Where the "
    "error falls with less noise, every further step lowers the bound's sum.",
)


@continuous.proves("ends")
def _(line: Chain) -> None:
    line(IntegralTo(-rate(snr(u)) * rate(area(snr(u))) / 2, u, 0, 1))
    line(-IntegralTo(D(area(snr(u)), u), u, 0, 1) / 2, by=(rates, integration), why="the chain rule, read backwards")
    line((area(snr(0)) - area(snr(1))) / 2, by=fundamental_theorem)


@continuous.proves("refinement")
def _(line: Chain) -> None:
    line(((S_s - S_u) * e_u + (S_u - S_t) * e_t) / 2 - (S_s - S_t) * e_t / 2)
    line(
        (S_s - S_u) * (e_u - e_t) / 2,
        why="of e_t there is gamma_u - gamma_t less gamma_s - gamma_t: minus what e_u has",
    )
