"""What a network may predict — data, noise, velocity — and how the squared errors of these choices compare."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.means import drawn, eps_hat, keep, noise, x0_hat, x_0, x_t
from derivations.notation import (
    abar,
    eps,
    eps_theta,
    schedule,
    snr,
    t,
    v_theta,
    x0_theta,
)
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
    scalar,
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
    line(x0_theta(x_t, t), why="the noise weight cancels, since abar_t < 1, and the data weight, since abar_t > 0")


@bijection.proves(3)
def _(line: Chain) -> None:
    line((x_t - keep * x0_hat(x_t, eps_theta(x_t, t), t)) / noise)
    line(eps_theta(x_t, t), why="the data weight cancels, since abar_t > 0, and the noise weight, since abar_t < 1")


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
    line(noise_error / snr(t), why="(1 - abar_t)/abar_t is one over SNR(t)")


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
    line(x_0, why="the noise cancels, and the data are there abar + (1 - abar) times")


@v_parameterization.proves(2)
def _(line: Chain) -> None:
    line(sp.sqrt(1 - level) * x_level + sp.sqrt(level) * v_level)
    line(eps, why="the data cancel, and the noise is there (1 - abar) + abar times")


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
    line(Norm2(x_0) + Norm2(eps), why="the two mixed terms cancel, and abar + (1 - abar) = 1")


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
