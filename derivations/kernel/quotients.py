"""Lowest terms and irreducible factors of what is lowered already. The same few are asked for again and again."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Expr

from derivations.kernel.memory import remembered


@remembered(4096)
def lowest_terms(e: Expr) -> tuple[Expr, Expr]:
    """(numerator, denominator), without a common factor."""
    numerator, denominator = sp.fraction(sp.cancel(e))
    return numerator, denominator


@remembered(4096)
def factored(e: Expr) -> tuple[Any, tuple[tuple[Expr, int], ...]]:
    """A rational number, and the irreducible factors of a polynomial with their powers."""
    constant, factors = sp.factor_list(e)
    return constant, tuple(factors)
