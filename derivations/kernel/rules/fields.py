"""Derivatives of means in a whole vector, and integration by parts in R^d."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, linear_form
from derivations.kernel.definedness import Undischarged, conditions, discharge
from derivations.kernel.dependence import is_member, may_depend, may_touch, may_vary
from derivations.kernel.means import GAUSSIAN, is_polynomial_mean
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node
from derivations.kernel.rules.gradients import MADE, but, is_variable, touches
from derivations.kernel.rules.probability import termwise
from derivations.kernel.terms import (
    Div,
    Expect,
    Grad,
    Inner,
    Jvp,
    LogDensity,
    Vjp,
    is_vector,
)

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
    return touches(parameters, wrt, context) if is_variable(wrt) else may_vary(parameters, wrt)


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
        rest = sp.Mul(*but(factors, n))
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
