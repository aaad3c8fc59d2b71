"""Vector calculus: gradients and divergences of closed forms, derivatives of means, integration by parts in R^d."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, linear_form
from derivations.kernel.binders import fresh, opened, ranged
from derivations.kernel.definedness import Undischarged, conditions, discharge
from derivations.kernel.dependence import is_member, may_depend, may_touch, may_vary
from derivations.kernel.means import GAUSSIAN, is_polynomial_mean
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node
from derivations.kernel.rules.gaussian import log_density_of
from derivations.kernel.rules.probability import termwise
from derivations.kernel.terms import (
    Div,
    Expect,
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

# --- calculus ---------------------------------------------------------------------------------------------------------


@at_every_node(
    "vector calculus",
    "decided",
    "sums, products, powers, logs, inner products; chain rule through opaque functions; Hessians are symmetric; the "
    "trace of a Jacobian is the divergence",
)
def _calculus(node: Any, context: Context) -> Any:
    if isinstance(node, Gradient) and node.args[0].name in terms.HEADS and _is_variable(node.args[1]):
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


def _is_variable(e: Any) -> bool:
    return isinstance(e, terms.VectorSymbol) or terms.is_family_variable(e)


def _touches(e: Any, x: Any, context: Context) -> bool:
    return may_touch(e, [x], context.domain)


def grad(e: Any, x: Any, context: Context) -> Any:
    """The gradient of a scalar in x; whatever cannot be looked into stays as an inert Grad."""
    if not _touches(e, x, context):
        return sp.S.Zero
    if isinstance(e, sp.Add):
        return sp.Add(*[grad(a, x, context) for a in e.args])
    if isinstance(e, sp.Mul):
        return sp.Add(*[sp.Mul(*_but(e.args, n)) * grad(a, x, context) for n, a in enumerate(e.args)])
    if isinstance(e, sp.Pow) and not _touches(e.args[1], x, context):
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
    if not _touches(e, x, context) or u == 0:
        return sp.S.Zero
    if e == x:
        return u
    if isinstance(e, sp.Add):
        return sp.Add(*[jvp(a, x, u, context) for a in e.args])
    if isinstance(e, sp.Mul):
        return sp.Add(*[sp.Mul(*_but(e.args, n)) * jvp(a, x, u, context) for n, a in enumerate(e.args)])
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
    if not _touches(e, x, context) or w == 0:
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
    if not _touches(e, x, context):
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
    if not _touches(e, x, context) or e == x:
        return sp.S.Zero
    if isinstance(e, sp.Add):
        return sp.Add(*[laplacian(a, x, dim, context) for a in e.args])
    if not is_vector(e):
        slope = grad(e, x, context)
        return Laplacian(e, x, dim) if slope == Grad(e, x) else div(slope, x, dim, context)
    if isinstance(e, sp.Mul):
        scale, v = _scaled(e)
        if not _touches(scale, x, context):
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
    return isinstance(e, (Jvp, Vjp)) and not _touches(sp.Tuple(*e.args[:2]), x, context)


def _but(factors: Any, n: int) -> list[Any]:
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

# --- means ------------------------------------------------------------------------------------------------------------


@at_every_node("linearity of inner products", "law", "E <u, v> = <u, E v> for a u that the average does not touch")
def _inner_mean(node: Any, context: Context) -> Any:
    """<u, E v> = E <u, v>."""
    if not isinstance(node, Inner):
        return node
    for u, mean in (node.args, node.args[::-1]):
        if isinstance(mean, Expect) and not may_depend(u, mean.args[0].variables, context.domain):
            if not is_polynomial_mean(mean):
                context.require("integrable")
            return _inner_mean(Expect(mean.args[0], Inner(u, mean.args[1])), context)
    return node


inner_mean = Rule("linearity of inner products")


@at_every_node(
    "derivative of a mean",
    "assumed",
    "dominated derivatives of the density and of what is averaged (hypothesis `interchange`)",
)
def _of_mean(node: Any, context: Context) -> Any:
    """The derivative of E_p(y|x) f(x, y) in x: that of f, and f times the derivative of log p(y|x), averaged."""
    if not (isinstance(node, (terms.D, Grad, Jvp, Vjp, Div)) and isinstance(node.args[0], Expect)):
        return node
    (law, body), wrt, rest = node.args[0].args, node.args[1], node.args[2:]
    if may_touch(sp.Tuple(wrt, *rest), law.variables, context.domain):
        raise StepFails(f"{wrt} or a direction may be averaged over by {law}: the derivative cannot move inside")
    context.require("interchange")
    inside = node.func(body, wrt, *rest)
    own = _slope_of_law(node, law, body)
    return Expect(law, inside + own) if _law_varies(law, wrt, context) else Expect(law, inside)


def _law_varies(law: Any, wrt: Any, context: Context) -> bool:
    parameters = sp.Tuple(*law.args[2 if isinstance(law, terms.Density) else 1 :])
    return _touches(parameters, wrt, context) if _is_variable(wrt) else may_vary(parameters, wrt)


def _slope_of_law(node: Any, law: Any, body: Any) -> Any:
    """What the law's own dependence adds, under the average."""
    log_p, wrt = LogDensity(law), node.args[1]
    if isinstance(node, Grad):
        return body * Grad(log_p, wrt)
    if isinstance(node, Jvp):
        return body * Inner(Grad(log_p, wrt), node.args[2])
    if isinstance(node, Vjp):
        return Inner(body, node.args[2]) * Grad(log_p, wrt)
    if isinstance(node, Div):
        return Inner(body, Grad(log_p, wrt))
    return body * terms.D(log_p, wrt)


