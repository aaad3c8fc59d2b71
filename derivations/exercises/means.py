"""Exercises on the mean of the step back."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.means import drawn, x0_hat, x_0, x_t
from derivations.exercises import exercise
from derivations.flow.units import answer
from derivations.notation import abar, alpha, eps, eps_theta, mu_tilde, posterior_mean, schedule, t
from derivations.rules import Chain, Norm2, Statement, definition

# --- a network that answers with a score ------------------------------------------------------------------------------

from_score = exercise(
    "means.from_score",
    "The mean of the step back from a score",
    Statement(
        mu_tilde(t, x_t, x0_hat(x_t, -sp.sqrt(1 - abar(t)) * answer, t)),
        "=",
        (x_t + (1 - alpha(t)) * answer) / sp.sqrt(alpha(t)),
    ),
    domain=schedule(),
)


@from_score.proves()
def _(line: Chain) -> None:
    line(mu_tilde(t, x_t, x0_hat(x_t, -sp.sqrt(1 - abar(t)) * answer, t)))
    line(
        posterior_mean((x_t + (1 - abar(t)) * answer) / sp.sqrt(abar(t)), x_t, t),
        by=definition,
        why="the data that this noise implies; the two roots of 1 - abar_t make one factor",
    )
    line((x_t + (1 - alpha(t)) * answer) / sp.sqrt(alpha(t)), why="collect x_t and the score")


# --- an error of the noise in the mean --------------------------------------------------------------------------------

miss = exercise(
    "means.error",
    "What an error of the noise does to the mean",
    Statement(
        Norm2(mu_tilde(t, drawn, x0_hat(drawn, eps_theta(drawn, t), t)) - mu_tilde(t, drawn, x_0)),
        "=",
        (1 - alpha(t)) ** 2 / (alpha(t) * (1 - abar(t))) * Norm2(eps_theta(drawn, t) - eps),
    ),
    domain=schedule(),
)


@miss.proves()
def _(line: Chain) -> None:
    line(Norm2(mu_tilde(t, drawn, x0_hat(drawn, eps_theta(drawn, t), t)) - mu_tilde(t, drawn, x_0)))
    line(
        Norm2(sp.sqrt(abar(t - 1)) * (1 - alpha(t)) / (1 - abar(t)) * (x0_hat(drawn, eps_theta(drawn, t), t) - x_0)),
        by=definition,
        why="both means take the same share of x_t",
    )
    line(
        Norm2((1 - alpha(t)) / (sp.sqrt(alpha(t)) * sp.sqrt(1 - abar(t))) * (eps - eps_theta(drawn, t))),
        by=definition,
        why="the data are off by the noise's error over sqrt(SNR)",
    )
    line(
        (1 - alpha(t)) ** 2 / (alpha(t) * (1 - abar(t))) * Norm2(eps_theta(drawn, t) - eps),
        why="a number leaves a squared length as its square; the error's sign does not matter",
    )
