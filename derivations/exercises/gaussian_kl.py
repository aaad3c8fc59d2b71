"""Exercises on divergences between Gaussians."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.notation import d, z
from derivations.rules import KL, POSITIVE, Chain, Domain, Norm2, Normal, Statement, by_claim
from derivations.vae.gaussian_kl import m_1, m_2, v_1, v_2

one, other = Normal(z, m_1, v_1), Normal(z, m_2, v_2)
VARIANCES = Domain({"v_1": POSITIVE, "v_2": POSITIVE})

# --- which of two means costs less ------------------------------------------------------------------------------------

equal_variances = exercise(
    "gaussian_kl.equal_variances",
    "With one variance the divergence is the same both ways",
    Statement(KL(one, Normal(z, m_2, v_1)), "=", KL(Normal(z, m_2, v_1), one)),
    domain=VARIANCES,
)


@equal_variances.proves()
def _(line: Chain) -> None:
    line(KL(one, Normal(z, m_2, v_1)))
    line(
        Norm2(m_1 - m_2) / (2 * v_1),
        by=by_claim("gaussian.kl.isotropic", at={v_2: v_1}),
        why="the penalty for unequal spreads vanishes: 1 - 1 - log 1 = 0",
    )
    line(
        KL(Normal(z, m_2, v_1), one),
        by=by_claim("gaussian.kl.isotropic", at={m_1: m_2, m_2: m_1, v_2: v_1}),
        why="a distance does not change when its ends are exchanged",
    )


# --- what the order of the two laws is worth --------------------------------------------------------------------------

asymmetry = exercise(
    "gaussian_kl.too_wide_or_too_narrow",
    "A law that is four times too wide, and one that is four times too narrow",
    Statement(
        KL(Normal(z, m_1, v_1), Normal(z, m_1, 4 * v_1)),
        "=",
        d * (sp.log(2) - sp.Rational(3, 8)),
        words="the second law is too wide",
    ),
    Statement(
        KL(Normal(z, m_1, v_1), Normal(z, m_1, v_1 / 4)),
        "=",
        d * (sp.Rational(3, 2) - sp.log(2)),
        words="the second law is too narrow, and that costs more",
    ),
    domain=VARIANCES,
)


@asymmetry.proves()
def _(line: Chain) -> None:
    line(KL(Normal(z, m_1, v_1), Normal(z, m_1, 4 * v_1)))
    line(
        d / 2 * (sp.Rational(1, 4) - 1 - sp.log(sp.Rational(1, 4))),
        by=by_claim("gaussian.kl.isotropic", at={m_2: m_1, v_2: 4 * v_1}),
        why="the means agree, and the ratio of the variances is 1/4",
    )
    line(d * (sp.log(2) - sp.Rational(3, 8)), why="-log(1/4) is twice log 2")


@asymmetry.proves(1)
def _(line: Chain) -> None:
    line(KL(Normal(z, m_1, v_1), Normal(z, m_1, v_1 / 4)))
    line(
        d / 2 * (4 - 1 - sp.log(4)),
        by=by_claim("gaussian.kl.isotropic", at={m_2: m_1, v_2: v_1 / 4}),
        why="now the ratio is 4",
    )
    line(d * (sp.Rational(3, 2) - sp.log(2)), why="log 4 = 2 log 2; halve both terms")
