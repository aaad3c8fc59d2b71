"""Exercises on DDIM."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.as_euler import ratio, step
from derivations.ddim.family import ANY_PAIR
from derivations.ddpm.forward import noisy
from derivations.ddpm.means import x0_hat
from derivations.exercises import exercise
from derivations.notation import SCHEDULE, T, abar, eps, eps_theta, s, t, x
from derivations.rules import Chain, Domain, Norm2, Statement, definition

x_0, x_t = x(0), x(t)
r = sp.Symbol("r", integer=True, positive=True)  # a step before s
THREE_STEPS = Domain(
    SCHEDULE,
    {T: (sp.Integer(3), sp.oo), t: (sp.Integer(3), T), s: (sp.Integer(2), t - 1), r: (sp.Integer(1), s - 1)},
    {"abar": "alpha"},
)

# --- a stop on the way ------------------------------------------------------------------------------------------------

two_strides = exercise(
    "ddim.two_strides",
    "With one noise all the way, a stop on the way changes nothing",
    Statement(step(s, r, step(t, s, x_t, eps), eps), "=", step(t, r, x_t, eps)),
    domain=THREE_STEPS,
)


@two_strides.proves()
def _(line: Chain) -> None:
    line(step(s, r, step(t, s, x_t, eps), eps))
    line(
        sp.sqrt(abar(r)) * x0_hat(step(t, s, x_t, eps), eps, s) + sp.sqrt(1 - abar(r)) * eps,
        by=definition,
        why="the second stride, written out",
    )
    line(
        sp.sqrt(abar(r)) * x0_hat(x_t, eps, t) + sp.sqrt(1 - abar(r)) * eps,
        by=definition,
        why="the stop shows the same data: what the first stride added of the noise is taken out again",
    )
    line(step(t, r, x_t, eps), by=definition)


# --- there and back ---------------------------------------------------------------------------------------------------

back_again = exercise(
    "ddim.there_and_back",
    "The step runs backwards as well",
    Statement(step(s, t, step(t, s, x_t, eps), eps), "=", x_t),
    domain=ANY_PAIR,
)


@back_again.proves()
def _(line: Chain) -> None:
    line(step(s, t, step(t, s, x_t, eps), eps))
    line(
        sp.sqrt(abar(t)) * x0_hat(x_t, eps, t) + sp.sqrt(1 - abar(t)) * eps,
        by=definition,
        why="the state at s shows the same data, so the step up starts from them",
    )
    line(x_t, by=definition, why="what the noise and the data that it implies make up is the state")


# --- what a wrong noise does ------------------------------------------------------------------------------------------

wrong_noise = exercise(
    "ddim.wrong_noise",
    "How far a stride with a wrong noise misses",
    Statement(
        Norm2(step(t, s, noisy(t, x_0, eps), eps_theta(x_t, t)) - noisy(s, x_0, eps)),
        "=",
        abar(s) * (ratio(t) - ratio(s)) ** 2 * Norm2(eps_theta(x_t, t) - eps),
    ),
    domain=ANY_PAIR,
)


@wrong_noise.proves()
def _(line: Chain) -> None:
    line(Norm2(step(t, s, noisy(t, x_0, eps), eps_theta(x_t, t)) - noisy(s, x_0, eps)))
    line(
        Norm2(sp.sqrt(abar(s)) * (ratio(s) - ratio(t)) * (eps_theta(x_t, t) - eps)),
        by=definition,
        why="with the right noise it would land on the path; what is wrong with the noise enters twice",
    )
    line(
        abar(s) * (ratio(t) - ratio(s)) ** 2 * Norm2(eps_theta(x_t, t) - eps),
        why="a number leaves a squared length as its square, whatever its sign",
    )
