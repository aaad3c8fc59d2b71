"""Laws of probability for any densities: definitions, Bayes, linearity, tower, Gibbs, Jensen, importance weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra
from derivations.kernel.domain import Domain
from derivations.kernel.rules.base import Context, Rule, StepFails, everywhere, walk
from derivations.kernel.scope import domains_inside, free_variables, is_member, may_touch, outside
from derivations.kernel.terms import (
    KL,
    AtMost,
    DefinedFunction,
    Density,
    Equal,
    Expect,
    LogDensity,
    LogJoint,
    SameLaw,
    SumTo,
    Term,
    define,
    variable_set,
)

Entropy = define("H", r"\mathrm H", lambda law: -Expect(law, LogDensity(law)), notation=False)


# --- definitions ------------------------------------------------------------------------------------------------------


def _unfold(node: Any, context: Context) -> Any:
    if isinstance(node, KL):
        p, q = node.args
        return Expect(p, LogDensity(p) - LogDensity(q))
    if isinstance(node, DefinedFunction):
        return walk(node.unfold(), _unfold, context)
    return node


definition = Rule(
    "definition", "decided", "KL, entropy and named quantities stand for their definitions", everywhere(_unfold)
)


# --- Bayes ------------------------------------------------------------------------------------------------------------


def _to_joints(node: Any, _: Context) -> Any:
    if isinstance(node, LogDensity) and isinstance(node.args[0], Density):
        name, variables, given = node.args[0].args
        return LogJoint(name, variable_set([*variables, *given])) - LogJoint(name, given)
    return node


bayes = Rule(
    "Bayes", "law", "log conditional = log joint - log marginal, for one and the same law", everywhere(_to_joints)
)


# --- linearity and tower ----------------------------------------------------------------------------------------------


def termwise(body: Any, law: Any, value: Callable[[list[Any]], Any], context: Context) -> Any:
    """E over the law of the body, term by term, each without the factors that are free of the law's variables.

    `value` gives E of a product of the other factors, or None where it does not know it: that expectation is kept, and
    must be finite.
    """
    total = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(body)):
        factors = sp.Mul.make_args(term)
        fixed = sp.Mul(*[f for f in factors if not may_touch(f, law.variables)])
        inside = [f for f in factors if may_touch(f, law.variables)]
        if len(inside) == 1 and isinstance(inside[0], SumTo):
            inner, index, lo, hi = inside[0].args
            average: Any = SumTo(termwise(inner, law, value, context), index, lo, hi)
        else:
            average = value(inside) if inside else sp.S.One
        if average is None:
            context.require("integrable")
            average = Expect(law, sp.Mul(*inside))
        total += fixed * average
    return total


def _linear(node: Any, context: Context) -> Any:
    if not isinstance(node, Expect):
        return node
    context.require("integrable")
    return termwise(node.args[1], node.args[0], lambda _: None, context)


linearity = Rule(
    "linearity of E", "law", "every expectation written is finite (hypothesis `integrable`)", everywhere(_linear)
)


def _tower(node: Any, context: Context) -> Any:
    if not isinstance(node, Expect) or not isinstance(node.args[0], Density):
        return node
    context.require("integrable")
    law, body = node.args
    if isinstance(body, Expect) and isinstance(body.args[0], Density):
        name, variables, given = law.args
        inner_name, inner_variables, inner_given = body.args[0].args
        if inner_name == name and inner_given == variable_set([*variables, *given]):
            return _tower(Expect(Density(name, [*variables, *inner_variables], given), body.args[1]), context)
    return _drop_unused(law, body, context)


def _drop_unused(law: Density, body: Any, context: Context) -> Any:
    used = []
    for v in free_variables(body, context.domain):
        member = is_member(v, law.variables, context.domain)
        if member is None:
            return Expect(law, body)
        if member:
            used.append(v)
    return Expect(Density(law.args[0], used, law.given), body) if used else body


tower = Rule(
    "tower", "law", "E_a|c E_b|a,c = E_a,b|c; variables the body does not mention integrate to 1", everywhere(_tower)
)


# --- importance weights and total probability -------------------------------------------------------------------------


def _total_mass(e: Any, domain: Domain) -> Any:
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


def _comparable(p: Any, q: Any, domain: Domain) -> bool:
    """Both are laws of the same variables, and neither is conditioned on one of them."""
    return p.variables == q.variables and _disjoint((), p, domain) and _disjoint((), q, domain)


def _density_ratio(node: Any, context: Context) -> Any:
    """E_q(V|G) exp(log p(V, X | H) - log q(V|G)) = p(X | H)."""
    total = _total_mass(node, context.domain)
    if total is None:
        return node
    context.require("common support")
    return total


importance = Rule(
    "importance weights",
    "law",
    "the expectation under q of p/q is the integral of p (hypothesis `common support`)",
    everywhere(_density_ratio),
)


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


total_probability = Rule(
    "total probability", "law", "averaging q(X | Y, G) over q(Y | G) gives q(X | G)", everywhere(_total)
)


# --- inequalities -----------------------------------------------------------------------------------------------------


def _gap_is_divergence(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """previous - following is a combination, with non-negative coefficients, of KLs and expectations of KLs."""
    if relation not in ("<=", ">="):
        raise StepFails(f"Gibbs proves <= and >=, not {relation!r}")
    context.lemma("gaussian.kl.nonnegative")
    gap = sp.expand(previous - following if relation == ">=" else following - previous)
    divergences = sorted(_divergences(gap, context.domain), key=sp.default_sort_key)
    if not divergences:
        raise StepFails("the two lines do not differ by a KL divergence")
    names = {k: sp.Dummy(positive=True) for k in divergences}
    form = sp.expand(gap.xreplace(names))
    rest = form
    for dummy in names.values():
        coefficient = form.coeff(dummy)
        if coefficient.has(*names.values()) or Algebra(context.domain).sign(coefficient) not in ("+", "0+", "0"):
            return False
        rest = sp.expand(rest - coefficient * dummy)
    return Algebra(context.domain).is_zero(rest.xreplace({d: k for k, d in names.items()}))


def _divergences(e: Any, domain: Domain) -> set[Any]:
    if isinstance(e, Term):
        return {e} if _is_nonnegative_average(e, domain) else set()
    return {k for a in e.args for k in _divergences(a, domain)}


def _is_nonnegative_average(e: Any, domain: Domain) -> bool:
    if isinstance(e, KL):
        p, q = e.args
        return _comparable(p, q, domain)
    if isinstance(e, Expect):
        return _is_nonnegative_average(e.args[1], domain)
    return isinstance(e, SumTo) and _is_nonnegative_average(e.args[0], domains_inside(e, domain)[0])


gibbs = Rule("Gibbs", "law", "the lines differ by KL divergences, each >= 0", decide=_gap_is_divergence)


def _jensen(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """log E[u] >= E[log u], u > 0."""
    upper, lower = (previous, following) if relation == ">=" else (following, previous)
    if relation not in ("<=", ">="):
        raise StepFails(f"Jensen proves <= and >=, not {relation!r}")
    if not (isinstance(upper, sp.log) and isinstance(upper.args[0], Expect) and isinstance(lower, Expect)):
        raise StepFails("Jensen for the logarithm compares log E[u] with E[log u]")
    law, body = upper.args[0].args
    algebra = Algebra(domains_inside(lower, context.domain)[1])
    log_body = body.args[0] if isinstance(body, sp.exp) else sp.log(body)
    if not isinstance(body, sp.exp) and algebra.sign(body) != "+":
        raise StepFails(f"the logarithm's argument {body} is not known to be positive")
    context.require("integrable")
    return law == lower.args[0] and algebra.equal(log_body, lower.args[1])


jensen = Rule("Jensen", "law", "log is concave: log E[u] >= E[log u] for u > 0", decide=_jensen)


def _log_bound(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """E[-log u] >= E[1 - u] for u = exp(w) > 0: the tangent of log at 1 lies above it."""
    if relation != ">=" or not (isinstance(previous, Expect) and isinstance(following, Expect)):
        raise StepFails("the tangent bound compares E[-log u] >= E[1 - u]")
    if previous.args[0] != following.args[0]:
        return False
    w = -previous.args[1]
    return Algebra(domains_inside(previous, context.domain)[1]).equal(following.args[1], 1 - sp.exp(sp.expand(w)))


tangent = Rule("tangent of log at 1", "law", "log u <= u - 1 for u > 0, with equality only at u = 1", decide=_log_bound)


def _within_mass(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """E_q[p/q] <= the integral of p, under an increasing function: itself, or the logarithm."""
    small, large = (previous, following) if relation == "<=" else (following, previous)
    if relation not in ("<=", ">="):
        raise StepFails(f"a mass proves <= and >=, not {relation!r}")
    if isinstance(small, sp.log) and (total := _total_mass(small.args[0], context.domain)) is not None:
        return Algebra(context.domain).equal(large, sp.log(total))
    averages = (small - large).atoms(Expect)
    ratios = {r: total for r in averages if (total := _total_mass(r, context.domain)) is not None}
    names = {r: sp.Dummy() for r in ratios}
    gap = sp.expand((large - small).xreplace(names))
    for r, name in names.items():
        weight = gap.coeff(name)
        if weight.has(*names.values()) or Algebra(context.domain).sign(weight) not in ("-", "0-", "0"):
            return False
        gap = sp.expand(gap - weight * name + weight * ratios[r])
    return bool(ratios) and Algebra(context.domain).is_zero(gap)


mass = Rule(
    "mass of an importance weight",
    "law",
    "the expectation under q of p/q is the integral of p over the places where q > 0: at most the whole integral",
    decide=_within_mass,
)


# --- order and equations ----------------------------------------------------------------------------------------------


def scaled(factor: Any) -> Rule:
    """a <= b iff c <= d, when d - c = factor (b - a) and factor > 0 on the domain: the two orders agree."""

    def decide(relation: str, previous: Any, following: Any, context: Context) -> bool:
        if relation != "iff" or not (isinstance(previous, AtMost) and isinstance(following, AtMost)):
            raise StepFails("this rule compares two inequalities")
        algebra = Algebra(context.domain)
        if algebra.sign(factor) != "+":
            raise StepFails(f"the factor {factor} is not known to be positive")
        (a, b), (c, d) = previous.args, following.args
        return algebra.is_zero(factor * (b - a) - (d - c))

    return Rule("same order", "decided", "the second difference is a positive multiple of the first", decide=decide)


# --- when is a divergence zero? ---------------------------------------------------------------------------------------


def _rearranged(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """a = b iff c = d, when a - b and c - d agree up to sign."""
    if relation != "iff" or not (isinstance(previous, Equal) and isinstance(following, Equal)):
        raise StepFails("rearranging compares two equations")
    algebra = Algebra(context.domain)
    (a, b), (c, d) = previous.args, following.args
    return algebra.is_zero((a - b) - (c - d)) or algebra.is_zero((a - b) + (c - d))


rearrange = Rule("rearranging", "decided", "moving terms to the other side of an equation", decide=_rearranged)


def _vanishing(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """E_p[u - 1 - log u] + (1 - E_p[u]) = 0 with u = q/p iff p = q: both terms are >= 0, the first 0 only at u = 1."""
    if relation != "iff" or not (isinstance(previous, Equal) and isinstance(following, SameLaw)):
        raise StepFails("this rule compares a zero mean with an equality of laws")
    p, q = following.args
    if not _comparable(p, q, context.domain):
        return False
    w = LogDensity(q) - LogDensity(p)
    total, zero = previous.args
    convex = Expect(p, sp.exp(w) - 1 - w)
    missing = 1 - Expect(p, sp.exp(w))
    algebra = Algebra(context.domain)
    return bool(zero == 0 and (algebra.equal(total, convex + missing) or algebra.equal(total, convex)))


vanishing_mean = Rule(
    "zero mean of a non-negative function",
    "law",
    "u - 1 - log u >= 0 with equality only at u = 1; u = q/p has mean at most 1 under p",
    decide=_vanishing,
)


def _zero_divergence(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """KL(p, q) = 0 iff p and q are the same law."""
    if relation != "iff" or not isinstance(following, SameLaw):
        raise StepFails("this rule compares KL = 0 with an equality of laws")
    context.lemma("gaussian.kl.nonnegative")
    p, q = following.args
    return _comparable(p, q, context.domain) and previous in (Equal(KL(p, q), 0), Equal(0, KL(p, q)))


zero_divergence = Rule(
    "equality in Gibbs", "law", "KL(p, q) = 0 exactly when p = q almost everywhere", decide=_zero_divergence
)
