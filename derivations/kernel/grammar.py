"""What may be written at all: every term has a sort, every number is exact, every name means one thing.

A line that passes means something in every world of its domain, apart from the side conditions (`side_conditions`).
"""

from __future__ import annotations

from typing import Any, Literal

import sympy as sp
from sympy import Symbol
from sympy.core.function import Application

from derivations.kernel import terms
from derivations.kernel.domain import Domain
from derivations.kernel.scope import inner_domain, refuse_ambiguous_names, refuse_clashes, refuse_open_definitions
from derivations.kernel.terms import Block, D, DefinedFunction, Law, Malformed, ScalarFunction, Term, VectorSymbol

Sort = Literal["number", "vector", "matrix", "law", "proposition"]
VECTORS = (terms.Inner, terms.Norm2, terms.Hadamard)
GAUSSIANS = (terms.Normal, terms.DiagonalNormal, terms.FullNormal, terms.AffineImage)


def refuse_malformed(domain: Domain, *expressions: Any) -> None:
    """Refuse lines that mean nothing, or not what they seem to: raises Malformed with the reason."""
    refuse_ambiguous_names(*expressions)
    for e in expressions:
        sort(e)
        refuse_clashes(e)
        refuse_open_definitions(e)
        _refuse_hidden_assumptions(e, domain)
        _refuse_schedule_derivatives(e, domain)


def sort(e: Any) -> Sort:
    """What kind of thing e is; Malformed when it is none."""
    if isinstance(e, Symbol):
        return "vector" if isinstance(e, VectorSymbol) else "number" if e.is_commutative else "matrix"
    if isinstance(e, sp.Rational | sp.NumberSymbol):
        return "number"
    if any(isinstance(a, terms.Rounded) for a in e.args):
        raise Malformed(f"{e} calculates with a rounded value: only the exact one may be used")
    if isinstance(e, sp.Add | sp.Mul | sp.Pow):
        return _sort_of_arithmetic(e)
    inside = [sort(a) for a in e.args if not isinstance(a, Block | sp.Tuple)]
    if isinstance(e, VECTORS) and any(s != "vector" and a != 0 for s, a in zip(inside, e.args, strict=True)):
        raise Malformed(f"{e}: every part must be a vector")
    if isinstance(e, terms.Coord) and inside != ["vector", "number"]:
        raise Malformed(f"{e}: a coordinate is that of a vector, at an index")
    if isinstance(e, terms.SumTo | terms.ProductTo) and not (e.args[2].is_integer and e.args[3].is_integer):
        raise Malformed(f"{e}: the bounds must be integers")
    if isinstance(e, Law):
        return "law"
    if isinstance(e, Term | DefinedFunction | terms.VectorFunction):
        return "vector" if terms.is_vector(e) else "number"
    if isinstance(e, ScalarFunction):
        return "number"
    if isinstance(e, Application):
        if set(inside) != {"number"}:
            raise Malformed(f"{e}: {type(e).__name__} takes numbers")
        return "number"
    if isinstance(e, sp.Expr) or not isinstance(e, sp.Basic):
        raise Malformed(f"{e} is not in the language: write exact real numbers (fractions, no floats) and its terms")
    return "proposition"


def _sort_of_arithmetic(e: Any) -> Sort:
    sorts = [sort(a) for a in e.args]
    if isinstance(e, sp.Add):
        if len(set(sorts)) > 1:
            raise Malformed(f"{e} adds a vector or a matrix to something else")
        return sorts[0]
    if isinstance(e, sp.Pow):
        if sorts[0] == "vector" or sorts[1] != "number" or (sorts[0] == "matrix" and not e.args[1].is_Integer):
            raise Malformed(f"{e}: only numbers have such powers; the square of a vector is Norm2 or Hadamard")
        return sorts[0]
    other = [s for s in sorts if s != "number"]
    if other.count("vector") > 1 or len(set(other)) > 1 or not set(other) <= {"vector", "matrix"}:
        raise Malformed(f"{e} multiplies vectors, or a vector and a matrix: write Inner, Hadamard or Quadratic")
    return other[0] if other else "number"


def _refuse_hidden_assumptions(e: Any, domain: Domain) -> None:
    """SymPy simplifies by what a symbol was declared to be (sqrt(x^2) = x for a positive x): the domain must say it."""
    if isinstance(e, terms.SumTo | terms.ProductTo):
        index, lo = e.args[1:3]
        if index.is_positive and not domain.at_least_zero(lo - 1):
            raise Malformed(f"{index} is declared positive as a symbol, and runs from {lo}: use another index")
    if isinstance(e, GAUSSIANS) and getattr(e.args[0], "name", type(e.args[0]).__name__) in domain.intervals:
        raise Malformed(f"{e.args[0]} is Gaussian, so its coordinates are any numbers, whatever the domain says of it")
    if isinstance(e, Symbol | ScalarFunction):
        where = domain.interval(e)
        positive, negative = where.lo > 0 or (where.lo == 0 and where.open_lo), where.hi < 0
        facts = [
            (e.is_positive, "positive", positive),
            (e.is_negative, "negative", negative),
            (e.is_nonnegative, "non-negative", where.lo >= 0),
            (e.is_nonpositive, "non-positive", where.hi <= 0),
            (e.is_nonzero, "not 0", positive or negative or where.nonzero),
            (e.is_even or e.is_odd or e.is_irrational or e.is_prime, "a special number", False),
        ]
        for declared, what, known in facts:
            if declared and not known:
                raise Malformed(f"{e} is declared {what} as a symbol, and the domain does not say so: add it there")
    for a in e.args:
        _refuse_hidden_assumptions(a, inner_domain(e, domain))


def _refuse_schedule_derivatives(e: Any, domain: Domain) -> None:
    recursive = {*domain.products, *domain.products.values()}
    for d in e.atoms(D):
        if type(d.args[1]).__name__ in recursive:
            raise Malformed(f"{d}: {d.args[1]} is tied to the other members of its schedule; differentiate by a symbol")
