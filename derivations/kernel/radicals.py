"""Roots and logarithms of what is lowered already, in a ring: by irreducible factors of known sign, and primes."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from derivations.kernel.quotients import factored, lowest_terms


class OutsideFragment(ValueError):
    """The expression is not one this algebra can decide; the verdict is Undecided, never a guess."""


def root(ring: Any, base: Expr) -> Expr:
    """sqrt(base), base already lowered: even factors of known sign come out, odd ones become radicals."""
    rational, factors = in_factors(ring, base)
    outside = unknown = sp.S.One
    for f, power in factors:
        known = ring._factor_sign(f) in ("+", "0+")
        if power // 2 and not known:
            raise OutsideFragment(f"sqrt of a square of unknown sign: {ring.show(f)}")
        outside *= f ** (power // 2)
        if power % 2 and known:
            outside *= radical(ring, f)
        elif power % 2:
            unknown *= f
    if rational == 0:
        return sp.S.Zero
    if rational < 0:
        rational, unknown = -rational, -unknown
    if unknown == -1:
        raise OutsideFragment(f"sqrt of the negative {ring.show(base)}")
    for prime, power in sp.factorrat(sp.Rational(rational)).items():
        outside *= sp.S(prime) ** (power // 2) * (radical(ring, sp.S(prime)) if power % 2 else 1)
    return outside * (radical(ring, unknown) if unknown != 1 else 1)


def in_factors(ring: Any, base: Expr) -> tuple[Any, list[tuple[Expr, int]]]:
    """A rational number, and irreducible factors with their powers, none of them known to be negative."""
    numerator, denominator = lowest_terms(base)
    c1, top = factored(numerator)
    c2, bottom = factored(denominator)
    factors, rational = [], c1 / c2
    for f, power in [*top, *[(f, -p) for f, p in bottom]]:
        f, flip = (-f, sp.S.NegativeOne) if ring._factor_sign(f) in ("-", "0-") else (f, sp.S.One)
        rational *= flip**power
        factors.append((f, power))
    return rational, factors


def radical(ring: Any, f: Expr) -> Symbol:
    p = ring._new_generator(sp.sqrt(f, evaluate=False))
    ring.radicands[p] = f
    return p


def log_of(ring: Any, argument: Expr) -> Expr:
    """log of a product of positive factors is the sum of their logs; factors of unknown sign stay together."""
    rational, factors = in_factors(ring, argument)
    total, unknown = sp.S.Zero, sp.S.One
    for f, power in factors:
        if f in ring.radicands and ring._factor_sign(ring.radicands[f]) == "+":
            total += sp.Rational(power, 2) * log_of(ring, ring.radicands[f])
        elif isinstance(ring.meaning.get(f), sp.exp):
            total += power * ring.lower(ring.meaning[f].args[0])
        elif ring.meaning.get(f) is sp.E:
            total += power
        elif ring._factor_sign(f) == "+":
            total += power * log_generator(ring, f)
        else:
            unknown *= f**power
    if rational < 0:
        rational, unknown = -rational, -unknown
    if unknown == -1 or rational == 0:
        raise OutsideFragment(f"log of {ring.show(argument)}, which is not positive")
    for prime, power in sp.factorrat(sp.Rational(rational)).items():
        total += power * log_generator(ring, sp.S(prime))
    return total + (log_generator(ring, unknown) if unknown != 1 else 0)


def log_generator(ring: Any, f: Expr) -> Symbol:
    return ring._new_generator(sp.log(f, evaluate=False))
