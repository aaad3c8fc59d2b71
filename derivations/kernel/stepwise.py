"""Arithmetic of expansions: sums of powers of a step, {k: c_k} for sum c_k step^k."""

from __future__ import annotations

import itertools
from functools import reduce
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.surface import multilinear
from derivations.kernel.terms import Partial

Terms = dict[int, Any]


class Unexpandable(ValueError):
    """No series of this term is known; the message says which part of it stands in the way."""


def added(*parts: Terms) -> Terms:
    total: dict[int, list[Any]] = {}
    for part in parts:
        for k, c in part.items():
            total.setdefault(k, []).append(c)
    return {k: c for k, several in total.items() if (c := sp.Add(*several)) != 0}


def multiplied(one: Terms, two: Terms) -> Terms:
    return added(*({i + j: a * b} for (i, a), (j, b) in itertools.product(one.items(), two.items())))


def composed(rest: Terms, n: int, coefficient: Any) -> Terms:
    """sum_j coefficient(j) rest^j below n, for a rest that tends to 0."""
    total: Terms = {0: coefficient(0)} if n > 0 else {}
    power: Terms = {0: sp.S.One}
    for j in range(1, max(n, 1)):
        power = {k: c for k, c in multiplied(power, rest).items() if k < n}
        total = added(total, {k: coefficient(j) * c for k, c in power.items()})
    return total


def derivative_along(head: str, inputs: Any, pairs: Any) -> Any:
    """The derivative of an opaque function along these directions, or its value when there are none."""
    if not pairs:
        return terms.HEADS[head](*inputs)
    made = Partial(head, inputs, *zip(*pairs, strict=True))
    return sp.Add(*[c * atom for atom, c in multilinear(made).items()])


def integrated(c: Any, symbol: Any, lo: Any, hi: Any) -> Any:
    """The integral of a polynomial in the symbol."""
    powers = _in_powers_of(symbol, c)
    return sp.Add(*[a * (hi ** (k + 1) - lo ** (k + 1)) / (k + 1) for k, a in powers.items()])


def _in_powers_of(symbol: Any, e: Any) -> Terms:
    """A polynomial in the symbol, by its powers; what does not hold the symbol stays as it is."""
    if not e.has(symbol):
        return {0: e}
    if e == symbol:
        return {1: sp.S.One}
    if isinstance(e, sp.Add):
        return added(*(_in_powers_of(symbol, a) for a in e.args))
    if isinstance(e, sp.Mul) or (isinstance(e, sp.Pow) and e.args[1].is_Integer and e.args[1] > 0):
        factors = e.args if isinstance(e, sp.Mul) else [e.args[0]] * int(e.args[1])
        return reduce(multiplied, (_in_powers_of(symbol, a) for a in factors))
    raise Unexpandable(f"{e} is no polynomial in the variable that is integrated over")
