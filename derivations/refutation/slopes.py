"""Derivatives and limits: the coefficient of an infinitesimal, or (with floats) a central difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.refutation import polynomials
from derivations.refutation.arithmetic import mp
from derivations.refutation.matrices import dot
from derivations.refutation.reading import Viewpoint, reads
from derivations.refutation.undefined import Uncomputable, Undefined

STEP = mp.mpf(10) ** -9  # of differences: at 30 digits their error is about 1e-18 times the third derivative
FAR = Fraction(10) ** 9


def _derivative(at: Viewpoint, along: Callable[[Any], Any]) -> Any:
    """The derivative of along(h) at h = 0."""
    if at.arithmetic.strict:
        small = polynomials.infinitesimal()
        return polynomials.slope(along(small), small)
    with mp.workdps(mp.dps + 20):  # a difference loses its first digits; one of differences loses them twice
        up, down = along(STEP), along(-STEP)
        if isinstance(up, tuple):
            return tuple((a - b) / (2 * STEP) for a, b in zip(up, down, strict=True))
        return (up - down) / (2 * STEP)


@reads(terms.D)
def _partial(e: Any, at: Viewpoint) -> Any:
    body, wrt = e.args
    return _derivative(at, lambda h: _shifted(at, wrt, h).value(body))


def _shifted(at: Viewpoint, wrt: Any, h: Any) -> Viewpoint:
    """The place where the variable is larger by h."""
    if isinstance(wrt, sp.Symbol):
        return at.move({wrt: at.value(wrt) + h})
    if isinstance(wrt, terms.Coord):
        (key,) = at.keys([wrt.args[0]])
        place, old = at.integer(wrt.args[1]) - 1, at.vector(key)
        if not 0 <= place < len(old):
            raise Uncomputable(f"coordinate {place + 1} of a vector of {len(old)} in this world")
        return at.move({key: tuple(v + h if c == place else v for c, v in enumerate(old))})
    name, where = type(wrt).__name__, tuple(map(at.value, wrt.args))
    counted, world = tuple(bool(a.is_integer) for a in wrt.args), at.world

    def moved(*args: Any) -> Any:
        return world.family(name, *args, counted=counted) + (h if args == where else 0)

    families = {**world.families, name: moved}
    if name in world.products:  # a running product moves with its factor
        families[world.product_of[name]] = world.products[name](moved)
    return at.move({}, replace(world, families=families, known={}))


@reads(terms.Gradient)
def _gradient(e: Any, at: Viewpoint) -> Any:
    name, point = e.args[0].name, at.value(e.args[1])
    if not isinstance(point, tuple):
        point = (at.arithmetic.number(0),) * at.world.sizes.get(name, at.world.d)

    def along(c: int) -> Callable[[Any], Any]:
        return lambda h: at.world.family(name, tuple(v + h if i == c else v for i, v in enumerate(point)))

    return tuple(_derivative(at, along(c)) for c in range(len(point)))


# --- in a whole vector ------------------------------------------------------------------------------------------------


def _moved(at: Viewpoint, variable: Any, step: Callable[[int], Any]) -> Viewpoint:
    """The place where coordinate c of the variable is larger by step(c)."""
    (key,) = at.keys([variable])
    return at.move({key: tuple(v + step(c) for c, v in enumerate(at.vector(key)))})


def _size(at: Viewpoint, variable: Any) -> int:
    (key,) = at.keys([variable])
    return len(at.vector(key))


def _slopes(body: Any, variable: Any, at: Viewpoint) -> list[Any]:
    """The derivatives of the body in each coordinate of the variable."""

    def along(c: int) -> Callable[[Any], Any]:
        return lambda h: _moved(at, variable, lambda n: h if n == c else 0).value(body)

    return [_derivative(at, along(c)) for c in range(_size(at, variable))]


@reads(terms.Grad)
def _grad(e: Any, at: Viewpoint) -> Any:
    body, variable = e.args
    return tuple(_slopes(body, variable, at))


@reads(terms.Jvp)
def _jvp(e: Any, at: Viewpoint) -> Any:
    body, variable, direction = e.args
    u = at.value(direction)
    if not isinstance(u, tuple):  # the zero vector is written 0
        u = (at.arithmetic.number(0),) * _size(at, variable)
    return _derivative(at, lambda h: _moved(at, variable, lambda c: h * u[c]).value(body))


@reads(terms.Vjp)
def _vjp(e: Any, at: Viewpoint) -> Any:
    body, variable, covector = e.args
    w = at.value(covector)
    rows = _slopes(body, variable, at)
    if not (isinstance(w, tuple) and all(isinstance(row, tuple) for row in rows)):
        return (at.arithmetic.number(0),) * len(rows)
    return tuple(dot(row, w) for row in rows)


@reads(terms.Div)
def _div(e: Any, at: Viewpoint) -> Any:
    body, variable, dim = e.args
    rows = _slopes(body, variable, at)
    _refuse_size(e, len(rows), at.integer(dim))
    return at.arithmetic.number(0) + sum(row[c] for c, row in enumerate(rows) if isinstance(row, tuple))


@reads(terms.Laplacian)
def _laplacian(e: Any, at: Viewpoint) -> Any:
    body, variable, dim = e.args
    size = _size(at, variable)
    _refuse_size(e, size, at.integer(dim))

    def second(c: int) -> Any:
        def along(h: Any) -> Any:
            there = _moved(at, variable, lambda n: h if n == c else 0)
            return _derivative(there, lambda k: _moved(there, variable, lambda n: k if n == c else 0).value(body))

        return _derivative(at, along)

    parts = [second(c) for c in range(size)]
    if isinstance(parts[0], tuple):
        return tuple(sum(part[1:], part[0]) for part in zip(*parts, strict=True))
    return sum(parts[1:], parts[0])


def _refuse_size(e: Any, size: int, dim: int) -> None:
    if size != dim:
        raise Uncomputable(f"{e}: a vector of {size} in this world, and not of {dim}")


@reads(terms.StopGradient)
def _stopped(e: Any, at: Viewpoint) -> Any:
    """Its argument, where no derivative has moved anything."""
    return (at.still or at).value(e.args[0])


@reads(terms.HeldFixed)
def _held(e: Any, at: Viewpoint) -> Any:
    return at.bind({c: at.value(value) for c, value in e.table.items()}).value(e.args[0])


# --- limits -----------------------------------------------------------------------------------------------------------


@reads(terms.At)
def _limit(e: Any, at: Viewpoint) -> Any:
    """The value at the limit, where there is one: what is read here is continuous wherever it has a value.

    Where the body has none (a pole, 0/0), values close by show whether it grows without bounds; a finite limit of such
    a body is not computed.
    """
    body, symbol, end = e.args
    if abs(end) == sp.oo:
        raise Uncomputable(f"a limit at {end}")
    there = at.value(end)
    try:
        return at.bind({symbol: there}).value(body)
    except Uncomputable:
        raise
    except Undefined as reason:
        values = list(_close_by(at, body, symbol, there)) if at.arithmetic.strict else [0]
        if not values or any(map(_is_far, values)):
            raise Undefined(f"{body} has no limit as {symbol} tends to {end}") from reason
        raise Uncomputable(f"a limit at {symbol} = {end}, where there is no value: {reason}") from reason


def _close_by(at: Viewpoint, body: Any, symbol: Any, there: Any) -> Iterator[Any]:
    for step in (Fraction(1, 10**30), Fraction(-1, 10**30)):
        try:
            yield at.bind({symbol: there + step}).value(body)
        except Uncomputable:
            yield None
        except Undefined:
            continue


def _is_far(value: Any) -> bool:
    return isinstance(value, Fraction) and abs(value) > FAR
