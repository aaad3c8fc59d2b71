"""Few steps: what a consistency function is, what its one-sample target averages to, and the target of distillation."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.as_euler import a_s, a_t, sigma_s, sigma_t
from derivations.flow.mean_velocity import CLOCK, length, place, time, u
from derivations.flow.paths import noise_of_clean, on_path
from derivations.flow.units import spread
from derivations.notation import integrable
from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    D,
    Domain,
    Expect,
    Inner,
    IntegralTo,
    Statement,
    below,
    define,
    definition,
    fundamental_theorem,
    linearity,
    rate,
    rates,
    scalar,
    smoothness,
    vector,
    vector_function,
)
from derivations.score.functions import another_way, clean, noisy, one_way
from derivations.score.marginal import denoiser, posterior

# --- consistency functions --------------------------------------------------------------------------------------------

first, point, answer = (
    scalar("end_level", r"\varsigma_0", positive=True),
    vector("noisy_point", "x"),
    vector("answer", r"\hat o"),
)
level = scalar("level", r"\varsigma", positive=True)
function = vector_function("consistency", "f")
kept = define("consistency_skip", r"c_{\mathrm{skip}}", lambda s, s_0, width: width**2 / ((s - s_0) ** 2 + width**2))
added = define(
    "consistency_out",
    r"c_{\mathrm{out}}",
    lambda s, s_0, width: width * (s - s_0) / sp.sqrt(width**2 + s**2),
)
change = rate(function(place(time + u), time + u), 1, rate(place(time + u))) + rate(
    function(place(time + u), time + u), 2
)

consistency = Claim(
    id="consistency.constant",
    title="A function that is constant along the flow",
    chapter="Flow matching",
    kind="identity",
    says=(
        Statement(
            function(place(time + length), time + length) - function(place(time), time),
            "=",
            IntegralTo(change, u, 0, length),
            name="along",
            words="what it changes along the flow is what its total derivative adds up to: with d/dt f + J_f z' = 0 "
            "it gives one answer for a whole trajectory",
        ),
    ),
    domain=CLOCK,
    hypotheses=(
        smoothness(function, 1, "the function is differentiated along the flow"),
        smoothness(place, 1, "a place on the flow moves"),
    ),
    scope="any dimension d, any differentiable function of place and time, any differentiable trajectory",
    sources=("Song et al. 2023 (consistency models), section 3",),
    words="A consistency function is one of these: the one whose value at the end of the flow is that end.",
)


@consistency.proves("along")
def _(line: Chain) -> None:
    line(function(place(time + length), time + length) - function(place(time), time))
    line(
        IntegralTo(D(function(place(time + u), time + u), u), u, 0, length),
        by=fundamental_theorem,
    )
    line(IntegralTo(change, u, 0, length), by=rates, why="the chain rule: both arguments move")


# --- the one-sample target --------------------------------------------------------------------------------------------

drawn_noise = noise_of_clean(a_t, sigma_t, noisy, clean)
target = on_path(a_s, sigma_s, clean, drawn_noise)
factor = a_s - a_t * sigma_s / sigma_t
ddim = on_path(a_s, sigma_s, denoiser, noise_of_clean(a_t, sigma_t, noisy, denoiser))


def spread_of(v: sp.Expr) -> sp.Expr:
    """The posterior covariance of a vector, read along two directions."""
    along, against = Inner(v, one_way), Inner(v, another_way)
    return Expect(posterior, along * against) - Expect(posterior, along) * Expect(posterior, against)


one_sample = Claim(
    id="consistency.function_and_target",
    title="A consistency function: its end by construction, and what its one-sample target averages to",
    chapter="Flow matching",
    kind="identity",
    says=(
        Statement(
            kept(first, first, spread) * noisy + added(first, first, spread) * answer,
            "=",
            noisy,
            name="boundary",
            words="at the least noise it leaves everything where it is, whatever the network inside says",
        ),
        Statement(
            Expect(posterior, target),
            "=",
            ddim,
            name="mean",
            words="the datum that was drawn, noised again with its own noise, is on average where the DDIM step with "
            "the best denoiser lands",
        ),
        Statement(
            spread_of(target),
            "=",
            factor**2 * spread_of(clean),
            name="covariance",
            words="and scatters about it by the square of the stride: that is all that training without a teacher adds",
        ),
    ),
    domain=Domain({name: POSITIVE for name in ("signal_t", "signal_s", "level_t", "level_s", "end_level", "data_std")}),
    hypotheses=(integrable,),
    scope="any dimension d, any joint law of data and noisy points with second moments, any path, any times s and t: "
    "exact, not only for small strides",
    sources=("Song et al. 2023 (consistency models), theorem 2 and appendix C", "derived here"),
    words="For a function that is affine between the two points, training on draws and distilling the best denoiser "
    "are one; for another the difference is of the second order of the stride.",
)


@one_sample.proves("boundary")
def _(line: Chain) -> None:
    line(kept(first, first, spread) * noisy + added(first, first, spread) * answer)
    line(noisy, by=definition, why="c_skip = 1 and c_out = 0 there")


@one_sample.proves("mean")
def _(line: Chain) -> None:
    line(Expect(posterior, target))
    line(Expect(posterior, a_s * clean + sigma_s * (noisy - a_t * clean) / sigma_t), by=definition)
    line(a_s * denoiser + sigma_s * (noisy - a_t * denoiser) / sigma_t, by=linearity)
    line(ddim, by=definition)


@one_sample.proves("covariance")
def _(line: Chain) -> None:
    still = sigma_s / sigma_t * noisy
    line(spread_of(target))
    line(spread_of(a_s * clean + sigma_s * (noisy - a_t * clean) / sigma_t), by=definition)
    line(spread_of(still + factor * clean), why="x_t, and a multiple of the datum")
    one, two = (Inner(still, w) + factor * Inner(clean, w) for w in (one_way, another_way))
    line(
        Expect(posterior, one * two) - Expect(posterior, one) * Expect(posterior, two),
        why="inner products are linear: the part of x apart from that of x_0",
    )
    line(factor**2 * spread_of(clean), by=linearity, why="what does not scatter drops out")


# --- progressive distillation -----------------------------------------------------------------------------------------

a_m, sigma_m = scalar("signal_m", "a_m", positive=True), scalar("level_m", r"\sigma_m", positive=True)
start, early, late = (
    vector("state_of_flow", "z_t"),
    vector("guess_early", r"\hat x_0"),
    vector("guess_late", r"\hat x_0'"),
)
stepped = define(
    "ddim_stepped",
    r"\mathrm{DDIM}",
    lambda z, guess, a, s, a_next, s_next: s_next / s * z + (a_next - a * s_next / s) * guess,
    is_vector_valued=True,
)
half = sigma_m / sigma_t * start + (a_m - a_t * sigma_m / sigma_t) * early
whole = sigma_s / sigma_m * half + (a_s - a_m * sigma_s / sigma_m) * late
ratio_t, ratio_m, ratio_s = a_t / sigma_t, a_m / sigma_m, a_s / sigma_s
aimed = (whole - sigma_s / sigma_t * start) / (a_s - sigma_s / sigma_t * a_t)

progressive = Claim(
    id="distillation.progressive",
    title="The target of progressive distillation",
    chapter="Flow matching",
    kind="identity",
    says=(
        Statement(
            stepped(start, aimed, a_t, sigma_t, a_s, sigma_s),
            "=",
            stepped(stepped(start, early, a_t, sigma_t, a_m, sigma_m), late, a_m, sigma_m, a_s, sigma_s),
            name="target",
            words="one DDIM step of the student with it lands where two steps of the teacher land",
        ),
        Statement(
            aimed,
            "=",
            ((ratio_m - ratio_t) * early + (ratio_s - ratio_m) * late) / (ratio_s - ratio_t),
            name="mean",
            words="it is a weighted mean of the teacher's two predictions, with the strides in a/sigma as weights",
        ),
    ),
    domain=Domain(
        {name: POSITIVE for name in ("signal_t", "signal_m", "signal_s", "level_t", "level_m", "level_s")},
        conditions=(below(a_t * sigma_s, a_s * sigma_t),),
    ),
    scope="any dimension d, any path, any two predictions of a deterministic teacher, any times t, m and s for which "
    "a/sigma grows from t to s",
    sources=("Salimans and Ho 2022, appendix G",),
    words="The student is asked for the average of what the teacher saw. Where a/sigma grows at both steps it is a "
    "convex combination.",
)


@progressive.proves("target")
def _(line: Chain) -> None:
    line(stepped(start, aimed, a_t, sigma_t, a_s, sigma_s))
    line(
        sigma_s / sigma_m * half + (a_s - a_m * sigma_s / sigma_m) * late,
        by=definition,
        why="the step, which is solved for its target",
    )
    line(
        stepped(stepped(start, early, a_t, sigma_t, a_m, sigma_m), late, a_m, sigma_m, a_s, sigma_s),
        by=definition,
        why="which are the teacher's two steps",
    )


@progressive.proves("mean")
def _(line: Chain) -> None:
    line(aimed)
    line(
        ((a_m - a_t * sigma_m / sigma_t) * sigma_s / sigma_m * early + (a_s - a_m * sigma_s / sigma_m) * late)
        / (a_s - sigma_s / sigma_t * a_t),
        why="the start cancels",
    )
    line(
        ((ratio_m - ratio_t) * early + (ratio_s - ratio_m) * late) / (ratio_s - ratio_t),
        why="divide by sigma_s above and below",
    )
