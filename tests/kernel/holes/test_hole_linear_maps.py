"""False claims about rectangular matrices, tried with every rule that knows of them: none is proved.

Sizes exchanged, transposes lost, noise or offset forgotten, inverses of what may have none, determinants by the wrong
count, orders of what is not definite. What is no matrix at all is refused, and says why.
"""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from derivations.judge.replay import Judge
from derivations.notation import d, i, k, z
from derivations.rules import (
    KL,
    NONNEGATIVE,
    POSITIVE,
    REAL,
    Apply,
    At,
    Claim,
    Coord,
    D,
    DiagonalNormal,
    Div,
    Domain,
    Entry,
    Expect,
    FullNormal,
    Grad,
    Inner,
    LogDensity,
    LogDet,
    Norm2,
    Normal,
    Quadratic,
    Statement,
    SumTo,
    Trace,
    algebra,
    constant_vector,
    covariance,
    density,
    determinant_turned,
    differentiation,
    inverse_is,
    matrix,
    moments,
    positivity,
    scalar,
    through,
    trace_algebra,
    vector,
    vector_calculus,
)

n = sp.Symbol("n", integer=True, positive=True)
A, B, Sq = matrix("Hole_A"), matrix("Hole_B"), matrix("Hole_S")
P, Q = covariance("Hole_P"), covariance("Hole_Q")
s, c = scalar("hole_s"), scalar("hole_c")
x, u, v, w = vector("hole_x"), vector("hole_u"), vector("hole_v"), vector("hole_w")
b = constant_vector("hole_b")
SIZES = {"Hole_A": (d, k), "Hole_B": (k, d), "Hole_S": (d, d)}


def over(where: Any) -> Domain:
    return Domain({"hole_s": where, "hole_c": where}, {k: (1, sp.oo)}, sizes=SIZES)


