"""Inequalities as lemmas, and what passes an order on: means, sums, products, logarithms, roots, exponentials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra
from derivations.kernel.binders import at as body_at
from derivations.kernel.binders import opened
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node, deciding
from derivations.kernel.rules.instances import Table
from derivations.kernel.rules.lemmas import (
    HERE,
    check_instance,
    check_place,
    owner_of,
    pairs,
    refuse_undefined,
    theorem_of,
)
from derivations.kernel.substitution import substitute
from derivations.kernel.terms import Expect, ProductTo, Rounded, SumTo

ORDERS = ("<", "<=", ">", ">=")
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
MOST_LAYERS = 12

# --- an inequality as a lemma -----------------------------------------------------------------------------------------


def ordered_by(claim_id: str, part: int | str = 0, at: Table | None = None, times: Any = 1) -> Rule:
    """The lines differ by `times` (>= 0) the difference of the sides of an earlier, proved inequality."""
    return Rule("ordered by", (claim_id, part, pairs(at), sp.sympify(times)))


def ordered_above(part: int | str = 0, at: Table | None = None, times: Any = 1) -> Rule:
    """The same by an earlier statement of this claim."""
    return Rule("ordered by", (HERE, part, pairs(at), sp.sympify(times)))


@deciding(
    "ordered by",
    "decided",
    lambda c, part, *_: f"a non-negative multiple of the earlier inequality {owner_of(c, part)}",
    shown=lambda c, part, *_: owner_of(c, part),
)
def _ordered_by(
    relation: str, previous: Any, following: Any, context: Context, claim_id: str, part: Any, pairs: Any, times: Any
) -> bool:
    """Does following - previous equal times (larger - smaller side of the lemma), for an instance of it?"""
    theorem, owner, at = theorem_of(claim_id, part, context), owner_of(claim_id, part), dict(pairs)
    if relation not in ORDERS or theorem.relation not in ORDERS:
        raise StepFails(f"{owner} says {theorem.relation!r}: one inequality is compared with another")
    if isinstance(theorem.rhs, Rounded):
        raise StepFails(f"{owner} ends in a rounded value, which stands for a range")
    strict = relation in ("<", ">")
    if strict and theorem.relation not in ("<", ">"):
        raise StepFails(f"{owner} does not say that its sides differ, so nothing follows with {relation!r}")
    check_instance(theorem, at, context, owner)
    sides = sp.Tuple(theorem.lhs, theorem.rhs)
    gap = following - previous if relation in ("<", "<=") else previous - following
    refused: StepFails | None = None
    for table, factor in _readings(at, times, context):
        try:
            check_place(theorem, table, context, owner)
            refuse_undefined(factor, context, owner)
        except StepFails as reason:
            refused = reason
            continue
        small, large = substitute(sides, table, context.domain)
        if theorem.relation in (">", ">="):
            small, large = large, small
        algebra = Algebra(context.domain)
        if algebra.is_zero(gap - factor * (large - small)):
            if algebra.sign(factor) not in (("+",) if strict else ("+", "0+", "0")):
                raise StepFails(f"the factor {factor} is not known to be {'positive' if strict else 'non-negative'}")
            return True
    if refused is not None:
        raise refused
    return False


def _readings(at: Table, times: Any, context: Context) -> Iterator[tuple[Table, Any]]:
    """The instance as it is written; and inside sums with one of its indices read as that of a sum around."""
    yield at, times
    written = {s for v in (*at.values(), times) for s in v.free_symbols if s.is_integer}
    for index in context.around:
        for s in sorted(written, key=str):
            read = {s: index}
            yield {key: substitute(value, read) for key, value in at.items()}, substitute(times, read)


# --- what passes an order on ------------------------------------------------------------------------------------------


def monotone(rule: Rule) -> Rule:
    """The order of two parts that `rule` decides, passed on by what stands around them on both sides alike."""
    return Rule("monotone", (rule,))


@deciding(
    "monotone",
    "law",
    lambda rule: f"means, sums, products of non-negative terms, log, exp and roots keep an order; {rule.condition}",
    shown=lambda rule: f"monotone: {rule.name}",
)
def _monotone(relation: str, previous: Any, following: Any, context: Context, rule: Rule) -> bool:
    if relation not in ORDERS:
        raise StepFails(f"an order is passed on as <, <=, > or >=, not as {relation!r}")
    refused: StepFails | None = None
    layer = (relation, previous, following, context)
    for _ in range(MOST_LAYERS):
        relation, previous, following, context = layer
        try:
            left, right = rule.rewrite(previous, context), rule.rewrite(following, context)
            if rule.decide(relation, left, right, context):
                return True
        except StepFails as reason:
            refused = reason
        inner = _inner(*layer)
        if inner is None:
            break
        layer = inner
    if refused is not None:
        raise refused
    return False


Layer = tuple[str, Any, Any, Context]


def _inner(relation: str, one: Any, two: Any, context: Context) -> Layer | None:
    """What is left to compare when the same outermost operation of both sides is taken off; None when there is none."""
    if isinstance(one, sp.Add) or isinstance(two, sp.Add):
        return _without_common_terms(relation, one, two, context)
    if isinstance(one, sp.Mul) or isinstance(two, sp.Mul):
        return _without_common_factors(relation, one, two, context)
    if type(one) is not type(two):
        return None
    if isinstance(one, sp.log | sp.exp):
        return relation, one.args[0], two.args[0], context
    if isinstance(one, sp.Pow):
        return _bases(relation, one, two, context)
    if isinstance(one, Expect):
        same = one.args[0] == two.args[0]
        return (relation, one.args[1], two.args[1], context.enter(one)[1][1]) if same else None
    if isinstance(one, SumTo | ProductTo):
        return _bodies(relation, one, two, context)
    return None


def _without_common_terms(relation: str, one: Any, two: Any, context: Context) -> Layer | None:
    mine, theirs = list(sp.Add.make_args(one)), list(sp.Add.make_args(two))
    common = [e for e in mine if e in theirs]
    if not common:
        return None
    rest = [sp.Add(*[e for e in part if e not in common]) for part in (mine, theirs)]
    return relation, *rest, context


def _without_common_factors(relation: str, one: Any, two: Any, context: Context) -> Layer | None:
    mine, theirs = list(sp.Mul.make_args(one)), list(sp.Mul.make_args(two))
    common = [e for e in mine if e in theirs]
    if not common:
        return None
    sign = Algebra(context.domain).sign(sp.Mul(*common))
    if sign is None or (sign not in ("+", "-") and relation in ("<", ">")):
        return None
    rest = [sp.Mul(*[e for e in part if e not in common]) for part in (mine, theirs)]
    return TURNED[relation] if sign.endswith("-") else relation, *rest, context


def _smaller_sign(relation: str, one: Any, two: Any, context: Context) -> str | None:
    return Algebra(context.domain).sign(one if relation in ("<", "<=") else two)


def _bases(relation: str, one: Any, two: Any, context: Context) -> Layer | None:
    """a^p grows in a >= 0 for p > 0, and falls in a > 0 for p < 0."""
    (a, p), (b, exponent) = one.args, two.args
    if p != exponent:
        return None
    sign, power = _smaller_sign(relation, a, b, context), Algebra(context.domain).sign(p)
    if power == "+" and sign in ("+", "0+", "0"):
        return relation, a, b, context
    turned = TURNED[relation]
    if power == "-" and _smaller_sign(turned, a, b, context) == "+":
        return turned, a, b, context
    return None


def _bodies(relation: str, one: Any, two: Any, context: Context) -> Layer | None:
    """Sums, and products of non-negative factors; strictly only where there is a term."""
    (lo, hi), ends = one.args[2:], two.args[2:]
    if any(sp.expand(a - b) != 0 for a, b in zip((lo, hi), ends, strict=True)):
        return None
    if relation in ("<", ">") and not context.domain.at_least_zero(hi - lo):
        return None
    inside, contexts = context.enter(one)
    a, b = inside.args[0], opened(two, inside.index)[0]
    if isinstance(one, ProductTo) and _smaller_sign(relation, a, b, contexts[0]) not in ("+", "0+", "0"):
        return None
    return relation, a, b, contexts[0]


def squares(rule: Rule) -> Rule:
    """a <= b where b >= 0 and `rule` decides that a^2 <= b^2."""
    return Rule("squares", (rule,))


@deciding(
    "squares",
    "decided",
    lambda rule: f"the larger side is not negative, and the squares are in order; {rule.condition}",
    shown=lambda rule: f"squares: {rule.name}",
)
def _by_squares(relation: str, previous: Any, following: Any, context: Context, rule: Rule) -> bool:
    if relation not in ORDERS:
        raise StepFails(f"squares are in order as <, <=, > or >=, not as {relation!r}")
    large = following if relation in ("<", "<=") else previous
    if Algebra(context.domain).sign(large) not in ("+", "0+", "0"):
        raise StepFails(f"{large} is not known to be non-negative")
    left, right = (rule.rewrite(e**2, context) for e in (previous, following))
    return rule.decide(relation, left, right, context)


# --- the last term ----------------------------------------------------------------------------------------------------


def last_term(end: Any) -> Rule:
    """Every sum up to `end` as the sum up to end - 1 and its last term; every product likewise."""
    return Rule("last term", (sp.sympify(end),))


@at_every_node("last term", "decided", "the sum or product is known to have a term", shown=lambda end: "last term")
def _split(node: Any, context: Context, end: Any) -> Any:
    if not isinstance(node, SumTo | ProductTo) or sp.expand(node.args[3] - end) != 0:
        return node
    body, index, lo, hi = node.args
    if not context.domain.at_least_zero(hi - lo):
        raise StepFails(f"from {lo} to {hi} there may be no last term")
    rest, last = type(node)(body, index, lo, sp.expand(hi - 1)), body_at(node, hi)
    return rest + last if isinstance(node, SumTo) else rest * last


# --- the tangent of the logarithm -------------------------------------------------------------------------------------


@deciding("log u <= u - 1", "law", "the logarithm lies below its tangent at 1, for u > 0")
def _below_tangent(relation: str, previous: Any, following: Any, context: Context) -> bool:
    """log u <= u - 1 for a number u > 0."""
    small, large = (previous, following) if relation == "<=" else (following, previous)
    if relation not in ("<=", ">=") or not isinstance(small, sp.log):
        raise StepFails("the tangent bound compares log u <= u - 1")
    return Algebra(context.domain).is_zero(large - (small.args[0] - 1))


log_tangent = Rule("log u <= u - 1")
