"""Hypotheses that cannot hold: from what the domain, or another hypothesis, contradicts, anything would follow.

Sound and incomplete: what is refused holds nowhere, and what passes may still hold nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, OutsideFragment
from derivations.kernel.domain import Domain
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.means import is_nonnegative, sign_of
from derivations.kernel.substitution import substitute
from derivations.kernel.terms import LogDensity, Malformed
from derivations.kernel.words import definite, words


def refuse_contradiction(hypotheses: Iterable[Hypothesis], domain: Domain) -> None:
    """Refuse equations of core terms that fail everywhere on the domain: alone, or once another one is put in."""
    equations = [h for h in hypotheses if h.sides]
    for h in equations:
        where = h.domain(domain)
        if isinstance(h.lhs, LogDensity) and not isinstance(h.lhs.args[0], terms.Density):
            raise Malformed(f"the hypothesis {h.name!r} supposes the density of {h.lhs.args[0]}, which is known")
        if _never(h.lhs, h.rhs, where):
            raise Malformed(f"the hypothesis {h.name!r} holds nowhere on the domain: {h.lhs} is never {h.rhs}")
    _refuse_together([(h.name, h.lhs, h.rhs, h.domain(domain), bool(h.when)) for h in equations], domain)


def _refuse_together(equations: list[Any], domain: Domain) -> None:
    """Put what a number equals into the other equations, number by number, and look at what becomes of them."""
    for n in range(len(equations)):
        name, number, value, _, ranges = equations[n]
        if ranges or not _is_number(number) or value.has(number):
            continue
        for k, (other, *sides, where, several) in enumerate(equations):
            if k == n:
                continue
            try:
                left, right = (substitute(side, {number: value}, domain) for side in sides)
            except Malformed:
                continue
            if _never(left, right, where):
                raise Malformed(f"the hypotheses {name!r} and {other!r} contradict each other, or a third")
            turned = _is_number(right) and not _is_number(left)
            equations[k] = (other, *((right, left) if turned else (left, right)), where, several)


def _is_number(e: Any) -> bool:
    return isinstance(e, terms.ScalarFunction) or (e.is_Symbol and not isinstance(e, terms.VectorSymbol))


def _never(left: Any, right: Any, domain: Domain) -> bool:
    """Do the two sides surely differ, wherever one looks?"""
    if any(isinstance(e, terms.Law) or not isinstance(e, sp.Expr) for e in (left, right)):
        return False
    if not (left.is_commutative and right.is_commutative):
        return _never_as_matrices(left, right, domain)
    if terms.is_vector(left) or terms.is_vector(right):
        return False
    for one, other in ((left, right), (right, left)):
        if one.is_integer and other.is_Rational and not other.is_Integer:
            return True
        if one.has(terms.Averaging) and is_nonnegative(one, domain) and sign_of(other, domain) == "-":
            return True
    try:
        return Algebra(domain).is_nonzero(left - right)
    except OutsideFragment:
        return False


# --- matrices ---------------------------------------------------------------------------------------------------------


def _never_as_matrices(left: Any, right: Any, domain: Domain) -> bool:
    """Their difference is definite; or one has an inverse, and the other goes through a space of fewer dimensions."""
    if any(_is_definite(gap, domain) for gap in (left - right, right - left)):
        return True
    pairs = ((left, right), (right, left))
    return any((_is_definite(m, domain) or _is_definite(-m, domain)) and _is_thin(n, domain) for m, n in pairs)


def _is_definite(matrix: Any, domain: Domain) -> bool:
    needed = definite(matrix)
    return needed is not None and all(sign_of(number, domain) == "+" for number in needed)


def _is_thin(matrix: Any, domain: Domain) -> bool:
    """Is it one product, of a matrix of so many rows and of matrices of which one has fewer rows or columns?"""
    found = words(matrix)
    shapes = [_shape(letter, domain) for word in found for letter in word]
    known = [shape for shape in shapes if shape is not None]
    if len(found) != 1 or not known or shapes[0] is None:
        return False
    rows = shapes[0][0]
    return any(domain.at_least_zero(sp.expand(rows - size - 1)) for shape in known for size in shape)


def _shape(letter: Any, domain: Domain) -> Any:
    """The rows and columns of a rectangular matrix; None of others."""
    if isinstance(letter, terms.Transposed):
        return _shape(letter.args[0], domain)[::-1]
    return tuple(map(sp.sympify, domain.sizes[letter.name])) if isinstance(letter, terms.LinearMap) else None