mean_derivative = Rule("derivative of a mean")

# --- integration by parts ---------------------------------------------------------------------------------------------


def integrate_by_parts(dim: Any = terms.DIM) -> Rule:
    """E_p <f, grad log p> = -E_p div f, and E_p c grad log p = -E_p grad c, in a variable of p that lives in R^dim.

    Where it lives, the law or another line tells, or else it is R^d; a `dim` that is named must agree.
    """
    return Rule("integration by parts", (sp.sympify(dim),))


@at_every_node(
    "integration by parts",
    "assumed",
    "what the score is multiplied with has finite means and no flux at infinity (hypotheses `integrable`, `decay`)",
)
def _by_parts(node: Any, context: Context, dim: Any) -> Any:
    def fits(f: Any, law: Any) -> bool:
        context.require("decay")
        context.require("integrable")
        return True

    return _parts(node, dim, fits, context)


by_parts = integrate_by_parts()


@at_every_node("Stein's identity", "law", "integration by parts for a Gaussian law and a polynomial")
def _stein(node: Any, context: Context, dim: Any) -> Any:
    """The same where nothing has to be supposed: polynomials, times a Gaussian density, vanish at infinity."""
    return _parts(node, dim, lambda f, law: is_polynomial_mean(Expect(law, f)), context)


stein = Rule("Stein's identity", (terms.DIM,))


def _parts(node: Any, dim: Any, fits: Callable[[Any, Any], bool], context: Context) -> Any:
    if not (isinstance(node, Expect) and isinstance(node.args[0], (terms.Density, *GAUSSIAN))):
        return node
    law, body = node.args
    within = law.args[-1] if isinstance(law, GAUSSIAN) else None
    scores = {g for g in body.atoms(Grad) if _is_own_score(g, law, context)}

    def value(factors: list[Any]) -> Any:
        f, x = _beside_score(factors, scores)
        if x is None or not fits(f, law):
            return None
        size = within or context.spaces.size(x) or terms.DIM  # where nothing tells, R^d is meant, and no other
        if dim not in (size, terms.DIM):
            raise StepFails(f"{x} lives in R^{size}, and not in R^{dim}")
        return _negative_mean(Div(f, x, size) if is_vector(f) else Grad(f, x), law, context)

    return termwise(_distributed(body, scores), law, value, context) if scores else node


def _is_own_score(g: Any, law: Any, context: Context) -> bool:
    """grad log p in one of p's own variables, where p is the very law that is averaged over, on all of R^d."""
    score, x = g.args
    return (
        isinstance(score, LogDensity)
        and is_member(x, law.variables, context.domain) is True
        and (score.args[0] == law or Algebra(context.domain).equal(score.args[0], law))
        and terms.name_of(x) not in context.domain.intervals
    )


def _distributed(body: Any, scores: set[Any]) -> Any:
    """Inner products with a score, expanded into those of vector atoms."""
    if isinstance(body, sp.Add | sp.Mul):
        return body.func(*(_distributed(a, scores) for a in body.args))
    if isinstance(body, Inner) and any(g in scores for a in body.args for g in linear_form(a)):
        u, v = map(linear_form, body.args)
        return sp.Add(*[a * b * Inner(y, z) for y, a in u.items() for z, b in v.items()])
    return body


def _beside_score(factors: list[Any], scores: set[Any]) -> tuple[Any, Any]:
    """(f, x) of a product <f, score in x> or f score; (None, None) for another."""
    for n, factor in enumerate(factors):
        rest = sp.Mul(*_but(factors, n))
        if factor in scores and not is_vector(rest):
            return rest, factor.args[1]
        for f, score in (factor.args, factor.args[::-1]) if isinstance(factor, Inner) else ():
            if score in scores:
                return rest * f, score.args[1]
    return None, None


def _negative_mean(derivative: Any, law: Any, context: Context) -> Any:
    """Minus the mean of a derivative that must exist everywhere."""
    known = context.enter(Expect(law, derivative))[1][1]
    try:
        discharge(conditions(derivative, known.domain), context.granted)
    except Undischarged as reason:
        raise StepFails(f"integration by parts needs a derivative everywhere: {reason}") from reason
    value = MADE[type(derivative)](*derivative.args, known)
    return -Expect(law, value) if may_depend(value, law.variables, context.domain) else -value
