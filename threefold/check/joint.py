"""Proofs by way of the joint density: p(x | z) p(z) is written p(x, z), and an average over q becomes one over p."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations import notation as N
from derivations import rules as R
from derivations.kernel.terms import is_vector
from derivations.rules import Block, Density, Expect, LogDensity, SumTo
from threefold.check import kernel
from threefold.check.goals import Found, Goal
from threefold.check.rehearsal import may_follow

TURNED = [R.bayes, R.algebra]
TOTAL = [R.total_probability, R.algebra]
ALIKE = ([R.importance, R.total_probability], [R.definition, R.linearity])


def through_joint(goal: Goal, words: str) -> Found | None:
    """Both sides with every conditional density times its condition's written as one joint density."""
    if is_vector(goal.lhs) or (goal.chain and N.reverse_factorisation not in goal.hypotheses):
        return None
    if goal.relation != "=":
        return None if goal.chain else _through_jensen(goal, words)
    lhs, rhs = (_as_one(e) if goal.chain else joined(e) for e in (goal.lhs, goal.rhs))
    turned = [R.given(N.reverse_factorisation), R.algebra] if goal.chain else TURNED
    if (lhs, rhs) == (goal.lhs, goal.rhs):
        return None
    for by in ALIKE:
        if not may_follow(lhs, "=", rhs, goal.domain, goal.hypotheses, by):
            continue
        lines = (
            [(lhs, "=", turned)] * (lhs != goal.lhs) + [(rhs, "=", by)] + [(goal.rhs, "=", turned)] * (rhs != goal.rhs)
        )
        proof = kernel.prove_lines(goal.lhs, "=", lines, goal.domain, goal.hypotheses)
        if proof is not None:
            return Found(proof, words + "joint densities, " + ", ".join(rule.name for rule in by))
    return None


def _through_jensen(goal: Goal, words: str) -> Found | None:
    """log p(x) >= E_q[log ...] by way of log p(x) = log E_q[...]."""
    sides = {">=": (goal.lhs, goal.rhs), "<=": (goal.rhs, goal.lhs)}.get(goal.relation)
    if sides is None or not isinstance(sides[0], LogDensity | sp.log) or not isinstance(sides[1], Expect):
        return None
    evidence, bound = sides
    marginal = [(LogDensity(Density("p", [N.obs])), "=", TOTAL)] * isinstance(evidence, sp.log)
    law, body = bound.args
    inside = sp.log(Expect(law, sp.exp(body)))
    whole = joined(inside)
    up = [*marginal, (whole, "=", ALIKE[0]), *[(inside, "=", TURNED)] * (inside != whole), (bound, ">=", [R.jensen])]
    down = [(inside, "<=", [R.jensen]), *[(whole, "=", TURNED)] * (inside != whole), (evidence, "=", ALIKE[0])]
    if marginal and goal.relation == "<=":
        return None
    lines = up if goal.relation == ">=" else down
    proof = kernel.prove_lines(goal.lhs, goal.relation, lines, goal.domain, goal.hypotheses)
    return None if proof is None else Found(proof, words + "importance weights, Jensen")


STEPS = SumTo(LogDensity(Density("p", [N.x(N.t - 1)], [N.x(N.t)])), N.t, 1, N.T)
END = LogDensity(Density("p", [N.x(N.T)]))


def _as_one(e: Any) -> Any:
    """The term with the model's joint density for its end and its steps, wherever both stand in one sum."""

    def turned(node: Any) -> Any:
        return node - STEPS - END + LogDensity(Density("p", [Block(N.x, 0, N.T)]))

    return e.replace(lambda n: isinstance(n, sp.Add) and {STEPS, END} <= set(n.args), turned)


def joined(e: Any) -> Any:
    """The term with log p(a | b) + log p(b) written log p(a, b) wherever both stand in one sum."""
    return e.replace(lambda n: isinstance(n, sp.Add) and len(n.atoms(LogDensity)) > 1, _joined_sum)


def _joined_sum(e: Any) -> Any:
    kept = list(e.args)
    for term in e.args:
        law = term.args[0] if isinstance(term, LogDensity) and isinstance(term.args[0], Density) else None
        if law is None or not list(law.given):
            continue
        condition = LogDensity(Density(law.args[0], [*law.given]))
        if condition in kept and term in kept:
            kept.remove(condition)
            kept.remove(term)
            kept.append(LogDensity(Density(law.args[0], [*law.variables, *law.given])))
    return sp.Add(*kept)
