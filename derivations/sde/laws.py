"""The laws of linear SDEs, from the equations of their moments: any rates, VP, sub-VP and VE."""

from __future__ import annotations

import sympy as sp

from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    Chain,
    Claim,
    Domain,
    IntegralTo,
    LinearSDE,
    LogDensity,
    Normal,
    Statement,
    linear_sde,
    scalar,
    scalar_function,
    smoothness,
    vector,
)

t = scalar("time", "t", positive=True)
s, u, v = scalar("clock", "s"), scalar("earlier", "u"), scalar("before", "w")
x, x_0 = vector("x_at", "x_t"), vector("x_begin", "x_0")
f, g_squared = scalar_function("drift_rate", "f"), scalar_function("noise_rate", "g^2")
beta = scalar_function("vp_rate", r"\beta")

TIMES = Domain(
    {
        "time": POSITIVE,
        "clock": NONNEGATIVE,
        "earlier": NONNEGATIVE,
        "before": NONNEGATIVE,
        "noise_rate": POSITIVE,
        "vp_rate": POSITIVE,
    }
)


def total(e: sp.Expr, upto: sp.Expr, since: sp.Expr = sp.S.Zero) -> sp.Expr:
    """The integral of a rate over time."""
    return IntegralTo(e(u), u, since, upto)


def gain(upto: sp.Expr) -> sp.Expr:
    """What the drift makes of a start: e^{int f}."""
    return sp.exp(total(f, upto))


def variance(upto: sp.Expr) -> sp.Expr:
    """The noise that came in, each part of it with what the drift made of it since."""
    return gain(upto) ** 2 * IntegralTo(g_squared(v) / gain(v) ** 2, v, 0, upto)


def law(slope: sp.Expr, noise: sp.Expr) -> LogDensity:
    """The density at time t of what starts at x_0 and moves by these rates, which are terms in s."""
    return LogDensity(LinearSDE(x, s, x_0, slope, noise, t))


def normal(a: sp.Expr, sigma_squared: sp.Expr) -> LogDensity:
    return LogDensity(Normal(x, a * x_0, sigma_squared))


kept = sp.exp(-total(beta, t) / 2)
lost = 1 - sp.exp(-total(beta, t))
vp = -beta(s) / 2

laws = Claim(
    id="sde.linear.moments",
    title="The law of a linear SDE, by its moment equations",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            law(f(s), g_squared(s)),
            "=",
            normal(gain(t), variance(t)),
            name="any",
            words="any rates f and g^2 > 0: mean and variance each solve a linear equation, and a start stays normal",
        ),
        Statement(
            law(vp, beta(s)),
            "=",
            normal(kept, lost),
            name="vp",
            words="variance preserving: what the signal loses, the noise gains",
        ),
        Statement(
            law(vp, beta(s) * (1 - sp.exp(-2 * total(beta, s)))),
            "=",
            normal(kept, lost**2),
            name="sub-vp",
            words="sub-VP: the same signal under the square of that noise, which is less",
        ),
        Statement(
            law(sp.S.Zero, g_squared(s)),
            "=",
            normal(sp.S.One, total(g_squared, t)),
            name="ve",
            words="variance exploding: the signal stays, and the noise is all that came in",
        ),
    ),
    domain=TIMES,
    hypotheses=(
        smoothness(f, 0, "the rates are integrated"),
        smoothness(g_squared, 0, "the rates are integrated"),
        smoothness(beta, 0, "the rates are integrated"),
    ),
    scope="any dimension d, scalar rates, a fixed start x_0 and any time t > 0; any law of starts is averaged over",
    sources=("Song et al. 2021b (score SDE), section 3.4 and appendix B", "slides, Connection to SDEs"),
    words="mean' = f mean and variance' = 2 f variance + g^2: that is all one has to solve. In VP the total of beta is "
    "the only thing that the schedule decides.",
)


@laws.proves("any")
def _(line: Chain) -> None:
    line(law(f(s), g_squared(s)))
    line(normal(gain(t), variance(t)), by=linear_sde(gain(s), variance(s)), why="both solve their moment equation")


@laws.proves("vp")
def _(line: Chain) -> None:
    line(law(vp, beta(s)))
    line(
        normal(kept, lost),
        by=linear_sde(sp.exp(-total(beta, s) / 2), 1 - sp.exp(-total(beta, s))),
        why="variance' = beta (1 - variance)",
    )


@laws.proves("sub-vp")
def _(line: Chain) -> None:
    line(law(vp, beta(s) * (1 - sp.exp(-2 * total(beta, s)))))
    line(normal(kept, lost**2), by=linear_sde(sp.exp(-total(beta, s) / 2), (1 - sp.exp(-total(beta, s))) ** 2))


@laws.proves("ve")
def _(line: Chain) -> None:
    line(law(sp.S.Zero, g_squared(s)))
    line(normal(sp.S.One, total(g_squared, t)), by=linear_sde(sp.S.One, total(g_squared, s)))
