"""Exercises on the Gaussian terms of the bound."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.posterior import posterior
from derivations.exercises import exercise
from derivations.notation import abar, beta, beta_tilde, d, eps, mu_tilde, schedule, t, x, z
from derivations.rules import KL, Chain, Norm2, Normal, Statement, by_claim, definition
from derivations.vae.gaussian_kl import m_1, m_2, v_1, v_2

centre = mu_tilde(t, x(t), x(0))

# --- the right mean with the wrong variance ---------------------------------------------------------------------------

share = (1 - abar(t - 1)) / (1 - abar(t))

wrong_variance = exercise(
    "gaussian_terms.wrong_variance",
    "The right mean with the variance of the step forth",
    Statement(KL(posterior(t), Normal(x(t - 1), centre, beta(t))), "=", d / 2 * (share - 1 - sp.log(share))),
    domain=schedule(2),
)


@wrong_variance.proves()
def _(line: Chain) -> None:
    line(KL(posterior(t), Normal(x(t - 1), centre, beta(t))))
    ratio = beta_tilde(t) / beta(t)
    both = {z: x(t - 1), m_1: centre, m_2: centre, v_1: beta_tilde(t), v_2: beta(t)}
    line(
        d / 2 * (ratio - 1 - sp.log(ratio)),
        by=by_claim("gaussian.kl.isotropic", at=both),
        why="the means agree, so the price is that of the spreads",
    )
    line(d / 2 * (share - 1 - sp.log(share)), by=definition, why="beta_tilde_t over beta_t")


# --- a mean that is off -----------------------------------------------------------------------------------------------

off = Normal(x(t - 1), centre + sp.sqrt(beta_tilde(t)) * eps, beta_tilde(t))

one_deviation = exercise(
    "gaussian_terms.one_deviation",
    "A mean that is off, in units of the standard deviation",
    Statement(KL(posterior(t), off), "=", Norm2(eps) / 2),
    domain=schedule(2),
)


@one_deviation.proves()
def _(line: Chain) -> None:
    line(KL(posterior(t), off))
    shifted = centre + sp.sqrt(beta_tilde(t)) * eps
    both = {z: x(t - 1), m_1: centre, m_2: shifted, v_1: beta_tilde(t), v_2: beta_tilde(t)}
    line(
        Norm2(sp.sqrt(beta_tilde(t)) * eps) / (2 * beta_tilde(t)),
        by=by_claim("gaussian.kl.isotropic", at=both),
        why="equal variances leave the distance of the means",
    )
    line(Norm2(eps) / 2, why="the variance cancels")
