"""Exercises on diffusion in one step."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.notation import d, x, z
from derivations.onestep import alpha, prior
from derivations.rules import KL, UNIT, Chain, Domain, Expect, Norm2, Normal, Statement, by_claim, moments
from derivations.vae.gaussian_kl import m_1, m_2, v_1, v_2

half = sp.Rational(1, 2)
encoder = Normal(x(1), sp.sqrt(alpha) * x(0), 1 - alpha)
balanced = Normal(x(1), sp.sqrt(half) * x(0), half)

# --- half signal, half noise ------------------------------------------------------------------------------------------

at_half = exercise(
    "one_step.at_half",
    "The price of an encoder that keeps half of the power",
    Statement(KL(balanced, prior), "=", (Norm2(x(0)) - d) / 4 + d * sp.log(2) / 2),
)


@at_half.proves()
def _(line: Chain) -> None:
    line(KL(balanced, prior))
    line(
        (Norm2(x(0)) - d) / 4 + d * sp.log(2) / 2,
        by=by_claim("gaussian.kl.isotropic", at={z: x(1), m_1: sp.sqrt(half) * x(0), m_2: 0, v_1: half, v_2: 1}),
        why="the mean is sqrt(1/2) x_0, the variance 1/2, and log(1/2) = -log 2",
    )


# --- on average over standard normal data -----------------------------------------------------------------------------

on_average = exercise(
    "one_step.information",
    "For standard normal data the price is on average the information that the code carries",
    Statement(Expect(Normal(x(0), 0, 1), KL(encoder, prior)), "=", -d * sp.log(1 - alpha) / 2),
    domain=Domain({"alpha_one": UNIT}),
)


@on_average.proves()
def _(line: Chain) -> None:
    line(Expect(Normal(x(0), 0, 1), KL(encoder, prior)))
    line(
        Expect(Normal(x(0), 0, 1), half * (alpha * Norm2(x(0)) - alpha * d - d * sp.log(1 - alpha))),
        by=by_claim("gaussian.kl.isotropic", at={z: x(1), m_1: sp.sqrt(alpha) * x(0), m_2: 0, v_1: 1 - alpha, v_2: 1}),
    )
    line(-d * sp.log(1 - alpha) / 2, by=moments, why="the mean squared length is d, so the first two terms cancel")