DOMAIN, ANYWHERE, WEAKLY = over(POSITIVE), over(REAL), over(NONNEGATIVE)
L = LogDensity
M, C = A.T * A + s**2, A * A.T + s**2
prior, lik = Normal(z, 0, 1, k), Normal(x, Apply(A, z) + b, s**2, d)
FALSE = [
    (Quadratic(x, A, z), Quadratic(z, A, x), DOMAIN),
    (Quadratic(u, Sq, v), Quadratic(v, Sq, u), DOMAIN),
    (Quadratic(u, Sq, u), Norm2(u), DOMAIN),
    (Quadratic(u, Sq * Sq.T, u), Quadratic(u, Sq.T * Sq, u), DOMAIN),
    (Quadratic(u, A * A.T, u), Quadratic(u, A.T * A, u), DOMAIN),
    (Trace(A * A.T, d), Trace(A.T * A, d), DOMAIN),
    (Trace(A * A.T, k), Trace(A.T * A, k), DOMAIN),
    (Trace(Sq, d), Trace(Sq * Sq, d), DOMAIN),
    (Trace(Sq * P * Q, d), Trace(Sq * Q * P, d), DOMAIN),
    (Trace(P * Q * (P + Q) ** -1, d), Trace(Q, d), DOMAIN),
    (Trace(M**-1 * M, k), d, DOMAIN),
    (Trace(C**-1 * C, d), k, DOMAIN),
    (LogDet(C), LogDet(M), DOMAIN),
    (LogDet(C), LogDet(M) + (k - d) * sp.log(s**2), DOMAIN),
    (LogDet(C), LogDet(M) + (d - k) * sp.log(s), DOMAIN),
    (LogDet(c * P), LogDet(P) + sp.log(c), DOMAIN),
    (LogDet(c * M), LogDet(M) + d * sp.log(c), DOMAIN),
    (LogDet(P + Q), LogDet(P) + LogDet(Q), DOMAIN),
    (LogDet(P * Q), LogDet(P), DOMAIN),
    (LogDet(s**2 * M**-1), -LogDet(M) + d * sp.log(s**2), DOMAIN),
    (LogDet(A * A.T), LogDet(A.T * A), DOMAIN),
    (LogDet(A * A.T), 2 * LogDet(Sq), DOMAIN),
    (LogDet(Sq), LogDet(Sq.T), DOMAIN),
    (Quadratic(u, A * A.T * (A * A.T + s) ** -1, u), Norm2(u), DOMAIN),
    (Quadratic(u, (1 + c * P - c * P) ** -1, u), 2 * Norm2(u), DOMAIN),
    (Quadratic(u, (s + P) ** -1, u), Norm2(u) / s + Quadratic(u, P**-1, u), DOMAIN),
    (Quadratic(u, C**-1, u), Norm2(u) / s**2 - Quadratic(u, A * M**-1 * A.T, u), DOMAIN),
    (Apply(A, z + w), Apply(A, z), DOMAIN),
    (Apply(A, Apply(B, u)), Apply(B, Apply(A, z)), DOMAIN),
    (Norm2(Apply(A, z)), Quadratic(z, A * A.T, z), DOMAIN),
    (Norm2(Apply(A, z)), Norm2(z), DOMAIN),
    (Norm2(Apply(Sq, u)), Norm2(Apply(Sq.T, u)), DOMAIN),
    (Inner(Apply(A, z), x), Inner(Apply(A.T, z), x), DOMAIN),
    (Coord(Apply(Sq, u), 1), Entry(Sq, 1, 1) * Coord(u, 1), DOMAIN),
    (Entry(Sq, 1, 1), Entry(Sq.T, 1, 1) + 0 * s + 1, DOMAIN),
    (Entry(A * A.T + s, 1, 1), Entry(A * A.T, 1, 1), DOMAIN),
    (Entry(P, 1, 1) * Entry(P**-1, 1, 1), 1, DOMAIN),
    (Expect(prior, sp.exp(L(lik))), sp.exp(L(FullNormal(x, b, A * A.T, d))), DOMAIN),
    (Expect(prior, sp.exp(L(lik))), sp.exp(L(FullNormal(x, b, A * A.T + s, d))), DOMAIN),
    (Expect(prior, sp.exp(L(lik))), sp.exp(L(FullNormal(x, 0, C, d))), DOMAIN),
    (Expect(prior, sp.exp(L(lik))), sp.exp(L(FullNormal(x, b, C, k))), DOMAIN),
    (Expect(prior, sp.exp(L(lik))), sp.exp(L(FullNormal(x, b, A.T * A + s**2, d))), DOMAIN),
    (Expect(prior, sp.exp(2 * L(lik))), sp.exp(2 * L(FullNormal(x, b, C, d))), DOMAIN),
    (
        Expect(Normal(z, x, 1, k), sp.exp(L(Normal(x, Apply(A, z), s, d)))),
        sp.exp(L(FullNormal(x, Apply(A, x), A * A.T + s, d))),
        DOMAIN,
    ),
    (
        Expect(FullNormal(z, 0, Q, k), sp.exp(L(Normal(x, Apply(A, z), s, d)))),
        sp.exp(L(FullNormal(x, 0, A * A.T + s, d))),
        DOMAIN,
    ),
    (
        Expect(FullNormal(z, w, Q, k), sp.exp(L(Normal(x, Apply(A, z) + Apply(A, z), s, d)))),
        sp.exp(L(FullNormal(x, 2 * Apply(A, w), 2 * A * Q * A.T + s, d))),
        DOMAIN,
    ),
    (
        Expect(Normal(z, 0, 1, k), sp.exp(L(Normal(x, Inner(z, w) * Apply(A, z), s, d)))),
        sp.exp(L(FullNormal(x, 0, Inner(z, w) ** 2 * A * A.T + s, d))),
        DOMAIN,
    ),
    (
        Expect(Normal(z, 0, 1, k), sp.exp(L(FullNormal(x, Apply(A, z), Norm2(z) * P + s, d)))),
        sp.exp(L(FullNormal(x, 0, A * A.T + k * P + s, d))),
        DOMAIN,
    ),
    (L(lik) + L(prior) - L(FullNormal(x, b, C, d)), L(FullNormal(z, Apply(M**-1 * A.T, x), s**2 * M**-1, k)), DOMAIN),
    (L(lik) + L(prior) - L(FullNormal(x, b, C, d)), L(FullNormal(z, Apply(M**-1 * A.T, x - b), M**-1, k)), DOMAIN),
    (
        L(lik) + L(prior) - L(FullNormal(x, b, C, d)),
        L(FullNormal(z, Apply(A.T * C**-1, x - b), s**2 * M**-1, k)) + 1,
        DOMAIN,
    ),
    (Expect(Normal(z, w, c, k), Quadratic(z, M, z)), Quadratic(w, M, w) + Trace(M, k), DOMAIN),
    (Expect(Normal(z, w, c, k), Quadratic(z, M, z)), Quadratic(w, M, w) + c * Trace(A * A.T, d) + c * d * s**2, DOMAIN),
    (Expect(Normal(z, w, c, k), Norm2(Apply(A, z)) ** 2), (Norm2(Apply(A, w)) + c * Trace(A.T * A, k)) ** 2, DOMAIN),
    (Expect(DiagonalNormal(z, i, Coord(w, i), c, k), Quadratic(z, M, z)), Quadratic(w, M, w) + c * Trace(M, d), DOMAIN),
    (
        Expect(DiagonalNormal(z, i, Coord(w, i) * c, c, k), Quadratic(z, M, z)),
        Quadratic(w, M, w) + SumTo(c * Entry(M, i, i), i, 1, k),
        DOMAIN,
    ),
    (
        Expect(DiagonalNormal(z, i, Coord(w, 1), c, k), Quadratic(z, M, z)),
        Quadratic(w, M, w) + SumTo(c * Entry(M, i, i), i, 1, k),
        DOMAIN,
    ),
    (KL(FullNormal(z, w, P, k), FullNormal(z, w, M, k)), sp.S.Zero, DOMAIN),
    (SumTo(Entry(Sq, i, i), i, 1, d), Trace(Sq, d) + 1, DOMAIN),
    (D(LogDet(c * P), c), 1 / c, DOMAIN),
    (D(Quadratic(u, (P + c) ** -1, u), c), sp.S.Zero, DOMAIN),
    (D(Quadratic(u, c * P, u), c), sp.S.Zero, DOMAIN),
    (At(Quadratic(u, (P + c) ** -1, u), c, 0), Quadratic(u, P, u), DOMAIN),
    (Grad(Quadratic(u, Sq, u), u), 2 * Apply(Sq, u), DOMAIN),
    (Grad(Inner(u, Apply(Sq, u)), u), Apply(Sq, u), DOMAIN),
    (Div(Apply(Sq, u), u, d), sp.S.Zero, DOMAIN),
]
ORDERS = [
    (Quadratic(u, Sq, u), ">=", sp.S.Zero, DOMAIN),
    (Quadratic(u, P - Q, u), ">=", sp.S.Zero, DOMAIN),
    (Quadratic(u, P * Q, u), ">=", sp.S.Zero, DOMAIN),
    (Quadratic(u, s * P, u), ">=", sp.S.Zero, ANYWHERE),
    (Quadratic(u, P, u), ">", sp.S.Zero, DOMAIN),
    (Quadratic(u, P, v), ">=", sp.S.Zero, DOMAIN),
    (Entry(P, 1, 2), ">=", sp.S.Zero, DOMAIN),
    (Entry(Sq * Sq.T, 1, 1), ">", sp.S.Zero, DOMAIN),
    (Entry(Sq, 1, 1), ">=", sp.S.Zero, DOMAIN),
    (Entry(Sq * Sq, 1, 1), ">=", sp.S.Zero, DOMAIN),
    (Trace(Sq * Sq, d), ">=", sp.S.Zero, DOMAIN),
    (Trace(A * A.T, d), ">", sp.S.Zero, DOMAIN),
    (Trace(Sq, d), ">=", sp.S.Zero, DOMAIN),
    (Trace(P - Q, d), ">=", sp.S.Zero, DOMAIN),
    (LogDet(P), ">=", sp.S.Zero, DOMAIN),
    (LogDet(P + 1), "<=", LogDet(P), DOMAIN),
    (Quadratic(z, A.T * P * A, z), ">", sp.S.Zero, DOMAIN),
    (Trace(s * P, d), ">", sp.S.Zero, WEAKLY),
    (Trace(P * Q * C, d), ">=", sp.S.Zero, DOMAIN),
    (Trace(P * Sq * Q * Sq, d), ">=", sp.S.Zero, DOMAIN),
    (Trace(P * Q - C, d), ">=", sp.S.Zero, DOMAIN),
    (Trace(Sq * P * Sq.T * Q, d), ">", sp.S.Zero, DOMAIN),
]

