"""Any path from data to noise, x = a x_0 + sigma eps: its views, its velocity, and what a change of units does.

A path is known by the signal a > 0 and the noise level sigma > 0, and, where time runs, by their rates. The rates are
written through the drift f = a'/a and the rate l of the log-ratio log(a/sigma): a' = f a, sigma' = (f - l) sigma.
"""

from __future__ import annotations

import sympy as sp

from derivations.notation import d, eps, x, z
from derivations.rules import (
    NONZERO,
    POSITIVE,
    Chain,
    Claim,
    Domain,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    define,
    definition,
    density,
    scalar,
    vector,
)

signal, level = scalar("signal", "a", positive=True), scalar("level", r"\varsigma", positive=True)
drift, rate = scalar("drift", "f"), scalar("log_ratio_rate", r"\dot\lambda")
scale = scalar("scale", "c", positive=True)
x_0 = x(0)
prediction = vector("prediction", r"\hat\epsilon")  # what a network says the noise is

PATH = {"signal": POSITIVE, "level": POSITIVE}
MOVING = Domain({**PATH, "log_ratio_rate": NONZERO})

on_path = define("on_path", "x", lambda a, s, clean, e: a * clean + s * e, is_vector_valued=True)
clean_of_noise = define(
    "clean_of_noise", r"\hat x_0", lambda a, s, noisy, e: (noisy - s * e) / a, is_vector_valued=True
)
noise_of_clean = define(
    "noise_of_clean", r"\hat\epsilon", lambda a, s, noisy, clean: (noisy - a * clean) / s, is_vector_valued=True
)
velocity = define(
    "path_velocity",
    "u",
    lambda a, s, f, rate, clean, e: f * a * clean + (f - rate) * s * e,
    is_vector_valued=True,
)

# --- a change of units ------------------------------------------------------------------------------------------------

there = on_path(signal, level, x_0, eps)
over = signal + level

change_of_variables = Claim(
    id="path.change_of_variables",
    title="A path in other units",
    chapter="Paths",
    kind="identity",
    says=(
        Statement(
            scale * there,
            "=",
            on_path(scale * signal, scale * level, x_0, eps),
            words="what is scaled is on the path of scaled weights: both weights are multiplied by c",
        ),
        Statement(
            clean_of_noise(scale * signal, scale * level, scale * z, prediction),
            "=",
            clean_of_noise(signal, level, z, prediction),
            words="the same noise says the same about the data",
        ),
        Statement(
            noise_of_clean(scale * signal, scale * level, scale * z, prediction),
            "=",
            noise_of_clean(signal, level, z, prediction),
            words="and the same data about the noise: a network's answer needs no conversion",
        ),
        Statement(
            -d * sp.log(2 * sp.pi * (scale * level) ** 2) / 2
            - Norm2(scale * z - scale * signal * x_0) / (2 * (scale * level) ** 2),
            "=",
            LogDensity(Normal(z, signal * x_0, level**2)) - d * sp.log(scale),
            words="a density is divided by c in each coordinate",
        ),
        Statement(
            there / signal,
            "=",
            on_path(1, level / signal, x_0, eps),
            words="c = 1/a, variance exploding: the data keep their size",
        ),
        Statement(
            (signal / sp.sqrt(signal**2 + level**2)) ** 2 + (level / sp.sqrt(signal**2 + level**2)) ** 2,
            "=",
            1,
            words="c = 1/sqrt(a^2 + sigma^2), variance preserving",
        ),
        Statement(
            (signal / sp.sqrt(signal**2 + level**2)) ** 2,
            "=",
            1 / (1 + (level / signal) ** 2),
            words="its abar, from the ratio of noise to signal",
        ),
        Statement(signal / over + level / over, "=", 1, words="c = 1/(a + sigma), the straight path"),
        Statement(
            level / over,
            "=",
            level / signal / (1 + level / signal),
            words="its time, from the same ratio",
        ),
    ),
    domain=Domain({**PATH, "scale": POSITIVE}),
    scope="any dimension d, any a, sigma, c > 0, any network",
    sources=("derived here", "Karras et al. 2022 (EDM)"),
    words="Variance preserving, variance exploding and straight paths are one path in three units: multiply x by a "
    "number, and both weights with it. A network trained in one serves in all.",
)


@change_of_variables.proves()
def _(line: Chain) -> None:
    line(scale * there)
    line(scale * signal * x_0 + scale * level * eps, by=definition, why="multiply both terms")
    line(on_path(scale * signal, scale * level, x_0, eps), by=definition)


@change_of_variables.proves(1)
def _(line: Chain) -> None:
    line(clean_of_noise(scale * signal, scale * level, scale * z, prediction))
    line((scale * z - scale * level * prediction) / (scale * signal), by=definition)
    line(clean_of_noise(signal, level, z, prediction), why="c cancels")


@change_of_variables.proves(2)
def _(line: Chain) -> None:
    line(noise_of_clean(scale * signal, scale * level, scale * z, prediction))
    line((scale * z - scale * signal * prediction) / (scale * level), by=definition)
    line(noise_of_clean(signal, level, z, prediction), why="c cancels")


