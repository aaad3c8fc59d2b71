"""No mistake after all: does the kernel prove that a changed statement says the same as before, or follows from it?

Mutants that no world refutes come here. What decides is the kernel's algebra and its rules; worlds have no say.
"""

from __future__ import annotations

from typing import Any, Literal

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, OutsideFragment
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.domain import Domain
from derivations.kernel.rules import inequalities, matrices, order
from derivations.kernel.rules.base import Context, StepFails
from derivations.kernel.rules.calculus import differentiation
from derivations.kernel.rules.comparison import monotone
from derivations.kernel.rules.gaussian import density, moments
from derivations.kernel.rules.gradients import vector_calculus
from derivations.kernel.rules.probability import definition, linearity, tower
from derivations.kernel.substitution import core
from derivations.kernel.terms import Malformed

ORDERS = ("<=", ">=", "<", ">")
MEANS = (order.continuity, linearity, tower)  # the means as far as they are known to be finite
FACTORS = (sp.S.One, sp.S(2), sp.S.Half, sp.S.NegativeOne)


def no_mistake(original: Claim, changed: Claim, part: int) -> Literal["equivalent", "implied"] | None:
    """Whether the changed statement provably says the same, or less and is true; None when the kernel cannot tell."""
    before, after, domain = original.says[part], changed.says[part], original.domain_of(part)
    if before.relation != after.relation:
        return None
    if _provably_same(before, after, domain, original):
        return "equivalent"
    return "implied" if _follows(before, after, domain) or _says_nothing(after, domain, original) else None


def _provably_same(before: Statement, after: Statement, domain: Domain, claim: Claim) -> bool:
    context = Context(domain, {h.name: h for h in claim.hypotheses})
    try:
        if before.relation in ORDERS:
            one, two = (_expand(s.lhs - s.rhs, context) for s in (before, after))
            return _proportional(one, two, domain, (sp.S.One, sp.S(2), sp.S.Half))
        if before.relation == "=" and before.rhs == after.rhs == 0:
            return _proportional(_expand(before.lhs, context), _expand(after.lhs, context), domain, FACTORS)
        return all(_same_side(a, b, domain, context) for a, b in ((before.lhs, after.lhs), (before.rhs, after.rhs)))
    except (OutsideFragment, StepFails, Malformed):
        return False


def _says_nothing(after: Statement, domain: Domain, claim: Claim) -> bool:
    """A changed equation that holds whatever the hypotheses say: both of its sides are one."""
    context = Context(domain, {h.name: h for h in claim.hypotheses if h.lhs is None})
    try:
        return after.relation == "=" and _same_side(after.lhs, after.rhs, domain, context)
    except (OutsideFragment, StepFails, Malformed):
        return False


def _follows(before: Statement, after: Statement, domain: Domain) -> bool:
    """A changed inequality that is still true: its gap is a multiple of the old one plus something provably >= 0."""
    if before.relation not in ORDERS:
        return False
    old, new = (
        terms.unfold_all(s.rhs - s.lhs if s.relation in ("<", "<=") else s.lhs - s.rhs) for s in (before, after)
    )
    strict = before.relation in ("<", ">")
    try:
        for share in (sp.S.Zero, sp.S.Half, sp.S.One, sp.S(2)):
            sign = Algebra(domain).sign(new - share * old)
            if sign == "+" or (sign in ("0+", "0") and not (strict and share == 0)):
                return True
            if not strict and _is_divergence(core(new - share * old), domain):
                return True
        return _is_weaker(before, after, Context(domain))
    except (OutsideFragment, StepFails, Malformed):
        pass
    return False


def _is_divergence(gap: Any, domain: Domain) -> bool:
    try:
        return inequalities.is_divergence(gap, Context(domain))
    except StepFails:
        return False


def _is_weaker(before: Statement, after: Statement, context: Context) -> bool:
    """One side is as it was, and the other lies further off, as what stands around it passes an order on."""
    up = before.relation in ("<", "<=")
    if before.lhs == after.lhs:
        small, large = (before.rhs, after.rhs) if up else (after.rhs, before.rhs)
    elif before.rhs == after.rhs:
        small, large = (after.lhs, before.lhs) if up else (before.lhs, after.lhs)
    else:
        return False
    return monotone(order.positivity).decide("<=", core(small), core(large), context)


def _same_side(a: Any, b: Any, domain: Domain, context: Context) -> bool:
    if isinstance(a, terms.Equal) and isinstance(b, terms.Equal):
        divergences = [e.args[0] for e in (a, b) if e.args[1] == 0 and isinstance(e.args[0], terms.KL)]
        if len(divergences) == 2 and divergences[0].args == divergences[1].args[::-1]:
            return True  # both say that the two laws are the same (gaussian.kl.nonnegative)
        one, two = (_expand(e.args[0] - e.args[1], context) for e in (a, b))
        return _proportional(one, two, domain, FACTORS)
    return Algebra(domain).equal(_expand(a, context), _expand(b, context))


def _proportional(a: Any, b: Any, domain: Domain, factors: tuple[Any, ...]) -> bool:
    return any(Algebra(domain).is_zero(b - factor * a) for factor in factors)


def _expand(e: Any, context: Context) -> Any:
    for rule in (definition, density, moments, matrices.trace_algebra, differentiation, vector_calculus, *MEANS):
        try:
            e = rule.rewrite(e, context)
        except StepFails:
            if rule not in (linearity, tower):
                raise
    return e
