"""Order, induction over an integer, and rigorous numerics."""

from __future__ import annotations

from typing import Any

import sympy as sp
from mpmath import iv

from derivations.kernel.algebra import Algebra
from derivations.kernel.binders import at
from derivations.kernel.definedness import Undischarged, holds, limit_conditions
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node, deciding, walk
from derivations.kernel.substitution import substitute
from derivations.kernel.terms import At, Expect, Malformed, ProductTo, Rounded, SumTo

# --- sign -------------------------------------------------------------------------------------------------------------


@deciding("sign", "decided", "the difference is a polynomial with coefficients of one sign on the domain")
def _by_sign(relation: str, previous: Any, following: Any, context: Context) -> bool:
    allowed = {"<": ("+",), "<=": ("+", "0+", "0"), ">": ("-",), ">=": ("-", "0-", "0")}
    if relation not in allowed:
        raise StepFails(f"a sign proves an inequality, not {relation!r}")
    return Algebra(context.domain).sign(following - previous) in allowed[relation]


positivity = Rule("sign")

# --- induction --------------------------------------------------------------------------------------------------------


def induction(over: Any, start: Any) -> Rule:
    """previous(T) = next(T) for every T >= start: true at T = start, and both grow alike from T to T + 1."""
    first = sp.sympify(start, strict=True)
    if not first.is_Integer:
        raise Malformed(f"an induction starts at an integer, not at {first}")
    return Rule("induction over", (over, first))


@deciding(
    "induction over",
    "decided",
    lambda over, start: f"base {over} = {start} and the step from {over} to {over} + 1",
    shown=lambda over, _: f"induction over {over}",
)
def _by_growth(relation: str, previous: Any, following: Any, context: Context, over: Any, first: Any) -> bool:
    if relation != "=":
        raise StepFails("induction over a sum proves equalities")
    while type(previous) is type(following) and isinstance(previous, Expect | sp.exp):
        if previous.args[:-1] != following.args[:-1]:  # averages under two different laws
            return False
        context = context.enter(previous)[1][-1]
        previous, following = previous.args[-1], following.args[-1]
    lo, hi = context.domain.indices.get(over, (None, None))
    if not first.is_Integer:
        raise StepFails(f"an induction starts at an integer, not at {first}")
    if lo is None or hi != sp.oo or not context.domain.at_least_zero(lo - first):
        raise StepFails(f"{over} must range over the integers from {first} on")
    gap = previous - following
    inside = context.domain.with_index(over, first, sp.oo)
    base = Algebra(context.domain.without(over)).is_zero(substitute(gap, {over: first}))
    growth = _split_last(substitute(gap, {over: over + 1}), over, Context(inside)) - gap
    return base and Algebra(inside).is_zero(growth)


def _split_last(e: Any, over: Any, context: Context) -> Any:
    """Sums up to T + 1, where they have a last term, as the sum up to T and that term."""

    def change(node: Any, local: Context) -> Any:
        if isinstance(node, SumTo) and sp.expand(node.args[3] - over).is_Integer:
            body, index, lo, hi = node.args
            if not local.domain.at_least_zero(hi - lo):
                raise StepFails(f"the sum from {lo} to {hi} is not known to have a last term")
            return SumTo(body, index, lo, sp.expand(hi - 1)) + at(node, hi)
        return node

    return walk(e, change, context)


@at_every_node(
    "adding exponents", "decided", "a product of exponentials is the exponential of the sum of the exponents"
)
def _exponent(node: Any, _: Context) -> Any:
    if isinstance(node, ProductTo) and isinstance(node.args[0], sp.exp):
        return sp.exp(SumTo(node.args[0].args[0], *node.args[1:]))
    if isinstance(node, sp.Mul) and len(powers := [a for a in node.args if isinstance(a, sp.exp)]) > 1:
        rest = [a for a in node.args if a not in powers]
        return sp.Mul(sp.exp(sp.Add(*[a.args[0] for a in powers])), *rest)
    return node


exponents = Rule("adding exponents")


# --- limits by continuity ---------------------------------------------------------------------------------------------


@at_every_node(
    "continuity", "decided", "sums, products, roots, logarithms and exponentials are continuous where they are defined"
)
def _substitute(node: Any, context: Context) -> Any:
    if not isinstance(node, At):
        return node
    body, symbol, value = node.args
    try:
        for kind, condition, inside in limit_conditions(node, context.domain):
            if not holds(kind, condition, inside):
                raise StepFails(f"{condition} {kind} is not known at {symbol} = {value}: continuous there?")
    except Undischarged as reason:
        raise StepFails(str(reason)) from reason
    return substitute(body, {symbol: value})


continuity = Rule("continuity")

# --- rigorous numerics ------------------------------------------------------------------------------------------------


@deciding("interval arithmetic", "decided", "60-digit intervals that contain the exact value")
def _enclose(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """|previous - centre| <= radius, `following` being Rounded(centre, radius), by interval arithmetic at 60 digits."""
    if not isinstance(following, Rounded) or relation != "=":
        raise StepFails("an enclosure compares a number with a rounded value")
    centre, radius = following.args
    iv.dps = 60
    value = enclosure(previous)
    low, high = _exact(centre - radius), _exact(centre + radius)
    return bool(value.a >= low.b and value.b <= high.a)


def _exact(q: Any) -> Any:
    q = sp.Rational(q)
    return iv.mpf(int(q.p)) / iv.mpf(int(q.q))


def enclosure(e: Any) -> Any:
    """An interval around the exact value of a closed expression: rationals, + - * /, powers, roots, logs, sums."""
    e = sp.sympify(e)
    if e.is_Rational:
        return _exact(e)
    if e in (sp.pi, sp.E):
        return iv.pi if e is sp.pi else iv.e
    if isinstance(e, sp.Add):
        return sum((enclosure(a) for a in e.args), iv.mpf(0))
    if isinstance(e, sp.Mul):
        product = iv.mpf(1)
        for a in e.args:
            product = product * enclosure(a)
        return product
    if isinstance(e, sp.Pow) and e.args[1].is_Integer:
        return enclosure(e.args[0]) ** int(e.args[1])
    if isinstance(e, sp.Pow) and e.args[1].is_Rational and e.args[1].q == 2:
        return iv.sqrt(enclosure(e.args[0])) ** int(e.args[1].p)
    if isinstance(e, sp.log | sp.exp):
        return (iv.log if isinstance(e, sp.log) else iv.exp)(enclosure(e.args[0]))
    if isinstance(e, SumTo | ProductTo) and e.args[2].is_Integer and e.args[3].is_Integer:
        total = iv.mpf(0 if isinstance(e, SumTo) else 1)
        for n in range(int(e.args[2]), int(e.args[3]) + 1):
            value = enclosure(at(e, sp.Integer(n)))
            total = total + value if isinstance(e, SumTo) else total * value
        return total
    raise StepFails(f"{e} is not a closed number")


interval_arithmetic = Rule("interval arithmetic")
