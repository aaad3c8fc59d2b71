"""Proofs through lines that are known to lie on the way: Markov and Bayes, telescoping, the bound's own claim."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations import claims
from derivations import notation as N
from derivations import rules as R
from derivations.kernel.algebra import Algebra
from derivations.kernel.terms import is_vector, unfold_all
from derivations.rules import Block, Density, Expect, LogDensity, SumTo
from threefold.check import growth, joint, kernel, noise, vectors
from threefold.check.goals import Found, Goal
from threefold.check.read import settle
from threefold.check.rehearsal import may_follow

MARKOV = [R.given(N.forward_markov)]


def by_way_of(goal: Goal, words: str) -> Found | None:
    """A proof through lines that are known to lie on the way."""
    for way in (
        _through_markov,
        _through_turned_steps,
        _through_telescoping,
        through_landmark,
        _through_noise,
        _opened,
        growth.by_growth,
        joint.through_joint,
    ):
        found = way(goal, words)
        if found is not None:
            return found
    return None


def _through_markov(goal: Goal, words: str) -> Found | None:
    """With q(x_t | x_{t-1}, x_0) for q(x_t | x_{t-1}), by the chain's hypothesis; Bayes then sees one joint law."""
    if not goal.chain or goal.relation != "=" or N.forward_markov not in goal.hypotheses:
        return None
    table = {law: Density("q", law.variables, [*law.given, N.x(0)]) for law in goal.both.atoms(Density) if _steps(law)}
    if not table:
        return None
    lhs, rhs = goal.lhs.xreplace(table), goal.rhs.xreplace(table)
    for by in ([R.bayes, R.algebra], [R.definition, R.bayes, R.linearity]):
        if not may_follow(lhs, "=", rhs, goal.domain, goal.hypotheses, by):
            continue
        lines = [(lhs, "=", MARKOV), (rhs, "=", by), (goal.rhs, "=", MARKOV)]
        proof = kernel.prove_lines(goal.lhs, "=", lines, goal.domain, goal.hypotheses)
        if proof is not None:
            return Found(proof, words + "forward Markov, Bayes")
    return None


def _steps(law: Density) -> bool:
    """Is it q(x_n | x_{n-1}), and n not 1?"""
    members = [*law.variables, *law.given]
    if law.args[0].name != "q" or len(members) != 2 or len(law.given) != 1 or any(type(m) is not N.x for m in members):
        return False
    here, before = members[0].args[0], members[1].args[0]
    return bool(here - before == 1 and before != 0)


def _through_turned_steps(goal: Goal, words: str) -> Found | None:
    """Sums of forward steps, each but the first turned round by Bayes, so that neighbours cancel; on both sides."""
    if not goal.chain or goal.relation != "=" or N.forward_markov not in goal.hypotheses:
        return None
    left, right = _turned(goal.lhs), _turned(goal.rhs)
    if not (left or right):
        return None
    lhs, rhs = left[-1][0] if left else goal.lhs, right[-1][0] if right else goal.rhs
    back = [(e, by) for (e, _), (_, by) in zip([(goal.rhs, []), *right], right, strict=False)][::-1]
    for by in ([R.algebra], [R.definition, R.linearity], [R.definition, R.linearity, R.tower, R.tower]):
        if not may_follow(lhs, "=", rhs, goal.domain, goal.hypotheses, by):
            continue
        lines = [(e, "=", reason) for e, reason in (*left, (rhs, by), *back)]
        proof = kernel.prove_lines(goal.lhs, "=", lines, goal.domain, goal.hypotheses)
        if proof is not None:
            return Found(proof, words + "every step turned round by Bayes, induction over T")
    return None


def _turned(e: Any) -> list[tuple[Any, list[Any]]]:
    """The lines from e to where no forward step is added up, each with its rules; [] where e has none."""
    start, forward = N.x(0), LogDensity(Density("q", [N.x(N.t)], [N.x(N.t - 1)]))
    known = LogDensity(Density("q", [N.x(N.t)], [N.x(N.t - 1), start]))
    back = LogDensity(Density("q", [N.x(N.t - 1)], [N.x(N.t), start]))
    here, before = (LogDensity(Density("q", [N.x(n)], [start])) for n in (N.t, N.t - 1))
    first, last = (LogDensity(Density("q", [N.x(n)], [start])) for n in (sp.S.One, N.T))

    def form(stage: int) -> Any:
        def change(node: Any) -> Any:
            body, index, low, high = node.args
            step = forward.xreplace({N.t: index})
            times = sp.expand(body).coeff(step)
            if low not in (1, 2) or high != N.T or not times.is_number or times == 0:
                return node
            rest = sp.expand(body) - times * step
            alone = settle(sp.expand(body).xreplace({index: sp.S.One})) if low == 1 else sp.S.Zero
            inside = (step, known, back + here - before, back)[stage].xreplace({N.t: index})
            outside = times * (last - first) if stage == 3 else sp.S.Zero
            return alone + SumTo(rest + times * inside, index, 2, high) + outside

        return e.replace(lambda node: type(node) is SumTo, change)

    growth = [R.induction(N.T, 1)]
    lines = [(form(stage), by) for stage, by in enumerate((growth, MARKOV, [R.bayes], growth))]
    return [] if lines[0][0] == lines[1][0] else lines


