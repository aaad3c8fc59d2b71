"""Two trajectories of one flow: their distance changes by a factor between two exponentials, so they never meet."""

from __future__ import annotations

import sympy as sp

from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Claim,
    D,
    Domain,
    Inner,
    Norm2,
    Statement,
    above,
    constant_vector,
    define,
    definition,
    differentiation,
    positivity,
    rate,
    rates,
    scalar,
    smoothness,
    vector_function,
)

now, end = scalar("path_time", "t"), scalar("flow_end", r"\tau", positive=True)
one, two = vector_function("one_path", "x"), vector_function("other_path", "y")
constant = scalar("lipschitz_constant", "L")
gap, pull = constant_vector("gap_of_points", "a"), constant_vector("gap_of_velocities", "b")
square = define("squared_gap", r"\Delta", lambda x, y: Norm2(x - y), notation=False)
draw = define("drawn_apart", r"\Pi", lambda x, y, u, v: Inner(u - v, x - y), notation=False)


def squared(at: sp.Expr) -> sp.Expr:
    return square(one(at), two(at))


def drawn(at: sp.Expr) -> sp.Expr:
    return draw(one(at), two(at), rate(one(at)), rate(two(at)))


leaving = define("leaving_velocity", r"\mathrm{w}", lambda a: 2 * sp.sqrt(a), notation=False)

invertible = Claim(
    id="ode.invertible",
    title="Why a flow can be run backwards: how fast its trajectories draw apart",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            D(squared(now), now),
            "=",
            2 * drawn(now),
            name="rate",
            words="how fast two points draw apart is a matter of the difference of their velocities",
        ),
        Statement(
            Inner(gap, pull),
            "<=",
            (constant * Norm2(gap) + Norm2(pull) / constant) / 2,
            name="Lipschitz",
            words="where velocities b apart belong to points a apart and |b| <= L |a|, that is at most L |a|^2; with "
            "-b for b, at least minus that",
            domain=Domain({"lipschitz_constant": POSITIVE}),
        ),
        Statement(
            D(squared(now) * sp.exp(-2 * constant * now), now),
            "=",
            -2 * (constant * squared(now) - drawn(now)) * sp.exp(-2 * constant * now),
            name="distance",
            words="for L that is never positive, so the distance is at most e^{L t} times that at the start: from one "
            "noise comes one picture. With -L for L it is never negative, and the distance at least e^{-L t} times "
            "that: from two noises come two pictures",
        ),
        Statement(
            D(end**2, end),
            "=",
            leaving(end**2),
            name="two from one",
            words="the condition is needed: tau^2 follows the velocity 2 sqrt(x), which has no such L at 0,",
        ),
        Statement(leaving(0), "=", 0, name="at rest", words="and so does the point that stays at 0 for ever"),
    ),
    domain=Domain({"path_time": REAL, "flow_end": POSITIVE, "lipschitz_constant": REAL}),
    hypotheses=(
        smoothness(one, 1, "the distance is differentiated"),
        smoothness(two, 1, "the distance is differentiated"),
    ),
    scope="any dimension d, any two differentiable paths and any real L; the bounds for two trajectories of one "
    "velocity field that is Lipschitz with the constant L along them, any time, forwards or backwards. That every "
    "start has a trajectory is Picard's theorem. Exact integration; all chance is in the start",
    sources=("staircase, BUT WAIT 2", "slides, Connection to SDEs", "Song et al. 2021b (score SDE), section 4.3"),
    words="So, where every start has a trajectory, the flow is a map with an inverse, and both are continuous, by the "
    "factor e^{L tau}. A sampler of finitely many steps is so only nearly.",
)


@invertible.proves("rate")
def _(line: Chain) -> None:
    line(D(squared(now), now))
    line(2 * drawn(now), by=[definition, rates], why="the chain rule: a square's rate is twice an inner product")


@invertible.proves("Lipschitz")
def _(line: Chain) -> None:
    line(Inner(gap, pull))
    line.le((constant * Norm2(gap) + Norm2(pull) / constant) / 2, by=positivity, why="|L a - b|^2 is not negative")


@invertible.proves("distance")
def _(line: Chain) -> None:
    weight = sp.exp(-2 * constant * now)
    line(D(squared(now) * weight, now))
    line(D(squared(now), now) * weight - 2 * constant * squared(now) * weight, by=differentiation, why="a product")
    line(-2 * (constant * squared(now) - drawn(now)) * weight, by=above("rate"))


@invertible.proves("two from one")
def _(line: Chain) -> None:
    line(D(end**2, end))
    line(2 * end, by=differentiation)
    line(leaving(end**2), by=definition, why="tau is positive, so it is the root of its square")


@invertible.proves("at rest")
def _(line: Chain) -> None:
    line(leaving(0))
    line(0, by=definition)
