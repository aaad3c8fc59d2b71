"""Rules that rewrite by an equation: a hypothesis, an earlier claim, a statement above, the induction hypothesis.

A hypothesis holds for the indices that it quantifies (`when`) and for every value of the vectors in it; all its other
symbols are fixed. What earlier theorems say here is told by `lemmas`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.hypotheses import INDUCTION_HYPOTHESIS, Hypothesis
from derivations.kernel.rules.base import Context, Rule, StepFails, rewriting
from derivations.kernel.rules.instances import Table, matches, rewrite_instances
from derivations.kernel.rules.lemmas import (
    HERE,
    check_instance,
    check_place,
    check_range,
    check_scope,
    fixed_by,
    owner_of,
    pairs,
    theorem_of,
)
from derivations.kernel.substitution import substitute

# --- hypotheses -------------------------------------------------------------------------------------------------------


def given(hypothesis: Hypothesis, **at: Any) -> Rule:
    """Use a declared hypothesis as an equation, at the indices named (`given(markov, t=t + 1)`)."""
    return Rule("given", (hypothesis, tuple((name, sp.sympify(value)) for name, value in at.items())))


@rewriting("given", "given", lambda h, _: h.words, shown=lambda h, _: f"given: {h.name}")
def _given(e: Any, context: Context, hypothesis: Hypothesis, at: tuple[tuple[str, Any], ...]) -> Any:
    declared = context.require(hypothesis.name)
    if declared.content != hypothesis.core().content or declared.lhs is None:
        raise StepFails(f"the hypothesis {hypothesis.name!r} of this claim says something else")
    quantified = {index.name: index for index in declared.when}
    if free := {name for name, _ in at} - set(quantified):
        raise StepFails(f"{declared.name} holds for one {', '.join(sorted(free))}, not for every value of it")
    table = {quantified[name]: value for name, value in at}

    def allowed(chosen: Table, local: Context) -> None:
        check_range(declared.when, chosen, local, declared.name)
        check_scope([declared], local)

    def tables(node: Any, local: Context) -> Iterator[Table]:
        return matches(declared.lhs, node, declared.when, table, local)

    return rewrite_instances(e, declared.sides, tables, allowed, context)


@rewriting(INDUCTION_HYPOTHESIS, "decided", "the statement at t, when proving it at t + 1")
def _by_induction_hypothesis(e: Any, context: Context) -> Any:
    assumed = context.require(INDUCTION_HYPOTHESIS)
    if assumed.lhs is None:
        raise StepFails("only an equality can be used as an equation")

    def allowed(_: Table, local: Context) -> None:
        check_scope([assumed], local)

    return rewrite_instances(e, assumed.sides, lambda *_: iter([{}]), allowed, context)


induction_hypothesis = Rule(INDUCTION_HYPOTHESIS)

# --- earlier theorems -------------------------------------------------------------------------------------------------


def by_claim(claim_id: str, part: int | str = 0, at: Table | None = None) -> Rule:
    """Rewrite by an earlier, proved equality, its symbols replaced as `at` says (all at once)."""
    return Rule("by claim", (claim_id, part, pairs(at)))


def above(part: int | str = 0, at: Table | None = None) -> Rule:
    """Rewrite by an earlier statement of the same claim (counted from 0), which must be proved by then."""
    return Rule("by claim", (HERE, part, pairs(at)))


@rewriting(
    "by claim",
    "decided",
    lambda c, part, _: f"{owner_of(c, part)} in this claim" if c == HERE else f"the earlier claim {c}",
    shown=lambda c, part, _: owner_of(c, part),
)
def _by_claim(e: Any, context: Context, claim_id: str, part: int | str, at: tuple[tuple[Any, Any], ...]) -> Any:
    """Replace instances of a proved equality's left side by its right side, where its domain allows."""
    theorem, owner, table = theorem_of(claim_id, part, context), owner_of(claim_id, part), dict(at)
    if theorem.relation != "=" or isinstance(theorem.rhs, terms.Rounded):
        raise StepFails(f"{owner} is not an equality of two values and cannot rewrite a line")
    check_instance(theorem, table, context, owner)
    sides = sp.Tuple(theorem.lhs, theorem.rhs)
    tied = {s for h in theorem.hypotheses for s in fixed_by(h)}
    free = [i for i in theorem.domain.indices if i not in table and sides.has(i) and i not in tied]

    def allowed(chosen: Table, local: Context) -> None:
        substitute(sides, chosen, local.domain)  # a binder that would catch a value says so
        check_place(theorem, chosen, local, owner)

    def tables(node: Any, local: Context) -> Iterator[Table]:
        return matches(theorem.lhs, node, free, table, local)

    return rewrite_instances(e, (theorem.lhs, theorem.rhs), tables, allowed, context)
