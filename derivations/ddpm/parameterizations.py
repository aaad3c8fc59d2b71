"""What a network may predict — data, noise, velocity — and what each choice does to the mean and to the errors."""

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
    snr,
    t,
    v_theta,
    x,
    x0_theta,
)
from derivations.refutation.laws import number
from derivations.refutation.worlds import World
from derivations.rules import (
    CLOSED_UNIT,
    At,
    Chain,
    Claim,
    Domain,
    Norm2,
    Statement,
    above,
    continuity,
    define,
    definition,
    given,
    scalar,
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


def eps_form(noisy: sp.Expr, noise_estimate: sp.Expr) -> sp.Expr:
    """The mean of the step back written with the noise instead of the clean image."""
    return (noisy - (1 - alpha(t)) / noise * noise_estimate) / sp.sqrt(alpha(t))


mean_eps_form = Claim(
    id="ddpm.mean.eps_form",
    title="Mean through a noise predictor",
    chapter="Parameterizations",
    kind="identity",
    says=(
        Statement(
            mu_tilde(t, x_t, x0_hat(x_t, eps_theta(x_t, t), t)),
            "=",
            eps_form(x_t, eps_theta(x_t, t)),
            words="the data that a noise predictor implies, put into the step back",
        ),
        Statement(
            mu_tilde(t, drawn, x_0), "=", eps_form(drawn, eps), words="the same for the noise that really was drawn"
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


def _collect(line: Chain, noisy: sp.Expr, noise_estimate: sp.Expr) -> None:
    """The common middle of both derivations: from a x_0-estimate + b x_t to the noise form."""
    last, before = alpha(t), abar(t - 1)
    line(
        posterior_mean((noisy - noise * noise_estimate) / keep, noisy, t),
        why="mu_tilde, with x_0 = (x_t - sqrt(1 - abar_t) eps) / sqrt(abar_t)",
    )
    line(
        ((1 - last) + last * (1 - before)) / (sp.sqrt(last) * (1 - abar(t))) * noisy
        - (1 - last) / (sp.sqrt(last) * noise) * noise_estimate,
        why="sqrt(abar_{t-1}) / sqrt(abar_t) = 1 / sqrt(alpha_t); collect x_t and the noise",
    )
    line(eps_form(noisy, noise_estimate), why="1 - alpha_t + alpha_t (1 - abar_{t-1}) = 1 - abar_t")


@mean_eps_form.proves()
def _(line: Chain) -> None:
    line(mu_tilde(t, x_t, x0_hat(x_t, eps_theta(x_t, t), t)))
    _collect(line, x_t, eps_theta(x_t, t))


@mean_eps_form.proves(1)
def _(line: Chain) -> None:
    line(mu_tilde(t, drawn, x_0))
    line(posterior_mean(x_0, drawn, t))
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

# --- two predictors, two errors ---------------------------------------------------------------------------------------

bijection = Claim(
    id="ddpm.parameterization.bijection",
    title="Data and noise predictors determine each other",
    chapter="Parameterizations",
    kind="identity",
    says=(
        Statement(x0_hat(x_t, eps_theta(x_t, t), t), "=", (x_t - noise * eps_theta(x_t, t)) / keep),
        Statement(eps_hat(x_t, x0_theta(x_t, t), t), "=", (x_t - keep * x0_theta(x_t, t)) / noise),
        Statement(
            (x_t - noise * eps_hat(x_t, x0_theta(x_t, t), t)) / keep,
            "=",
            x0_theta(x_t, t),
            words="data to noise and back",
        ),
        Statement(
            (x_t - keep * x0_hat(x_t, eps_theta(x_t, t), t)) / noise,
            "=",
            eps_theta(x_t, t),
            words="noise to data and back",
        ),
    ),
    domain=schedule(),
    scope="any dimension d, any networks, any t with 0 < abar_t < 1",
    sources=("notes, eq 2.9", "staircase, The reparameterization", "journey, 2.3"),
    words="x_t is a mixture of data and noise with known weights, both positive: knowing one part gives the other. "
    "The map is affine in the prediction and depends on x_t.",
)


@bijection.proves()
def _(line: Chain) -> None:
    line(x0_hat(x_t, eps_theta(x_t, t), t))
    line((x_t - noise * eps_theta(x_t, t)) / keep, by=definition, why="solve x_t = keep x_0 + noise eps for x_0")


@bijection.proves(1)
def _(line: Chain) -> None:
    line(eps_hat(x_t, x0_theta(x_t, t), t))
    line((x_t - keep * x0_theta(x_t, t)) / noise, by=definition, why="solve it for eps")


@bijection.proves(2)
def _(line: Chain) -> None:
    line((x_t - noise * eps_hat(x_t, x0_theta(x_t, t), t)) / keep)
    line((x_t - (x_t - keep * x0_theta(x_t, t))) / keep, why="the noise weight cancels: abar_t < 1")
    line(x0_theta(x_t, t), why="and so does the other: abar_t > 0")


@bijection.proves(3)
def _(line: Chain) -> None:
    line((x_t - keep * x0_hat(x_t, eps_theta(x_t, t), t)) / noise)
    line((x_t - (x_t - noise * eps_theta(x_t, t))) / noise, why="the data weight cancels: abar_t > 0")
    line(eps_theta(x_t, t), why="and so does the other: abar_t < 1")


noise_error = Norm2(eps_theta(drawn, t) - eps)
data_error = Norm2(x0_hat(drawn, eps_theta(drawn, t), t) - x_0)

error_equivalence = Claim(
    id="ddpm.loss.eps_x0_equivalence",
    title="Squared errors differ by a t-dependent factor",
    chapter="Parameterizations",
    kind="identity",
    says=(
        Statement(data_error, "=", (1 - abar(t)) / abar(t) * noise_error),
        Statement(data_error, "=", noise_error / snr(t), words="the factor is one over the signal-to-noise ratio"),
        Statement(
            Norm2(eps_hat(drawn, x0_theta(drawn, t), t) - eps),
            "=",
            snr(t) * Norm2(x0_theta(drawn, t) - x_0),
            words="and the other way round, for a data predictor",
        ),
    ),
    domain=schedule(),
    scope="any dimension d, any networks, any t >= 1; both predictions made from the same x_t",
    sources=("notes, eq 2.10", "journey, 2.3", "staircase, worked example"),
    words="The same mistake counts differently in the two units, and how differently depends on t: at low noise an "
    "error in the noise is a tiny error in the image, at high noise a huge one.",
    errata=("N7",),
)


@error_equivalence.proves()
def _(line: Chain) -> None:
    line(data_error)
    line(
        Norm2((drawn - noise * eps_theta(drawn, t)) / keep - (drawn - noise * eps) / keep),
        why="write x_0, too, as x_t less its noise",
    )
    line(Norm2(noise / keep * (eps - eps_theta(drawn, t))), why="x_t cancels")
    line((1 - abar(t)) / abar(t) * noise_error, why="a factor leaves the squared norm squared")


@error_equivalence.proves(1)
def _(line: Chain) -> None:
    line(data_error)
    line((1 - abar(t)) / abar(t) * noise_error, by=above(0))
    line(noise_error / snr(t))


@error_equivalence.proves(2)
def _(line: Chain) -> None:
    prediction = x0_theta(drawn, t)
    line(Norm2(eps_hat(drawn, prediction, t) - eps))
    line(
        Norm2((drawn - keep * prediction) / noise - (drawn - keep * x_0) / noise),
        why="write eps, too, as x_t less its signal",
    )
    line(Norm2(keep / noise * (x_0 - prediction)), why="x_t cancels")
    line(snr(t) * Norm2(prediction - x_0), why="a factor leaves the squared norm squared")


# --- velocity ---------------------------------------------------------------------------------------------------------

level = scalar("alpha_bar", r"\bar\alpha")
noised = define("noised", "x_t", lambda a, clean, e: sp.sqrt(a) * clean + sp.sqrt(1 - a) * e, is_vector_valued=True)
velocity = define("velocity", "v", lambda a, clean, e: sp.sqrt(a) * e - sp.sqrt(1 - a) * clean, is_vector_valued=True)
x_level, v_level = noised(level, x_0, eps), velocity(level, x_0, eps)

v_parameterization = Claim(
    id="ddpm.parameterization.v",
    title="v-parameterisation",
    chapter="Parameterizations",
    kind="identity",
    says=(
        Statement(v_level, "=", sp.sqrt(level) * eps - sp.sqrt(1 - level) * x_0),
        Statement(sp.sqrt(level) * x_level - sp.sqrt(1 - level) * v_level, "=", x_0, words="data from x_t and v"),
        Statement(sp.sqrt(1 - level) * x_level + sp.sqrt(level) * v_level, "=", eps, words="noise from x_t and v"),
        Statement(At(v_level, level, 1), "=", eps, words="without noise v is the noise"),
        Statement(At(v_level, level, 0), "=", -x_0, words="without signal v is minus the data"),
        Statement(
            Norm2(x_level) + Norm2(v_level),
            "=",
            Norm2(x_0) + Norm2(eps),
            words="(x_t, v) is (x_0, eps) turned by an angle: lengths stay",
        ),
    ),
    domain=Domain({"alpha_bar": CLOSED_UNIT}),
    scope="any dimension d, any abar in [0, 1], both ends included: nothing is divided by",
    sources=("staircase, BUT WAIT 1",),
    words="Turn the plane of (x_0, eps) by the angle whose cosine is sqrt(abar): x_t is the first new axis, v the "
    "second. Turning back needs no division, so v works where the noise and the data predictors each fail.",
)


@v_parameterization.proves()
def _(line: Chain) -> None:
    line(v_level)
    line(sp.sqrt(level) * eps - sp.sqrt(1 - level) * x_0, by=definition)


@v_parameterization.proves(1)
def _(line: Chain) -> None:
    line(sp.sqrt(level) * x_level - sp.sqrt(1 - level) * v_level)
    line((level + (1 - level)) * x_0, why="the noise cancels")
    line(x_0)


@v_parameterization.proves(2)
def _(line: Chain) -> None:
    line(sp.sqrt(1 - level) * x_level + sp.sqrt(level) * v_level)
    line((1 - level + level) * eps, why="the data cancel")
    line(eps)


@v_parameterization.proves(3)
def _(line: Chain) -> None:
    line(At(v_level, level, 1))
    line(At(sp.sqrt(level) * eps - sp.sqrt(1 - level) * x_0, level, 1), by=definition)
    line(eps, by=continuity, why="roots are continuous from inside [0, 1]")


@v_parameterization.proves(4)
def _(line: Chain) -> None:
    line(At(v_level, level, 0))
    line(At(sp.sqrt(level) * eps - sp.sqrt(1 - level) * x_0, level, 0), by=definition)
    line(-x_0, by=continuity, why="roots are continuous from inside [0, 1]")


@v_parameterization.proves(5)
def _(line: Chain) -> None:
    line(Norm2(x_level) + Norm2(v_level))
    line((level + 1 - level) * (Norm2(x_0) + Norm2(eps)), why="the two mixed terms cancel")
    line(Norm2(x_0) + Norm2(eps))


x0_of_v = define(
    "x0_of_v",
    r"\hat x_0^{v}",
    lambda x_n, w, n: sp.sqrt(abar(n)) * x_n - sp.sqrt(1 - abar(n)) * w,
    is_vector_valued=True,
)
eps_of_v = define(
    "eps_of_v",
    r"\hat\epsilon^{v}",
    lambda x_n, w, n: sp.sqrt(1 - abar(n)) * x_n + sp.sqrt(abar(n)) * w,
    is_vector_valued=True,
)
prediction = v_theta(drawn, t)
target = velocity(abar(t), x_0, eps)
v_error = Norm2(prediction - target)
data_error_of_v = Norm2(x0_of_v(drawn, prediction, t) - x_0)
noise_error_of_v = Norm2(eps_of_v(drawn, prediction, t) - eps)

v_loss = Claim(
    id="ddpm.parameterization.v_loss",
    title="Weight of the v-loss",
    chapter="Parameterizations",
    kind="identity",
    says=(
        Statement(v_error, "=", data_error_of_v / (1 - abar(t))),
        Statement(v_error, "=", (1 + snr(t)) * data_error_of_v, words="in units of the data error"),
        Statement(v_error, "=", noise_error_of_v / abar(t), words="in units of the noise error"),
    ),
    domain=schedule(),
    scope="any dimension d, any network, any t >= 1; data and noise estimates made from v and x_t as in "
    "ddpm.parameterization.v",
    sources=("staircase, BUT WAIT 1",),
    words="The error of v is never smaller than either of the other two: it keeps weight where each of them loses it.",
)


@v_loss.proves()
def _(line: Chain) -> None:
    line(v_error)
    line(Norm2(noise * (prediction - target)) / (1 - abar(t)), why="multiply and divide by 1 - abar_t")
    line(
        Norm2(keep * drawn - noise * prediction - (keep * drawn - noise * target)) / (1 - abar(t)),
        why="add and subtract the signal part of x_t",
    )
    line(data_error_of_v / (1 - abar(t)), why="the second bracket is x_0")


@v_loss.proves(1)
def _(line: Chain) -> None:
    line(v_error)
    line(data_error_of_v / (1 - abar(t)), by=above(0))
    line((1 + snr(t)) * data_error_of_v, why="1 + abar/(1 - abar) = 1/(1 - abar)")


@v_loss.proves(2)
def _(line: Chain) -> None:
    line(v_error)
    line(Norm2(keep * (prediction - target)) / abar(t), why="multiply and divide by abar_t")
    line(
        Norm2(noise * drawn + keep * prediction - (noise * drawn + keep * target)) / abar(t),
        why="add and subtract the noise part of x_t",
    )
    line(noise_error_of_v / abar(t), why="the second bracket is eps")
