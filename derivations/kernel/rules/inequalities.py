"""Inequalities between means: Gibbs, Jensen, the tangent of log, the mass of a weight; when a divergence is zero."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra
from derivations.kernel.dependence import enter
from derivations.kernel.domain import Domain
from derivations.kernel.lowering import on_the_surface
from derivations.kernel.means import extent
from derivations.kernel.rules.base import Context, Rule, StepFails, deciding
from derivations.kernel.rules.probability import comparable, total_mass
from derivations.kernel.terms import KL, AtMost, Density, Equal, Expect, LogDensity, SameLaw, SumTo

# --- inequalities -----------------------------------------------------------------------------------------------------


def gibbs_by(claim_id: str) -> Rule:
    """KL >= 0, by the claim of that id."""
    return Rule("Gibbs", (claim_id,))


@deciding("Gibbs", "law", "the lines differ by KL divergences, each >= 0")
def _gap_is_divergence(relation: str, previous: Any, following: Any, context: Context, claim_id: str) -> bool:
    """previous - following is a combination, with non-negative coefficients, of KLs and averages of KLs."""
    if relation not in ("<=", ">="):
        raise StepFails(f"Gibbs proves <= and >=, not {relation!r}")
    if not any(_says_nonnegative(theorem) for theorem in context.lemma(claim_id).values()):
        raise StepFails(f"{claim_id} does not say that a divergence between any two laws is never negative")
    return is_divergence(previous - following if relation == ">=" else following - previous, context)


def _says_nonnegative(theorem: Any) -> bool:
    """KL(p, q) >= 0 for two laws of which nothing is known."""
    bare = isinstance(theorem.lhs, KL) and all(isinstance(law, Density) and not law.given for law in theorem.lhs.args)
    two = bare and len({law.args[0] for law in theorem.lhs.args}) == 2
    return two and theorem.relation == ">=" and theorem.rhs == 0 and not any(h.sides for h in theorem.hypotheses)


def is_divergence(gap: Any, context: Context) -> bool:
    """Is the gap a combination of divergences and averages of divergences, its coefficients non-negative?"""
    parts = [(c, e) for c, e in _linear_parts(gap) if _is_nonnegative_average(e, context.domain)]
    if not parts:
        raise StepFails("the two lines do not differ by a KL divergence")
    if any(Algebra(context.domain).sign(coefficient) not in ("+", "0+", "0") for coefficient, _ in parts):
        return False
    return Algebra(context.domain).is_zero(gap - sp.Add(*[c * e for c, e in parts]))


def _linear_parts(e: Any) -> list[tuple[Any, Any]]:
    """The terms of e as (coefficient, mean or sum); terms without one, or with several, are left out."""
    found: dict[Any, Any] = {}
    for term in sp.Add.make_args(on_the_surface(sp.expand, e)):
        averages = [f for f in sp.Mul.make_args(term) if isinstance(f, KL | Expect | SumTo)]
        if len(averages) == 1:
            rest = sp.Mul(*[f for f in sp.Mul.make_args(term) if f is not averages[0]])
            found[averages[0]] = found.get(averages[0], sp.S.Zero) + rest
    return [(coefficient, average) for average, coefficient in found.items()]


def _is_nonnegative_average(e: Any, domain: Domain) -> bool:
    if isinstance(e, KL):
        return comparable(e.args[0], e.args[1], domain)
    if isinstance(e, Expect | SumTo):
        place = 1 if isinstance(e, Expect) else 0
        inside = enter(e, domain)
        return _is_nonnegative_average(inside.args[place], inside.domains[place])
    return False


@deciding("Jensen", "law", "log is concave: log E[u] >= E[log u] for u > 0")
def _jensen(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """log E[u] >= E[log u], u > 0."""
    upper, lower = (previous, following) if relation == ">=" else (following, previous)
    if relation not in ("<=", ">="):
        raise StepFails(f"Jensen proves <= and >=, not {relation!r}")
    if not (isinstance(upper, sp.log) and isinstance(upper.args[0], Expect) and isinstance(lower, Expect)):
        raise StepFails("Jensen for the logarithm compares log E[u] with E[log u]")
    law, body = upper.args[0].args
    algebra = Algebra(enter(lower, context.domain).domains[1])
    log_body = body.args[0] if isinstance(body, sp.exp) else sp.log(body)
    if not isinstance(body, sp.exp) and algebra.sign(body) != "+":
        raise StepFails(f"the logarithm's argument {body} is not known to be positive")
    context.require("integrable")
    return law == lower.args[0] and algebra.equal(log_body, lower.args[1])


jensen = Rule("Jensen")


@deciding("tangent of log at 1", "law", "log u <= u - 1 for u > 0, with equality only at u = 1")
def _log_bound(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """E[-log u] >= E[1 - u] for u = exp(w) > 0: the tangent of log at 1 lies above it."""
    if relation != ">=" or not (isinstance(previous, Expect) and isinstance(following, Expect)):
        raise StepFails("the tangent bound compares E[-log u] >= E[1 - u]")
    if previous.args[0] != following.args[0]:
        return False
    w = -previous.args[1]
    inside = enter(previous, context.domain).domains[1]
    return Algebra(inside).equal(following.args[1], 1 - sp.exp(sp.expand(w)))


tangent = Rule("tangent of log at 1")


@deciding(
    "mass of an importance weight",
    "law",
    "the expectation under q of p/q is the integral of p over the places where q > 0: at most the whole integral",
)
def _within_mass(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """E_q[p/q] <= the integral of p, under an increasing function: itself, or the logarithm."""
    small, large = (previous, following) if relation == "<=" else (following, previous)
    if relation not in ("<=", ">="):
        raise StepFails(f"a mass proves <= and >=, not {relation!r}")
    if isinstance(small, sp.log) and (whole := total_mass(small.args[0], context.domain)) is not None:
        return Algebra(context.domain).equal(large, sp.log(whole))
    gap, found = _with_totals(large - small, context)
    return found and Algebra(context.domain).is_zero(gap)


def _with_totals(gap: Any, context: Context) -> tuple[Any, bool]:
    """The gap with the whole integral for every ratio's mean that it subtracts, in its sums too: it is no larger."""
    smaller, found = [], False
    for term in sp.Add.make_args(on_the_surface(sp.expand, gap)):
        parts = [f for f in sp.Mul.make_args(term) if isinstance(f, Expect | SumTo)]
        rest = sp.Mul(*[f for f in sp.Mul.make_args(term) if len(parts) != 1 or f is not parts[0]])
        if len(parts) == 1 and Algebra(context.domain).sign(rest) in ("-", "0-", "0"):
            least, here = _total_of(parts[0], context)
            smaller.append(rest * least)
            found = found or here
        else:
            smaller.append(term)
    return sp.Add(*smaller), found


