"""Likelihoods by following one point: the rate of a log-density along a flow, and the trace that it asks for."""

from __future__ import annotations

import sympy as sp

from derivations.notation import integrable, smooth
from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    D,
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
    Vjp,
    above,
    by_claim,
    density,
    differentiation,
    linearity,
    stein,
    vector,
    vector_calculus,
    vector_function,
)
from derivations.sde.fokker_planck import MOVING, SCOPE, SUPPOSED, intake, noised, pull, x
from derivations.sde.laws import t
from derivations.sde.reverse import q, score, u

another = vector_function("other_velocity_at", "w")(x, t)
flow = pull * x - intake / 2 * Grad(sp.log(noised), x)
log_noised = sp.log(noised)

log_density = Claim(
    id="ode.log_density",
    title="The log-density along a flow",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            -Div(u * q, x) / q + Inner(u, score),
            "=",
            -Div(u, x),
            name="any flow",
            domain=Domain({"time": POSITIVE, "density_at": POSITIVE}),
            words="while q moves by the continuity equation of u, log q at a point that moves with u changes by minus "
            "the divergence of u",
        ),
        Statement(
            -Div(u * q, x) / q + Inner(another, score),
            "=",
            -Div(u, x) + Inner(another - u, score),
            name="another path",
            domain=Domain({"time": POSITIVE, "density_at": POSITIVE}),
            words="at a point that moves by any other velocity w the score comes in",
        ),
        Statement(
            D(log_noised, t) + Inner(flow, Grad(log_noised, x)),
            "=",
            -Div(flow, x),
            name="noised",
            words="so for noised data and the probability-flow ODE, whose velocity is u = f x - g^2/2 grad log q",
        ),
    ),
    domain=MOVING,
    hypotheses=SUPPOSED,
    scope="statements 1 and 2: any dimension d, any smooth positive density and any smooth velocities; statement 3: "
    + SCOPE,
    sources=("Chen et al. 2018 (neural ODE), theorem 1", "Song et al. 2021b (score SDE), eq. 39"),
    words="The left side is d/dt log q(x(t), t) by the chain rule. So a likelihood can be had by following one point: "
    "start from log q where it is known and add up the divergence on the way. No determinant is taken.",
)


@log_density.proves("any flow")
def _(line: Chain) -> None:
    line(-Div(u * q, x) / q + Inner(u, score))
    line(-Div(u, x), by=vector_calculus, why="div(u q) = q div u + <u, grad q>, and the second part cancels")


@log_density.proves("another path")
def _(line: Chain) -> None:
    line(-Div(u * q, x) / q + Inner(another, score))
    line(
        -Div(u * q, x) / q + Inner(u, score) + Inner(another - u, score),
        why="split the other velocity w into u and w - u",
    )
    line(-Div(u, x) + Inner(another - u, score), by=vector_calculus)


@log_density.proves("noised")
def _(line: Chain) -> None:
    line(D(log_noised, t) + Inner(flow, Grad(log_noised, x)))
    line(D(noised, t) / noised + Inner(flow, Grad(log_noised, x)), by=differentiation)
    line(
        (-Div(pull * noised * x, x) + intake / 2 * Div(Grad(noised, x), x)) / noised + Inner(flow, Grad(log_noised, x)),
        by=by_claim("sde.fokker_planck", part="all data"),
    )
    line(-Div(flow, x), by=vector_calculus, why="the right side is - div(u q)/q, and statement 1 does the rest")


# --- the trace --------------------------------------------------------------------------------------------------------

probe = vector("probe", "v")
field = vector_function("field_at", "h")

law = Normal(probe, 0, 1)
moved, moved_back = Jvp(field(x), x, probe), Vjp(field(x), x, probe)
estimate = Inner(probe, moved)
own = -Grad(LogDensity(law), probe)  # v, as its score says it

hutchinson = Claim(
    id="hutchinson.variance",
    title="Hutchinson's trace estimate: unbiased, and its variance",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            Expect(law, estimate),
            "=",
            Div(field(x), x),
            name="mean",
            words="one product with the Jacobian J, along a standard normal probe v: v^T J v is the divergence on "
            "average",
        ),
        Statement(
            Expect(law, (estimate - Div(field(x), x)) ** 2),
            "=",
            Expect(law, Norm2(moved + moved_back)) / 2,
            name="variance",
            words="half of E |J v + J^T v|^2, which is twice the squared Frobenius norm of J's symmetric part",
        ),
    ),
    domain=Domain(),
    hypotheses=(smooth, integrable),
    scope="any dimension d, any smooth field h(x), symmetric Jacobian or not; standard normal probes, one a time; n "
    "independent ones divide the variance by n",
    sources=("Hutchinson 1990", "Avron and Toledo 2011", "Grathwohl et al. 2019 (FFJORD)"),
    words="What of the Jacobian is antisymmetric costs nothing and is never seen. The variance is that of J's entries, "
    "not of its trace: a divergence of zero may be estimated as badly as any other.",
)


@hutchinson.proves("mean")
def _(line: Chain) -> None:
    line(Expect(law, estimate))
    line(Expect(law, Inner(own, moved)), by=(density, vector_calculus), why="v is minus its own score")
    line(Div(field(x), x), by=(stein, vector_calculus), why="the trace of v -> J v is the divergence of h")


@hutchinson.proves("variance")
def _(line: Chain) -> None:
    trace, both = Div(field(x), x), (moved + moved_back) / 2
    line(Expect(law, (estimate - trace) ** 2))
    line(Expect(law, estimate**2) - 2 * trace * Expect(law, estimate) + trace**2, by=linearity)
    line(Expect(law, estimate**2) - trace**2, by=above("mean"))
    line(
        Expect(law, estimate * Inner(own, both)) - trace**2,
        by=(density, vector_calculus),
        why="v^T J v is v^T S v with the symmetric part S",
    )
    line(
        sum(Expect(law, Inner(moved + moved_back, part) + trace * estimate) / 2 for part in (moved, moved_back))
        - trace**2,
        by=stein,
        why="the gradient of v^T J v is J v + J^T v; J and its transpose have one trace",
    )
    squared = Inner(moved + moved_back, moved) + Inner(moved + moved_back, moved_back)
    line(Expect(law, squared) / 2 + trace * Expect(law, estimate) - trace**2, by=linearity)
    line(Expect(law, squared) / 2, by=above("mean"))
    line(
        Expect(law, Norm2(moved + moved_back)) / 2,
        why="the two products share their first factor, and their second ones add up to it",
    )
