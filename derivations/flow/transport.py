"""Optimal transport between two Gaussians, in any dimension; the flow of Gaussian data, and where it is straight.

R is the positive definite root of the first covariance, S_1 = R^2, and Q that of R S_2 R; every pair of covariances has
one such R and one such Q, and so S_2 = R^-1 Q^2 R^-1. No other root is needed.
"""

from __future__ import annotations

import sympy as sp

from derivations.notation import d, integrable
from derivations.rules import (
    POSITIVE,
    UNIT,
    Apply,
    Chain,
    Claim,
    D,
    Domain,
    Expect,
    FullNormal,
    Hypothesis,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Quadratic,
    Statement,
    Trace,
    constant_vector,
    covariance,
    define,
    definition,
    differentiation,
    given,
    identify,
    linearity,
    log_p,
    moments,
    scalar,
    through,
    tower,
    trace_algebra,
    vector,
)
from derivations.rules import Density as Law

x, y = vector("ot_x", "x"), vector("ot_y", "y")
m_1, m_2 = constant_vector("ot_m_1", "m_1"), constant_vector("ot_m_2", "m_2")
R, Q = covariance("R_ot", "R"), covariance("Q_ot", "Q")
blur, v = scalar("ot_blur", r"\epsilon", positive=True), scalar("ot_variance", "v", positive=True)
time, level, top = scalar("ot_time", "t"), scalar("ot_level", r"\varsigma"), scalar("ot_top", r"\varsigma_T")
S_1, S_2 = R**2, R**-1 * Q**2 * R**-1
A, back = R**-1 * Q * R**-1, R * Q**-1 * R  # and its inverse
first, second = FullNormal(x, m_1, S_1, d), FullNormal(y, m_2, S_2, d)
best_map = define(
    "best_map",
    "T",
    lambda v, at, to, root, middle: to + Apply(root**-1 * middle * root**-1, v - at),
    notation=False,
    is_vector_valued=True,
)
carried = best_map(x, m_1, m_2, R, Q)
distance = Norm2(m_1 - m_2) + Trace(S_1 + S_2 - 2 * Q, d)
pair = Law("q", [x, y])
marginals = (
    Hypothesis("first marginal", "x has the first law", log_p("q", x), LogDensity(first)),
    Hypothesis("second marginal", "y has the second law", log_p("q", y), LogDensity(second)),
)
off = y - carried
width = (1 - time) ** 2 * v + time**2

gaussian_ot = Claim(
    id="flow.gaussian_ot",
    title="Optimal transport of Gaussians, and the flow of Gaussian data",
    chapter="Straight paths",
    kind="identity",
    says=(
        Statement(
            Expect(first, sp.exp(LogDensity(Normal(y, carried, blur)))),
            "=",
            sp.exp(LogDensity(FullNormal(y, m_2, S_2 + blur, d))),
            name="lands",
            words="the map carries the first law to the second: however little noise is added to both, they agree",
        ),
        Statement(Expect(first, Norm2(x - carried)), "=", distance, name="cost", words="what the map costs"),
        Statement(
            Expect(pair, Norm2(x - y)),
            "=",
            distance + Expect(pair, Quadratic(off, back, off)),
            name="optimal",
            words="what any coupling of the two laws costs: that, and the mean of a square that only the map makes 0",
        ),
        Statement(
            D(sp.sqrt(v + level**2) / sp.sqrt(v + top**2), level),
            "=",
            level / (v + level**2) * (sp.sqrt(v + level**2) / sp.sqrt(v + top**2)),
            name="flow",
            words="along a direction of variance v the noise level's flow shrinks by the factor of this map, from any "
            "level down to 0",
        ),
        Statement(
            D(D(sp.sqrt(width), time), time),
            "=",
            v / (width * sp.sqrt(width)),
            name="curved",
            words="with data and noise drawn apart the lines of the flow bend, for every variance v > 0",
        ),
    ),
    hypotheses=(*marginals, integrable),
    domain=Domain(
        {"ot_blur": POSITIVE, "ot_variance": POSITIVE, "ot_time": UNIT, "ot_level": POSITIVE, "ot_top": POSITIVE}
    ),
    scope="any dimension d, any two means, any two positive definite covariances, any coupling with these marginals; "
    "the flow along each common direction",
    sources=("Dowson and Landau 1982", "Takatsu 2011"),
    words="The best map between two Gaussians is linear and symmetric. The flow of Gaussian data, run from one noise "
    "level to another, is such a map, but what it follows on the way is straight only when noise and data are coupled.",
)


@gaussian_ot.proves("lands")
def _(line: Chain) -> None:
    line(Expect(first, sp.exp(LogDensity(Normal(y, carried, blur)))))
    line(
        sp.exp(LogDensity(FullNormal(y, m_2, S_2 + blur, d))),
        by=[through, trace_algebra],
        why="A R^2 A = R^-1 Q^2 R^-1, and the mean of x - m_1 is 0",
    )


@gaussian_ot.proves("cost")
def _(line: Chain) -> None:
    line(Expect(first, Norm2(x - carried)))
    line(
        Expect(first, Norm2(x - m_2 - Apply(A, x - m_1))),
        by=definition,
        why="the map is linear, and its matrix R^-1 Q R^-1 is symmetric",
    )
    line(distance, by=[trace_algebra, moments, trace_algebra], why="tr(A R^2) = tr(R^-1 Q R) = tr Q, twice")


@gaussian_ot.proves("optimal")
def _(line: Chain) -> None:
    a, b = x - m_1, y - m_2
    apart = Norm2(a) - Quadratic(a, A, a), Norm2(b) - Quadratic(b, back, b)
    line(Expect(pair, Norm2(x - y)))
    line(
        Expect(
            pair,
            sum(apart)
            + Norm2(m_1 - m_2)
            + 2 * Inner(a, m_1 - m_2)
            - 2 * Inner(b, m_1 - m_2)
            + Quadratic(off, back, off),
        ),
        by=trace_algebra,
        why="the square is multiplied out: nothing else has both x and y in it",
    )
    line(
        Expect(first, apart[0] + 2 * Inner(a, m_1 - m_2))
        + Expect(second, apart[1] - 2 * Inner(b, m_1 - m_2))
        + Norm2(m_1 - m_2)
        + Expect(pair, Quadratic(off, back, off)),
        by=[
            linearity,
            tower,
            identify(Law("q", x), first, given(marginals[0])),
            identify(Law("q", y), second, given(marginals[1])),
            linearity,
        ],
        why="what has x alone in it is averaged over the first law, and so for y",
    )
    line(
        distance + Expect(pair, Quadratic(off, back, off)),
        by=[trace_algebra, moments, trace_algebra],
        why="tr(A S_1) = tr(A^-1 S_2) = tr Q",
    )


@gaussian_ot.proves("flow")
def _(line: Chain) -> None:
    line(D(sp.sqrt(v + level**2) / sp.sqrt(v + top**2), level))
    line(
        level / (v + level**2) * (sp.sqrt(v + level**2) / sp.sqrt(v + top**2)),
        by=differentiation,
        why="the chain rule: a root's derivative is one over twice the root",
    )


@gaussian_ot.proves("curved")
def _(line: Chain) -> None:
    line(D(D(sp.sqrt(width), time), time))
    line(v / (width * sp.sqrt(width)), by=differentiation, why="width (1 + v) - (t - (1 - t) v)^2 = v")