def _total_of(e: Any, context: Context) -> tuple[Any, bool]:
    """(something at least as large as e, whether a ratio was found in it)."""
    if isinstance(e, Expect):
        whole = total_mass(e, context.domain)
        return (e, False) if whole is None else (whole, True)
    inside, contexts = context.enter(e)
    body, found = _with_totals(-inside.args[0], contexts[0])
    return inside.close((-body, *inside.args[1:])), found


mass = Rule("mass of an importance weight")


# --- order and equations ----------------------------------------------------------------------------------------------


def _refuse_infinite(e: Any, context: Context) -> None:
    """What is moved to the other side must be finite: oo = oo says nothing about what was added to it."""
    if not context.integrable and any(extent(a, context.domain) != "finite" for a in e.args):
        raise StepFails(f"a side of {e} may be infinite: declare the hypothesis 'integrable'")


def scaled(factor: Any) -> Rule:
    """a <= b iff c <= d, when d - c = factor (b - a) and factor > 0 on the domain: the two orders agree."""
    return Rule("same order", (sp.sympify(factor),))


@deciding("same order", "decided", "the second difference is a positive multiple of the first")
def _same_order(relation: str, previous: Any, following: Any, context: Context, factor: Any) -> bool:
    if relation != "iff" or not (isinstance(previous, AtMost) and isinstance(following, AtMost)):
        raise StepFails("this rule compares two inequalities")
    algebra = Algebra(context.domain)
    if algebra.sign(factor) != "+":
        raise StepFails(f"the factor {factor} is not known to be positive")
    _refuse_infinite(previous, context)
    _refuse_infinite(following, context)
    (a, b), (c, d) = previous.args, following.args
    return algebra.is_zero(factor * (b - a) - (d - c))


