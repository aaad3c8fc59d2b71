"""Bound indices. They have no names of their own, so nothing can capture them.

In a term of the kernel, the index of every sum, product and coordinatewise law is `bound(h)`, where h counts the
binders beneath it, one above the other. So terms that differ by the names of their indices are one term; inside the
scope of an index all other indices are lower; and an index that stands outside its scope is seen at once
(`refuse_loose`). A rule opens a binder with a fresh symbol and closes it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import sympy as sp
from sympy import Symbol

from derivations.kernel.memory import remembered
from derivations.kernel.terms import (
    AffineImage,
    BernoulliProduct,
    Bound,
    DiagonalNormal,
    HeldFixed,
    HeldNumber,
    HeldVector,
    Malformed,
    ProductTo,
    SumTo,
)

INDEXED = (SumTo, ProductTo, DiagonalNormal, BernoulliProduct, AffineImage)


@cache
def bound(height: int) -> Bound:
    if type(height) is not int:
        raise Malformed(f"{height!r} counts no binders")
    return Bound(f"•{height}", integer=True)


def fresh() -> Symbol:
    """An integer index that occurs nowhere else."""
    return sp.Dummy("•", integer=True)


@remembered(2**16)
def height(e: Any) -> int:
    """How many binders lie one above the other in e."""
    beneath = max((height(a) for a in e.args), default=0)
    return max(beneath, 1 + _scope_height(type(e), e.args)) if isinstance(e, INDEXED) else beneath


def _scope_height(head: Any, args: Sequence[Any]) -> int:
    return max(height(args[place]) for place in head.scope)


def opened(e: Any, index: Symbol) -> list[Any]:
    """The arguments of a closed binder, with `index` (fresh) in the place of its own."""
    at = {e.args[1]: index}
    return [a.xreplace(at) if place == 1 or place in e.scope else a for place, a in enumerate(e.args)]


def closed(head: Any, args: Sequence[Any], index: Symbol) -> Any:
    """The binder with these arguments, in which `index` is bound."""
    at = {index: bound(1 + _scope_height(head, args))}
    for place, a in enumerate(args):
        if place != 1 and place not in head.scope and a.has(index):
            raise Malformed(f"{a} is read outside the scope of an index that it depends on")
    return head(*(a.xreplace(at) if place == 1 or place in head.scope else a for place, a in enumerate(args)))


def at(binder: Any, value: Any) -> Any:
    """The body of a sum or product at one value of its index; the value holds no binder."""
    return binder.args[0].xreplace({binder.args[1]: value})


def ranged(head: Any, body: Any, index: Symbol, lo: Any, hi: Any) -> Any:
    """The sum or product of the body over a fresh index."""
    return closed(head, (body, index, lo, hi), index)


@remembered(2**16)
def loose(e: Any) -> frozenset[Any]:
    """The indices and constants that stand in e outside their binders; Malformed where a binder's own is not right."""
    if isinstance(e, Bound | HeldNumber | HeldVector):
        return frozenset([e])
    if isinstance(e, HeldFixed):
        return (loose(e.args[0]) - set(e.args[1])) | loose(e.args[2])
    if not isinstance(e, INDEXED):
        return frozenset().union(*map(loose, e.args))
    if e.args[1] is not bound(1 + _scope_height(type(e), e.args)):
        raise Malformed(f"the index of {e} is not in its place")
    inside = frozenset().union(*(loose(e.args[place]) for place in e.scope)) - {e.args[1]}
    return inside.union(*(loose(a) for place, a in enumerate(e.args) if place != 1 and place not in e.scope))


def refuse_loose(e: Any) -> None:
    """Refuse a term in which an index is captured, or escapes from its binder."""
    if loose(e):
        raise Malformed(f"{e} holds an index outside the sum that it belongs to")
