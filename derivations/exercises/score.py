"""Exercises on the score."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.flow.paths import PATH, level, signal
from derivations.notation import d
from derivations.rules import (
    POSITIVE,
    Chain,
    Domain,
    Expect,
    Grad,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    density,
    moments,
    vector_calculus,
)
from derivations.score.functions import noisy
from derivations.vae.gaussian_kl import m_1, v_1

power = signal**2 + level**2

# --- standard normal data ---------------------------------------------------------------------------------------------

denoised = exercise(
    "score.standard_normal",
    "The best denoiser of standard normal data",
    Statement(
        (noisy + level**2 * Grad(LogDensity(Normal(noisy, 0, power)), noisy)) / signal,
        "=",
        signal / power * noisy,
    ),
    domain=Domain(PATH),
)


@denoised.proves()
def _(line: Chain) -> None:
    line((noisy + level**2 * Grad(LogDensity(Normal(noisy, 0, power)), noisy)) / signal)
    line(
        (noisy + level**2 * Grad(-Norm2(noisy) / (2 * power), noisy)) / signal,
        by=[density, vector_calculus],
        why="the normaliser does not depend on x",
    )
    line((noisy - level**2 / power * noisy) / signal, by=vector_calculus, why="the gradient of |x|^2 is 2 x")
    line(signal / power * noisy, why="what is left of 1 is the share of the signal's power")


# --- how steep a Gaussian is ------------------------------------------------------------------------------------------

steepness = exercise(
    "score.steepness",
    "How long the score of a Gaussian is, in mean square",
    Statement(Expect(Normal(noisy, m_1, v_1), Norm2(Grad(LogDensity(Normal(noisy, m_1, v_1)), noisy))), "=", d / v_1),
    domain=Domain({"v_1": POSITIVE}),
)


@steepness.proves()
def _(line: Chain) -> None:
    line(Expect(Normal(noisy, m_1, v_1), Norm2(Grad(LogDensity(Normal(noisy, m_1, v_1)), noisy))))
    line(
        Expect(Normal(noisy, m_1, v_1), Norm2((m_1 - noisy) / v_1)),
        by=[density, vector_calculus],
        why="the score points to the mean, the harder the narrower the law",
    )
    line(d / v_1, by=moments, why="a mean square of d v_1, over v_1^2")
