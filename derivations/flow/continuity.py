"""The continuity equation: averaged velocities move averaged laws, and what the velocity of a Gaussian path is."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.notation import d, integrable, interchange_hypothesis
from derivations.refutation.laws import FiniteJoint
from derivations.refutation.worlds import World
from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Claim,
    D,
    Density,
    Div,
    Domain,
    Expect,
    Grad,
    Inner,
    Jvp,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    above,
    bayes,
    density,
    inner_mean,
    interchange,
    linearity,
    log_p,
    mean_derivative,
    rate,
    rates,
    scalar,
    scalar_function,
    smoothness,
    vector,
    vector_calculus,
    vector_function,
)
from derivations.score.functions import clean, noisy

moment, pace = vector("moment", r"\tau"), vector("pace", "w")  # the parameter that moves, and where it moves to
of_path = vector_function("moving_path", "u")(noisy, clean, moment)
posterior = Density("q", clean, [noisy, moment])
flow = Expect(posterior, of_path)


def residual(log_density: sp.Expr, velocity: sp.Expr) -> sp.Expr:
    """What is left of the continuity equation, divided by the density: 0 where the velocity moves the law."""
    moved = Jvp(log_density, moment, pace)
    return moved + Div(velocity, noisy) + Inner(velocity, Grad(log_density, noisy))


log_q, log_path = log_p("q", noisy, moment), log_p("q", noisy, [clean, moment])
log_data, log_back = log_p("q", clean, moment), log_p("q", clean, [noisy, moment])

continuity = Claim(
    id="flow.marginal_velocity",
    title="The averaged velocity moves the averaged law",
    chapter="Flow matching",
    kind="identity",
    says=(
        Statement(
            residual(log_q, flow),
            "=",
            Expect(posterior, residual(log_path, of_path) + Jvp(log_data, moment, pace)),
            words="what is left of the continuity equation of the whole law is the mean of what is left of each "
            "path's, and of how the law of the paths itself moves: with neither, nothing is left",
        ),
    ),
    hypotheses=(integrable, interchange_hypothesis),
    scope="any dimension d, any smooth joint density of data and points at each moment, any velocities of the paths, "
    "any direction in which the parameter tau moves (time is a parameter of one coordinate)",
    sources=("Lipman et al. 2023, theorem 1",),
    words="So it is enough to know how to move the law from a single datum. The weights are those of the data behind "
    "x, not of the data at large.",
)


@continuity.proves()
def _(line: Chain) -> None:
    score, score_back = Grad(log_q, noisy), Grad(log_back, noisy)
    back_moves, data_moves, law_moves = (Jvp(e, moment, pace) for e in (log_back, log_data, log_q))
    spreads = Div(of_path, noisy) + Inner(of_path, score_back)
    line(residual(log_q, flow))
    line(
        law_moves + Expect(posterior, spreads) + Inner(flow, score),
        by=mean_derivative,
        why="the law that is averaged over moves with x: that adds its score",
    )
    line(
        law_moves + Jvp(Expect(posterior, sp.S.One), moment, pace) + Expect(posterior, spreads) + Inner(flow, score),
        by=(linearity, vector_calculus),
        why="a density integrates to 1 at every moment",
    )
    line(
        law_moves + Expect(posterior, back_moves) + Expect(posterior, spreads) + Inner(flow, score),
        by=(mean_derivative, vector_calculus),
    )
    line(
        law_moves
        + Expect(posterior, back_moves)
        + Expect(posterior, spreads)
        + Expect(posterior, Inner(of_path, score)),
        by=inner_mean,
    )
    line(Expect(posterior, law_moves + back_moves + spreads + Inner(of_path, score)), by=linearity)
    line(
        Expect(posterior, residual(log_path, of_path) + data_moves),
        by=(bayes, vector_calculus),
        why="log q(x) + log q(z | x) = log q(x | z) + log q(z), at every moment",
    )


# --- Gaussian paths ---------------------------------------------------------------------------------------------------

time = scalar("path_time", "t")
centre, width = vector_function("path_centre", "m"), scalar_function("path_width", "s", positive=True)
m, s = centre(clean, time), width(time)
m_rate, s_rate = rate(m, 2), rate(s)
on_path = Normal(noisy, m, s**2)
drawn, data = vector("drawn", r"\xi"), Density("q", clean)
velocity = s_rate / s * (noisy - m) + m_rate
chance = sp.exp(LogDensity(on_path))


def few_data(rng: Random, n: int) -> World:
    """Two data: averages over them are sums, whatever is averaged."""
    share = Fraction(rng.randint(1, 9), 10)
    d = 1 + n % 2
    data: dict[Any, Any] = {((Fraction(0),) * d,): share, ((Fraction(1),) * d,): 1 - share}
    return World(
        d,
        seed=n,
        numbers={"path_time": Fraction(rng.randint(-12, 12), 10)},
        laws={"q": FiniteJoint((("clean",),), data)},
        finite=frozenset({"clean"}),
        smooth=frozenset({"path_centre", "path_width"}),
        classes={"path_centre": 1, "path_width": 1},
        coordinates={"path_width": POSITIVE},
    )


paths = Claim(
    id="flow.gaussian_velocity",
    title="The velocity of a Gaussian path, and of the law it is a part of",
    chapter="Flow matching",
    kind="identity",
    says=(
        Statement(
            D(m + s * drawn, time),
            "=",
            s_rate * drawn + m_rate,
            name="flow",
            words="a point that keeps its place xi = (x - m)/s in the Gaussian moves with its centre and its width",
        ),
        Statement(
            D(chance, time),
            "=",
            -(Div(velocity, noisy) + Inner(velocity, Grad(LogDensity(on_path), noisy))) * chance,
            name="path",
            words="that velocity moves the Gaussian: what flows out of a place is what its density loses",
        ),
        Statement(
            D(Expect(data, chance), time),
            "=",
            -Div(Expect(data, chance * velocity), noisy),
            name="law",
            words="so the law of all paths is moved by their velocities, each weighted by its own density at x",
        ),
    ),
    domain=Domain({"path_time": REAL, "path_width": POSITIVE}),
    hypotheses=(
        smoothness(centre, 1, "the centre of a path moves"),
        smoothness(width, 1, "the width of a path moves"),
        interchange_hypothesis,
        integrable,
    ),
    worlds=(few_data,),
    scope="any dimension d, any data law, any differentiable centre m(z, t) and width s(t) > 0: diffusions (m = a z), "
    "straight lines, bridges of a width above 0",
    sources=("Lipman et al. 2023, theorems 1 and 3",),
    words="What is averaged is the flux, density times velocity. Divided by the density of the law it is the mean of "
    "the velocities over the data behind x. Other velocities would do: one may add any field whose flux has no "
    "divergence.",
)


@paths.proves("flow")
def _(line: Chain) -> None:
    line(D(m + s * drawn, time))
    line(m_rate + s_rate * drawn, by=rates)


@paths.proves("path")
def _(line: Chain) -> None:
    exponent = -d * sp.log(2 * sp.pi * s**2) / 2 - Norm2(noisy - m) / (2 * s**2)
    line(D(chance, time))
    line(D(sp.exp(exponent), time), by=density)
    line(
        (-d * s_rate / s + Inner(noisy - m, m_rate) / s**2 + Norm2(noisy - m) * s_rate / s**3) * sp.exp(exponent),
        by=rates,
    )
    line(
        -(d * s_rate / s - Inner(velocity, noisy - m) / s**2) * sp.exp(exponent),
        why="both terms with x - m are the velocity's",
    )
    line(
        -(Div(velocity, noisy) + Inner(velocity, Grad(LogDensity(on_path), noisy))) * chance,
        by=(density, vector_calculus),
        why="div x = d, and the score of the Gaussian is -(x - m)/s^2",
    )


@paths.proves("law")
def _(line: Chain) -> None:
    line(D(Expect(data, chance), time))
    line(Expect(data, D(chance, time)), by=interchange)
    line(
        Expect(data, -(Div(velocity, noisy) + Inner(velocity, Grad(LogDensity(on_path), noisy))) * chance),
        by=above("path"),
    )
    line(
        Expect(data, -Div(chance * velocity, noisy)),
        by=vector_calculus,
        why="the divergence of a product",
    )
    line(-Expect(data, Div(chance * velocity, noisy)), by=linearity)
    line(-Div(Expect(data, chance * velocity), noisy), by=mean_derivative, why="the data stay where they are")
