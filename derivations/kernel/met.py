"""Is there a point where the joint conditions of a domain are met? One is found, with exact numbers, or it is refused.

Every number gets a value of its interval, and every family a simple law of its index: constant, falling or rising. All
instances of all conditions are then evaluated.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sympy as sp

from derivations.kernel.conditions import JointCondition, refuse_other_terms
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.genuine import refuse_impostors
from derivations.kernel.substitution import core
from derivations.kernel.terms import Malformed, ScalarFunction

PLACES = 12  # points of the integers that are tried
LONGEST = 1_000  # values of an index that a condition runs over
CHOICES = 4_000  # values of the numbers and families, at each
Values = Callable[[Any], Any]


def refuse_unmet(domain: Domain, integers: Iterator[Mapping[Any, Any]]) -> None:
    """Malformed where a condition is none, or where no values were found that meet all of them together."""
    written = [(c, *_core_sides(c)) for c in domain.conditions]
    for point in itertools.islice(integers, PLACES):
        gaps = [(gap, c.relation == "<") for c, small, large in written for gap in _instances(c, large - small, point)]
        if _met(domain, gaps):
            return
    shown = ", ".join(f"{c.small} {c.relation} {c.large}" for c in domain.conditions)
    raise Malformed(f"no values were found that meet {shown} together: a claim about nothing says nothing")


def _core_sides(condition: JointCondition) -> tuple[Any, Any]:
    for side in condition.sides:
        refuse_impostors(side)
    small, large = map(core, condition.sides)
    refuse_other_terms(condition, (small, large))
    return small, large


def _instances(condition: JointCondition, gap: Any, point: Mapping[Any, Any]) -> Iterator[Any]:
    """The gap at every value of the indices that the condition runs over."""

    def at(indices: list[Any], known: Mapping[Any, Any]) -> Iterator[Any]:
        if not indices:
            yield gap.xreplace(dict(known))
            return
        ready = next((i for i in indices if not _ends(condition, i, known)[2]), None)
        if ready is None:
            raise Malformed(f"the ranges of {indices} in a condition refer to each other, or to what has no range")
        low, high, _ = _ends(condition, ready, known)
        if high - low > LONGEST:
            raise Malformed(
                f"a condition runs over {ready} from {low} to {high}: over at most {LONGEST} values it is met"
            )
        for n in range(int(low), int(high) + 1):
            yield from at([i for i in indices if i != ready], {**known, ready: sp.Integer(n)})

    yield from at(list(condition.when), point)


def _ends(condition: JointCondition, index: Any, known: Mapping[Any, Any]) -> tuple[Any, Any, bool]:
    low, high = (end.xreplace(dict(known)) for end in condition.when[index])
    return low, high, not (low.is_Integer and high.is_Integer)


def _met(domain: Domain, gaps: list[tuple[Any, bool]]) -> bool:
    everything = sp.Tuple(*(gap for gap, _ in gaps))
    numbers = sorted(everything.free_symbols, key=str)
    families = sorted({type(a) for a in everything.atoms(ScalarFunction)}, key=str)
    tied = {small: big for big, small in domain.products.items()}
    heads = sorted({name for f in families for name in _names(f.__name__, domain)})
    choices = [_values_of(s, domain) for s in numbers] + [_laws(name, name in tied, domain) for name in heads]
    for chosen in itertools.islice(_diagonal(choices), CHOICES):
        values = dict(zip(numbers, chosen, strict=False))
        laws = dict(zip(heads, chosen[len(numbers) :], strict=True))
        if all(_holds(gap, strict, values, laws, domain) for gap, strict in gaps):
            return True
    return False


def _names(name: str, domain: Domain) -> tuple[str, ...]:
    """What has to be chosen for a family: its factor, where it is a running product."""
    return (domain.products[name],) if name in domain.products else (name,)


def _diagonal(choices: list[list[Any]]) -> Iterator[tuple[Any, ...]]:
    """All combinations; those of early choices first."""
    most = max(map(len, choices), default=0)
    for level in range(most):
        for places in itertools.product(*(range(min(level + 1, len(c))) for c in choices)):
            if max(places, default=0) == level:
                yield tuple(c[place] for c, place in zip(choices, places, strict=True))


def samples(interval: Interval) -> list[Any]:
    lo, hi = interval.lo, interval.hi
    low = lo if lo != -sp.oo else (hi if hi != sp.oo else sp.S.One) - 2
    high = hi if hi != sp.oo else sp.Max(low, 0) + 3
    return [sp.S.One, *(low + (high - low) * sp.Rational(n, 16) for n in range(17))]


def _inner(interval: Interval) -> list[Any]:
    """Values of the interval: the middle first, then towards its ends."""
    found = [v for v in samples(interval) if interval.contains(v)]
    middle = sp.Rational(len(found) - 1, 2)
    return [found[n] for n in sorted(range(len(found)), key=lambda n: abs(n - middle))]


def _values_of(symbol: Any, domain: Domain) -> list[Any]:
    if symbol.is_integer:
        return [sp.Integer(n) for n in (1, 2, 3, 0, -1, 4) if not (symbol.is_positive and n < 1)]
    return _inner(domain.interval(symbol))


def _laws(name: str, is_factor: bool, domain: Domain) -> list[Values]:
    """Simple laws of an integer index with values in the family's interval."""
    where = domain.intervals.get(name, Interval())
    inner = _inner(where)
    constants: list[Values] = [lambda n, v=v: v for v in inner]  # type: ignore[misc]
    if is_factor or len(inner) < 2:
        return constants
    low, high = min(inner), max(inner)
    falling: Values = lambda n: low + (high - low) / (2 + n)  # noqa: E731
    rising: Values = lambda n: high - (high - low) / (2 + n)  # noqa: E731
    return [falling, rising, *constants]


def _holds(gap: Any, strict: bool, values: Mapping[Any, Any], laws: Mapping[str, Values], domain: Domain) -> bool:
    table: dict[Any, Any] = dict(values)
    for a in gap.atoms(ScalarFunction):
        value = _member(type(a).__name__, a.args, laws, domain)
        if value is None:
            return False
        table[a] = value
    found = gap.xreplace(table)
    return bool(found.is_Rational and (found > 0 if strict else found >= 0))


def _member(name: str, args: tuple[Any, ...], laws: Mapping[str, Values], domain: Domain) -> Any:
    """The value of a member; None where the law leaves the family's interval, or the index is not known."""
    if not (len(args) == 1 and args[0].is_Integer and args[0] >= 0):
        return None
    where = domain.intervals.get(name, Interval())
    if name in domain.products:
        value = laws[domain.products[name]](sp.S.One) ** args[0]
        return value if args[0] == 0 or where.contains(value) else None
    value = laws[name](args[0])
    return value if where.contains(value) else None
