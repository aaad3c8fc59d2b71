"""Terms of calculus: limits, derivatives in a number, of opaque functions along directions, integrals, series."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Basic, Symbol, sympify

from derivations.kernel.laws import Term, family_name, is_vector
from derivations.kernel.products import Coord
from derivations.kernel.symbols import (
    HEADS,
    ConstantVector,
    Malformed,
    Name,
    ScalarFunction,
    VectorFunction,
    VectorSymbol,
)

HIGHEST = 12  # order of a remainder


class At(Term):
    """(body, symbol, value): the limit of body as the symbol tends, inside its domain, to the value."""

    takes, scope, like = "nv i n", (0,), 0

    def __new__(cls, body: Any, symbol: Any, value: Any) -> At:
        made: At = super().__new__(cls, body, symbol, value)
        if symbol.is_integer or isinstance(symbol, VectorSymbol):
            raise Malformed(f"{symbol} tends nowhere: a limit is taken in a real variable")
        return made


class D(Term):
    """Partial derivative of a scalar or vector body by a scalar symbol, a family's member or a vector's coordinate."""

    takes, like = "nv n", 0

    def __new__(cls, body: Any, wrt: Any) -> D:
        a_number = isinstance(wrt, Symbol | ScalarFunction) and not isinstance(wrt, VectorSymbol) and not wrt.is_integer
        if isinstance(wrt, ScalarFunction) and any(map(is_vector, wrt.args)):
            raise Malformed(f"no derivative with respect to {wrt}: it is a function's value, and no variable")
        if isinstance(wrt, Coord) and isinstance(wrt.args[0], ConstantVector):
            raise Malformed(f"no derivative with respect to {wrt}: a constant vector does not vary, take a vector")
        if not a_number and not (isinstance(wrt, Coord) and isinstance(wrt.args[0], VectorSymbol | VectorFunction)):
            raise Malformed(f"no derivative with respect to {wrt}: it is not a variable")
        return super().__new__(cls, body, wrt)


class Gradient(Term):
    """Gradient (a vector) of the opaque scalar function `head` at a point."""

    takes, vector_valued = "- v", True

    def __new__(cls, head: Any, point: Any) -> Gradient:
        return super().__new__(cls, family_name(head), point)


class Partial(Term):
    """(name, inputs, places, directions): a derivative of an opaque function at these inputs.

    One derivative for each place (an argument's number, from 1), along the direction beside it: linear in each of them,
    and in whatever order. `rate` makes one from a call.
    """

    takes = "- - - -"

    def __new__(cls, head: Any, inputs: Any, places: Any, directions: Any) -> Any:
        if any(not (sympify(p, strict=True).is_Integer and 1 <= p <= len(inputs)) for p in places):
            raise Malformed(f"{head} has {len(inputs)} arguments: they are numbered from 1, not {places}")
        pairs = sorted(zip(places, directions, strict=True), key=lambda p: (p[0], sp.default_sort_key(p[1])))
        ways = (sp.Tuple(*(sympify(part, strict=True) for part in side)) for side in zip(*pairs, strict=True))
        name = Name(head.name if isinstance(head, Symbol) else head)
        return Basic.__new__(cls, name, sp.Tuple(*(sympify(a, strict=True) for a in inputs)), *ways)

    @property
    def head(self) -> str:
        return str(self.args[0].name)

    @property
    def vector_valued(self) -> bool:  # type: ignore[override]
        return issubclass(HEADS.get(self.head, ScalarFunction), VectorFunction)

    inputs = property(lambda self: self.args[1])
    places = property(lambda self: self.args[2])
    directions = property(lambda self: self.args[3])


def rate(call: Any, place: int = 1, direction: Any = 1) -> Partial:
    """The derivative of a call of an opaque function, or of a derivative of one, along a direction of one argument."""
    if isinstance(call, Partial):
        places, directions = (*call.places, place), (*call.directions, direction)
        return Partial(call.head, call.inputs, places, directions)
    if not isinstance(call, ScalarFunction | VectorFunction):
        raise Malformed(f"{call} is no call of an opaque function, so it has no derivative along a direction")
    return Partial(type(call).__name__, call.args, (place,), (direction,))


class IntegralTo(Term):
    """(body, symbol, lo, hi): the integral of a continuous body as the symbol runs from lo to hi."""

    takes, scope, like = "nv i n n", (0,), 0

    def __new__(cls, body: Any, symbol: Any, lo: Any, hi: Any) -> IntegralTo:
        _refuse_still(symbol, "nothing is integrated over it")
        return super().__new__(cls, body, symbol, lo, hi)


class Series(Term):
    """(body, step, order): the polynomial in the step, of degree below the order, that the body is up to O(step^order).

    The step tends to 0 inside its domain, and everything else is fixed.
    """

    takes, like = "nv n n", 0

    def __new__(cls, body: Any, step: Any, order: Any) -> Series:
        _refuse_still(step, "it is no step")
        order = sympify(order, strict=True)
        if not (order.is_Integer and 1 <= order <= HIGHEST):
            raise Malformed(f"a remainder of order {order}: give an integer from 1 to {HIGHEST}")
        return super().__new__(cls, body, step, order)


def _refuse_still(symbol: Any, why: str) -> None:
    if not isinstance(symbol, Symbol) or isinstance(symbol, VectorSymbol) or symbol.is_integer or not symbol.is_real:
        raise Malformed(f"{symbol} is no real variable, so {why}")
