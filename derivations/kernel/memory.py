"""What is remembered of a calculation: only what was asked of genuine terms.

A class of somebody's own may equal and hash like any term, and so stand in for it in a memory: whoever asked for the
term afterwards would be told what was found of the impostor. So nothing that was found of one is kept. An impostor may
itself be told what was found of the term that it equals; it is refused where a claim is admitted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import sympy as sp

from derivations.kernel import terms

SMALL = {type(e) for e in (sp.S.Zero, sp.S.One, sp.S.NegativeOne, sp.S.Half)}
NUMBERS = frozenset({sp.Rational, sp.Integer, type(sp.pi), type(sp.E), *SMALL})
OWN = NUMBERS | {sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.Abs}
SYMBOLS = frozenset(
    {
        sp.Symbol,
        sp.Dummy,
        terms.Name,
        terms.Bound,
        terms.VectorSymbol,
        terms.ConstantVector,
        terms.Covariance,
        terms.LinearMap,
        terms.HeldNumber,
        terms.HeldVector,
    }
)
MADE = frozenset({*OWN, sp.Tuple, terms.Block, terms.LogJoint, *terms.TERMS, *terms.LAWS, *terms.PROPOSITIONS})
PLAIN = (str, int, type(None))  # not True, which equals 1


def is_genuine(e: Any) -> bool:
    """Is it made of plain values, SymPy's own classes, the kernel's, and families that declared themselves?"""
    kind = type(e)
    if kind is tuple:
        return all(map(is_genuine, e))
    if kind in SYMBOLS:
        return type(e.name) is str
    if kind in NUMBERS:
        return not isinstance(e, sp.Rational) or type(e.p) is type(e.q) is int
    if kind in MADE or isinstance(e, terms.FAMILIES):
        return (kind in MADE or terms.is_declared(kind)) and all(map(is_genuine, e.args))
    return kind in PLAIN or (isinstance(e, type) and terms.is_declared(e))


def refuse_strangers(what: str, *parts: Any) -> None:
    """Refuse a part that is neither plain text nor a plain number nor a term: it could be shown as something else."""
    for part in parts:
        if not (part is sp.oo or part is -sp.oo or is_genuine(part)):
            raise terms.Malformed(
                f"{type(part).__name__} in {what} is a class of its own, which could say anything: write plain text, "
                "whole numbers, exact fractions and SymPy's symbols"
            )


def remembered(
    size: int,
    can_be: Callable[..., bool] = lambda *asked: is_genuine(asked),
    by: Callable[..., Any] = lambda *asked: asked,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Remember what a function found, up to so many answers.

    `can_be` tells of which arguments, `by` under which key: all that the answer depends on.
    """

    def kept_by(function: Callable[..., Any]) -> Callable[..., Any]:
        kept: dict[Any, Any] = {}

        @wraps(function)
        def look(*asked: Any) -> Any:
            key = by(*asked)
            if key in kept:
                return kept[key]
            found = function(*asked)
            if can_be(*asked):
                if len(kept) >= size:
                    kept.clear()
                kept[key] = found
            return found

        look.cache_clear = kept.clear  # type: ignore[attr-defined]
        return look

    return kept_by
