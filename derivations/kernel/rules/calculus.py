"""Derivatives: of closed forms (decided), through opaque functions (chain rule), and under an expectation (assumed)."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.binders import fresh, opened, ranged
from derivations.kernel.dependence import may_touch, may_vary
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node
from derivations.kernel.substitution import Captured, substitute
from derivations.kernel.terms import (
    Coord,
    D,
    Expect,
    Gradient,
    Hadamard,
    HeldFixed,
    Inner,
    Norm2,
    ScalarFunction,
    SumTo,
)


@at_every_node(
    "differentiation", "decided", "sums, products, powers, logs, exponentials; chain rule through opaque functions"
)
def _differentiate(node: Any, context: Context) -> Any:
    return derivative(node.args[0], node.args[1], context) if isinstance(node, D) else node


def derivative(e: Any, wrt: Any, context: Context) -> Any:
    """d e / d wrt by the rules of calculus; whatever cannot be looked into stays as an inert D."""
    if e == wrt:
        return sp.S.One
    if not may_vary(e, wrt):
        return sp.S.Zero
    if isinstance(e, sp.Add):
        return sp.Add(*[derivative(a, wrt, context) for a in e.args])
    if isinstance(e, sp.Mul):
        return sp.Add(
            *[
                sp.Mul(derivative(a, wrt, context), *(b for j, b in enumerate(e.args) if j != i))
                for i, a in enumerate(e.args)
            ]
        )
    if isinstance(e, sp.Pow) and not may_vary(e.args[1], wrt):
        base, exponent = e.args
        return exponent * base ** (exponent - 1) * derivative(base, wrt, context)
    if isinstance(e, sp.log):
        return derivative(e.args[0], wrt, context) / e.args[0]
    if isinstance(e, sp.exp):
        return e * derivative(e.args[0], wrt, context)
    if isinstance(e, SumTo):
        return _derivative_of_sum(e, wrt, context)
    if isinstance(e, Hadamard | Inner):
        u, v = e.args
        moving = [(a, b) for a, b in ((u, v), (v, u)) if may_vary(a, wrt)]
        return sp.Add(*[type(e)(derivative(a, wrt, context), b) for a, b in moving])
    if isinstance(e, Norm2):
        return 2 * Inner(derivative(e.args[0], wrt, context), e.args[0])
    if isinstance(e, ScalarFunction) and len(e.args) == 1 and terms.is_vector(e.args[0]):
        return Inner(Gradient(sp.Symbol(type(e).__name__), e.args[0]), derivative(e.args[0], wrt, context))
    return D(e, wrt)


def _derivative_of_sum(e: SumTo, wrt: Any, context: Context) -> Any:
    """d/dv_j of sum_i f(v_i) is f'(v_j): only the term i = j depends on v_j, and j lies in the range."""
    index = fresh()
    body, _, lo, hi = opened(e, index)
    if not isinstance(wrt, Coord | ScalarFunction):
        return ranged(SumTo, derivative(body, wrt, context), index, lo, hi)
    j = wrt.args[1] if isinstance(wrt, Coord) else wrt.args[0]
    own = wrt.func(wrt.args[0], index) if isinstance(wrt, Coord) else wrt.func(index)
    rest = substitute(body, {own: sp.Dummy(real=True)})
    if rest.has(wrt.args[0] if isinstance(wrt, Coord) else type(wrt)) or may_vary(rest, wrt):
        raise StepFails(f"the sum's terms depend on {wrt} in more ways than through {own}")
    inside = context.domain
    if not (inside.at_least_zero(j - lo) and inside.at_least_zero(hi - j)):
        raise StepFails(f"the index {j} is not known to lie in {lo}..{hi}")
    return substitute(derivative(body, own, context), {index: j})


differentiation = Rule("differentiation")


@at_every_node(
    "derivative under the expectation",
    "assumed",
    "dominated derivatives (hypothesis `interchange`) and a law free of the parameter",
)
def _interchange(node: Any, context: Context) -> Any:
    """d/dphi E f = E d/dphi f when the law does not depend on phi."""
    if not (isinstance(node, D) and isinstance(node.args[0], Expect)):
        return node
    law, body = node.args[0].args
    if may_vary(law, node.args[1]) or may_touch(node.args[1], law.variables):
        raise StepFails(f"the law {law} depends on {node.args[1]}: the derivative cannot simply move inside")
    context.require("interchange")
    return Expect(law, D(body, node.args[1]))


interchange = Rule("derivative under the expectation")


@at_every_node(
    "stop-gradient", "decided", "what is stopped is held fixed while one differentiates, and has its value afterwards"
)
def _put_in(node: Any, context: Context) -> Any:
    """A derivative that is taken, at the values of what it held fixed."""
    if not isinstance(node, HeldFixed):
        return node
    try:
        return substitute(node.args[0], node.table, context.domain)
    except Captured as reason:
        raise StepFails(f"something is still differentiated here: {reason}") from reason


stop_gradient = Rule("stop-gradient")
