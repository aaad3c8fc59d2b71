"""Series in a step, rates of change in continuous time, integrals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra
from derivations.kernel.continuous import OPAQUE, after_start, regular
from derivations.kernel.definedness import Undischarged, conditions, discharge
from derivations.kernel.dependence import may_vary
from derivations.kernel.domain import Domain
from derivations.kernel.expansion import expanded
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node, walk
from derivations.kernel.rules.calculus import derivative
from derivations.kernel.stepwise import Unexpandable
from derivations.kernel.substitution import substitute
from derivations.kernel.terms import D, IntegralTo, LinearSDE, Malformed, Normal, Partial, Series

# --- series -----------------------------------------------------------------------------------------------------------


@at_every_node(
    "series",
    "decided",
    "Taylor's formula, as far as the opaque functions in it are declared smooth; what is divided by does not vanish to "
    "first order",
)
def _expand(node: Any, context: Context) -> Any:
    if not isinstance(node, Series):
        return node
    try:
        return expanded(node, context.domain, context.granted)
    except Unexpandable as reason:
        raise StepFails(str(reason)) from reason


series = Rule("series")

# --- rates of change --------------------------------------------------------------------------------------------------


@at_every_node(
    "rates of change",
    "decided",
    "the chain rule through opaque functions that are declared smooth, and Leibniz' rule for integrals",
)
def _differentiate(node: Any, context: Context) -> Any:
    return rate_of(node.args[0], node.args[1], context) if isinstance(node, D) else node


def rate_of(e: Any, wrt: Any, context: Context) -> Any:
    """d e / d wrt, also of what depends on wrt through an opaque function's arguments or an integral's range."""
    known = derivative(e, wrt, context)
    table = {d: _through(d.args[0], wrt, context) for d in known.atoms(D) if d.args[1] == wrt}
    return known.xreplace({d: made for d, made in table.items() if made is not None})


def _through(e: Any, wrt: Any, context: Context) -> Any:
    """The derivative of an opaque value or an integral; None where nothing more is known."""
    if isinstance(e, OPAQUE) and context.granted.continuous(e, 1):
        return _along(type(e).__name__, e.args, (), wrt, context)
    if isinstance(e, Partial) and context.granted.continuous(e, 1):
        return _along(e.head, e.inputs, tuple(zip(e.places, e.directions, strict=True)), wrt, context)
    if isinstance(e, IntegralTo):
        body, symbol, lo, hi = e.args
        inside = IntegralTo(rate_of(body, wrt, context), symbol, lo, hi) if may_vary(body, wrt) else sp.S.Zero
        ends = [(hi, 1), (lo, -1)]
        moving = [(end, sign) for end, sign in ends if may_vary(end, wrt)]
        return inside + sp.Add(
            *[sign * rate_of(end, wrt, context) * substitute(body, {symbol: end}) for end, sign in moving]
        )
    return None


def _along(head: str, inputs: Any, taken: tuple[tuple[Any, Any], ...], wrt: Any, context: Context) -> Any:
    """A sum over the arguments that change, and over the directions that do."""
    total = sp.S.Zero
    for place, a in enumerate(inputs, 1):
        if may_vary(a, wrt):
            pairs = [*taken, (sp.Integer(place), rate_of(a, wrt, context))]
            total += Partial(head, inputs, *zip(*pairs, strict=True))
    for n, (place, direction) in enumerate(taken):
        if may_vary(direction, wrt):
            pairs = [(place, rate_of(direction, wrt, context)) if m == n else pair for m, pair in enumerate(taken)]
            total += Partial(head, inputs, *zip(*pairs, strict=True))
    return total


rates = Rule("rates of change")

# --- integrals --------------------------------------------------------------------------------------------------------


@at_every_node("integration", "decided", "integrals of sums, constant factors, powers of the variable, over no range")
def _integrate(node: Any, _: Context) -> Any:
    if not isinstance(node, IntegralTo):
        return node
    body, symbol, lo, hi = node.args
    if lo == hi:
        return sp.S.Zero
    return sp.Add(*[_integral_of(part, symbol, lo, hi) for part in sp.Add.make_args(sp.expand_mul(body))])


def _integral_of(part: Any, symbol: Any, lo: Any, hi: Any) -> Any:
    """A constant times the integral of what is left; that of a power is known."""
    factors = [piece for a in sp.Mul.make_args(part) for piece in _apart(a, symbol)]
    constant = sp.Mul(*[a for a in factors if not a.has(symbol)])
    rest = sp.Mul(*[a for a in factors if a.has(symbol)])
    base, power = rest.as_base_exp()
    if rest == 1:
        return constant * (hi - lo)
    if base == symbol and power.is_Integer and power > 0:
        return constant * (hi ** (power + 1) - lo ** (power + 1)) / (power + 1)
    return constant * IntegralTo(rest, symbol, lo, hi)


def _apart(factor: Any, symbol: Any) -> list[Any]:
    """exp(a + b) as exp(a), which does not depend on the symbol, and exp(b)."""
    if not isinstance(factor, sp.exp):
        return [factor]
    still, moving = sp.expand(factor.args[0]).as_independent(symbol, as_Add=True)
    return [sp.exp(still), sp.exp(moving)]


integration = Rule("integration")


@at_every_node(
    "fundamental theorem", "decided", "the integral of a derivative in the variable is the difference at the ends"
)
def _difference(node: Any, _: Context) -> Any:
    if not isinstance(node, IntegralTo):
        return node
    body, symbol, lo, hi = node.args
    if not (isinstance(body, D) and body.args[1] == symbol):
        return node
    return substitute(body.args[0], {symbol: hi}) - substitute(body.args[0], {symbol: lo})


fundamental_theorem = Rule("fundamental theorem")


# --- linear stochastic differential equations -------------------------------------------------------------------------


def linear_sde(gain: Any, variance: Any) -> Rule:
    """The law is normal, with mean gain * start and this variance; both are terms in the variable of the SDE."""
    return Rule("linear SDE", (sp.sympify(gain, strict=True), sp.sympify(variance, strict=True)))


@at_every_node(
    "linear SDE",
    "law",
    "mean' = slope mean and variance' = 2 slope variance + noise, from 1 and 0: linear equations have one solution",
)
def _solve(node: Any, context: Context, gain: Any, variance: Any) -> Any:
    if not isinstance(node, LinearSDE):
        return node
    x, u, start, slope, noise, time, dim = node.args
    later = after_start(u, context.domain)
    _require(gain, slope * gain, 1, u, later, context)
    _require(variance, 2 * slope * variance + noise, 0, u, later, context)
    return Normal(x, substitute(gain, {u: time}) * start, substitute(variance, {u: time}), dim)


def _require(moment: Any, rate: Any, first: int, u: Any, later: Domain, context: Context) -> None:
    """moment' = rate wherever u > 0, and the moment is continuous from its first value on."""
    where = context.domain
    try:
        discharge([*conditions(moment, where), *regular(moment, 0, frozenset([u]), where)], context.granted)
        discharge(conditions(D(moment, u), later), context.granted)
        begins = _integrate_all(substitute(moment, {u: sp.S.Zero}), context)
    except (Undischarged, Malformed) as reason:
        raise StepFails(f"{moment} is no moment of this equation: {reason}") from reason
    if not Algebra(where).is_zero(begins - first):
        raise StepFails(f"at {u} = 0, {moment} is {begins}, and should be {first}")
    inside = replace(context, domain=later)
    if not Algebra(later).is_zero(rate_of(moment, u, inside) - rate):
        raise StepFails(f"{moment} does not change at the rate {rate}, as the equation's moments do")


def _integrate_all(e: Any, context: Context) -> Any:
    return walk(e, _integrate, context)
