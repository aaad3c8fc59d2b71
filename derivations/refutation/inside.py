"""A world that a claim brings with it lies in the claim's domain, or it says nothing about the claim."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy as sp

from derivations.kernel.domain import Domain, Interval
from derivations.refutation import polynomials
from derivations.refutation.arithmetic import surely
from derivations.refutation.reading import Viewpoint
from derivations.refutation.undefined import Uncomputable
from derivations.refutation.worlds import World


class Outside(Uncomputable):
    """The world is none of the domain, so nothing that happens in it says anything."""


def refuse_outside(world: World, domain: Domain) -> None:
    """Raise Outside where a number, an index or a vector lies outside; a family is asked when it is read."""
    at = Viewpoint(world, {})
    for index, (first, last) in domain.indices.items():
        if index.name in world.numbers:
            value = at.value(index)
            ends = [(b, way) for b, way in ((first, "<="), (last, ">=")) if _is_told(b, world)]
            inside = all(surely(way, at.value(sp.sympify(b)), value) is True for b, way in ends)
            if not inside or surely("=", value, at.arithmetic.number(round(value))) is not True:
                raise Outside(f"this world has {index} = {value}, which is no integer of {first}..{last}")
    for name, interval in domain.intervals.items():
        if name in world.numbers:
            _refuse(name, at.arithmetic.number(world.numbers[name]), interval)
        for vector in (v for key, v in world.vectors.items() if key[0] == name):
            for coordinate in vector:
                _refuse(name, at.arithmetic.number(coordinate), interval)
        if name in world.families:
            world.families[name] = _asked(name, world.families[name], interval, name in domain.products, world)


def _is_told(bound: Any, world: World) -> bool:
    """Is it a number that the world knows?"""
    known = all(s.name in world.numbers or s.name == "d" for s in sp.sympify(bound).free_symbols)
    return known and bound not in (sp.oo, -sp.oo)


def _asked(name: str, family: Callable[..., Any], where: Interval, is_product: bool, world: World) -> Any:
    """The family, which says whether a value of it lies outside."""

    def member(*args: Any) -> Any:
        value = family(*args)
        if not (is_product and args[0] == 0):  # a running product is 1 there
            for one in value if isinstance(value, tuple) else (value,):
                _refuse(name, world.arithmetic.number(one), where)
        return value

    return member


def _refuse(name: str, value: Any, where: Interval) -> None:
    if polynomials.is_random(value):
        return
    below = where.lo != -sp.oo and surely("<" if where.open_lo else "<=", _number(where.lo), value) is False
    above = where.hi != sp.oo and surely("<" if where.open_hi else "<=", value, _number(where.hi)) is False
    if below or above or (where.nonzero and surely("=", value, _number(sp.S.Zero)) is True):
        raise Outside(f"this world has {name} = {value}, and the domain says {name} {where.words()}")


def _number(q: Any) -> Any:
    return Fraction(int(q.p), int(q.q))