# --- when is a divergence zero? ---------------------------------------------------------------------------------------


@deciding("rearranging", "decided", "moving terms to the other side of an equation")
def _rearranged(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """a = b iff c = d, when a - b and c - d agree up to sign."""
    if relation != "iff" or not (isinstance(previous, Equal) and isinstance(following, Equal)):
        raise StepFails("rearranging compares two equations")
    _refuse_infinite(previous, context)
    _refuse_infinite(following, context)
    algebra = Algebra(context.domain)
    (a, b), (c, d) = previous.args, following.args
    return algebra.is_zero((a - b) - (c - d)) or algebra.is_zero((a - b) + (c - d))


rearrange = Rule("rearranging")


@deciding(
    "zero mean of a non-negative function",
    "law",
    "u - 1 - log u >= 0 with equality only at u = 1; u = q/p has mean at most 1 under p",
)
def _vanishing(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """E_p[u - 1 - log u] + (1 - E_p[u]) = 0 with u = q/p iff p = q: both terms are >= 0, the first 0 only at u = 1."""
    if relation != "iff" or not (isinstance(previous, Equal) and isinstance(following, SameLaw)):
        raise StepFails("this rule compares a zero mean with an equality of laws")
    p, q = following.args
    if not comparable(p, q, context.domain):
        return False
    w = LogDensity(q) - LogDensity(p)
    whole, zero = previous.args
    convex = Expect(p, sp.exp(w) - 1 - w)
    missing = 1 - Expect(p, sp.exp(w))
    algebra = Algebra(context.domain)
    return bool(zero == 0 and (algebra.equal(whole, convex + missing) or algebra.equal(whole, convex)))


vanishing_mean = Rule("zero mean of a non-negative function")


def zero_divergence_by(claim_id: str) -> Rule:
    """KL(p, q) = 0 iff p and q are the same law, by the claim of that id."""
    return Rule("equality in Gibbs", (claim_id,))


@deciding("equality in Gibbs", "law", "KL(p, q) = 0 exactly when p = q almost everywhere")
def _zero_divergence(relation: str, previous: Any, following: Any, context: Context, claim_id: str) -> bool:
    """KL(p, q) = 0 iff p and q are the same law."""
    if relation != "iff" or not isinstance(following, SameLaw):
        raise StepFails("this rule compares KL = 0 with an equality of laws")
    if not any(_says_zero_between_equals(theorem) for theorem in context.lemma(claim_id).values()):
        raise StepFails(f"{claim_id} does not say when a divergence between any two laws is zero")
    p, q = following.args
    return comparable(p, q, context.domain) and previous in (Equal(KL(p, q), 0), Equal(0, KL(p, q)))


def _says_zero_between_equals(theorem: Any) -> bool:
    """KL(p, q) = 0 iff p and q are the same law, for two laws of which nothing is known."""
    if theorem.relation != "iff" or not isinstance(theorem.rhs, SameLaw) or any(h.sides for h in theorem.hypotheses):
        return False
    laws = theorem.rhs.args
    bare = all(isinstance(law, Density) and not law.given for law in laws) and len({law.args[0] for law in laws}) == 2
    return bare and theorem.lhs == Equal(KL(*laws), 0)
