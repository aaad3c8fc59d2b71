"""Gradients, Jacobians, divergences and Laplacians: what is proved of them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

import derivations
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.terms import Malformed
from derivations.kernel.verdict import Proved, Refuted, Undecided
from derivations.notation import d, decay, i, integrable, interchange_hypothesis, smooth, t, x
from derivations.printing import latex, text
from derivations.rules import (
    CLOSED_UNIT,
    POSITIVE,
    REAL,
    BernoulliProduct,
    D,
    Density,
    Div,
    Domain,
    Expect,
    Grad,
    Gradient,
    Hadamard,
    Hypothesis,
    Inner,
    Jvp,
    Laplacian,
    LogDensity,
    Norm2,
    Normal,
    Ratio,
    SumTo,
    Vjp,
    algebra,
    bayes,
    by_parts,
    define,
    differentiation,
    given,
    inner_mean,
    linearity,
    log_p,
    mean_derivative,
    moments,
    scalar,
    scalar_function,
    stein,
    vector,
    vector_calculus,
    vector_function,
)

V, W = scalar_function("field_V"), scalar_function("field_W")
f, g = vector_function("field_f"), vector_function("field_g")
y, z, m, u, w = (vector(f"field_{name}") for name in "yzmuw")
v, s = (scalar(f"field_{name}", positive=True) for name in "vs")
a = scalar("field_a")
DOMAIN = Domain({"field_v": POSITIVE, "field_s": POSITIVE, "field_a": REAL})
SUPPOSED = (smooth, decay, integrable, interchange_hypothesis)
N = Normal(z, m, v)
p, posterior = Density("p", z), Density("p", y, z)
score, conditional, of_posterior = (Grad(log_p("p", *of), z) for of in ((z,), (z, y), (y, z)))
likelihood = LogDensity(Normal(z, a * y, s**2))
noise = Hypothesis("noise", "p(z | y) = N(a y, s^2 I)", log_p("p", z, y), likelihood)
mean = Expect(posterior, y)


def judged(*lines: Any, hypotheses: Any = SUPPOSED, domain: Domain = DOMAIN) -> Any:
    first, *rest = lines
    claim = Claim(
        id="test.fields",
        title="",
        chapter="",
        kind="identity",
        says=(Statement(first, "=", rest[-1][0]),),
        domain=domain,
        hypotheses=hypotheses,
        scope="",
        sources=(),
        words="",
    )

    @claim.proves()
    def _(line: Any) -> None:
        line(first)
        for e, by in rest:
            line(e, by=by)

    return derivations.judge(claim)


PROVED = {
    "score of a Gaussian": [Grad(LogDensity(N), z), (-(z - m) / v, vector_calculus)],
    "its Laplacian": [Laplacian(LogDensity(N), z), (-d / v, vector_calculus)],
    "its gradient in the mean": [Grad(LogDensity(N), m), ((z - m) / v, vector_calculus)],
    "chain and product": [
        Grad(sp.log(1 + Norm2(z) * V(a * z) ** 2), z),
        (
            (2 * V(a * z) ** 2 * z + 2 * a * Norm2(z) * V(a * z) * Gradient(V, a * z)) / (1 + Norm2(z) * V(a * z) ** 2),
            vector_calculus,
        ),
    ],
    "divergence of a product": [
        Div(V(z) * f(z), z),
        (V(z) * Div(f(z), z) + Inner(Grad(V(z), z), f(z)), vector_calculus),
    ],
    "gradient of an inner product": [
        Grad(Inner(f(z), g(z)), z),
        (Vjp(f(z), z, g(z)) + Vjp(g(z), z, f(z)), vector_calculus),
    ],
    "Laplacian of a product": [
        Laplacian(V(z) * W(z), z),
        (
            V(z) * Laplacian(W(z), z) + W(z) * Laplacian(V(z), z) + 2 * Inner(Grad(V(z), z), Grad(W(z), z)),
            vector_calculus,
        ),
    ],
    "divergence of a gradient": [Div(Grad(V(z), z), z), (Laplacian(V(z), z), vector_calculus)],
    "a gradient's Jacobian is symmetric": [Vjp(Grad(V(z), z), z, u), (Jvp(Grad(V(z), z), z, u), vector_calculus)],
    "derivative along a sum": [
        Jvp(f(z), z, u + a * w),
        (Jvp(f(z), z, u) + a * Jvp(f(z), z, w), vector_calculus),
    ],
    "members of a family": [Grad(Inner(x(t), x(t - 1)), x(t)), (x(t - 1), vector_calculus)],
    "a gradient by name": [Gradient(V, z), (Grad(V(z), z), vector_calculus)],
    "a quotient kept apart": [
        Grad(Ratio(V(z), 1 + Norm2(z)), z),
        (Grad(V(z), z) / (1 + Norm2(z)) - 2 * V(z) * z / (1 + Norm2(z)) ** 2, vector_calculus),
    ],
    "an exponential": [Grad(sp.exp(V(z)), z), (sp.exp(V(z)) * Grad(V(z), z), vector_calculus)],
    "a Laplacian of a field": [
        Laplacian(a * f(z) + u, z),
        (a * Laplacian(f(z), z), vector_calculus),
    ],
    "a coordinatewise product": [
        Vjp(Hadamard(z, f(z)), z, u) + Jvp(Hadamard(u, f(z)), z, w),
        (Hadamard(f(z), u) + Vjp(f(z), z, Hadamard(z, u)) + Hadamard(u, Jvp(f(z), z, w)), vector_calculus),
    ],
    "squares and products moved by a number": [
        D(Norm2(a * u + w) - 3 * Inner(a**2 * u, w), a),
        (2 * Inner(u, a * u + w) - 6 * a * Inner(u, w), differentiation),
    ],
    "sums of a family": [
        Grad(SumTo(i * V(z), i, 1, t), z) + Jvp(SumTo(i * f(z), i, 1, t), z, u),
        (SumTo(i * Grad(V(z), z), i, 1, t) + SumTo(i * Jvp(f(z), z, u), i, 1, t), vector_calculus),
    ],
    "traces of sums of a family": [
        Div(SumTo(i * f(z), i, 1, t), z) + Inner(Vjp(SumTo(i * f(z), i, 1, t), z, u), w),
        (SumTo(i * Div(f(z), z), i, 1, t) + Inner(SumTo(i * Vjp(f(z), z, u), i, 1, t), w), vector_calculus),
    ],
    "Laplacians of sums of a family": [
        Inner(Laplacian(SumTo(i * f(z), i, 1, t), z), u),
        (Inner(SumTo(i * Laplacian(f(z), z), i, 1, t), u), vector_calculus),
    ],
    "a Jacobian on the other side": [Inner(u, Vjp(f(z), z, w)), (Inner(w, Jvp(f(z), z, u)), vector_calculus)],
    "the trace of a linear map": [Div(Jvp(f(y), y, z), z), (Div(f(y), y), vector_calculus)],
    "the trace of its transpose": [Div(Vjp(f(y), y, z), z), (Div(f(y), y), vector_calculus)],
    "the slope of a quadratic form": [
        Grad(Inner(z, Jvp(f(y), y, z)), z),
        (Jvp(f(y), y, z) + Vjp(f(y), y, z), vector_calculus),
    ],
    "the slope along a direction": [
        Inner(Jvp(Vjp(f(y), y, z), z, u), w),
        (Inner(Jvp(f(y), y, w), u), vector_calculus),
    ],
    "Bayes": [Grad(log_p("p", z, y), z), (of_posterior + score, (bayes, vector_calculus))],
    "mean of a score": [Expect(p, score), (sp.S.Zero, by_parts)],
    "mean of a score in a parameter": [
        Expect(posterior, of_posterior),
        (Grad(Expect(posterior, sp.S.One), z), (mean_derivative, vector_calculus)),
        (sp.S.Zero, (linearity, vector_calculus)),
    ],
    "Stein for a polynomial": [
        Expect(N, Inner(z - m, z) * Inner(z, u)),
        (Expect(N, -v * Inner(Grad(LogDensity(N), z), z) * Inner(z, u)), vector_calculus),
        (v * Expect(N, (d + 1) * Inner(z, u)), stein),
        (v * (d + 1) * Inner(m, u), moments),
    ],
    "Stein for any function": [
        Expect(N, Inner(z - m, f(z))),
        (Expect(N, -v * Inner(Grad(LogDensity(N), z), f(z))), vector_calculus),
        (v * Expect(N, Div(f(z), z)), by_parts),
    ],
    "Fisher information is mean curvature": [
        Expect(p, Inner(score, score)),
        (-Expect(p, Laplacian(log_p("p", z), z)), by_parts),
    ],
    "a marginal score is a posterior mean": [
        score,
        (score + Grad(Expect(posterior, sp.S.One), z), (linearity, vector_calculus)),
        (score + Expect(posterior, of_posterior), (mean_derivative, vector_calculus)),
        (Expect(posterior, score + of_posterior), linearity),
        (Expect(posterior, conditional), (bayes, vector_calculus)),
    ],
    "an inner product with a mean": [Inner(u, mean), (Expect(posterior, Inner(u, y)), inner_mean)],
}
NEEDED = {
    "score of a Gaussian": (),
    "its Laplacian": (),
    "its gradient in the mean": (),
    "members of a family": (),
    "Stein for a polynomial": (),
    "Fisher information is mean curvature": (smooth, decay, integrable),
    "mean of a score": (smooth, decay, integrable),
    "Stein for any function": (smooth, decay, integrable),
    "mean of a score in a parameter": (interchange_hypothesis, integrable),
    "an inner product with a mean": (integrable,),
    "squares and products moved by a number": (),
    "a marginal score is a posterior mean": (interchange_hypothesis, integrable),
}


@pytest.mark.parametrize("name", PROVED)
def test_it_is_proved_and_every_step_has_its_shadow(name):
    domain = Domain(DOMAIN.intervals, {t: (1, sp.oo)}) if "family" in name else DOMAIN
    found = judged(*PROVED[name], hypotheses=NEEDED.get(name, (smooth,)), domain=domain)
    assert isinstance(found.verdict, Proved), found.verdict
    assert found.shadow.full == len(found.shadow.steps), found.shadow.without


@pytest.mark.parametrize("name", [name for name in PROVED if NEEDED.get(name, (smooth,))])
def test_each_hypothesis_is_asked_for(name):
    needed = NEEDED.get(name, (smooth,))
    for lost in needed:
        found = judged(*PROVED[name], hypotheses=tuple(h for h in needed if h is not lost))
        assert isinstance(found.verdict, Undecided), (lost.name, found.verdict)
        assert lost.name in found.verdict.reason


FALSE = {
    "sign of a score": [Grad(LogDensity(N), z), ((z - m) / v, vector_calculus)],
    "half a product rule": [Div(V(z) * f(z), z), (V(z) * Div(f(z), z), vector_calculus)],
    "a Jacobian on the other side, not turned": [
        Inner(u, Vjp(f(z), z, w)),
        (Inner(u, Jvp(f(z), z, w)), vector_calculus),
    ],
    "the trace of a map that moves too": [Div(Jvp(f(z), z, z), z), (Div(f(z), z), vector_calculus)],
    "half a quadratic form's slope": [Grad(Inner(z, Jvp(f(y), y, z)), z), (2 * Jvp(f(y), y, z), vector_calculus)],
    "the dimension lost": [Div(z, z), (sp.S.One, vector_calculus)],
    "a Jacobian for its transpose": [
        Grad(Inner(f(z), g(z)), z),
        (Jvp(f(z), z, g(z)) + Jvp(g(z), z, f(z)), vector_calculus),
    ],
    "a square's factor lost": [Grad(Norm2(z), z), (z, vector_calculus)],
    "a moved square's factor lost": [D(Norm2(a * u + w), a), (Inner(u, a * u + w), differentiation)],
    "parts without the sign": [Expect(N, Inner(Grad(LogDensity(N), z), z)), (d, stein)],
    "parts with another law's score": [
        Expect(N, Inner(Grad(LogDensity(Normal(z, m, 2 * v)), z), z)),
        (-d, stein),
    ],
    "a mean's law forgotten": [Grad(Expect(Normal(y, z, 1), Norm2(y)), z), (sp.S.Zero, mean_derivative)],
    "a marginal score from one conditional": [score, (conditional, (bayes, vector_calculus))],
    "a posterior's score dropped": [Grad(log_p("p", z, y), z), (score, (bayes, vector_calculus))],
}


@pytest.mark.parametrize("name", FALSE)
def test_what_is_false_is_refuted_with_numbers(name):
    found = judged(*FALSE[name])
    assert isinstance(found.verdict, Refuted), found.verdict


bits = BernoulliProduct(z, sp.Symbol("i", integer=True, positive=True), sp.Rational(1, 3), d)
of_its_own = define("field_slope", r"s", lambda e: Grad(Norm2(e), e), is_vector_valued=True)


def stated(e: Any, domain: Domain = DOMAIN) -> Any:
    return judged(e, (e, algebra), domain=domain)


REFUSED = {
    "in a function's value": (lambda: Grad(V(f(z)), f(z)), "no variable"),
    "in a sum": (lambda: Grad(Norm2(z), 2 * z), "no variable"),
    "in a number": (lambda: Grad(a**2, a), "no variable"),
    "in a place between": (lambda: Div(z, Expect(p, z)), "no variable"),
    "of a vector": (lambda: stated(Grad(f(z), z)), "does not belong"),
    "divergence of a number": (lambda: stated(Div(V(z), z)), "does not belong"),
    "Jacobian transposed of a number": (lambda: stated(Vjp(V(z), z, u)), "does not belong"),
    "no dimension": (lambda: judged(Div(z, z, -1), (sp.S(-1), vector_calculus)), "no dimension"),
    "another dimension": (
        lambda: judged(Div(z, z, 2), (Expect(N, sp.S(2)), vector_calculus)),
        "two spaces",
    ),
    "in bits": (lambda: stated(Expect(bits, Inner(Grad(V(z), z), u))), "separate values"),
    "at a closed end": (
        lambda: stated(Grad(V(z), z), Domain({"field_z": CLOSED_UNIT})),
        "closed end",
    ),
    "an abbreviation at no variable": (lambda: judged(of_its_own(2 * z), (4 * z, vector_calculus)), "no variable"),
    "a name that shows the variable": (
        lambda: stated(Grad(scalar("mu_field") * Norm2(vector("field")), vector("field"))),
        "has field in its name",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_means_nothing_is_refused_with_the_reason(name):
    made, reason = REFUSED[name]
    try:
        said = str(made().verdict)
    except Malformed as refusal:
        said = str(refusal)
    assert reason in said


UNDECIDED = {
    "parts where there is an end": (
        [Expect(p, score), (sp.S.Zero, by_parts)],
        Domain({"field_z": POSITIVE}),
        "does not follow",
    ),
    "parts with a pole": (
        [Expect(N, Inner(z - m, z) / Norm2(z)), (v * Expect(N, (d - 2) / Norm2(z)), stein)],
        DOMAIN,
        "",
    ),
    "a root at its end": (
        [Grad(sp.sqrt(Norm2(z)), z), (z / sp.sqrt(Norm2(z)), vector_calculus)],
        DOMAIN,
        "side condition",
    ),
    "two members that may be one": (
        [Grad(Inner(x(t), x(1)), x(t)), (x(1), vector_calculus)],
        Domain({}, {t: (1, sp.oo)}),
        "",
    ),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_may_fail_somewhere_is_not_proved(name):
    lines, domain, reason = UNDECIDED[name]
    found = judged(*lines, domain=domain)
    assert not isinstance(found.verdict, Proved)
    assert reason in str(found.verdict)


def test_a_mean_is_differentiated_under_interchange_only():
    found = judged(Grad(Expect(N, V(z)), m), (Grad(Expect(N, V(z)), m), algebra), hypotheses=(smooth, integrable))
    assert isinstance(found.verdict, Undecided) and "declare the hypothesis 'interchange'" in found.verdict.reason


def test_a_direction_that_is_averaged_over_does_not_move_inside():
    along = Jvp(mean, z, y)
    found = judged(along + Grad(Inner(z, u), z), (along + u, (mean_derivative, vector_calculus)))
    assert "averaged over" in str(found.verdict)


def test_both_tweedies_and_each_step_has_its_shadow():
    first = judged(
        Expect(posterior, conditional),
        (Expect(posterior, Grad(likelihood, z)), given(noise)),
        (Expect(posterior, (a * y - z) / s**2), vector_calculus),
        ((a * mean - z) / s**2, linearity),
        hypotheses=(smooth, integrable, noise),
    )
    assert isinstance(first.verdict, Proved), first.verdict
    second = judged(
        Inner(Jvp(mean, z, u), u),
        (Inner(Expect(posterior, y * Inner(of_posterior, u)), u), (mean_derivative, vector_calculus)),
        (Expect(posterior, Inner(y, u) * Inner(of_posterior, u)), inner_mean),
        (Expect(posterior, Inner(y, u) * Inner(conditional - score, u)), (bayes, vector_calculus)),
        (Expect(posterior, Inner(y, u) * Inner(Grad(likelihood, z) - score, u)), given(noise)),
        (Expect(posterior, a / s**2 * Inner(y, u) ** 2 - Inner(y, u) * Inner(z / s**2 + score, u)), vector_calculus),
        (
            a / s**2 * Expect(posterior, Inner(y, u) ** 2)
            - Inner(z / s**2 + score, u) * Expect(posterior, Inner(y, u)),
            linearity,
        ),
        hypotheses=(smooth, integrable, interchange_hypothesis, noise),
    )
    assert isinstance(second.verdict, Proved), second.verdict
    assert second.shadow.full == 6


SHOWN = {
    Grad(V(z), z): (r"\nabla_{field_z} field_V(field_z)", "∇_field_z field_V(field_z)"),
    Div(f(z) + z, z): (
        r"\nabla_{field_z} \cdot \left(field_z + field_f(field_z)\right)",
        "∇_field_z·(field_z + field_f(field_z))",
    ),
    Laplacian(V(z), z): (r"\Delta_{field_z} field_V(field_z)", "Δ_field_z field_V(field_z)"),
    Jvp(f(z), z, u): (
        r"\left(\partial_{field_z} field_f(field_z)\right) field_u",
        "(∂_field_z field_f(field_z)) field_u",
    ),
    Vjp(f(z), z, u): (
        r"\left(\partial_{field_z} field_f(field_z)\right)^{\top} field_u",
        "(∂_field_z field_f(field_z))ᵀ field_u",
    ),
}


@pytest.mark.parametrize("e", SHOWN, ids=lambda e: type(e).__name__)
def test_they_are_shown_as_the_field_writes_them(e):
    assert (latex(e), text(e)) == SHOWN[e]