INVERSES = [(C, (1 - A * M**-1 * A.T) / s**2), (C, M), (P + Q, P**-1 + Q**-1), (P + s, P**-1 - s)]
RULES = [
    [trace_algebra],
    [through, trace_algebra],
    [density, inverse_is(*INVERSES[0]), determinant_turned(A, A.T), trace_algebra],
    [trace_algebra, moments, trace_algebra],
    [differentiation, trace_algebra],
    [vector_calculus, trace_algebra],
    *([inverse_is(*pair), trace_algebra] for pair in INVERSES),
    *([determinant_turned(*pair)] for pair in ((A, A.T), (A.T, A), (P, Q), (s * A, A.T))),
]


def verdict(lhs: Any, relation: str, rhs: Any, domain: Domain, by: Any) -> Any:
    claim = Claim(
        id="hole.maps",
        title="a false claim",
        chapter="holes",
        kind="identity",
        says=(Statement(lhs, relation, rhs),),
        domain=domain,
        scope="",
        sources=(),
    )

    @claim.proves()
    def _(line: Any) -> None:
        line(lhs)
        line._add(rhs, relation, by, "as typed")

    return Judge({claim.id: claim}, None).judge(claim).verdict


@pytest.mark.sampled(4)
@pytest.mark.parametrize("number", range(len(FALSE)))
def test_no_rule_proves_a_false_equation(number: int) -> None:
    lhs, rhs, domain = FALSE[number]
    assert not any(verdict(lhs, "=", rhs, domain, by) for by in RULES)


