"""The sign of a polynomial by the joint conditions of its domain.

Three ways, and nothing is guessed. What is a rational multiple of a condition's gap has the gap's sign. A multiple of
it and something else of a known sign may make up the polynomial. And where the gap is linear in a number, that number
is written through a slack that is not negative.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp
from sympy import Symbol

from derivations.kernel.conditions import JointCondition
from derivations.kernel.domain import NONNEGATIVE, POSITIVE, Domain, Interval
from derivations.kernel.signs import polynomial_sign
from derivations.kernel.substitution import core, substitute
from derivations.kernel.terms import ScalarFunction

DEEP = 2  # conditions that are used one after the other
MOST = 32  # instances of one condition
Gap = tuple[Any, Interval]


def joint_sign(ring: Any, f: Any, intervals: Mapping[Symbol, Interval]) -> str | None:
    """The sign of a polynomial in the generators of a ring, by the conditions of the ring's domain."""
    if not ring.domain.conditions:
        return None
    members = {g: e for g, e in ring.meaning.items() if isinstance(e, sp.Symbol | ScalarFunction)}
    gaps, kinds = [], []
    for condition in ring.domain.conditions:
        for gap in itertools.islice(instances(condition, sp.Tuple(*members.values()), ring.domain), MOST):
            gaps.append(gap)
            kinds.append(POSITIVE if condition.relation == "<" else NONNEGATIVE)
    unrolled = ring.domain.unroll(sp.Tuple(*gaps, *members.values()))  # all down to one and the same index
    lowered = [sp.expand(ring.lower(gap)) for gap in unrolled[: len(gaps)]]
    table = {g: ring.lower(e) for g, e in zip(members, unrolled[len(gaps) :], strict=True)}
    below = sp.expand(f.xreplace(table))
    numbers = {g for e in (below, *lowered) for g in e.free_symbols}
    known = {g: intervals[g] if g in intervals else ring.interval(g) for g in numbers}
    return _by_gaps(below, known, list(zip(lowered, kinds, strict=True)), DEEP)


def sign_by_gaps(ring: Any, f: Any, gaps: list[Gap]) -> str | None:
    """The sign of a polynomial in the generators of a ring, by polynomials in them of which the sign is known."""
    numbers = {g for e in (f, *(gap for gap, _ in gaps)) for g in e.free_symbols}
    return _by_gaps(f, {g: ring.interval(g) for g in numbers}, gaps, 1)


def _by_gaps(f: Any, intervals: Mapping[Symbol, Interval], gaps: list[Gap], left: int) -> str | None:
    for gap, where in gaps:
        if (multiple := _multiple(f, gap)) is not None:
            return ("" if where is POSITIVE else "0") + ("+" if multiple > 0 else "-")
    if left == 0:
        return None
    if found := _with_multiples(f, intervals, gaps):
        return found
    for place, (gap, where) in enumerate(gaps):
        for g in sorted(f.free_symbols & gap.free_symbols, key=str):
            slope = gap.coeff(g)
            if not slope.is_Rational or slope == 0 or (gap - slope * g).has(g):
                continue
            slack = Symbol(f"slack{left}")
            value = (slack - (gap - slope * g)) / slope
            rest = sp.expand(f.xreplace({g: value}))
            inside = {**intervals, slack: where}
            others = [(sp.expand(e.xreplace({g: value})), w) for n, (e, w) in enumerate(gaps) if n != place]
            found = polynomial_sign(rest, inside) or _by_gaps(rest, inside, others, left - 1)
            if found is not None:
                return found
    return None


def _multiple(f: Any, gap: Any) -> Any:
    """The rational number that f is of the gap; None when it is none."""
    own, other = f.as_coefficients_dict(), gap.as_coefficients_dict()
    ratios = {own[m] / other[m] for m in other} if own.keys() == other.keys() and gap != 0 else set()
    return ratios.pop() if len(ratios) == 1 else None


def _with_multiples(f: Any, intervals: Mapping[Symbol, Interval], gaps: list[Gap]) -> str | None:
    """f, or -f, as a positive multiple of a gap and something else of a known sign; the multiple cancels a monomial."""
    for turned, e in ((False, f), (True, sp.expand(-f))):
        own = e.as_coefficients_dict()
        for gap, where in gaps:
            shared = gap.as_coefficients_dict()
            for factor in {own[m] / shared[m] for m in own if shared.get(m, 0) != 0}:
                rest = polynomial_sign(sp.expand(e - factor * gap), intervals) if factor > 0 else None
                if rest in ("+", "0+", "0"):
                    sign = "+" if "+" in (rest, *(["+"] if where is POSITIVE else [])) else "0+"
                    return sign.replace("+", "-") if turned else sign
    return None


def instances(condition: JointCondition, members: Any, domain: Domain) -> Iterator[Any]:
    """large - small at the indices that the members give, each known to lie in its range."""
    gap = core(condition.large) - core(condition.small)
    indices = list(condition.when)
    choices = [sorted(_values(index, gap, members), key=sp.default_sort_key) for index in indices]
    for values in itertools.product(*choices):
        table = dict(zip(indices, values, strict=True))
        if all(_lies_in(table[i], [substitute(b, table) for b in condition.when[i]], domain) for i in indices):
            yield substitute(gap, table)


def _lies_in(value: Any, ends: list[Any], domain: Domain) -> bool:
    lo, hi = ends
    return bool(value.is_integer and domain.at_least_zero(value - lo) and domain.at_least_zero(hi - value))


def _values(index: Any, gap: Any, members: Any) -> set[Any]:
    """What the index would be, for a member of the condition to be one of those members."""
    found = set()
    for own in gap.atoms(ScalarFunction):
        for place, written in enumerate(own.args):
            shift = sp.expand(written - index)
            if shift.is_Integer:
                found |= {sp.expand(a.args[place] - shift) for a in members.atoms(type(own))}
    return found
