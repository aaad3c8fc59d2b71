"""Do two sides surely differ, wherever one looks on a domain? Sound and incomplete: a no is no answer."""

from __future__ import annotations

import math
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, OutsideFragment, linear_form
from derivations.kernel.dependence import enter, may_touch
from derivations.kernel.domain import NONNEGATIVE, POSITIVE, Domain
from derivations.kernel.facts import facts
from derivations.kernel.joint import sign_by_gaps
from derivations.kernel.means import is_nonnegative, sign_of
from derivations.kernel.words import definite, in_turn, is_invertible, never_opposite, nonnegative_trace, words

LONG = 60  # operations of a mean beyond which its body is not looked at


def never(left: Any, right: Any, domain: Domain) -> bool:
    """Do the two sides surely differ, wherever one looks?"""
    if any(isinstance(e, terms.Law) or not isinstance(e, sp.Expr) for e in (left, right)):
        return False
    if not (left.is_commutative and right.is_commutative):
        return _never_as_matrices(left, right, domain)
    if terms.is_vector(left) or terms.is_vector(right):
        return _never_as_vectors(left, right, domain)
    if isinstance(left, terms.LogDensity) and isinstance(right, terms.LogDensity):
        return _never_as_laws(left.args[0], right.args[0], domain)
    for one, other in ((left, right), (right, left)):
        if one.has(terms.Averaging) and is_nonnegative(one, domain) and sign_of(other, domain) == "-":
            return True
        if isinstance(one, terms.Expect) and _outside_of_values(one, other, domain):
            return True
    if _never_as_integers(sp.expand(left - right)):
        return True
    try:
        ring = Algebra(domain)
        return ring.is_nonzero(left - right) or _by_facts(left, right, domain) or _for_all(left - right, domain)
    except OutsideFragment:
        return False


def _never_as_laws(one: Any, other: Any, domain: Domain) -> bool:
    """Two Gaussians of one variable are one law only if they have the same mean and the same spread."""
    if type(one) is not type(other) or type(one) not in (terms.Normal, terms.FullNormal):
        return False
    return one.args[0] == other.args[0] and any(never(a, b, domain) for a, b in zip(one.args, other.args, strict=True))


def _outside_of_values(mean: Any, other: Any, domain: Domain) -> bool:
    """Are all the values that are averaged above the other number, or all below?"""
    if sp.count_ops(mean) > LONG or not other.is_Rational or terms.is_vector(mean.args[1]):
        return False
    inside = enter(mean, domain)
    return sign_of(inside.args[1] - other, inside.domains[1]) in ("+", "-")


def _never_as_integers(gap: Any) -> bool:
    """A sum of multiples of integers, all multiples of one number, and of a rest that is none."""
    parts = {m: c for m, c in gap.as_coefficients_dict().items() if c != 0}
    rest = sp.Rational(parts.pop(sp.S.One, 0))
    if not parts or not all(m.is_integer and c.is_Rational for m, c in parts.items()):
        return False
    if len(gap.free_symbols) == 1 and gap.is_polynomial():
        return not any(root.is_Integer for root in sp.Poly(gap, *gap.free_symbols).ground_roots())
    whole = math.lcm(*(int(c.q) for c in parts.values()))
    return not (rest * whole / math.gcd(*(int(c * whole) for c in parts.values()))).is_Integer


def _by_facts(left: Any, right: Any, domain: Domain) -> bool:
    """Has each factor of the difference a sign, by what is known of matrices, lengths and functions?"""
    known = list(facts(sp.Tuple(left, right), domain))
    if not known:
        return False
    ring = Algebra(domain)
    top = sp.fraction(sp.cancel(ring.lower(ring.prepare(left - right))))[0]
    gaps = []
    for e, strict in known:
        lowered = sp.expand(ring.lower(ring.prepare(e)))
        if sp.fraction(sp.cancel(lowered))[1].is_Rational:
            gaps.append((lowered, POSITIVE if strict else NONNEGATIVE))
    factors = [sp.expand(f) for f, _ in sp.factor_list(top)[1]]
    return bool(factors) and all(sign_by_gaps(ring, f, gaps) in ("+", "-") for f in factors)


# --- for all values of the vectors ------------------------------------------------------------------------------------


def _is_free(e: Any, domain: Domain) -> bool:
    """Is it a vector that may have any value?"""
    is_variable = type(e) is terms.VectorSymbol or terms.is_family_variable(e)
    return is_variable and terms.name_of(e) not in domain.intervals


def _never_as_vectors(left: Any, right: Any, domain: Domain) -> bool:
    """For all values of a vector: so its coefficients must be the same on both sides."""
    form = linear_form(left - right)
    alone = not any(a.args and not terms.is_family_variable(a) for a in form)
    return alone and any(_is_free(a, domain) and sign_of(c, domain) in ("+", "-") for a, c in form.items())


def _for_all(gap: Any, domain: Domain) -> bool:
    """For all values of a vector z: where the rest does not mention it, the coefficient of |z|^2 must be 0."""
    ring = Algebra(domain)
    lowered = sp.expand(ring.lower(ring.prepare(gap)))
    for g in lowered.free_symbols:
        e = ring.meaning[g]
        if isinstance(e, terms.Inner) and e.args[0] == e.args[1] and _is_free(e.args[0], domain):
            slope = lowered.coeff(g)
            rest = [ring.meaning[s] for s in (lowered - slope * g).free_symbols | slope.free_symbols]
            if not may_touch(sp.Tuple(*rest), [e.args[0]]) and ring._sign(slope) in ("+", "-"):
                return True
    return False


# --- matrices ---------------------------------------------------------------------------------------------------------


def _never_as_matrices(left: Any, right: Any, domain: Domain) -> bool:
    """Their difference is definite; or one has an inverse, and the other goes through a space of fewer dimensions."""
    if any(_is_definite(gap, domain) for gap in (left - right, right - left)):
        return True
    gap = words(left - right)
    around = in_turn(gap)  # of the same trace
    told = [nonnegative_trace({word: turn * c for word, c in around.items()}) for turn in (1, -1)]
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