@change_of_variables.proves(3)
def _(line: Chain) -> None:
    line(
        -d * sp.log(2 * sp.pi * (scale * level) ** 2) / 2
        - Norm2(scale * z - scale * signal * x_0) / (2 * (scale * level) ** 2)
    )
    line(
        -d * sp.log(2 * sp.pi * level**2) / 2 - d * sp.log(scale) - Norm2(z - signal * x_0) / (2 * level**2),
        why="log c^2 = 2 log c leaves the normaliser, c^2 cancels in the exponent",
    )
    line(LogDensity(Normal(z, signal * x_0, level**2)) - d * sp.log(scale), by=density)


@change_of_variables.proves(4)
def _(line: Chain) -> None:
    line(there / signal)
    line(x_0 + level / signal * eps, by=definition)
    line(on_path(1, level / signal, x_0, eps), by=definition)


@change_of_variables.proves(5)
def _(line: Chain) -> None:
    root = sp.sqrt(signal**2 + level**2)
    line((signal / root) ** 2 + (level / root) ** 2)
    line(1, why="the square of the root is what stands under it: a^2 + sigma^2 over itself")


@change_of_variables.proves(6)
def _(line: Chain) -> None:
    line((signal / sp.sqrt(signal**2 + level**2)) ** 2)
    line(1 / (1 + (level / signal) ** 2), why="divide by a^2 above and below")


@change_of_variables.proves(7)
def _(line: Chain) -> None:
    line(signal / over + level / over)
    line(1, why="one denominator")


@change_of_variables.proves(8)
def _(line: Chain) -> None:
    line(level / over)
    line(level / signal / (1 + level / signal), why="divide by a above and below")


# --- velocity ---------------------------------------------------------------------------------------------------------

moving = velocity(signal, level, drift, rate, x_0, eps)
weight = -rate * signal * level  # a sigma' - a' sigma
signal_rate, level_rate = drift * signal, (drift - rate) * level
guessed = velocity(signal, level, drift, rate, clean_of_noise(signal, level, there, prediction), prediction)

velocity_views = Claim(
    id="path.velocity_views",
    title="Data, noise and velocity of any path",
    chapter="Paths",
    kind="identity",
    says=(
        Statement(
            signal * level_rate - signal_rate * level,
            "=",
            weight,
            words="what the two equations for x_0 and eps are divided by: not 0 where the log-ratio moves",
        ),
        Statement((level_rate * there - level * moving) / weight, "=", x_0, words="data from x and u"),
        Statement((signal * moving - signal_rate * there) / weight, "=", eps, words="noise from x and u"),
        Statement(
            Norm2(guessed - moving),
            "=",
            (level * rate) ** 2 * Norm2(prediction - eps),
            words="the error of the velocity in units of the noise error",
        ),
        Statement(
            Norm2(guessed - moving),
            "=",
            (signal * rate) ** 2 * Norm2(clean_of_noise(signal, level, there, prediction) - x_0),
            words="and in units of the data error",
        ),
    ),
    domain=MOVING,
    scope="any dimension d, any a, sigma > 0 with any rates for which log(a/sigma) moves, any network",
    sources=("Lipman et al. 2023 (flow matching)", "derived here for any path"),
    words="The velocity is what the point does while both weights change. Together with the point it says what the "
    "data and the noise are, and its squared error is theirs times a factor that depends on time only.",
)


@velocity_views.proves()
def _(line: Chain) -> None:
    line(signal * level_rate - signal_rate * level)
    line(weight, why="the drift cancels: it moves both weights alike")


@velocity_views.proves(1)
def _(line: Chain) -> None:
    line((level_rate * there - level * moving) / weight)
    line(
        (level_rate * (signal * x_0 + level * eps) - level * (signal_rate * x_0 + level_rate * eps)) / weight,
        by=definition,
    )
    line((signal * level_rate - signal_rate * level) / weight * x_0, why="the noise cancels")
    line(x_0, why="the drift cancels above, and what is left is the denominator")


@velocity_views.proves(2)
def _(line: Chain) -> None:
    line((signal * moving - signal_rate * there) / weight)
    line(
        (signal * (signal_rate * x_0 + level_rate * eps) - signal_rate * (signal * x_0 + level * eps)) / weight,
        by=definition,
    )
    line((signal * level_rate - signal_rate * level) / weight * eps, why="the data cancel")
    line(eps, why="the drift cancels above, and what is left is the denominator")


@velocity_views.proves(3)
def _(line: Chain) -> None:
    line(Norm2(guessed - moving))
    line(
        Norm2(signal_rate * level / signal * (eps - prediction) + level_rate * (prediction - eps)),
        by=definition,
        why="the same x: an error in the noise is one in the data",
    )
    line(Norm2(-rate * level * (prediction - eps)), why="the drift cancels")
    line((level * rate) ** 2 * Norm2(prediction - eps), why="a factor leaves the squared norm squared")


@velocity_views.proves(4)
def _(line: Chain) -> None:
    line(Norm2(guessed - moving))
    line(Norm2(-rate * level * (prediction - eps)), by=definition)
    line(
        Norm2(signal * rate * (clean_of_noise(signal, level, there, prediction) - x_0)),
        by=definition,
        why="x_0 as guessed is off by sigma/a times what the noise is off",
    )
    line(
        (signal * rate) ** 2 * Norm2(clean_of_noise(signal, level, there, prediction) - x_0),
        why="a number leaves a squared length as its square",
    )
