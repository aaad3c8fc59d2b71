"""Gradients, Jacobians at work, divergences and Laplacians of closed forms, and of functions that stay opaque."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import linear_form
from derivations.kernel.binders import fresh, opened, ranged
from derivations.kernel.dependence import may_touch
from derivations.kernel.rules.base import Context, Rule, at_every_node
from derivations.kernel.rules.gaussian import log_density_of
from derivations.kernel.terms import (
    Div,
    Grad,
    Gradient,
    Hadamard,
    Inner,
    Jvp,
    Laplacian,
    LogDensity,
    Norm2,
    Normal,
    Ratio,
    SumTo,
    Vjp,
    is_vector,
)


@at_every_node(
    "vector calculus",
    "decided",
    "sums, products, powers, logs, inner products; chain rule through opaque functions; Hessians are symmetric; the "
    "trace of a Jacobian is the divergence",
)
def _calculus(node: Any, context: Context) -> Any:
    if isinstance(node, Gradient) and node.args[0].name in terms.HEADS and is_variable(node.args[1]):
        return Grad(terms.HEADS[node.args[0].name](node.args[1]), node.args[1])
    if isinstance(node, Inner) and node.atoms(Jvp, Vjp):
        return _in_order(node)
    return MADE[type(node)](*node.args, context) if isinstance(node, terms.FIELDS) else node


def _in_order(node: Any) -> Any:
    """<u, H w> as <w, H u> where w comes first, since a Hessian is symmetric, and <u, J^T w> as <w, J u>."""
    u, v = map(linear_form, node.args)
    return sp.Add(*[a * b * _paired(y, z) for y, a in u.items() for z, b in v.items()])


def _paired(y: Any, z: Any) -> Any:
    turned = sorted((a for a in (y, z) if isinstance(a, Vjp)), key=sp.default_sort_key)
    if not turned:
        return _symmetric(y, z)
    e, x, w = turned[0].args
    return _in_order(Inner(w, Jvp(e, x, z if turned[0] == y else y)))


def _symmetric(y: Any, z: Any) -> Any:
    for hessian, other in ((y, z), (z, y)):
        if (
            isinstance(hessian, Jvp)
            and isinstance(hessian.args[0], Grad)
            and hessian.args[0].args[1] == hessian.args[1]
        ):
            slope, x, along = hessian.args
            first, second = sorted((along, other), key=sp.default_sort_key)
            return Inner(Jvp(slope, x, first), second)
    return Inner(y, z)


def is_variable(e: Any) -> bool:
    return isinstance(e, terms.VectorSymbol) or terms.is_family_variable(e)


def touches(e: Any, x: Any, context: Context) -> bool:
    return may_touch(e, [x], context.domain)


def grad(e: Any, x: Any, context: Context) -> Any:
    """The gradient of a scalar in x; whatever cannot be looked into stays as an inert Grad."""
    if not touches(e, x, context):
        return sp.S.Zero
    if isinstance(e, sp.Add):
        return sp.Add(*[grad(a, x, context) for a in e.args])
    if isinstance(e, sp.Mul):
        return sp.Add(*[sp.Mul(*but(e.args, n)) * grad(a, x, context) for n, a in enumerate(e.args)])
    if isinstance(e, sp.Pow) and not touches(e.args[1], x, context):
        base, exponent = e.args
        return exponent * base ** (exponent - 1) * grad(base, x, context)
    if isinstance(e, Ratio):
        above, below = e.args
        return (below * grad(above, x, context) - above * grad(below, x, context)) / below**2
    if isinstance(e, sp.log):
        return grad(e.args[0], x, context) / e.args[0]
    if isinstance(e, sp.exp):
        return e * grad(e.args[0], x, context)
    if isinstance(e, Inner):
        a, b = e.args
        return vjp(a, x, b, context) + vjp(b, x, a, context)
    if isinstance(e, Norm2):
        return 2 * vjp(e.args[0], x, e.args[0], context)
    if isinstance(e, SumTo):
        return _in_sum(e, context, lambda body, inside: grad(body, x, inside))
    if isinstance(e, LogDensity) and isinstance(e.args[0], Normal):
        return grad(log_density_of(e.args[0]), x, context)
    if isinstance(e, terms.ScalarFunction) and len(e.args) == 1 and is_vector(e.args[0]) and e.args[0] != x:
        return vjp(e.args[0], x, Gradient(sp.Symbol(type(e).__name__), e.args[0]), context)
    return Grad(e, x)


def jvp(e: Any, x: Any, u: Any, context: Context) -> Any:
    """The derivative of a scalar or vector along u; linear in u."""
    if not is_vector(e):
        slope = grad(e, x, context)
        return Inner(slope, u) if slope != 0 and u != 0 else sp.S.Zero
    if not touches(e, x, context) or u == 0:
        return sp.S.Zero
    if e == x:
        return u
    if isinstance(e, sp.Add):
        return sp.Add(*[jvp(a, x, u, context) for a in e.args])
    if isinstance(e, sp.Mul):
        return sp.Add(*[sp.Mul(*but(e.args, n)) * jvp(a, x, u, context) for n, a in enumerate(e.args)])
    if isinstance(e, Hadamard):
        a, b = e.args
        return _product(Hadamard, jvp(a, x, u, context), b) + _product(Hadamard, a, jvp(b, x, u, context))
    if isinstance(e, SumTo):
        return _in_sum(e, context, lambda body, inside: jvp(body, x, u, inside))
    if _is_linear_map(e, x, context):
        return APPLIED[type(e)](*e.args[:2], jvp(e.args[2], x, u, context), context)
    return sp.Add(*[c * Jvp(e, x, atom) for atom, c in linear_form(u).items()])


def vjp(e: Any, x: Any, w: Any, context: Context) -> Any:
    """The transposed Jacobian of a vector, times w; linear in w. The Jacobian of a gradient is its own transpose."""
    if not touches(e, x, context) or w == 0:
        return sp.S.Zero
    if e == x:
        return w
    if isinstance(e, sp.Add):
        return sp.Add(*[vjp(a, x, w, context) for a in e.args])
    if isinstance(e, sp.Mul):
        scale, v = _scaled(e)
        return scale * vjp(v, x, w, context) + Inner(v, w) * grad(scale, x, context)
    if isinstance(e, Hadamard):
        a, b = e.args
        return vjp(a, x, Hadamard(b, w), context) + vjp(b, x, Hadamard(a, w), context)
    if isinstance(e, SumTo):
        return _in_sum(e, context, lambda body, inside: vjp(body, x, w, inside))
    if _is_linear_map(e, x, context):
        return vjp(e.args[2], x, APPLIED[Vjp if isinstance(e, Jvp) else Jvp](*e.args[:2], w, context), context)
    head = Jvp if isinstance(e, Grad) and e.args[1] == x else Vjp
    return sp.Add(*[c * head(e, x, atom) for atom, c in linear_form(w).items()])


def div(e: Any, x: Any, dim: Any, context: Context) -> Any:
    """The divergence of a vector."""
    if not touches(e, x, context):
        return sp.S.Zero
    if e == x:
        return dim
    if isinstance(e, sp.Add):
        return sp.Add(*[div(a, x, dim, context) for a in e.args])
    if isinstance(e, sp.Mul):
        scale, v = _scaled(e)
        return scale * div(v, x, dim, context) + _product(Inner, grad(scale, x, context), v)
    if isinstance(e, SumTo):
        return _in_sum(e, context, lambda body, inside: div(body, x, dim, inside))
    if _is_linear_map(e, x, context) and e.args[2] == x:
        return div(e.args[0], e.args[1], dim, context)
    if isinstance(e, Grad) and e.args[1] == x:
        return laplacian(e.args[0], x, dim, context)
    return Div(e, x, dim)


def laplacian(e: Any, x: Any, dim: Any, context: Context) -> Any:
    """The Laplacian of a scalar, as the divergence of its gradient, or of a vector."""
    if not touches(e, x, context) or e == x:
        return sp.S.Zero
    if isinstance(e, sp.Add):
        return sp.Add(*[laplacian(a, x, dim, context) for a in e.args])
    if not is_vector(e):
        slope = grad(e, x, context)
        return Laplacian(e, x, dim) if slope == Grad(e, x) else div(slope, x, dim, context)
    if isinstance(e, sp.Mul):
        scale, v = _scaled(e)
        if not touches(scale, x, context):
            return scale * laplacian(v, x, dim, context)
    if isinstance(e, SumTo):
        return _in_sum(e, context, lambda body, inside: laplacian(body, x, dim, inside))
    return Laplacian(e, x, dim)


MADE: Mapping[Any, Callable[..., Any]] = MappingProxyType(
    {Grad: grad, Jvp: jvp, Vjp: vjp, Div: div, Laplacian: laplacian}
)


APPLIED: Mapping[Any, Callable[..., Any]] = MappingProxyType({Jvp: jvp, Vjp: vjp})


def _is_linear_map(e: Any, x: Any, context: Context) -> bool:
    """A Jacobian, or its transpose, that does not depend on x, at work on something."""
    return isinstance(e, (Jvp, Vjp)) and not touches(sp.Tuple(*e.args[:2]), x, context)


def but(factors: Any, n: int) -> list[Any]:
    return [a for m, a in enumerate(factors) if m != n]


def _scaled(product: Any) -> tuple[Any, Any]:
    """(number, vector) of a product."""
    (v,) = [a for a in product.args if is_vector(a)]
    return sp.Mul(*[a for a in product.args if a is not v]), v


def _product(head: Any, a: Any, b: Any) -> Any:
    return sp.S.Zero if a == 0 or b == 0 else head(a, b)


def _in_sum(e: Any, context: Context, change: Callable[[Any, Context], Any]) -> Any:
    """A finite sum is differentiated term by term."""
    index = fresh()
    body, _, lo, hi = opened(e, index)
    inside = replace(context, domain=context.domain.with_index(index, lo, hi))
    return ranged(SumTo, change(body, inside), index, lo, hi)


vector_calculus = Rule("vector calculus")
