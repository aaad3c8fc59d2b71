"""False and meaningless claims about matrices of two sizes, from a hostile reader; each beside true neighbours."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import sympy as sp
from attack import Attack, assert_refused, one_statement, proved_lemma

from derivations.kernel.conditions import at_most, below
from derivations.kernel.domain import POSITIVE, Domain, Interval
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.points import refuse_apart
from derivations.kernel.rules.gaussian import density, moments
from derivations.kernel.rules.linear_maps import determinant_turned, inverse_is, through
from derivations.kernel.rules.matrices import trace_algebra
from derivations.kernel.terms import Malformed
from derivations.notation import d, i, integrable, k, z
from derivations.refutation.mutants import mutants
from derivations.refutation.refute import search
from derivations.rules import (
    Apply,
    DiagonalNormal,
    Entry,
    Expect,
    FullNormal,
    Inner,
    LogDensity,
    LogDet,
    Norm2,
    Normal,
    Quadratic,
    SumTo,
    Trace,
    algebra,
    by_claim,
    covariance,
    define,
    given,
    matrix,
    positivity,
    scalar,
    scalar_function,
    vector,
    vector_calculus,
)
from derivations.rules import Grad as Gradient

R, S, V = matrix("Mat_R", "R"), matrix("Mat_S", "S"), matrix("Mat_V", "V")  # d x k, d x k, k x d
P, Q = covariance("Mat_P", "P"), covariance("Mat_Q", "Q")
a, b = scalar("mat_a", "a"), scalar("mat_b", "b")
u, v, w = vector("mat_u", "u"), vector("mat_v", "v"), vector("mat_w", "w")
f = scalar_function("mat_f", "f")
ANY = {"mat_a": POSITIVE, "mat_b": POSITIVE}
COUNTED = {k: (1, sp.oo)}


def sized(sizes: Any, conditions: Any = (), intervals: Any = ANY) -> Domain:
    return Domain(intervals, COUNTED, sizes=sizes, conditions=conditions)


MAPS = sized({"Mat_R": (d, k), "Mat_S": (d, k), "Mat_V": (k, d)})
SQUARE = sized({"Mat_R": (d, d), "Mat_S": (d, d)})
TWO = sized({"Mat_P": 2, "Mat_Q": 2})
C, M = a + R * R.T, a + R.T * R
on_z = Normal(z, v, 1, k)
moving = sp.exp(f(z)) + R.T * R  # changes as z does


def says(lhs: Any, rhs: Any, by: Any = trace_algebra, domain: Domain = MAPS, *known: Any, **more: Any) -> Attack:
    return Attack(lhs, rhs, by, domain, known, **more)


def inverted(whole: Any, other: Any) -> Attack:
    return says(Quadratic(u, whole**-1, w), Quadratic(u, other, w), [inverse_is(whole, other), trace_algebra])


def supposed(lhs: Any, rhs: Any, domain: Domain = MAPS, **when: Any) -> Attack:
    """Whatever follows, if it is refused, it is for what is supposed."""
    h = Hypothesis("supposed", "one is the other", sp.sympify(lhs), sp.sympify(rhs), **when)
    return Attack(a, a, algebra, domain, (h,))


@cache
def turned() -> Any:
    """A lemma whose right side counts the columns of a matrix, which its left side does not show."""
    other = f(k) + LogDet(M) + (d - k) * sp.log(a)
    return proved_lemma("turned", f(k) + LogDet(C), other, determinant_turned(R, R.T), MAPS)


SIZED_BY_A_SUM = SumTo(f(i) + LogDet(C), i, 1, 5), SumTo(f(i) + LogDet(M) + (d - i) * sp.log(a), i, 1, 5)
THREE = sized({"Mat_R": (d, 3), "Mat_S": (d, 3), "Mat_V": (3, d)})

FALSE: dict[str, Callable[[], Attack]] = {
    # a lemma about a matrix of k columns, read where k is something else
    "a lemma's size read off a sum": lambda: says(*SIZED_BY_A_SUM, by_claim("turned"), lemmas=(turned(),)),
    "a lemma's size put in": lambda: says(
        f(3) + LogDet(C), f(3) + LogDet(M) + (d - 3) * sp.log(a), by_claim("turned", at={k: 3}), lemmas=(turned(),)
    ),
    # means of forms whose matrix moves with what is averaged over
    "the form of a moving matrix": lambda: says(
        Expect(on_z, Quadratic(z, moving**-1, z)),
        Quadratic(v, moving**-1, v) + Trace(moving**-1, k),
        moments,
        MAPS,
        integrable,
    ),
    "the same under a full law": lambda: says(
        Expect(FullNormal(z, v, P, k), Quadratic(z, moving**-1, z)),
        Quadratic(v, moving**-1, v) + Trace(moving**-1 * P, k),
        moments,
        MAPS,
        integrable,
    ),
    "the same under a diagonal law": lambda: says(
        Expect(DiagonalNormal(z, i, 0, 1, k), Quadratic(z, moving**-1, z)),
        SumTo(Entry(moving**-1, i, i), i, 1, k),
        [moments, trace_algebra],
        MAPS,
        integrable,
    ),
    "a moving matrix before the mean": lambda: says(
        Expect(on_z, Inner(w, Apply(moving**-1, z))),
        Quadratic(v, moving**-1, w),
        [moments, trace_algebra],
        MAPS,
        integrable,
    ),
    "the same twice averaged": lambda: says(
        Expect(Normal(z, 0, 1, k), Expect(on_z, Quadratic(z, moving**-1, w))),
        Expect(Normal(z, 0, 1, k), Quadratic(v, moving**-1, w)),
        moments,
        MAPS,
        integrable,
    ),
    "a moving matrix that draws": lambda: says(
        Expect(on_z, sp.exp(LogDensity(Normal(w, Apply(moving**-1, z), 1, k)))),
        sp.exp(LogDensity(FullNormal(w, Apply(moving**-1, v), moving**-2 + 1, k))),
        [through, trace_algebra],
    ),
    # hypotheses that no matrix satisfies
    "a covariance that is the opposite of one": lambda: supposed(P, -Q),
    "a covariance that is 0": lambda: supposed(P, 0),
    "a covariance that is its own double": lambda: supposed(2 * P, P),
    "a covariance that grows by another": lambda: supposed(P, P + Q),
    "a square that is negative": lambda: supposed(R * R.T, -1),
    "a square and a covariance that cancel": lambda: supposed(R * R.T + P, 0),
    "an inverse that is negative": lambda: supposed(P**-1, -Q),
    "too few columns for an identity": lambda: supposed(R * R.T, 1, sized({"Mat_R": (k + 1, k)})),
    "too few rows for a covariance": lambda: supposed(R.T * P * R, Q, sized({"Mat_R": (2, 3)})),
    "an identity through a narrow space": lambda: supposed(R * V, 1, sized({"Mat_R": (k + 2, k), "Mat_V": (k, k + 2)})),
    "two sizes that are equal": lambda: supposed(R, V),
    "a rectangle that is the identity": lambda: supposed(R, 1),
    "what counts columns runs": lambda: supposed(f(k), LogDet(M), when={k: (1, 5)}),
    # domains that say something of matrices that they cannot say
    "a matrix in an interval": lambda: says(Trace(P, 2), Trace(P, 2), algebra, sized({}, (), {"Mat_P": POSITIVE})),
    "a map in an interval": lambda: says(
        Trace(C, d), Trace(C, d), algebra, sized({"Mat_R": (d, k)}, (), {**ANY, "Mat_R": Interval(-3, -2)})
    ),
    "a condition on a matrix": lambda: says(a, a, algebra, sized({"Mat_P": 2}, (below(P, 0),))),
    "a condition that compares two": lambda: says(a, a, algebra, sized({}, (at_most(P, Q),))),
    "a condition that runs over columns": lambda: says(
        a, a, algebra, sized({"Mat_R": (d, k)}, (at_most(f(k), 1, {k: (1, 3)}),))
    ),
    "the size of a vector": lambda: says(Norm2(u), Norm2(u), algebra, sized({"mat_u": 3})),
    "rows and columns of a number": lambda: says(a, a, algebra, sized({"mat_a": (2, 3)})),
    "the size of a family": lambda: says(f(a), f(a), algebra, sized({"mat_f": 2})),
    "a size in words": lambda: says(a, a, algebra, sized({"Mat_R": ("d", 2)})),
    "no size": lambda: says(a, a, algebra, sized({"Mat_R": (None, 2)})),
    "a size that is rounded": lambda: says(a, a, algebra, sized({"Mat_R": (2.0, 2)})),
    "a size without a name": lambda: says(a, a, algebra, sized({7: (2, 2)})),
    # the wrong formula, or one that means nothing
    "Woodbury with the other sign": lambda: inverted(C, (1 + R * M**-1 * R.T) / a),
    "Woodbury with the wrong inverse": lambda: inverted(C, (1 - R * (1 + R.T * R) ** -1 * R.T) / a),
    "Woodbury without the scale": lambda: inverted(C, 1 - R * M**-1 * R.T),
    "the inverse of another matrix": lambda: inverted(C, (a + S * S.T) ** -1),
    "inverses added": lambda: inverted(P + Q, P**-1 + Q**-1),
    "an indefinite matrix inverted": lambda: inverted(a - R * R.T, 1 / a),
    "a matrix of low rank inverted": lambda: inverted(R * R.T + S * S.T, sp.S.One),
    "Sylvester with the other sign": lambda: says(
        LogDet(C), LogDet(M) - (d - k) * sp.log(a), determinant_turned(R, R.T)
    ),
    "Sylvester for a half": lambda: says(
        LogDet(C), LogDet(a + R.T * R / 2) + (d - k) * sp.log(a), determinant_turned(R, R.T / 2)
    ),
    "a determinant scaled once": lambda: says(LogDet(b * C), sp.log(b) + LogDet(C)),
    "a determinant scaled by columns": lambda: says(LogDet(b * C), k * sp.log(b) + LogDet(C)),
    "a determinant of low rank": lambda: says(LogDet(R.T * R + S.T * S), LogDet(R.T * R + S.T * S), algebra),
    "a determinant of a difference": lambda: says(LogDet((P + Q) * (P - Q)), LogDet(P + Q) + LogDet(P - Q)),
    "a trace that commutes": lambda: says(Trace(R * S.T * R * S.T, d), Trace(R * R.T * S * S.T, d)),
    "a trace without its transposes": lambda: says(Trace(R * S.T * R * S.T, d), Trace(R * S.T * S * R.T, d)),
    "a trace in the other size": lambda: says(Trace(R * M**-1 * R.T, d), d - a * Trace(M**-1, k)),
    "a form of a product turned": lambda: says(Quadratic(u, P * Q, w), Quadratic(w, P * Q, u)),
    "a map moved without its transpose": lambda: says(
        Inner(u, Apply(R, w)), Inner(Apply(R, u), w), trace_algebra, SQUARE
    ),
    "a form of a product is positive": lambda: says(Quadratic(u, P * Q, u), 0, positivity, TWO, relation=">="),
    "a form of a difference is positive": lambda: says(Quadratic(u, P - Q, u), 0, positivity, TWO, relation=">="),
    "an entry off the diagonal is positive": lambda: says(Entry(P, 1, 2), 0, positivity, TWO, relation=">"),
    "a square has a positive trace": lambda: says(Trace(R * R, d), 0, positivity, SQUARE, relation=">="),
    "the gradient of a form, one side only": lambda: says(
        Gradient(Quadratic(z, P * Q, z), z), 2 * Apply(P * Q, z), vector_calculus
    ),
    "a covariance that draws itself": lambda: says(
        Expect(FullNormal(z, 0, (P + sp.exp(f(z))) ** -1, k), Norm2(z)), Trace(P, k), moments
    ),
    "a covariance that is not symmetric": lambda: says(
        LogDensity(FullNormal(z, 0, P * Q, k)), LogDensity(FullNormal(z, 0, P * Q, k)), density
    ),
    "drawn through the transpose": lambda: says(
        Expect(Normal(z, 0, 1, k), sp.exp(LogDensity(Normal(u, Apply(R, z), a)))),
        sp.exp(LogDensity(FullNormal(u, 0, M, d))),
        through,
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_refused(name: str) -> None:
    assert_refused(FALSE[name])


def orthonormal() -> Attack:
    h = Hypothesis("orthonormal", "the columns are orthonormal", R.T * R, sp.S.One)
    return says(Trace(R.T * R, k), k, [given(h), trace_algebra], MAPS, h)


gram = define("mat_gram", "G", lambda m, size: Trace(m * m.T, size))
TRUE: dict[str, Callable[[], Attack]] = {
    "the lemma at its own size": lambda: says(
        f(k) + LogDet(C), f(k) + LogDet(M) + (d - k) * sp.log(a), by_claim("turned"), lemmas=(turned(),)
    ),
    "the lemma of another matrix, of three columns": lambda: says(
        f(3) + LogDet(a + S * S.T),
        f(3) + LogDet(a + S.T * S) + (d - 3) * sp.log(a),
        by_claim("turned", at={R: S, k: 3}),
        THREE,
        lemmas=(turned(),),
    ),
    "the form of a fixed matrix": lambda: says(
        Expect(on_z, Quadratic(z, M**-1, z)), Quadratic(v, M**-1, v) + Trace(M**-1, k), moments
    ),
    "the form of a matrix that moves with another variable": lambda: says(
        Expect(on_z, Quadratic(z, (sp.exp(f(w)) + R.T * R) ** -1, w)),
        Quadratic(v, (sp.exp(f(w)) + R.T * R) ** -1, w),
        [moments, trace_algebra],
    ),
    "Woodbury": lambda: inverted(C, (1 - R * M**-1 * R.T) / a),
    "Sylvester": lambda: says(LogDet(C), LogDet(M) + (d - k) * sp.log(a), determinant_turned(R, R.T)),
    "orthonormal columns": orthonormal,
    "rows that may be orthonormal": lambda: supposed(R * R.T, 1, sized({"Mat_R": (k, k + 1)})),
    "one covariance is the inverse of another": lambda: supposed(P, Q**-1),
    "a product that is its own opposite": lambda: supposed(R * S.T, -S * R.T),
    "a square that may be 0": lambda: supposed(R * R.T, 0),
    "two maps that are one": lambda: supposed(R, S),
    "the transpose of a covariance, in an abbreviation": lambda: says(gram(P, k), Trace(P**2, k)),
}


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is_proved(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict


def test_a_matrix_has_one_size_in_a_claim() -> None:
    turned_round = sized({"Mat_R": (k, d)})
    refuse_apart(MAPS, sized({"Mat_R": (d, k)}))
    with pytest.raises(Malformed, match="give Mat_R two sizes"):
        refuse_apart(MAPS, turned_round)


LOOKS = {
    "the identity": lambda: Quadratic(u, covariance("mat_looks_1", "I"), w),
    "an identity of some size": lambda: Trace(P * covariance("mat_looks_2", r"\mathrm{I}_k"), k),
    "a number like the identity": lambda: Quadratic(u, scalar("mat_looks_3", "I"), w),
    "the transpose of another": lambda: Trace(R * matrix("Mat_turned", r"R^{\top}"), d),
    "a vector transposed": lambda: Inner(u, vector("mat_looks_5", r"u^{\top}")),
    "an entry of a matrix": lambda: scalar("mat_looks_6", "R_{1,2}") * Trace(R * R.T, d),
}


@pytest.mark.parametrize("name", LOOKS)
def test_what_is_shown_as_something_else_is_refused(name: str) -> None:
    e = LOOKS[name]()
    domain = sized({"Mat_R": (d, k), "Mat_turned": (k, d)})
    assert "is shown as" in getattr(says(e, e, algebra, domain).verdict(), "reason", "")


def test_a_transpose_without_the_matrix_may_be_shown_as_one() -> None:
    alone = matrix("Mat_turned", r"R^{\top}")
    domain = sized({"Mat_S": (d, k), "Mat_turned": (k, d)})
    assert says(Trace(S * alone, d), Trace(alone * S, k), trace_algebra, domain).verdict()


def test_no_world_is_filled_with_a_million_entries() -> None:
    large = Domain(sizes={"Mat_R": (10**6, 10**6)})
    found = search(one_statement(Trace(R, 10**6), "=", Trace(R.T, 10**6), large, (), "large"), 0)
    assert found.witness is None
    assert "are more than" in found.reason


def test_no_mistake_is_made_that_does_not_fit() -> None:
    fits = sized({"Mat_R": (k + 1, k)})
    claim = one_statement(Trace(R * R.T, k + 1), "=", Trace(R.T * R, k), fits, (), "fits")
    made = [(m.operator, m.claim.says[0]) for m in mutants(claim)]
    assert made
    assert not [statement for operator, statement in made if operator == "dropped factor"]
