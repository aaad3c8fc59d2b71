"""Arithmetic of expansions: sums of powers of a step, {k: c_k} for sum c_k step^k."""

from __future__ import annotations

import itertools
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.surface import multilinear, on_the_surface
from derivations.kernel.terms import Partial

Terms = dict[int, Any]


class Unexpandable(ValueError):
    """No series of this term is known; the message says which part of it stands in the way."""


def added(*parts: Terms) -> Terms:
    total: Terms = {}
    for part in parts:
        for k, c in part.items():
            total[k] = total.get(k, sp.S.Zero) + c
    return {k: c for k, c in total.items() if c != 0}


def multiplied(one: Terms, two: Terms) -> Terms:
    total: Terms = {}
    for (i, a), (j, b) in itertools.product(one.items(), two.items()):
        total[i + j] = total.get(i + j, sp.S.Zero) + a * b
    return total


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
    total = sp.S.Zero
    for part in sp.Add.make_args(on_the_surface(sp.expand, c)):
        powers = [a for a in sp.Mul.make_args(part) if a.has(symbol)]
        degree = sum(_degree(a, symbol) for a in powers)
        rest = sp.Mul(*[a for a in sp.Mul.make_args(part) if a not in powers])
        total += rest * (hi ** (degree + 1) - lo ** (degree + 1)) / (degree + 1)
    return total


def _degree(a: Any, symbol: Any) -> int:
    if a == symbol:
        return 1
    if isinstance(a, sp.Pow) and a.args[0] == symbol and a.args[1].is_Integer and a.args[1] > 0:
        return int(a.args[1])
    raise Unexpandable(f"{a} is no polynomial in the variable that is integrated over")
