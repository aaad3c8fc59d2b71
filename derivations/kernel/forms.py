"""The sign of a quadratic form, and of what is averaged, added up or multiplied.

A polynomial that is linear in inner products is a form in vectors: it is never negative when its matrix of coefficients
is positive semi-definite, whatever the vectors. So is a polynomial of degree 2 in numbers, with 1 for one of them. The
matrix is reduced by completing the square, one variable after the other, without division. The Gram determinant
|x|^2 |y|^2 - (x.y)^2 of two vectors is never negative either. What this does not decide is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from derivations.kernel import terms
from derivations.kernel.domain import REAL, Interval

Sign = Callable[[Any], "str | None"]
MOST = 5  # variables of a form
FORMS = (terms.Entry, terms.Quadratic, terms.Trace)  # their signs are known where that of their matrix is


def form_sign(f: Any, meaning: Mapping[Symbol, Any], intervals: Mapping[Symbol, Interval], sign: Sign) -> str | None:
    """The sign of a polynomial in generators as a form; `sign` tells that of its coefficients."""
    for negative, g in ((False, f), (True, sp.expand(-f))):
        found = _vectors(g, meaning, sign) or _gram(g, meaning) or _numbers(g, meaning, intervals, sign)
        if found is not None:
            return found.replace("+", "-") if negative else found
    return None


# --- vectors ----------------------------------------------------------------------------------------------------------


def _products(f: Any, meaning: Mapping[Symbol, Any]) -> dict[Symbol, tuple[Any, Any]]:
    """The generators of f that are inner products, each with its two vectors."""
    found = {g: meaning.get(g) for g in f.free_symbols}
    return {g: (e.args[0], e.args[1]) for g, e in found.items() if isinstance(e, terms.Inner)}


def _vectors(f: Any, meaning: Mapping[Symbol, Any], sign: Sign) -> str | None:
    products = _products(f, meaning)
    if not products:
        return None
    matrix: dict[frozenset[Any], Any] = {}
    rest = sp.S.Zero
    for monomial, coefficient in sp.Poly(f, *products).terms():
        if sum(monomial) > 1:
            return None
        if sum(monomial) == 0:
            rest = coefficient
            continue
        pair = next(pair for pair, power in zip(products.values(), monomial, strict=True) if power)
        matrix[frozenset(pair)] = coefficient if pair[0] == pair[1] else coefficient / 2
    outside = "0" if rest == 0 else sign(rest)
    if outside not in ("+", "0+", "0") or is_semidefinite(matrix, sign) is None:
        return None
    return "+" if outside == "+" else "0+"


def _gram(f: Any, meaning: Mapping[Symbol, Any]) -> str | None:
    """|x|^2 |y|^2 - (x.y)^2, times a positive number."""
    products = _products(f, meaning)
    if len(products) != 3 or set(products) != f.free_symbols:
        return None
    squares = [g for g, (x, y) in products.items() if x == y]
    mixed = [g for g, (x, y) in products.items() if x != y]
    if len(mixed) != 1 or {products[g][0] for g in squares} != set(products[mixed[0]]):
        return None
    quotient = sp.cancel(f / (squares[0] * squares[1] - mixed[0] ** 2))
    return "0+" if quotient.is_Rational and quotient > 0 else None


# --- numbers ----------------------------------------------------------------------------------------------------------


def _numbers(f: Any, meaning: Mapping[Symbol, Any], intervals: Mapping[Symbol, Interval], sign: Sign) -> str | None:
    """A form of degree 2 in the numbers of unknown sign, or in all."""
    unknown = tuple(g for g in f.free_symbols if intervals.get(g, REAL).lo < 0)
    for chosen in dict.fromkeys((unknown, tuple(f.free_symbols))):
        variables = sorted(chosen, key=str)
        if not 0 < len(variables) <= MOST:
            continue
        matrix: dict[frozenset[Any], Any] = {}
        for monomial, coefficient in sp.Poly(f, *variables).terms():
            factors = [v for v, power in zip(variables, monomial, strict=True) for _ in range(power)]
            if len(factors) > 2:
                break
            pair = frozenset([*factors, *[sp.S.One] * (2 - len(factors))])
            matrix[pair] = coefficient if len(pair) == 1 else coefficient / 2
        else:
            if (strict := is_semidefinite(matrix, sign)) is not None:
                moving = {v for pair in matrix for v in pair}
                nonzero = any(v == 1 or _is_nonzero(intervals.get(v, REAL)) for v in moving)
                return "+" if strict and nonzero else "0+"
    return None


def _is_nonzero(where: Interval) -> bool:
    return where.nonzero or not where.contains(sp.S.Zero)


# --- semi-definite matrices -------------------------------------------------------------------------------------------


def is_semidefinite(matrix: Mapping[frozenset[Any], Any], sign: Sign) -> bool | None:
    """True when the symmetric matrix is positive definite, False when it is semi-definite, None when that is unknown.

    Entries are polynomials, by pairs of variables; one that is not there is 0.
    """
    left = dict(matrix)
    variables = sorted({v for pair in left for v in pair}, key=sp.default_sort_key)
    if len(variables) > MOST:
        return None
    while variables:
        pivot = next((v for v in variables if sign(_entry(left, v, v)) == "+"), None)
        if pivot is None:
            return None if any(sp.expand(entry) != 0 for entry in left.values()) else False
        variables.remove(pivot)
        head = left[frozenset([pivot])]
        left = {
            frozenset([v, w]): sp.expand(head * _entry(left, v, w) - _entry(left, pivot, v) * _entry(left, pivot, w))
            for v in variables
            for w in variables
        }
    return True


def _entry(matrix: Mapping[frozenset[Any], Any], v: Any, w: Any) -> Expr:
    return matrix.get(frozenset([v, w]), sp.S.Zero)
