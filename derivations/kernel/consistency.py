"""Hypotheses that cannot hold: from what the domain, or another hypothesis, contradicts, anything would follow.

Each is looked at alone; then one is put into the other, and into what holds of any matrix, vector or function. Sound
and incomplete: what is refused holds nowhere, and what passes may still hold nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.binders import at, loose
from derivations.kernel.domain import Domain
from derivations.kernel.facts import facts
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.means import sign_of
from derivations.kernel.never import never
from derivations.kernel.substitution import substitute
from derivations.kernel.supposed import refuse_known, refuse_no_density
from derivations.kernel.surface import on_the_surface
from derivations.kernel.terms import Density, LogDensity, Malformed

MOST, FEW = 12, 3  # members of a range that are looked at, from its lower end on; of one that refers to itself
MOVING = (terms.D, terms.At, terms.IntegralTo, terms.Series, terms.LinearSDE, *terms.FIELDS)
LONG = 60  # operations of an equation beyond which nothing more is put into it
VALUES = (
    terms.ScalarFunction, terms.VectorFunction, terms.Entry, terms.Trace, terms.LogDet, terms.Quadratic, terms.Inner,
    terms.Norm2, terms.Coord, terms.Expect, terms.KL, LogDensity, sp.exp, sp.log, sp.Abs,
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """Two sides that are equal; or one that is not negative, and positive if `strict`. `ranges`: over a range."""

    name: str
    sides: tuple[Any, ...]
    where: Domain
    ranges: bool = False
    strict: bool = False


def refuse_contradiction(hypotheses: Iterable[Hypothesis], domain: Domain) -> None:
    """Refuse equations of core terms that fail everywhere on the domain: alone, or once others are put in."""
    equations = [h for h in hypotheses if h.sides]
    for h in equations:
        _refuse_known(h.name, *h.sides)
        refuse_no_density(h.name, h.lhs, h.rhs, h.domain(domain))
    told = [*_plain(equations, domain), *_instances(equations, domain)]
    if told:
        known = facts(sp.Tuple(*(side for one in told for side in one.sides)), domain)
        _refuse_together([*told, *(Said("", (e,), domain, strict=strict) for e, strict in known)])


def _refuse_known(name: str, left: Any, right: Any) -> None:
    refuse_known(name, left, right)
    if not isinstance(right, LogDensity):
        refuse_known(name, right, left)


def _plain(equations: list[Hypothesis], domain: Domain) -> list[Said]:
    return [
        Said(h.name, tuple(_written_out(side, where) for side in h.sides), where, bool(h.when))
        for h in equations
        for where in [h.domain(domain)]
    ]


def _written_out(side: Any, domain: Domain) -> Any:
    """Short sums in their terms, and the schedule's recursion unrolled: what is known of one term can be put in."""
    if not isinstance(side, sp.Expr):
        return side
    for e in side.atoms(terms.SumTo):
        lo, hi = e.args[2:]
        if lo.is_Integer and hi.is_Integer and 0 <= hi - lo < MOST and not loose(e):
            side = side.xreplace({e: sp.Add(*(at(e, sp.Integer(n)) for n in range(int(lo), int(hi) + 1)))})
    return on_the_surface(domain.unroll, side)


def _instances(equations: list[Hypothesis], domain: Domain) -> Iterator[Said]:
    """What the equations say of single members of a range: of its ends, and of those that the others mention."""
    mentioned = sp.Tuple(*(side for h in equations for side in h.sides)).atoms(terms.ScalarFunction)
    for h in (h for h in equations if len(h.when) == 1 and isinstance(h.lhs, terms.ScalarFunction)):
        ((index, (lo, hi)),) = h.when.items()
        near = {lo + n for n in range(FEW if h.rhs.atoms(type(h.lhs)) else MOST)} | (
            {hi - n for n in range(3)} if hi != sp.oo else set()
        )
        shifts = {sp.expand(a - index) for a in h.lhs.args}
        alike = {a for one in mentioned if type(one) is type(h.lhs) for a in one.args if not a.has(index)}
        near |= {sp.expand(a - shift) for a in alike for shift in shifts if shift.is_Integer}
        for value in sorted(near, key=sp.default_sort_key)[: 2 * MOST]:
            inside = domain.at_least_zero(value - lo) and (hi == sp.oo or domain.at_least_zero(hi - value))
            if value.is_integer and inside:
                yield Said(h.name, tuple(substitute(side, {index: value}) for side in h.sides), domain)


