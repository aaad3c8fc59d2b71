"""The sign of a polynomial whose variables live in intervals.

It is decided by encoding: a variable in (0, 1) becomes r/(1+r) with r > 0, one in [a, oo) becomes a + n with n >= 0,
and so on; a polynomial whose encoded coefficients are all non-negative is non-negative. That is sound and incomplete:
when it does not decide, the answer is None and nobody guesses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from derivations.kernel.domain import REAL, Interval
from derivations.kernel.memory import is_genuine, remembered


def encode(interval: Interval, n: int) -> tuple[Expr, Expr, list[tuple[Symbol, str]]]:
    """(numerator, positive denominator, new variables with their kind) for a variable of the interval."""
    lo, hi = interval.lo, interval.hi
    r, m = Symbol(f"r{n}"), Symbol(f"m{n}")
    if (lo, hi) == (-sp.oo, sp.oo):
        return r, sp.S.One, [(r, "nonzero" if interval.nonzero else "real")]
    if hi == sp.oo:
        return lo + r, sp.S.One, [(r, "positive" if interval.open_lo else "nonnegative")]
    if lo == -sp.oo:
        return hi - r, sp.S.One, [(r, "positive" if interval.open_hi else "nonnegative")]
    width = hi - lo
    if interval.open_lo and interval.open_hi:
        return lo * (1 + r) + width * r, 1 + r, [(r, "positive")]
    if interval.open_lo:
        return lo * (1 + r) + width, 1 + r, [(r, "nonnegative")]
    if interval.open_hi:
        return lo * (1 + r) + width * r, 1 + r, [(r, "nonnegative")]
    return lo * (r + m) + width * r, r + m, [(r, "nonnegative"), (m, "nonnegative")]


def polynomial_sign(f: Any, intervals: Mapping[Symbol, Interval]) -> str | None:
    """'+' or '-' (strict), '0+' or '0-' (weak), '0', or None for a polynomial in the symbols of `intervals`."""
    f = sp.sympify(f)
    if f.is_Rational:
        return "0" if f == 0 else "+" if f > 0 else "-"
    places = tuple((g, intervals.get(g, REAL)) for g in sorted(f.free_symbols, key=lambda s: s.sort_key()))
    return _sign_on(f, places)


def _is_genuine(f: Any, places: tuple[tuple[Symbol, Interval], ...]) -> bool:
    where = [i for _, i in places]
    return is_genuine((f, *(g for g, _ in places))) and all(type(i) is Interval for i in where)


@remembered(8192, _is_genuine)
def _sign_on(f: Any, places: tuple[tuple[Symbol, Interval], ...]) -> str | None:
    kinds: dict[Symbol, str] = {}
    substitution, degrees = {}, []
    for n, (g, interval) in enumerate(places):
        top, bottom, variables = encode(interval, n)
        kinds.update(variables)
        substitution[g] = top / bottom
        degrees.append(bottom ** sp.degree(f, g))
    cleared = sp.Poly(sp.cancel(f.xreplace(substitution) * sp.Mul(*degrees)), *kinds)
    if cleared.is_zero:  # on an interval of a single value
        return "0"
    signs = {_monomial_sign(m, c, list(kinds.values())) for m, c in cleared.terms()}
    for strict, weak in (("+", "0+"), ("-", "0-")):
        if signs <= {strict, weak}:
            return strict if strict in signs else weak
    return None


def _monomial_sign(monomial: tuple[int, ...], coefficient: Any, kinds: list[str]) -> str | None:
    strict = True
    for power, kind in zip(monomial, kinds, strict=True):
        if power and kind in ("real", "nonzero"):
            if power % 2:
                return None
            strict = strict and kind == "nonzero"
        elif power and kind == "nonnegative":
            strict = False
    return ("" if strict else "0") + ("+" if coefficient > 0 else "-")
