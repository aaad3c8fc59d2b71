"""Order, induction over an integer, and rigorous numerics."""

from __future__ import annotations

from typing import Any

import sympy as sp
from mpmath import iv

from derivations.kernel.algebra import Algebra, holds, side_conditions
from derivations.kernel.domain import Domain
from derivations.kernel.rules.base import Context, Rule, StepFails, everywhere, walk
from derivations.kernel.terms import (
    At,
    Coord,
    DefinedFunction,
    Expect,
    Hadamard,
    Inner,
    Malformed,
    Norm2,
    ProductTo,
    Ratio,
    Rounded,
    SumTo,
)

# --- sign -------------------------------------------------------------------------------------------------------------


def _by_sign(relation: str, previous: Any, following: Any, context: Context) -> bool:
    sign = Algebra(context.domain).sign(following - previous)
    allowed = {"<": ("+",), "<=": ("+", "0+", "0"), ">": ("-",), ">=": ("-", "0-", "0")}
    if relation not in allowed:
        raise StepFails(f"a sign proves an inequality, not {relation!r}")
    return sign in allowed[relation]


positivity = Rule(
    "sign", "decided", "the difference is a polynomial with coefficients of one sign on the domain", decide=_by_sign
)

# --- induction --------------------------------------------------------------------------------------------------------


def induction(over: Any, start: Any) -> Rule:
    """previous(T) = next(T) for every T >= start: true at T = start, and both grow alike from T to T + 1."""
    first = sp.sympify(start)
    if not first.is_Integer:
        raise Malformed(f"an induction starts at an integer, not at {first}")

    def decide(relation: str, previous: Any, following: Any, context: Context) -> bool:
        if relation != "=":
            raise StepFails("induction over a sum proves equalities")
        while type(previous) is type(following) and isinstance(previous, Expect | sp.exp):
            if previous.args[:-1] != following.args[:-1]:  # averages under two different laws
                return False
            context = context.inside(previous)[-1]
            previous, following = previous.args[-1], following.args[-1]
        lo, hi = context.domain.indices.get(over, (None, None))
        if lo is None or hi != sp.oo or not context.domain.at_least_zero(lo - first):
            raise StepFails(f"{over} must range over the integers from {first} on")
        gap = previous - following
        inside = context.domain.with_index(over, first, sp.oo)
        base = Algebra(context.domain.without(over)).is_zero(gap.xreplace({over: first}))
        growth = _split_last(gap.xreplace({over: over + 1}), over, inside) - gap
        return base and Algebra(inside).is_zero(growth)

    return Rule(
        f"induction over {over}",
        "decided",
        f"base {over} = {first} and the step from {over} to {over} + 1",
        decide=decide,
    )


def _split_last(e: Any, over: Any, domain: Domain) -> Any:
    """Sums up to T + 1, where they have a last term, as the sum up to T and that term."""

    def change(node: Any, local: Context) -> Any:
        if isinstance(node, SumTo) and sp.expand(node.args[3] - over).is_Integer:
            body, index, lo, hi = node.args
            if not local.domain.at_least_zero(hi - lo):
                raise StepFails(f"the sum from {lo} to {hi} is not known to have a last term")
            previous = sp.expand(hi - 1)
            return SumTo(body, index, lo, previous) + body.xreplace({index: hi})
        return node

    return walk(e, change, Context(domain))


def _exponent(node: Any, _: Context) -> Any:
    if isinstance(node, ProductTo) and isinstance(node.args[0], sp.exp):
        return sp.exp(SumTo(node.args[0].args[0], *node.args[1:]))
    if isinstance(node, sp.Mul) and len(powers := [a for a in node.args if isinstance(a, sp.exp)]) > 1:
        rest = [a for a in node.args if a not in powers]
        return sp.Mul(sp.exp(sp.Add(*[a.args[0] for a in powers])), *rest)
    return node


exponents = Rule(
    "adding exponents",
    "decided",
    "a product of exponentials is the exponential of the sum of the exponents",
    everywhere(_exponent),
)


# --- limits by continuity ---------------------------------------------------------------------------------------------


def _substitute(node: Any, context: Context) -> Any:
    if not isinstance(node, At):
        return node
    body, symbol, value = node.args
    _refuse_unknown_limits(body, symbol)
    for kind, condition, inside in side_conditions(body, context.domain):
        if condition.has(symbol) and not holds(kind, condition.xreplace({symbol: value}), inside):
            raise StepFails(f"{condition} {kind} is not known at {symbol} = {value}: continuous there?")
    return body.xreplace({symbol: value})


def _refuse_unknown_limits(e: Any, symbol: Any) -> None:
    """The symbol may stand in arithmetic, roots, logarithms, exponentials, sums, inner products: all are continuous."""
    if isinstance(e, DefinedFunction):
        return _refuse_unknown_limits(e.unfold(), symbol)
    if isinstance(e, sp.Pow) and e.args[1].has(symbol):
        raise StepFails(f"{e} has a moving exponent, and 0^p is not continuous at p = 0: write it as exp")
    for a in e.args if e.has(symbol) else ():
        if not isinstance(e, CONTINUOUS):
            raise StepFails(f"nothing is known of the limit of {e}")
        _refuse_unknown_limits(a, symbol)
    return None


CONTINUOUS = (sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.Abs, Ratio, SumTo, ProductTo, Inner, Norm2, Coord, Hadamard)

continuity = Rule(
    "continuity",
    "decided",
    "sums, products, roots, logarithms and exponentials are continuous where they are defined",
    everywhere(_substitute),
)

# --- rigorous numerics ------------------------------------------------------------------------------------------------


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
    if e is sp.pi:
        return iv.pi
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
        body, index, lo, hi = e.args
        total = iv.mpf(0 if isinstance(e, SumTo) else 1)
        for n in range(int(lo), int(hi) + 1):
            value = enclosure(body.xreplace({index: sp.Integer(n)}))
            total = total + value if isinstance(e, SumTo) else total * value
        return total
    raise StepFails(f"{e} is not a closed number")


interval_arithmetic = Rule(
    "interval arithmetic", "decided", "60-digit intervals that contain the exact value", decide=_enclose
)
