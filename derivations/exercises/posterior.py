"""Exercises on the step back when the data are known."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.notation import abar, alpha, beta_tilde, d, marginal, mu_tilde, posterior_mean, schedule, t, x
from derivations.rules import Chain, Expect, Norm2, Statement, definition, moments, positivity

weight = alpha(t) * (1 - abar(t - 1)) / (1 - abar(t))  # of what x_t says of x_{t-1}

# --- between two guesses ----------------------------------------------------------------------------------------------

from_data, from_state = sp.sqrt(abar(t - 1)) * x(0), x(t) / sp.sqrt(alpha(t))

between = exercise(
    "posterior.between",
    "The mean lies between what the data say and what the state says",
    Statement(
        mu_tilde(t, x(t), x(0)),
        "=",
        (1 - weight) * from_data + weight * from_state,
        words="the two shares sum to 1",
    ),
    Statement(weight, "<", 1, words="and neither is negative"),
    domain=schedule(2),
)


@between.proves()
def _(line: Chain) -> None:
    line(mu_tilde(t, x(t), x(0)))
    line(posterior_mean(x(0), x(t), t), by=definition)
    line(
        (1 - weight) * from_data + weight * from_state,
        why="take sqrt(abar_{t-1}) out of the first weight, 1/sqrt(alpha_t) out of the second; they sum to 1",
    )


@between.proves(1)
def _(line: Chain) -> None:
    line(weight)
    line.lt(1, by=positivity, why="alpha_t - abar_t is less than 1 - abar_t")


# --- what seeing the next state is worth ------------------------------------------------------------------------------

shrinks = exercise(
    "posterior.shrinks",
    "The next state takes its share of the variance away",
    Statement(beta_tilde(t), "=", (1 - weight) * (1 - abar(t - 1))),
    domain=schedule(2),
)


@shrinks.proves()
def _(line: Chain) -> None:
    line(beta_tilde(t))
    line((1 - alpha(t)) / (1 - abar(t)) * (1 - abar(t - 1)), by=definition)
    line((1 - weight) * (1 - abar(t - 1)), why="the factor in front is the share of the data")


# --- how far it is drawn ----------------------------------------------------------------------------------------------

drawn_away = exercise(
    "posterior.drawn_away",
    "How far the mean is drawn away from what the data alone say",
    Statement(
        Expect(marginal(t), Norm2(mu_tilde(t, x(t), x(0)) - from_data)),
        "=",
        d * weight * (1 - abar(t - 1)),
    ),
    domain=schedule(2),
)


@drawn_away.proves()
def _(line: Chain) -> None:
    line(Expect(marginal(t), Norm2(mu_tilde(t, x(t), x(0)) - from_data)))
    line(
        Expect(marginal(t), Norm2(weight * (x(t) / sp.sqrt(alpha(t)) - from_data))),
        by=definition,
        why="the mean is drawn from the one guess to the other by that share",
    )
    line(
        d * weight * (1 - abar(t - 1)),
        by=moments,
        why="x_t/sqrt(alpha_t) is that guess and noise; one factor of the share cancels",
    )
