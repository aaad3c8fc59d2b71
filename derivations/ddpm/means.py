"""The mean of the step back, through a network that predicts data or noise; and a display with bars too many."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.ddpm.forward import noisy
from derivations.notation import (
    T,
    abar,
    alpha,
    data_prediction,
    eps,
    eps_theta,
    mu_theta,
    mu_tilde,
    posterior_mean,
    schedule,
    t,
    x,
    x0_theta,
)
from derivations.refutation.laws import number
from derivations.refutation.worlds import World
from derivations.rules import (
    Chain,
    Claim,
    Domain,
    Statement,
    define,
    given,
)

x_t, x_0 = x(t), x(0)
drawn = noisy(t, x_0, eps)  # x_t as a function of x_0 and of the noise that was drawn
keep, noise = sp.sqrt(abar(t)), sp.sqrt(1 - abar(t))  # the two weights in x_t = keep x_0 + noise eps

x0_hat = define(
    "x0_hat",
    r"\hat x_0",
    lambda x_n, e, n: (x_n - sp.sqrt(1 - abar(n)) * e) / sp.sqrt(abar(n)),
    is_vector_valued=True,
)
eps_hat = define(
    "eps_hat",
    r"\hat\epsilon",
    lambda x_n, clean, n: (x_n - sp.sqrt(abar(n)) * clean) / sp.sqrt(1 - abar(n)),
    is_vector_valued=True,
)

# --- two predictors, one mean -----------------------------------------------------------------------------------------

ONE_STEP = Domain(schedule().intervals, {T: (sp.Integer(1), sp.oo)}, schedule().products)

mean_x0_form = Claim(
    id="ddpm.mean.x0_form",
    title="Mean through a data predictor",
    chapter="Parameterizations",
    kind="definition",
    says=(
        Statement(mu_theta(x_t, t), "=", posterior_mean(x0_theta(x_t, t), x_t, t)),
        Statement(
            mu_theta(x(1), 1), "=", x0_theta(x(1), 1), words="at t = 1 the mean is the prediction", domain=ONE_STEP
        ),
        Statement(
            mu_theta(x_t, t) - mu_tilde(t, x_t, x_0),
            "=",
            sp.sqrt(abar(t - 1)) * (1 - alpha(t)) / (1 - abar(t)) * (x0_theta(x_t, t) - x_0),
            words="an error of the prediction becomes this much error of the mean",
        ),
    ),
    domain=schedule(),
    hypotheses=(data_prediction,),
    scope="any dimension d, any network, t >= 2, and t = 1 with abar_0 = 1",
    sources=("notes, 2.4",),
    words="Put the network's guess where the encoder's own step back has the clean image.",
)


@mean_x0_form.proves()
def _(line: Chain) -> None:
    line(mu_theta(x_t, t))
    line(posterior_mean(x0_theta(x_t, t), x_t, t), by=given(data_prediction), why="this is how the network is used")


@mean_x0_form.proves(1)
def _(line: Chain) -> None:
    line(mu_theta(x(1), 1))
    line(posterior_mean(x0_theta(x(1), 1), x(1), sp.Integer(1)), by=given(data_prediction, t=1))
    line(x0_theta(x(1), 1), why="abar_0 = 1 and abar_1 = alpha_1: weights 1 and 0")


@mean_x0_form.proves(2)
def _(line: Chain) -> None:
    line(mu_theta(x_t, t) - mu_tilde(t, x_t, x_0))
    line(posterior_mean(x0_theta(x_t, t), x_t, t) - posterior_mean(x_0, x_t, t), by=given(data_prediction))
    line(
        sp.sqrt(abar(t - 1)) * (1 - alpha(t)) / (1 - abar(t)) * (x0_theta(x_t, t) - x_0),
        why="both means use x_t in the same way",
    )


def eps_form(x_n: sp.Expr, noise_estimate: sp.Expr, n: sp.Expr) -> sp.Expr:
    """The mean of the step back from x_n written with the noise instead of the clean image."""
    return (x_n - (1 - alpha(n)) / sp.sqrt(1 - abar(n)) * noise_estimate) / sp.sqrt(alpha(n))


mean_eps_form = Claim(
    id="ddpm.mean.eps_form",
    title="Mean through a noise predictor",
    chapter="Parameterizations",
    kind="identity",
    says=(
        Statement(
            mu_tilde(t, x_t, x0_hat(x_t, eps_theta(x_t, t), t)),
            "=",
            eps_form(x_t, eps_theta(x_t, t), t),
            words="the data that a noise predictor implies, put into the step back",
        ),
        Statement(
            mu_tilde(t, drawn, x_0), "=", eps_form(drawn, eps, t), words="the same for the noise that really was drawn"
        ),
    ),
    domain=schedule(),
    scope="any dimension d, any network, any t >= 1 (abar_0 = 1)",
    sources=(
        "notes, Algorithm 3",
        "slides, Generation (reverse process)",
        "journey, 3.5",
        "staircase, The reparameterization",
    ),
    words="Subtract the predicted noise in the right amount and undo the last shrinking, by sqrt(alpha_t) and not by "
    "sqrt(abar_t): only one step is taken back.",
)


def _collect(line: Chain, x_n: sp.Expr, noise_estimate: sp.Expr) -> None:
    """The common middle of both derivations: from a x_0-estimate + b x_t to the noise form."""
    last, before = alpha(t), abar(t - 1)
    line(
        posterior_mean((x_n - noise * noise_estimate) / keep, x_n, t),
        why="mu_tilde, with x_0 = (x_t - sqrt(1 - abar_t) eps) / sqrt(abar_t)",
    )
    line(
        ((1 - last) + last * (1 - before)) / (sp.sqrt(last) * (1 - abar(t))) * x_n
        - (1 - last) / (sp.sqrt(last) * noise) * noise_estimate,
        why="sqrt(abar_{t-1}) / sqrt(abar_t) = 1 / sqrt(alpha_t); collect x_t and the noise",
    )
    line(eps_form(x_n, noise_estimate, t), why="1 - alpha_t + alpha_t (1 - abar_{t-1}) = 1 - abar_t")


@mean_eps_form.proves()
def _(line: Chain) -> None:
    line(mu_tilde(t, x_t, x0_hat(x_t, eps_theta(x_t, t), t)))
    _collect(line, x_t, eps_theta(x_t, t))


@mean_eps_form.proves(1)
def _(line: Chain) -> None:
    line(mu_tilde(t, drawn, x_0))
    line(posterior_mean(x_0, drawn, t), why="mu_tilde_t, written out: a share of x_t and one of x_0")
    _collect(line, drawn, eps)


# --- as printed -------------------------------------------------------------------------------------------------------


def _lecture_numbers(_: Random, n: int) -> World | None:
    """alpha_2 = 0.9, abar_2 = 0.5, x_0 = 1, eps = 0.5 in one dimension."""
    if n:
        return None
    alphas = [Fraction(5, 9), Fraction(9, 10)]
    products = list(itertools.accumulate(alphas, initial=Fraction(1), func=lambda a, b: a * b))
    made = World(1, numbers={"T": 2, "t": 2})
    made.families = {"alpha": _table(alphas, 1), "abar": _table(products, 0)}
    made.vectors = {("x", 0): (Fraction(1),), ("eps",): (Fraction(1, 2),)}
    made.drawn = {"alpha(2)": "0.9", "abar(2)": "0.5", "x_0": "1", "eps": "0.5"}
    return made


def _table(values: list[Fraction], first: int) -> Callable[[Any], Any]:
    return lambda n: number(values[int(n) - first])


printed_second_weight = sp.sqrt(abar(t)) * (1 - abar(t - 1)) / (1 - abar(t))

eps_form_notes_display = Claim(
    id="ddpm.mean.eps_form.notes_display",
    title="The notes' rewriting of the mean, as printed",
    chapter="Parameterizations",
    kind="identity",
    says=(
        Statement(
            mu_tilde(t, drawn, x_0),
            "=",
            sp.sqrt(abar(t - 1)) * (1 - alpha(t)) / (1 - abar(t)) * x0_hat(drawn, eps, t)
            + printed_second_weight * drawn,
            words="first line of the display: sqrt(abar_t) where sqrt(alpha_t) belongs",
        ),
        Statement(
            mu_tilde(t, drawn, x_0),
            "=",
            drawn / keep - (1 - alpha(t)) / (keep * noise) * eps,
            words="second line: sqrt(abar_t) for sqrt(alpha_t) twice; the display of mu_theta repeats it",
        ),
    ),
    domain=schedule(),
    scope="as printed, t >= 2",
    sources=("notes, 2.4, displays before eq 2.8",),
    words="Five bars too many. The two printed lines do not even agree with each other; at t = 1 all forms coincide.",
    expects="refuted",
    corrected_by="ddpm.mean.eps_form",
    errata=("N1",),
    worlds=(_lecture_numbers,),
)
