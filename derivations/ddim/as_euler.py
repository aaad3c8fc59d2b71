"""The deterministic DDIM step: where it lands, and that it is the explicit Euler step of an ODE in the right units."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.family import ANY_PAIR
from derivations.ddpm.forward import noisy
from derivations.ddpm.means import x0_hat
from derivations.notation import abar, eps, eps_theta, s, t, x, z
from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    Domain,
    Statement,
    define,
    definition,
    scalar,
    vector,
)

x_0, x_t = x(0), x(t)
predicted = eps_theta(x_t, t)

step = define(
    "ddim_step",
    "x",
    lambda n, m, x_n, e: sp.sqrt(abar(m)) * x0_hat(x_n, e, n) + sp.sqrt(1 - abar(m)) * e,
    is_vector_valued=True,
)
ratio = define("noise_ratio", r"\varsigma", lambda n: sp.sqrt(1 - abar(n)) / sp.sqrt(abar(n)))

deterministic = Claim(
    id="ddim.deterministic",
    title="The deterministic step",
    chapter="DDIM",
    kind="identity",
    says=(
        Statement(
            step(t, s, noisy(t, x_0, eps), eps),
            "=",
            noisy(s, x_0, eps),
            words="with the noise that really was drawn it lands on the same path, at s",
        ),
        Statement(
            step(t, s, x_t, predicted),
            "=",
            sp.sqrt(abar(s)) / sp.sqrt(abar(t)) * x_t
            + (sp.sqrt(1 - abar(s)) - sp.sqrt(abar(s)) * sp.sqrt(1 - abar(t)) / sp.sqrt(abar(t))) * predicted,
            words="with a network's: x_t shrunk or grown, and the noise that has to go",
        ),
    ),
    domain=ANY_PAIR,
    scope="any dimension d, any T, any steps 1 <= s < t <= T, any network",
    sources=("Song et al. 2021 (DDIM), eq. 12 with sigma = 0", "staircase, DDIM"),
    words="No noise is drawn. The network says how much of x_t is noise; the step takes it out and puts back as much "
    "as belongs at s. A network that knew the noise would be right in one stride of any length.",
)


@deterministic.proves()
def _(line: Chain) -> None:
    line(step(t, s, noisy(t, x_0, eps), eps))
    line(
        sp.sqrt(abar(s)) * (noisy(t, x_0, eps) - sp.sqrt(1 - abar(t)) * eps) / sp.sqrt(abar(t))
        + sp.sqrt(1 - abar(s)) * eps,
        by=definition,
    )
    line(sp.sqrt(abar(s)) * x_0 + sp.sqrt(1 - abar(s)) * eps, by=definition, why="the noise in x_t is taken out")
    line(noisy(s, x_0, eps), by=definition)


@deterministic.proves(1)
def _(line: Chain) -> None:
    line(step(t, s, x_t, predicted))
    line(
        sp.sqrt(abar(s)) * (x_t - sp.sqrt(1 - abar(t)) * predicted) / sp.sqrt(abar(t))
        + sp.sqrt(1 - abar(s)) * predicted,
        by=definition,
    )
    line(
        sp.sqrt(abar(s)) / sp.sqrt(abar(t)) * x_t
        + (sp.sqrt(1 - abar(s)) - sp.sqrt(abar(s)) * sp.sqrt(1 - abar(t)) / sp.sqrt(abar(t))) * predicted,
        why="collect the prediction",
    )


# --- Euler ------------------------------------------------------------------------------------------------------------

as_euler = Claim(
    id="ddim.ode_limit",
    title="The deterministic step is an Euler step",
    chapter="DDIM",
    kind="identity",
    says=(
        Statement(
            step(t, s, x_t, predicted) / sp.sqrt(abar(s)) - x_t / sp.sqrt(abar(t)),
            "=",
            (ratio(s) - ratio(t)) * predicted,
            words="in x/sqrt(abar), and with the ratio of noise to signal as time: step size times slope, exactly",
        ),
        Statement(ratio(t) ** 2, "=", (1 - abar(t)) / abar(t), words="that time, squared, is one over the SNR"),
    ),
    domain=ANY_PAIR,
    scope="any dimension d, any T, any stride from t to s, any network; not the Euler step in t of the ODE of x_t "
    "itself",
    sources=("Song et al. 2021 (DDIM), eq. 14", "staircase, DDIM", "Karras et al. 2022 (EDM)"),
    words="The slope of the probability-flow ODE in these units is the predicted noise itself. So a DDIM sampler "
    "integrates that ODE by Euler's method, and its error is Euler's: first order in the step.",
)


@as_euler.proves()
def _(line: Chain) -> None:
    line(step(t, s, x_t, predicted) / sp.sqrt(abar(s)) - x_t / sp.sqrt(abar(t)))
    line(
        (x_t - sp.sqrt(1 - abar(t)) * predicted) / sp.sqrt(abar(t)) + ratio(s) * predicted - x_t / sp.sqrt(abar(t)),
        by=definition,
        why="divide the step by sqrt(abar_s)",
    )
    line((ratio(s) - ratio(t)) * predicted, by=definition, why="x_t cancels")


@as_euler.proves(1)
def _(line: Chain) -> None:
    line(ratio(t) ** 2)
    line((1 - abar(t)) / abar(t), by=definition)


# --- any path, and what is exact --------------------------------------------------------------------------------------

a_t, a_s = scalar("signal_t", "a_t", positive=True), scalar("signal_s", "a_s", positive=True)
sigma_t, sigma_s = scalar("level_t", r"\sigma_t", positive=True), scalar("level_s", r"\sigma_s", positive=True)
guess = vector("clean_guess", r"\hat x_0")
noise_guess = (z - a_t * guess) / sigma_t
landed = a_s * guess + sigma_s * noise_guess

any_path = Claim(
    id="ddim.step.forms",
    title="One step, three ways to write it, on any path",
    chapter="DDIM",
    kind="identity",
    says=(
        Statement(
            landed,
            "=",
            sigma_s / sigma_t * z + (a_s - a_t * sigma_s / sigma_t) * guess,
            words="through the predicted data",
        ),
        Statement(
            landed,
            "=",
            a_s / a_t * z + (sigma_s - a_s * sigma_t / a_t) * noise_guess,
            words="through the predicted noise",
        ),
        Statement(
            landed / sigma_s - z / sigma_t,
            "=",
            (a_s / sigma_s - a_t / sigma_t) * guess,
            words="Euler's step in x/sigma with the ratio of signal to noise as time, the predicted data as slope",
        ),
        Statement(
            landed / a_s - guess,
            "=",
            sigma_s / a_s / (sigma_t / a_t) * (z / a_t - guess),
            words="in x/a the distance to the predicted data shrinks as the noise ratio does",
        ),
    ),
    domain=Domain({"signal_t": POSITIVE, "signal_s": POSITIVE, "level_t": POSITIVE, "level_s": POSITIVE}),
    scope="any dimension d, any path with positive weights at both times, any network",
    sources=("Lu et al. 2022 (DPM-Solver), eq. 3.7", "Lu et al. 2022b (DPM-Solver++), eq. 4.1", "derived here"),
    words="Freeze either prediction during the step and integrate exactly: both give this step. If the data were one "
    "point, the prediction would not change on the way, and one step of any length would be exact.",
)


@any_path.proves()
def _(line: Chain) -> None:
    line(landed)
    line(sigma_s / sigma_t * z + (a_s - a_t * sigma_s / sigma_t) * guess, why="collect the predicted data")


@any_path.proves(1)
def _(line: Chain) -> None:
    line(landed)
    line(
        a_s / a_t * z + (sigma_s - a_s * sigma_t / a_t) * noise_guess,
        why="put in the predicted data, and collect the noise",
    )


@any_path.proves(2)
def _(line: Chain) -> None:
    line(landed / sigma_s - z / sigma_t)
    line(a_s / sigma_s * guess + (z - a_t * guess) / sigma_t - z / sigma_t, why="divide by sigma_s")
    line((a_s / sigma_s - a_t / sigma_t) * guess, why="x cancels")


@any_path.proves(3)
def _(line: Chain) -> None:
    line(landed / a_s - guess)
    line(sigma_s / a_s * (z - a_t * guess) / sigma_t, why="divide by a_s: the predicted data cancel")
    line(
        sigma_s / a_s / (sigma_t / a_t) * (z / a_t - guess),
        why="a_t comes out of the bracket: before it stands (sigma_s/a_s)/(sigma_t/a_t)",
    )
