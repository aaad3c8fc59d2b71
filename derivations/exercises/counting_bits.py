"""Exercises on bins, bits and families of encoders."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.notation import d, obs, z
from derivations.rules import KL, POSITIVE, Chain, Domain, Norm2, Normal, Statement, by_claim, definition, scalar
from derivations.vae.counted import bin_width, chance
from derivations.vae.gaussian_kl import m_1, m_2, v_1, v_2

half = sp.Rational(1, 2)
level = scalar("flat_height", "h", positive=True)

# --- finer bins -------------------------------------------------------------------------------------------------------

finer = exercise(
    "counting_bits.finer",
    "What bins of half the width cost under a flat density",
    Statement(
        -sp.log(chance(bin_width / 2, level)),
        "=",
        -sp.log(chance(bin_width, level)) + d * sp.log(2),
        words="one bit more in every dimension",
    ),
    domain=Domain({"bin_width": POSITIVE, "flat_height": POSITIVE}),
)


@finer.proves()
def _(line: Chain) -> None:
    line(-sp.log(chance(bin_width / 2, level)))
    line(-sp.log(sp.exp(d * sp.log(bin_width / 2)) * level), by=definition)
    line(-sp.log(sp.exp(d * sp.log(bin_width)) * level) + d * sp.log(2), why="log(w/2) = log w - log 2")
    line(-sp.log(chance(bin_width, level)) + d * sp.log(2), by=definition)


# --- at the best variance ---------------------------------------------------------------------------------------------

best = exercise(
    "counting_bits.best_variance",
    "What a code that stays at the origin lacks at the posterior's own variance",
    Statement(KL(Normal(z, 0, half), Normal(z, obs / 2, half)), "=", Norm2(obs) / 4),
)


@best.proves()
def _(line: Chain) -> None:
    line(KL(Normal(z, 0, half), Normal(z, obs / 2, half)))
    line(
        Norm2(obs / 2),
        by=by_claim("gaussian.kl.isotropic", at={m_1: 0, m_2: obs / 2, v_1: half, v_2: half}),
        why="equal variances: only the distance of the means is left",
    )
    line(Norm2(obs) / 4, why="|x/2|^2 is a quarter of |x|^2")
