"""Hypotheses that cannot hold: from what the domain, or another hypothesis, contradicts, anything would follow.

Sound and incomplete: what is refused holds nowhere, and what passes may still hold nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, OutsideFragment
from derivations.kernel.domain import Domain
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.means import is_nonnegative, sign_of
from derivations.kernel.substitution import substitute
from derivations.kernel.supposed import refuse_known, refuse_no_density
from derivations.kernel.terms import Malformed
from derivations.kernel.words import definite, is_invertible, never_opposite, nonnegative_trace, words

MOST, FEW = 12, 3  # members of a range that are looked at, from its lower end on; of one that refers to itself
LONG = 60  # operations of an equation beyond which nothing more is put into it


def refuse_contradiction(hypotheses: Iterable[Hypothesis], domain: Domain) -> None:
    """Refuse equations of core terms that fail everywhere on the domain: alone, or once another one is put in."""
    equations = [h for h in hypotheses if h.sides]
    for h in equations:
        where = h.domain(domain)
        refuse_known(h.name, h.lhs, h.rhs)
        if not isinstance(h.rhs, terms.LogDensity):
            refuse_known(h.name, h.rhs, h.lhs)
        refuse_no_density(h.name, h.lhs, h.rhs, where)
        if _never(h.lhs, h.rhs, where):
            raise Malformed(f"the hypothesis {h.name!r} holds nowhere on the domain: {h.lhs} is never {h.rhs}")
    _refuse_together([*_plain(equations, domain), *_instances(equations, domain)], domain)


def _plain(equations: list[Hypothesis], domain: Domain) -> list[Any]:
    return [(h.name, h.lhs, h.rhs, h.domain(domain), bool(h.when)) for h in equations]


def _instances(equations: list[Hypothesis], domain: Domain) -> Iterator[Any]:
    """What the equations say of single members of a range: of its ends, and of those that the others mention."""
    mentioned = sp.Tuple(*(side for h in equations for side in h.sides)).atoms(terms.ScalarFunction)
    for h in (h for h in equations if len(h.when) == 1 and isinstance(h.lhs, terms.ScalarFunction)):
        ((index, (lo, hi)),) = h.when.items()
        near = {lo + n for n in range(FEW if h.rhs.atoms(type(h.lhs)) else MOST)} | (
            {hi - n for n in range(3)} if hi != sp.oo else set()
        )
        shifts = {sp.expand(a - index) for a in h.lhs.args}
        alike = {a for one in mentioned if type(one) is type(h.lhs) for a in one.args if not a.has(index)}
        near |= {sp.expand(a - shift) for a in alike for shift in shifts if shift.is_Integer}
        for value in sorted(near, key=sp.default_sort_key)[: 2 * MOST]:
            inside = domain.at_least_zero(value - lo) and (hi == sp.oo or domain.at_least_zero(hi - value))
            if value.is_integer and inside:
                yield h.name, *(substitute(side, {index: value}) for side in h.sides), domain, False


def _refuse_together(equations: list[Any], domain: Domain) -> None:
    """Put what a number equals into the other equations, number by number, and look at what becomes of them."""
    for _, left, right, where, _ in equations:
        if _never(left, right, where):
            raise Malformed(f"a hypothesis holds nowhere on the domain: {left} is never {right}")
    for n in range(len(equations)):
        name, number, value, _, ranges = equations[n]
        if ranges or not _is_number(number) or value.has(number):
            continue
        for k, (other, *sides, where, several) in enumerate(equations):
            if k == n or not sp.Tuple(*sides).has(number) or sp.count_ops(sides) > LONG:
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
    gap = words(left - right)
    told = [nonnegative_trace({word: turn * c for word, c in gap.items()}) for turn in (1, -1)]
    if any(one and one[1] and all(sign_of(c, domain) == "+" for c in one[0]) for one in told):
        return True
    if len(gap) == 1 and all(map(is_invertible, next(iter(gap)))):  # what has an inverse is not 0
        return sign_of(next(iter(gap.values())), domain) in ("+", "-")
    if len(gap) == 2 and {sign_of(c, domain) for c in gap.values()} in ({"+"}, {"-"}) and never_opposite(*gap):
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
