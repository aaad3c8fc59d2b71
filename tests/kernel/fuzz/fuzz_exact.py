"""The value of a closed rational term, by fractions alone: it shares nothing with the kernel nor with its worlds."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from derivations.rules import ProductTo, Ratio, SumTo

MOST = 200  # terms of a sum


class NotRational(ValueError):
    """The term is not closed, or no rational number."""


def value(e: Any, env: Mapping[Any, Fraction] | None = None) -> Fraction:
    """The value of sums, products, powers and quotients of fractions; NotRational for anything else."""
    env = env or {}
    if isinstance(e, sp.Rational):
        return Fraction(int(e.p), int(e.q))
    if isinstance(e, sp.Symbol) and e in env:
        return env[e]
    if isinstance(e, sp.Add):
        return sum((value(a, env) for a in e.args), Fraction(0))
    if isinstance(e, sp.Mul | ProductTo):
        factors = [value(a, env) for a in e.args] if isinstance(e, sp.Mul) else _along(e, env)
        product = Fraction(1)
        for factor in factors:
            product *= factor
        return product
    if isinstance(e, SumTo):
        return sum(_along(e, env), Fraction(0))
    if isinstance(e, Ratio):
        return _over(value(e.args[0], env), value(e.args[1], env))
    if isinstance(e, sp.Pow) and e.args[1].is_Integer and abs(int(e.args[1])) <= 64:
        base, exponent = value(e.args[0], env), int(e.args[1])
        return base**exponent if exponent >= 0 else _over(Fraction(1), base**-exponent)
    raise NotRational(str(e))


def _over(above: Fraction, below: Fraction) -> Fraction:
    if below == 0:
        raise NotRational("division by zero")
    return above / below


def _along(e: Any, env: Mapping[Any, Fraction]) -> list[Fraction]:
    body, index, lo, hi = e.args
    low, high = value(lo, env), value(hi, env)
    if low.denominator > 1 or high.denominator > 1 or high - low > MOST:
        raise NotRational(f"a sum from {low} to {high}")
    return [value(body, {**env, index: Fraction(k)}) for k in range(int(low), int(high) + 1)]