def _through_telescoping(goal: Goal, words: str) -> Found | None:
    """The forward chain written backwards: every step but the first turned round by Bayes, neighbours cancel."""
    if not goal.chain or goal.relation != "=" or N.forward_factorisation not in goal.hypotheses:
        return None
    chain, start = LogDensity(Density("q", [Block(N.x, 1, N.T)], [N.x(0)])), N.x(0)
    if chain not in (goal.lhs, goal.rhs):
        return None
    other = goal.rhs if goal.lhs == chain else goal.lhs
    step = LogDensity(Density("q", [N.x(N.t)], [N.x(N.t - 1), start]))
    back = LogDensity(Density("q", [N.x(N.t - 1)], [N.x(N.t), start]))
    here, before = (LogDensity(Density("q", [N.x(n)], [start])) for n in (N.t, N.t - 1))
    first, last = (LogDensity(Density("q", [N.x(n)], [start])) for n in (sp.S.One, N.T))
    lines = [
        (SumTo(step, N.t, 1, N.T), "=", [R.given(N.forward_factorisation)]),
        (first + SumTo(step, N.t, 2, N.T), "=", [R.induction(N.T, 1)]),
        (first + SumTo(back + here - before, N.t, 2, N.T), "=", [R.bayes]),
        (last + SumTo(back, N.t, 2, N.T), "=", [R.induction(N.T, 1)]),
        (other, "=", [R.algebra]),
    ]
    proof = kernel.prove_lines(chain, "=", lines, goal.domain, goal.hypotheses)
    return None if proof is None else Found(proof, words + "every step turned round by Bayes, induction over T")


def through_landmark(goal: Goal, words: str) -> Found | None:
    """By way of the bound's decomposition: one side is the bound, the other its terms under one average."""
    if not (goal.chain and goal.relation == "=" and goal.both.atoms(Expect)) or is_vector(goal.lhs):
        return None
    (statement,) = claims()["ddpm.elbo.decomposition"].says[:1]
    algebra, bound = Algebra(goal.domain), unfold_all(statement.lhs)
    for lhs, rhs in ((goal.lhs, goal.rhs), (goal.rhs, goal.lhs)):
        for sign in (1, -1):
            try:
                if not algebra.equal(_inside(unfold_all(lhs), sign), _inside(bound, 1)):
                    continue
            except Exception:  # outside of what the algebra decides
                continue
            known = R.by_claim("ddpm.elbo.decomposition")
            for by in ([R.linearity, R.tower], [R.definition, R.linearity, R.tower]):
                lines = [
                    (sign * statement.lhs, "=", [R.definition, R.linearity]),
                    (sign * statement.rhs, "=", [known]),
                    (rhs, "=", by),
                ]
                proof = kernel.prove_lines(lhs, "=", lines, goal.domain, goal.hypotheses)
                if proof is not None:
                    return Found(
                        proof,
                        words + "claim ddpm.elbo.decomposition, linearity of E, tower",
                    )
    return None


def _through_noise(goal: Goal, words: str) -> Found | None:
    """With divergences in closed form and every Gaussian state by its noise."""
    if not goal.chain or goal.relation != "=" or is_vector(goal.lhs):
        return None
    proof = noise.proof(goal.lhs, goal.rhs, goal.domain, goal.hypotheses)
    return None if proof is None else Found(proof, words + ", ".join(proof.rules))


def _inside(e: Any, sign: int) -> Any:
    """sign * e, with a sign before an average put into it."""
    factor, rest = e.as_coeff_Mul() if isinstance(e, sp.Mul) else (sp.S.One, e)
    if not isinstance(rest, Expect):
        return sign * e
    law, body = rest.args
    return Expect(law, sp.expand(sign * factor * body))


def _opened(goal: Goal, words: str) -> Found | None:
    """With the squares written out first: linearity sees their terms."""
    if goal.relation != "=" or is_vector(goal.lhs) or not goal.both.atoms(Expect):
        return None
    via = (vectors.opened(goal.lhs), vectors.opened(goal.rhs))
    if via == (goal.lhs, goal.rhs):
        return None
    for by in (
        [R.linearity],
        [R.definition, R.linearity, R.tower],
        [R.definition, R.tower, R.linearity],
    ):
        if not may_follow(via[0], "=", via[1], goal.domain, goal.hypotheses, by):
            continue
        proof = kernel.prove(goal.lhs, "=", goal.rhs, goal.domain, goal.hypotheses, by, via=via)
        if proof is not None:
            return Found(
                proof,
                words + "squares written out, " + ", ".join(rule.name for rule in by),
            )
    return None