def _refuse_together(told: list[Said]) -> None:
    """Put what a value equals into the others, value by value, and look at what becomes of them."""
    for one in (one for one in told if one.sides[1:]):
        _refuse_denied(one, f"the hypothesis {one.name!r} holds nowhere on the domain")
    for n in range(len(told)):
        if len(told[n].sides) == 1 or told[n].ranges:
            continue
        for k, other in enumerate(told):
            if k != n and sp.count_ops(other.sides) <= LONG and (put := _put_into(other, told[n])) is not None:
                also = f"the hypotheses {told[n].name!r} and {other.name!r} contradict each other, or a third"
                _refuse_denied(put, also if other.sides[1:] else f"{told[n].name!r} is about what cannot be so")
                if other.sides[1:] and not any(isinstance(side, LogDensity) for side in put.sides):
                    _refuse_known(f"{told[n].name}, {other.name}", *put.sides)
                told[k] = put


def _refuse_denied(one: Said, why: str) -> None:
    if len(one.sides) == 2:
        denied = never(*one.sides, one.where)
    else:
        denied = sign_of(one.sides[0], one.where) in (("-", "0", "0-") if one.strict else ("-",))
    if denied:
        raise Malformed(
            f"{why}: {' is never '.join(map(str, one.sides))}" + ("" if one.sides[1:] else " is not positive")
        )


def _put_into(other: Said, equation: Said) -> Said | None:
    """The other with what a value, a law or a function equals in its place; None where nothing is changed."""
    sides = sp.Tuple(*other.sides)
    table = _table_of(equation, sides)
    if not any(sides.has(key) for key in table):
        return None
    if _is_function(equation.sides[0], equation.where) and not sides.has(
        *MOVING
    ):  # for all vectors, so for those that are drawn too
        return replace(other, sides=tuple(side.xreplace(table) for side in other.sides))
    try:
        return replace(other, sides=tuple(substitute(side, table, other.where) for side in other.sides))
    except Malformed:
        return None


def _table_of(equation: Said, other: Any) -> dict[Any, Any]:
    """What an equation says of parts of another: of a law, of a function of vectors, or of one value."""
    left, right = equation.sides
    if isinstance(left, LogDensity) and isinstance(right, LogDensity):
        own, law = left.args[0], right.args[0]
        return {own: law} if isinstance(own, Density) and own.variables == law.variables else {}
    if _is_function(left, equation.where):
        members = [a for a in other.atoms(type(left)) if len(a.args) == len(left.args) and not right.has(type(left))]
        return {a: _at(right, left.args, a.args, equation.where) for a in members if not loose(a)}
    if not (isinstance(left, sp.Expr) and isinstance(right, sp.Expr)):
        return {}
    for value, others in ((left, right), (right, left)):
        if _is_value(value) and not others.has(value):
            return {value: others}
    are_numbers = (
        left.is_commutative and right.is_commutative and not terms.is_vector(left) and not terms.is_vector(right)
    )
    return _solved(sp.expand(left - right)) if are_numbers else {}


def _is_function(e: Any, domain: Domain) -> bool:
    """Is it a function at vectors that stand for any others?"""
    free = all(type(a) is terms.VectorSymbol and a.name not in domain.intervals for a in e.args)
    free = free and len(set(e.args)) == len(e.args)
    return isinstance(e, terms.ScalarFunction | terms.VectorFunction) and free


def _at(e: Any, variables: Any, values: Any, domain: Domain) -> Any:
    return substitute(e, dict(zip(variables, values, strict=True)), domain)


def _solved(gap: Any) -> dict[Any, Any]:
    """What a value is by an equation in which it occurs alone, times a number."""
    for e, c in sorted(gap.as_coefficients_dict().items(), key=sp.default_sort_key):
        rest = sp.expand(gap - c * e)
        if _is_value(e) and not rest.has(e) and (abs(c) == 1 or not e.is_integer):
            return {e: -rest / c}
    return {}


def _is_value(e: Any) -> bool:
    is_symbol = e.is_Symbol and not isinstance(e, terms.VectorSymbol)
    return bool(is_symbol or isinstance(e, VALUES)) and not loose(e)
