"""Exercises on the weights of the loss."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.losses import c
from derivations.ddpm.weighted_losses import w_eps, w_x0
from derivations.exercises import exercise
from derivations.notation import T, abar, beta, beta_tilde, d, eps, schedule, snr, t, x
from derivations.rules import (
    Chain,
    Expect,
    Norm2,
    Normal,
    Statement,
    SumTo,
    above,
    by_claim,
    definition,
    induction,
    moments,
    positivity,
)

# --- two variances ----------------------------------------------------------------------------------------------------

two_variances = exercise(
    "losses.two_variances",
    "What the larger of the two usual variances does to the weight of the noise error",
    Statement(w_eps(t, beta(t)) / w_eps(t, beta_tilde(t)), "=", (1 - abar(t - 1)) / (1 - abar(t))),
    Statement(w_eps(t, beta(t)) / w_eps(t, beta_tilde(t)), "<", 1, words="it makes every weight smaller"),
    domain=schedule(2),
)


@two_variances.proves()
def _(line: Chain) -> None:
    line(w_eps(t, beta(t)) / w_eps(t, beta_tilde(t)))
    line(beta_tilde(t) / beta(t), by=definition, why="the variance stands in the denominator, and nothing else differs")
    line((1 - abar(t - 1)) / (1 - abar(t)), by=definition)


@two_variances.proves(1)
def _(line: Chain) -> None:
    line(w_eps(t, beta(t)) / w_eps(t, beta_tilde(t)))
    line((1 - abar(t - 1)) / (1 - abar(t)), by=above())
    line.lt(1, by=positivity, why="abar falls with t")


# --- the least loss ---------------------------------------------------------------------------------------------------

state = sp.sqrt(abar(t)) * x(0) + sp.sqrt(1 - abar(t)) * eps
linear_loss = Expect(Normal(x(0), 0, 1), Expect(Normal(eps, 0, 1), Norm2(eps - c * state)))

least = exercise(
    "losses.least",
    "The best linear guess of the noise, and the loss that is left",
    Statement(linear_loss, "=", d * ((c - sp.sqrt(1 - abar(t))) ** 2 + abar(t))),
    domain=schedule(),
)


@least.proves()
def _(line: Chain) -> None:
    line(linear_loss)
    line(
        d * (c**2 * abar(t) + (1 - c * sp.sqrt(1 - abar(t))) ** 2),
        by=moments,
        why="what the guess has of the data is all wrong; of the noise, what is over or lacking",
    )
    line(d * ((c - sp.sqrt(1 - abar(t))) ** 2 + abar(t)), why="complete the square in c")


# --- all weights together ---------------------------------------------------------------------------------------------

total = exercise(
    "losses.total_weight",
    "All weights of the data error together",
    Statement(SumTo(w_x0(t, beta_tilde(t)), t, 2, T), "=", (snr(1) - snr(T)) / 2),
    domain=schedule(2),
)


@total.proves()
def _(line: Chain) -> None:
    line(SumTo(w_x0(t, beta_tilde(t)), t, 2, T))
    line(
        SumTo((snr(t - 1) - snr(t)) / 2, t, 2, T),
        by=by_claim("ddpm.loss.weights_snr"),
        why="each weight is half of what the ratio loses in a step",
    )
    line((snr(1) - snr(T)) / 2, by=induction(T, 2), why="the sum telescopes")
