"""Inequalities that hold whatever is supposed: of what a definite matrix, two vectors or a function can be.

They are told of the values that occur in some terms, so that equations which deny one of them can be refused. Which
ones there are is no theory of matrices: minors of two and three rows, traces, determinants, and the bounds of exp, log
and absolute values.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.binders import loose
from derivations.kernel.domain import Domain
from derivations.kernel.joint import instances
from derivations.kernel.means import sign_of
from derivations.kernel.words import definite, semidefinite

Fact = tuple[Any, bool]  # what is not negative, and whether it is positive
FEW = 4  # rows of a matrix, and vectors, that are looked at together


def facts(e: Any, domain: Domain) -> Iterator[Fact]:
    """What is known of the values that occur in e, outside of the scopes of indices."""
    entries = _free(e, terms.Entry)
    for matrix in sorted({a.args[0] for a in entries if _is(definite(a.args[0]), domain)}, key=sp.default_sort_key):
        yield from _minors(matrix, [a for a in entries if a.args[0] == matrix], _free(e, terms.Trace), domain)
    yield from _spectra(e, domain)
    yield from _lengths(e, domain)
    yield from _bounds(e)
    for condition in domain.conditions:
        members = sp.Tuple(*_free(e, sp.Symbol, terms.ScalarFunction))
        yield from ((gap, condition.relation == "<") for gap in instances(condition, members, domain))


def _free(e: Any, *kinds: type) -> list[Any]:
    """The parts of these kinds that mention no index of a scope around them."""
    return sorted((a for a in e.atoms(*kinds) if not loose(a)), key=sp.default_sort_key)


def _is(needed: list[Any] | None, domain: Domain) -> bool:
    """Are the numbers positive that must be, if a matrix is to be definite?"""
    return needed is not None and all(sign_of(number, domain) == "+" for number in needed)


# --- matrices ---------------------------------------------------------------------------------------------------------


def _minors(matrix: Any, entries: list[Any], traces: list[Any], domain: Domain) -> Iterator[Fact]:
    """The diagonal, the minors of two and three rows, and x^T M x for x = e_r + e_c and e_r - e_c."""
    known = {frozenset(a.args[1:]): a for a in entries}
    places = sorted({n for pair in known for n in pair}, key=sp.default_sort_key)[:FEW]

    def m(r: Any, c: Any) -> Any:
        return known.get(frozenset((r, c)), terms.Entry(matrix, r, c))

    for r in places:
        yield m(r, r), True
        if frozenset((r,)) in known and isinstance(matrix, terms.Covariance):
            yield m(r, r) * terms.Entry(sp.Pow(matrix, -1), r, r) - 1, False
    for r, c in itertools.combinations(places, 2):
        apart = bool((r - c).is_nonzero)  # the two places may be one and the same
        yield m(r, r) * m(c, c) - m(r, c) ** 2, apart
        yield m(r, r) + m(c, c) - 2 * m(r, c), apart
        yield m(r, r) + m(c, c) + 2 * m(r, c), True
    for rows in itertools.combinations([n for n in places if n.is_Integer], 3):
        yield sp.expand(sp.Matrix(3, 3, lambda r, c, rows=rows: m(rows[r], rows[c])).det()), True
    size = domain.sizes.get(getattr(matrix, "name", ""))
    if size is not None and size <= FEW and terms.Trace(matrix, size) in traces:
        gap = terms.Trace(matrix, size) - sp.Add(*(m(sp.Integer(n), sp.Integer(n)) for n in range(1, size + 1)))
        yield from ((gap, False), (-gap, False))


def _spectra(e: Any, domain: Domain) -> Iterator[Fact]:
    """Of positive eigenvalues: their sum, that of their squares, and that of their logarithms."""
    traces = [a for a in _free(e, terms.Trace) if _is(definite(a.args[0]), domain)]
    for trace in traces:
        matrix, size = trace.args
        yield trace, True
        if (squares := terms.Trace(matrix**2, size)) in traces:
            yield trace**2 - squares, False
            yield size * squares - trace**2, False
        if terms.LogDet(matrix) in _free(e, terms.LogDet):
            yield trace - size - terms.LogDet(matrix), False
    for volume in _free(e, terms.LogDet):
        factors = [f.as_base_exp() for f in sp.Mul.make_args(volume.args[0])]
        if (len(factors) > 1 or factors[0][1] != 1) and all(isinstance(f, terms.Covariance) for f, _ in factors):
            gap = volume - sp.Add(*(power * terms.LogDet(f) for f, power in factors))
            yield from ((gap, False), (-gap, False))


# --- vectors and numbers ----------------------------------------------------------------------------------------------


def _lengths(e: Any, domain: Domain) -> Iterator[Fact]:
    """Squares of lengths and of coordinates, and what Cauchy and Schwarz say."""
    for form in _free(e, terms.Quadratic):
        if form.args[0] == form.args[2] and _is(semidefinite(form.args[1]), domain):
            yield form, False
    coordinates = _free(e, terms.Coord)
    for vector in sorted({a.args[0] for a in _free(e, terms.Norm2)}, key=sp.default_sort_key):
        own = [c for c in coordinates if c.args[0] == vector and c.args[1].is_Integer]
        yield terms.Norm2(vector) - sp.Add(*(c**2 for c in own)), False
    for inner in _free(e, terms.Inner):
        one, other = map(terms.Norm2, inner.args)
        yield one * other - inner**2, False
        yield from ((one + other + 2 * inner, False), (one + other - 2 * inner, False))


def _bounds(e: Any) -> Iterator[Fact]:
    for a in _free(e, sp.exp, sp.log, sp.Abs):
        x = a.args[0]
        if isinstance(a, sp.Abs):
            yield from ((a - x, False), (a + x, False))
        else:
            yield (a - 1 - x if isinstance(a, sp.exp) else x - 1 - a), False
