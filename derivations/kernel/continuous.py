"""Continuous time: what is declared of opaque functions, and what integrals, derivatives and series ask of a place.

A hypothesis made by `smoothness(f, n)` says that f has n continuous derivatives in all its real arguments together;
nothing is known of an opaque function of which that is not said. `Granted` is all that a claim's hypotheses grant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp
from sympy import Symbol

from derivations.kernel import terms
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.hypotheses import ASSUMPTIONS, Hypothesis
from derivations.kernel.terms import HEADS, Malformed, ScalarFunction, VectorFunction

NAMED = re.compile(r"([A-Za-z]\w*) in C\^(\d+)")
OPAQUE = (ScalarFunction, VectorFunction)
REGULAR = (sp.Add, sp.Mul, sp.exp, sp.log, terms.Ratio, terms.Inner, terms.Norm2, terms.Coord, terms.Hadamard)


# --- what is declared -------------------------------------------------------------------------------------------------


def _words(name: str, n: int) -> str:
    if n == 0:
        return f"{name} is continuous in all its real arguments together"
    return f"{name} has {n} continuous derivative{'s' if n > 1 else ''} in all its real arguments together"


def smoothness(family: Any, n: int, needed_because: str = "") -> Hypothesis:
    """The hypothesis that an opaque function has n continuous derivatives (0: that it is continuous)."""
    if not (isinstance(family, type) and issubclass(family, OPAQUE) and terms.is_declared(family)):
        raise Malformed(f"{family} is no opaque function: smoothness is declared of a family, such as m")
    if type(n) is not int or n < 0:
        raise Malformed(f"{family.__name__} cannot have {n} derivatives: give an integer from 0 on")
    return Hypothesis(f"{family.__name__} in C^{n}", _words(family.__name__, n), needed_because=needed_because)


@dataclass(frozen=True, slots=True)
class Granted:
    """What hypotheses grant: derivatives of functions of which nothing else is known, derivatives of their means.

    `classes` has so many continuous derivatives of each function that `smoothness` declares.
    """

    smooth: bool = False
    dominated: bool = False
    classes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def by(cls, supposed: Iterable[Hypothesis]) -> Granted:
        """By hypotheses in the kernel's own words; a name that does not come with its words grants nothing."""
        plain = [h for h in supposed if not h.sides]
        names = {h.name for h in plain if h.words == ASSUMPTIONS.get(h.name)}
        classes: dict[str, int] = {}
        for h in plain:
            found = NAMED.fullmatch(h.name)
            if found and h.words == _words(found[1], int(found[2])):
                classes[found[1]] = max(int(found[2]), classes.get(found[1], -1))
        return cls("smooth" in names or "interchange" in names, "interchange" in names, classes)

    def of(self, name: str) -> int:
        """So many continuous derivatives are declared; -1 when not even continuity is."""
        return self.classes.get(name, -1)

    def continuous(self, e: Any, more: int) -> bool:
        """Has the derivative e of an opaque function (or the function itself) `more` continuous derivatives?"""
        if isinstance(e, terms.Partial):
            return (self.smooth and not more) or self.of(e.head) >= len(e.places) + more
        return isinstance(e, OPAQUE) and self.of(type(e).__name__) >= more


NOTHING = Granted()


# --- the place where such a term stands -------------------------------------------------------------------------------


def refuse_place(e: Any, domain: Domain) -> None:
    """Refuse an integral, a series, a partial derivative or an SDE that means nothing in this domain."""
    if isinstance(e, terms.Partial):
        if e.head in {*domain.products, *domain.products.values()}:
            raise Malformed(f"{e.head} takes separate values only, so there is no derivative")
        _refuse_partial(e)
        return
    symbol = e.args[1]
    where = domain.interval(symbol)
    if not isinstance(e, terms.Series) and where.nonzero:
        raise Malformed(f"{e}: {symbol} runs through a range, and its domain leaves out 0: give it an interval")
    if symbol in domain.indices or type(symbol) not in (Symbol, sp.Dummy):
        raise Malformed(f"{e}: {symbol} takes separate values only")
    if isinstance(e, terms.LinearSDE) and (where.lo > 0 or where.hi <= 0 or (where.lo == 0 and where.open_lo)):
        raise Malformed(f"{e} starts at {symbol} = 0, and {symbol} is {where.words()}: its domain must hold 0")
    if isinstance(e, terms.Series) and not (where.lo <= 0 <= where.hi and where.lo < where.hi):
        raise Malformed(f"{e}: the step {symbol} is {where.words()}, so it does not tend to 0")


