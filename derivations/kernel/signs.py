"""The sign of a polynomial whose variables live in intervals.

It is decided by encoding: a variable in (0, 1) becomes r/(1+r) with r > 0, one in [a, oo) becomes a + n with n >= 0,
and so on; a polynomial whose encoded coefficients are all non-negative is non-negative. That is sound and incomplete:
when it does not decide, the answer is None and nobody guesses.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from derivations.kernel.domain import REAL, Interval
from derivations.kernel.memory import is_genuine, remembered

MOST_CLOSED = 6  # closed intervals of which the ends are tried together


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
    substitution, degrees, pairs = {}, [], []
    for n, (g, interval) in enumerate(places):
        top, bottom, variables = encode(interval, n)
        kinds.update(variables)
        substitution[g] = top / bottom
        degrees.append(bottom ** sp.degree(f, g))
        pairs += [[v for v, _ in variables]] if len(variables) == 2 else []
    cleared = sp.Poly(sp.cancel(f.xreplace(substitution) * sp.Mul(*degrees)), *kinds)
    if cleared.is_zero:  # on an interval of a single value
        return "0"
    signs = {_monomial_sign(m, c, list(kinds.values())) for m, c in cleared.terms()}
    for strict, weak in (("+", "0+"), ("-", "0-")):
        if signs <= {strict, weak}:
            return strict if strict in signs or _at_all_ends(cleared, kinds, pairs, strict) else weak
    return None


def _at_all_ends(cleared: Any, kinds: Mapping[Symbol, str], pairs: list[list[Symbol]], strict: str) -> bool:
    """Is there a strict monomial at each choice of ends of the closed intervals?

    Their points are r : m, of two numbers that are not both 0. So where all coefficients have one sign, some monomial
    in the powers of those alone that are not 0 counts.
    """
    left = [
        (
            {g for g, n in zip(cleared.gens, monomial, strict=True) if n and any(g in pair for pair in pairs)},
            _monomial_sign(
                monomial, c, ["positive" if any(g in pair for pair in pairs) else kinds[g] for g in cleared.gens]
            ),
        )
        for monomial, c in cleared.terms()
    ]
    ends = map(set, itertools.product(*pairs)) if len(pairs) <= MOST_CLOSED else []
    return (
        bool(pairs)
        and len(pairs) <= MOST_CLOSED
        and all(any(s == strict and own <= end for own, s in left) for end in ends)
    )


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
