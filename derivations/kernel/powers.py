"""Powers with a symbolic integer exponent: a^(n+1) = a a^n, (a b)^n = a^n b^n, and where they lie.

An exponent is taken apart where the base is not 0, or where all of its parts are known not to be negative.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from derivations.kernel.domain import NONNEGATIVE, NONZERO, POSITIVE, REAL, UNIT, UNIT_WITH_ONE, Interval
from derivations.kernel.radicals import in_factors


def integer_power(ring: Any, base: Any, exponent: Any) -> Any:
    """The power of a lowered base, in generators f^s of its factors and of the exponent's terms; None when it stays."""
    parts = [term.as_coeff_Mul() for term in sp.Add.make_args(sp.expand(exponent))]
    if not all(c.is_Integer and (s.is_integer or s == 1) for c, s in parts):
        return None
    rational, factors = in_factors(ring, base)
    if rational == 0:
        return None
    counted = all(c > 0 and ring.domain.at_least_zero(s) for c, s in parts)
    if not counted and not all(ring._factor_sign(f) in ("+", "-") or ring._declared_nonzero(f) for f, _ in factors):
        return None
    pieces = [*factors, *((p, k) for p, k in sp.factorrat(abs(sp.Rational(rational))).items())]
    pieces += [(sp.S.NegativeOne, 1)] if rational < 0 else []
    made = sp.S.One
    for f, power in pieces:
        for c, s in parts:
            one = sp.sympify(f) if s == 1 else ring._new_generator(sp.Pow(sp.sympify(f), s, evaluate=False))
            made *= one ** (c * power)
    return made


def power_interval(ring: Any, e: Any) -> Interval:
    """Where f^s lies, s an integer, by where f does."""
    f, s = e.args
    if not (s.is_integer and f.free_symbols <= ring.meaning.keys()):
        return REAL
    where = ring.interval(f) if f in ring.meaning else REAL
    if where.lo >= 0 and where.hi <= 1 and ring._factor_sign(f) == "+" and ring.domain.at_least_zero(s):
        below = where.hi < 1 or where.open_hi
        return UNIT if below and ring.domain.at_least_zero(s - 1) else UNIT_WITH_ONE
    sign = ring._factor_sign(f)
    if sign in ("+", "0+"):
        return POSITIVE if sign == "+" else NONNEGATIVE
    return NONZERO if sign == "-" or ring._declared_nonzero(f) else REAL


def by_monomial(above: Expr, below: Expr, inside: list[Symbol]) -> list[tuple[Expr, Expr]]:
    """A fraction as (monomial in what varies, or one over `below`, its constant coefficient).

    What goes into `below` is divided out where that divides by numbers alone: sum_i c i / (1 + i) is c n less a sum.
    """
    if not inside:
        return [(1 / below, above)]
    parts = [(below, sp.Poly(above, *inside))]
    divisor = sp.Poly(below, *inside)
    if not divisor.is_ground and divisor.LC().is_Rational:
        (quotient,), rest = sp.reduced(above, [below], *inside, polys=True)
        parts = [(sp.S.One, quotient), (below, rest)]
    return [
        (sp.Mul(*[g**n for g, n in zip(inside, monomial, strict=True)]) / under, coefficient)
        for under, part in parts
        for monomial, coefficient in part.terms()
        if coefficient != 0
    ]