def _refuse_partial(e: Any) -> None:
    family = HEADS.get(e.head)
    if family is None or not issubclass(family, OPAQUE):
        raise Malformed(f"{e.head} is no opaque function, so it has no partial derivatives")
    for place, direction in zip(e.places, e.directions, strict=True):
        argument = e.inputs[int(place) - 1]
        if argument.is_integer:
            raise Malformed(f"argument {place} of {e.head} takes separate values only, so there is no derivative")
        if terms.is_vector(argument) != terms.is_vector(direction) and direction != 0:
            raise Malformed(f"{direction} is no direction of {argument}: one is a vector, and the other a number")


# --- what it needs ----------------------------------------------------------------------------------------------------


def regular(e: Any, more: int, moving: frozenset[Any], domain: Domain) -> Iterator[tuple[str, Any, Domain]]:
    """Under what e has `more` continuous derivatives in the moving symbols together, beside having a value."""
    if not e.free_symbols & moving:
        return
    if isinstance(e, terms.D):
        yield from regular(e.args[0], more + 1, moving | {e.args[1]}, domain)
        return
    if isinstance(e, (*OPAQUE, terms.Partial)):
        yield f"class {more}", e, domain
    elif isinstance(e, sp.Pow):
        base, exponent = e.args
        if exponent.free_symbols & moving or (more and not exponent.is_integer):
            yield "> 0", base, domain
    elif isinstance(e, terms.IntegralTo):
        yield from regular(e.args[0], more, moving | {e.args[1]}, domain)
    elif not isinstance(e, (*REGULAR, Symbol, sp.Tuple)) and not (isinstance(e, sp.Abs) and not more):
        yield f"class {more}", e, domain
    for a in e.args[2:] if isinstance(e, terms.IntegralTo) else e.args:
        yield from regular(a, more, moving, domain)


def integral_conditions(e: Any, domain: Domain) -> Iterator[tuple[str, Any, Domain]]:
    """The integrand is continuous, and its variable's interval in the domain holds the range of the integral."""
    body, symbol, lo, hi = e.args
    where = domain.interval(symbol)
    for end in (lo, hi):
        for gap, is_open in ((end - where.lo, where.open_lo), (where.hi - end, where.open_hi)):
            if gap not in (sp.oo, -sp.oo) and not gap.has(sp.oo):
                yield ("> 0" if is_open else ">= 0"), gap, domain
    yield from regular(body, 0, frozenset([symbol]), domain)


def sde_conditions(e: Any, domain: Domain) -> Iterator[tuple[str, Any, Domain]]:
    """The rates are continuous, the noise is never negative, and the time is one that its variable reaches."""
    _, symbol, _, slope, noise, time, _ = e.args
    where = domain.interval(symbol)
    yield ">= 0", noise, domain
    yield "> 0", time, domain
    if where.hi != sp.oo:
        yield ("> 0" if where.open_hi else ">= 0"), where.hi - time, domain
    for rate in (slope, noise):
        yield from regular(rate, 0, frozenset([symbol]), domain)


def after_start(symbol: Any, domain: Domain) -> Domain:
    """The domain in which the variable of an SDE is above 0."""
    later = Interval(sp.S.Zero, domain.interval(symbol).hi, True, domain.interval(symbol).open_hi)
    return replace(domain, intervals={**domain.intervals, symbol.name: later})
