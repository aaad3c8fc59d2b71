"""Does a domain have a point? What holds nowhere would prove anything, so a point is found before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.genuine import refuse_impostors
from derivations.kernel.met import refuse_unmet, samples
from derivations.kernel.terms import DIM, Malformed, ScalarFunction

_NONE: Mapping[str, Interval] = {}
TRIES = 12  # values of each integer that are tried, from its lower end on


def refuse_empty(domain: Domain, symbols: set[Any]) -> None:
    """Raise Malformed where the domain is not what it seems, or no admissible values are found for its symbols."""
    for interval in domain.intervals.values():
        refuse_impostors(sp.Tuple(interval.lo, interval.hi))
    for index, (lo, hi) in domain.indices.items():
        _refuse_index(domain, index, lo, hi)
    for symbol in symbols:
        where = domain.intervals.get(symbol.name)
        if symbol.is_integer and where is not None and not _has_integer(where):
            raise Malformed(f"{symbol} is an integer, and there is none {where.words()}: the domain has no point")
    for product, factor in domain.products.items():
        _refuse_schedule(domain, product, factor)
    for name, size in domain.sizes.items():
        if isinstance(size, tuple):
            refuse_shape(domain, name, size)
        elif isinstance(size, bool) or not (isinstance(size, int | sp.Integer) and size >= 1):
            raise Malformed(f"{name} has the size {size}: give an integer from 1 on")
    if next(_points(domain.indices, domain.intervals), None) is None:
        shown = ", ".join(f"{i} in {lo}..{hi}" for i, (lo, hi) in domain.indices.items())
        raise Malformed(f"no integers were found with {shown}: a claim about nothing says nothing")
    if domain.conditions:
        refuse_unmet(domain, _points(domain.indices, domain.intervals))


def refuse_shape(domain: Domain, name: str, shape: Any) -> None:
    """The rows and columns of a matrix are counted by integers of the domain, from 1 on."""
    if not isinstance(shape, tuple) or len(shape) != 2:
        raise Malformed(f"{name} has the size {shape}: give its rows and its columns, such as (d, k)")
    if not all(isinstance(n, int | sp.Basic) for n in shape):
        raise Malformed(f"{name} has the size {shape}: count its rows and columns by integers or their symbols")
    for size in map(sp.sympify, shape):
        refuse_impostors(size)
        known = all(s == DIM or s in domain.indices for s in size.free_symbols)
        if not (known and size.is_integer and domain.at_least_zero(size - 1)):
            raise Malformed(f"{name} has {size} rows or columns, which is not known to be an integer from 1 on")


def refuse_apart(one: Domain, other: Domain) -> None:
    """Refuse two domains that have no point in common, as far as intervals, ranges and conditions tell."""
    for name in other.intervals:
        a, b = other.intervals[name], one.intervals.get(name, Interval())
        lo, hi = max(a.lo, b.lo), min(a.hi, b.hi)
        if lo > hi or (lo == hi and not (a.contains(lo) and b.contains(lo))):
            raise Malformed(f"the claim says {name} {b.words()}, and its statement {name} {a.words()}: never both")
    for name in other.sizes:
        if one.sizes.get(name, other.sizes[name]) != other.sizes[name]:
            raise Malformed(f"the claim and its statement give {name} two sizes: name one of the matrices otherwise")
    both = {i: (sp.Max(one.indices[i][0], lo), sp.Min(one.indices[i][1], hi)) if i in one.indices else (lo, hi)
            for i, (lo, hi) in other.indices.items()}  # fmt: skip
    if next(_points({**one.indices, **both}), None) is None:
        raise Malformed("the ranges of the claim and of its statement have no integers in common: never both")


def _refuse_index(domain: Domain, index: Any, lo: Any, hi: Any) -> None:
    refuse_impostors(sp.Tuple(index, lo, hi))
    if index == DIM:
        raise Malformed(f"{DIM} is the dimension that laws and abbreviations share: nothing can run over it")
    if not (isinstance(index, sp.Symbol) and index.is_integer):
        raise Malformed(f"{index} has integer bounds and is not declared an integer as a symbol")
    if not all(sp.sympify(b).is_integer or sp.sympify(b) == infinite for b, infinite in ((lo, -sp.oo), (hi, sp.oo))):
        raise Malformed(f"{index} runs from {lo} to {hi}: the bounds must be integers")
    if index.name in domain.intervals:
        raise Malformed(f"{index} has an interval and integer bounds: give one of the two")


def _has_integer(interval: Interval) -> bool:
    lo, hi = interval.lo, interval.hi
    if -sp.oo in (lo, hi) or hi == sp.oo:
        return True
    first = sp.floor(lo) + 1 if interval.open_lo else sp.ceiling(lo)
    return any(interval.contains(first + n) for n in range(2))


def _refuse_schedule(domain: Domain, product: str, factor: str) -> None:
    """Some constant factor c must lie in the factor's interval, with all its powers in the product's."""
    for name in (product, factor):
        family = terms.HEADS.get(name)
        if family is None or not issubclass(family, ScalarFunction):
            raise Malformed(f"the schedule speaks of {name!r}, which is no family of numbers")
    if len({*domain.products, *domain.products.values()}) < 2 * len(domain.products):
        raise Malformed("each family belongs to one schedule only")
    one, all_of = (domain.intervals.get(name, Interval()) for name in (factor, product))
    for c in samples(one):
        grows = c > 1 and all_of.hi == sp.oo
        falls = 0 < c < 1 and all_of.lo <= 0
        if one.contains(c) and all_of.contains(c) and (c == 1 or grows or falls):
            return
    raise Malformed(f"no schedule was found with {factor} {one.words()} and {product} {all_of.words()}")


def _points(indices: Mapping[Any, Any], intervals: Mapping[str, Interval] = _NONE) -> Iterator[Mapping[Any, Any]]:
    """Integers for all indices and for what their bounds mention, within the bounds."""
    bounds = {i: tuple(map(sp.sympify, pair)) for i, pair in indices.items()}
    others = {s for pair in bounds.values() for b in pair for s in b.free_symbols} - set(bounds)
    order = [*sorted(others, key=str)]
    waiting = dict(bounds)
    while waiting:
        known = set(order)
        ready = [i for i, pair in waiting.items() if not (pair[0].free_symbols | pair[1].free_symbols) - known]
        chosen = ready[0] if ready else next(iter(waiting))
        order.append(chosen)
        del waiting[chosen]
    bounds |= {s: _whole(intervals[s.name]) for s in others if s.name in intervals}
    budget = [20_000]
    yield from (point for point in _search(order, 0, {}, bounds, budget) if _in_intervals(intervals, point))


def _whole(interval: Interval) -> tuple[Any, Any]:
    """The interval's ends, moved to integers inside it."""
    return sp.ceiling(interval.lo), sp.floor(interval.hi)


