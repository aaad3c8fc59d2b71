"""The noised density as a function of time: the Fokker-Planck equation, and the flow whose continuity equation it is.

q_t(x) is the data's density after x = a x_0 + sigma eps, with a and sigma that move in time. The rates of an SDE that
does the same are f = a'/a and g^2 = 2 sigma sigma' - 2 f sigma^2, of either sign: the equations hold all the same.
"""

from __future__ import annotations

import sympy as sp

from derivations.notation import d, integrable, interchange_hypothesis, smooth
from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    D,
    Density,
    Div,
    Domain,
    Expect,
    Grad,
    Inner,
    Laplacian,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    above,
    density,
    differentiation,
    interchange,
    linearity,
    mean_derivative,
    scalar_function,
    vector,
    vector_calculus,
)
from derivations.sde.laws import t, x_0

x = vector("state", "x")
signal = scalar_function("signal_at", "a", positive=True)
level = scalar_function("level_at", r"\varsigma", positive=True)
signal_rate, level_rate = D(signal(t), t), D(level(t), t)
pull = signal_rate / signal(t)  # f
intake = 2 * level(t) * level_rate - 2 * pull * level(t) ** 2  # g^2

data = Density("p", x_0)
bell = sp.exp(LogDensity(Normal(x, signal(t) * x_0, level(t) ** 2)))
noised = Expect(data, bell)
one_velocity = signal_rate * x_0 + level_rate * (x - signal(t) * x_0) / level(t)
MOVING = Domain({"signal_at": POSITIVE, "level_at": POSITIVE, "time": POSITIVE})
SUPPOSED = (smooth, interchange_hypothesis, integrable)
SCOPE = "any dimension d, any data law, any smooth signal a > 0 and noise level sigma > 0, g^2 of either sign"


def spread_out(q: sp.Expr) -> sp.Expr:
    """What drift and noise do to a density: - div(f x q) + g^2/2 times its Laplacian."""
    return -Div(pull * q * x, x) + intake / 2 * Laplacian(q, x)


# --- the equation -----------------------------------------------------------------------------------------------------

fokker_planck = Claim(
    id="sde.fokker_planck",
    title="The noised density solves the Fokker-Planck equation",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            D(bell, t),
            "=",
            spread_out(bell),
            name="one datum",
            words="the density of one blurred datum drifts and spreads",
        ),
        Statement(
            D(noised, t),
            "=",
            -Div(pull * noised * x, x) + intake / 2 * Div(Grad(noised, x), x),
            name="all data",
            words="so does that of all of them, since the equation is linear: the drift f x carries it, the noise "
            "g^2 flattens it",
        ),
        Statement(
            pull * noised * x - intake / 2 * Grad(noised, x),
            "=",
            Expect(data, one_velocity * bell),
            name="current",
            words="the current f x q - g^2/2 grad q is the mean of the velocities a' x_0 + sigma' eps of all data that "
            "may be behind x",
        ),
        Statement(
            D(noised, t),
            "=",
            -Div(Expect(data, one_velocity * bell), x),
            name="continuity",
            words="and mass is only moved: the density changes by what that current takes away",
        ),
    ),
    domain=MOVING,
    hypotheses=SUPPOSED,
    scope=SCOPE,
    sources=("Song et al. 2021b (score SDE), eq. 13 and appendix D.1", "Lipman et al. 2023 (flow matching), theorem 1"),
    words="No process is needed for it: whatever draws from these laws, their densities satisfy this equation. The "
    "Laplacian is the divergence of the gradient, so noise too is a flow, down the slope of the density.",
)


@fokker_planck.proves("one datum")
def _(line: Chain) -> None:
    distance = Norm2(x) - 2 * signal(t) * Inner(x, x_0) + signal(t) ** 2 * Norm2(x_0)
    line(D(bell, t))
    line(
        D(sp.exp(-d * sp.log(2 * sp.pi * level(t) ** 2) / 2 - distance / (2 * level(t) ** 2)), t),
        by=density,
        why="the density, written out",
    )
    line(
        spread_out(bell),
        by=(density, differentiation, vector_calculus),
        why="both are q times a polynomial of second degree in x: their coefficients agree",
    )


@fokker_planck.proves("all data")
def _(line: Chain) -> None:
    carried, slope = Expect(data, pull * bell * x), Expect(data, Grad(bell, x))
    line(D(noised, t))
    line(Expect(data, D(bell, t)), by=interchange, why="the data's law does not move")
    line(Expect(data, spread_out(bell)), by=above("one datum"))
    line(Expect(data, -Div(pull * bell * x, x) + intake / 2 * Div(Grad(bell, x), x)), by=vector_calculus)
    line(
        -Expect(data, Div(pull * bell * x, x)) + intake / 2 * Expect(data, Div(Grad(bell, x), x)),
        by=linearity,
    )
    line(-Div(carried, x) + intake / 2 * Div(slope, x), by=mean_derivative, why="sums are differentiated term by term")
    line(-Div(pull * noised * x, x) + intake / 2 * Div(slope, x), by=linearity)
    line(-Div(pull * noised * x, x) + intake / 2 * Div(Grad(noised, x), x), by=mean_derivative)


@fokker_planck.proves("current")
def _(line: Chain) -> None:
    line(pull * noised * x - intake / 2 * Grad(noised, x))
    line(Expect(data, pull * bell * x - intake / 2 * Grad(bell, x)), by=(mean_derivative, linearity))
    line(
        Expect(data, one_velocity * bell),
        by=(density, vector_calculus),
        why="the gradient of q is - (x - a x_0) q / sigma^2, and g^2 is made for it",
    )


@fokker_planck.proves("continuity")
def _(line: Chain) -> None:
    line(D(noised, t))
    line(-Div(pull * noised * x, x) + intake / 2 * Div(Grad(noised, x), x), by=above("all data"))
    line(-Div(pull * noised * x - intake / 2 * Grad(noised, x), x), by=vector_calculus, why="one divergence")
    line(-Div(Expect(data, one_velocity * bell), x), by=above("current"))