@pytest.mark.parametrize("number", range(len(ORDERS)))
def test_what_is_not_definite_has_no_sign(number: int) -> None:
    assert not any(verdict(*ORDERS[number], by) for by in ([positivity], [algebra]))


TRUE = [
    (Trace(A * M**-1 * A.T, d), k - s**2 * Trace(M**-1, k)),
    (Quadratic(x, A, z), Quadratic(z, A.T, x)),
    (LogDet(c * M), LogDet(M) + k * sp.log(c)),
    (Norm2(Apply(A, z)), Quadratic(z, A.T * A, z)),
]


@pytest.mark.parametrize("number", range(len(TRUE)))
def test_the_true_neighbours_are_proved(number: int) -> None:
    assert verdict(TRUE[number][0], "=", TRUE[number][1], DOMAIN, [trace_algebra])


def test_a_positive_form_has_its_sign() -> None:
    assert verdict(Quadratic(u, C, u), ">=", sp.S.Zero, DOMAIN, [positivity])
    assert verdict(Entry(C, 1, 1), ">", sp.S.Zero, DOMAIN, [positivity])
    for word in (P * Q, P * Q * P * Q, Q * C**-1, P * Q * P * C):  # two definite matrices have positive eigenvalues
        assert verdict(Trace(word, d), ">", sp.S.Zero, DOMAIN, [positivity])
    assert verdict(Trace(Sq * P * Sq.T * Q, d), ">=", sp.S.Zero, DOMAIN, [positivity])


REFUSED: dict[str, tuple[Any, str]] = {
    "no size": ({}, "has no size"),
    "no rows": ({"Hole_A": (0, k)}, "not known to be an integer from 1 on"),
    "rows by letters": ({"Hole_A": ("d", "k")}, "by integers or their symbols"),
    "half a row": ({"Hole_A": (sp.Rational(5, 2), k)}, "not known to be an integer from 1 on"),
    "three sizes": ({"Hole_A": (d, k, k)}, "rows and its columns"),
    "one size": ({"Hole_A": 3}, "has no size"),
    "rows that nobody counts": ({"Hole_A": (n, k)}, "not known to be an integer from 1 on"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_matrix_without_a_size_is_refused(name: str) -> None:
    sizes, because = REFUSED[name]
    domain = Domain({}, {k: (1, sp.oo)}, sizes=sizes)
    assert because in verdict(Norm2(Apply(A, z)), "=", Quadratic(z, A.T * A, z), domain, [trace_algebra]).reason


def test_what_prints_as_a_transpose_or_an_identity_is_named_otherwise() -> None:
    other, unit = matrix("Hole_T", r"A^{\top}"), scalar("I")
    first = matrix("Hole_U", "A")
    domain = Domain({"I": POSITIVE}, {k: (1, sp.oo)}, sizes={**SIZES, "Hole_T": (k, d), "Hole_U": (d, k)})
    both = Quadratic(z, other * first + first.T * first, z)
    assert "shown as" in verdict(both, "=", both + 0 * s + Norm2(z) - Norm2(z), domain, [trace_algebra]).reason
    named = LogDet(A * A.T + unit)
    assert "shown as I" in verdict(named, "=", named + Norm2(z) * 0, domain, [trace_algebra]).reason