def _in_intervals(intervals: Mapping[str, Interval], point: Mapping[Any, Any]) -> bool:
    """Does every integer lie where the domain says, also one that only the bounds of others mention?"""
    return all(intervals[i.name].contains(value) for i, value in point.items() if i.name in intervals)


def _search(order: list[Any], at: int, point: dict[Any, Any], bounds: Any, budget: list[int]) -> Iterator[Any]:
    if at == len(order):
        if all(_inside(i, pair, point) for i, pair in bounds.items()):
            yield dict(point)
        return
    for value in _candidates(order[at], bounds.get(order[at]), point):
        budget[0] -= 1
        if budget[0] < 0:
            return
        yield from _search(order, at + 1, {**point, order[at]: value}, bounds, budget)


def _candidates(index: Any, pair: Any, point: Mapping[Any, Any]) -> list[Any]:
    lo, hi = (b.xreplace(point) for b in pair) if pair else (sp.S.One, sp.oo)
    first = (
        lo if lo.is_Integer else hi - TRIES + 1 if hi.is_Integer else sp.S.One if index.is_positive else -sp.Integer(3)
    )
    last = hi if hi.is_Integer else first + TRIES - 1
    return [first + n for n in range(int(min(last - first + 1, TRIES)))]


def _inside(index: Any, pair: Any, point: Mapping[Any, Any]) -> bool:
    lo, hi = (b.xreplace(point) for b in pair)
    assumed = not index.is_positive or point[index] > 0
    return bool(lo <= point[index] <= hi) and assumed
