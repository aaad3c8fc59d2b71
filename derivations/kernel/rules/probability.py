"""Laws of probability for any densities: definitions, Bayes, linearity, tower, Gibbs, Jensen, importance weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from derivations.kernel.binders import ranged
from derivations.kernel.dependence import free_variables, is_member, may_depend, outside
from derivations.kernel.domain import Domain
from derivations.kernel.rules.base import Context, Rule, at_every_node
from derivations.kernel.terms import (
    KL,
    Density,
    Expect,
    Inner,
    LogDensity,
    LogJoint,
    SumTo,
    define,
    variable_set,
)

Entropy = define("H", r"\mathrm H", lambda law: -Expect(law, LogDensity(law)), notation=False)


# --- definitions ------------------------------------------------------------------------------------------------------


@at_every_node("definition", "decided", "KL, entropy and named quantities stand for their definitions")
def _unfold(node: Any, _: Context) -> Any:
    if isinstance(node, KL):
        p, q = node.args
        return Expect(p, LogDensity(p) - LogDensity(q))
    return node


definition = Rule("definition")


# --- Bayes ------------------------------------------------------------------------------------------------------------


@at_every_node("Bayes", "law", "log conditional = log joint - log marginal, for one and the same law")
def _to_joints(node: Any, _: Context) -> Any:
    if isinstance(node, LogDensity) and isinstance(node.args[0], Density):
        name, variables, given = node.args[0].args
        return LogJoint(name, variable_set([*variables, *given])) - LogJoint(name, given)
    return node


bayes = Rule("Bayes")


# --- linearity and tower ----------------------------------------------------------------------------------------------


def termwise(body: Any, law: Any, value: Callable[[list[Any]], Any], context: Context) -> Any:
    """E over the law of the body, term by term, each without the factors that are free of the law's variables.

    `value` gives E of a product of the other factors, or None where it does not know it: that expectation is kept, and
    must be finite.
    """
    total = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(body)):
        factors = sp.Mul.make_args(term)
        if any(isinstance(f, Inner) and 0 in f.args for f in factors):  # 0 everywhere
            continue
        inside = [f for f in factors if may_depend(f, law.variables, context.domain)]
        fixed = sp.Mul(*[f for f in factors if f not in inside])
        if len(inside) == 1 and isinstance(inside[0], SumTo):
            opened_sum, contexts = context.enter(inside[0])
            (inner, index, lo, hi), here = opened_sum.args, contexts[0]
            average: Any = ranged(SumTo, termwise(inner, law, value, here), index, lo, hi)
        else:
            average = value(inside) if inside else sp.S.One
        if average is None:
            context.require("integrable")
            average = Expect(law, sp.Mul(*inside))
        total += fixed * average
    return total


@at_every_node("linearity of E", "law", "every expectation written is finite (hypothesis `integrable`)")
def _linear(node: Any, context: Context) -> Any:
    if not isinstance(node, Expect):
        return node
    context.require("integrable")
    return termwise(node.args[1], node.args[0], lambda _: None, context)


linearity = Rule("linearity of E")


@at_every_node("tower", "law", "E_a|c E_b|a,c = E_a,b|c; variables the body does not mention integrate to 1")
def _tower(node: Any, context: Context) -> Any:
    if not isinstance(node, Expect) or not isinstance(node.args[0], Density):
        return node
    law, body = node.args
    used = _used(law, body, context.domain)
    if used == []:  # whatever has a value is its own mean
        return body
    context.require("integrable")
    if isinstance(body, Expect) and isinstance(body.args[0], Density):
        name, variables, given = law.args
        inner_name, inner_variables, inner_given = body.args[0].args
        if inner_name == name and inner_given == variable_set([*variables, *given]):
            return _tower(Expect(Density(name, [*variables, *inner_variables], given), body.args[1]), context)
    return node if used is None else Expect(Density(law.args[0], used, law.given), body)


def _used(law: Density, body: Any, domain: Domain) -> list[Any] | None:
    """The law's variables that the body depends on; None where the domain does not tell them from others."""
    members = {v: is_member(v, law.variables, domain) for v in free_variables(body, domain)}
    return None if None in members.values() else [v for v, member in members.items() if member]


tower = Rule("tower")


# --- importance weights and total probability -------------------------------------------------------------------------


def total_mass(e: Any, domain: Domain) -> Any:
    """The integral of p(V, X | H) over V, when e is E_q(V|G) exp(log p(V, X | H) - log q(V|G)); else None."""
    if not isinstance(e, Expect) or not isinstance(e.args[1], sp.exp):
        return None
    law, exponent = e.args[0], e.args[1].args[0]
    target = sp.expand(exponent + LogDensity(law))
    if not (isinstance(target, LogDensity) and isinstance(target.args[0], Density)):
        return None
    name, variables, given = target.args[0].args
    rest = [left for v in variables for left in outside(v, law.variables, domain)]
    if variable_set([*rest, *law.variables]) != variables or not _disjoint([*rest, *given], law, domain):
        return None
    return sp.exp(LogDensity(Density(name, rest, given))) if rest else sp.S.One


def _disjoint(others: Any, law: Any, domain: Domain) -> bool:
    """Surely none of the others, nor what the law depends on, is one of the variables that the law averages over."""
    conditions = free_variables(sp.Tuple(*law.args[2 if isinstance(law, Density) else 1 :]), domain)
    return all(is_member(v, law.variables, domain) is False for v in (*others, *conditions))


def comparable(p: Any, q: Any, domain: Domain) -> bool:
    """Both are laws of the same variables, and neither is conditioned on one of them."""
    return p.variables == q.variables and _disjoint((), p, domain) and _disjoint((), q, domain)


@at_every_node(
    "importance weights",
    "law",
    "the expectation under q of p/q is the integral of p (hypothesis `common support`)",
)
def _density_ratio(node: Any, context: Context) -> Any:
    """E_q(V|G) exp(log p(V, X | H) - log q(V|G)) = p(X | H)."""
    total = total_mass(node, context.domain)
    if total is None:
        return node
    context.require("common support")
    return total


importance = Rule("importance weights")


@at_every_node("total probability", "law", "averaging q(X | Y, G) over q(Y | G) gives q(X | G)")
def _total(node: Any, context: Context) -> Any:
    """E_q(Y|G) q(X | Y, G) = q(X | G)."""
    if not isinstance(node, Expect) or not isinstance(node.args[1], sp.exp):
        return node
    law, inside = node.args[0], node.args[1].args[0]
    if not (isinstance(law, Density) and isinstance(inside, LogDensity) and isinstance(inside.args[0], Density)):
        return node
    name, variables, given = inside.args[0].args
    if name != law.args[0] or given != variable_set([*law.variables, *law.given]):
        return node
    if not _disjoint(variables, law, context.domain):
        return node
    return sp.exp(LogDensity(Density(name, variables, law.given)))


total_probability = Rule("total probability")
