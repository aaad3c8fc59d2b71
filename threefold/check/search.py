"""Look for a proof of one reading: an earlier claim, or one of a fixed list of rules; nothing here is trusted.

The lists are ordered by what the terms contain, and the first that the kernel accepts ends the search.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import sympy as sp

from derivations import claims
from derivations import notation as N
from derivations import rules as R
from derivations.kernel.algebra import Algebra
from derivations.kernel.terms import (
    Averaging,
    ScalarFunction,
    VectorFunction,
    is_vector,
    unfold_all,
)
from derivations.rules import (
    BernoulliProduct,
    Block,
    Density,
    Expect,
    FullNormal,
    Hypothesis,
    LogDensity,
    Normal,
    SumTo,
)
from threefold.check import kernel, vectors
from threefold.check.goals import Found, Goal, attempt, attempt_found
from threefold.check.library import from_library
from threefold.check.lists import strategies

WORLDS = 3  # in the first one T may be so small that two indices coincide


def prove(goal: Goal, close: Any, deadline: float, *, thorough: bool = True) -> Found | None:
    """The first proof that is found; None when the lists are used up or the time is."""
    written: list[tuple[Goal, str]] = []
    for version, words in versions(goal, close):
        known = attempt_found(version, [R.algebra], words) if goal.relation == "=" else None
        known = known or from_library(version, words)
        if known is not None:
            return known
        written.append((version, words))
    for version, words in written if thorough else ():
        if kernel_says_no(version):
            continue
        for by in strategies(version):
            if time.process_time() > deadline:
                return None
            proof = attempt(version, by)
            if proof is not None:
                return Found(proof, words + ", ".join(rule.name for rule in by))
        found = _by_way_of(version, words)
        if found is not None:
            return found
    return None


def at_once(goal: Goal) -> Found | None:
    """What is seen without any search: the same terms, an earlier claim, the bound's decomposition."""
    same = attempt_found(goal, [R.algebra], "") if goal.relation == "=" else None
    return same or from_library(goal) or _through_landmark(goal, "")


def _by_way_of(goal: Goal, words: str) -> Found | None:
    """A proof through lines that are known to lie on the way."""
    for way in (_through_markov, _through_telescoping, _through_landmark, _opened):
        found = way(goal, words)
        if found is not None:
            return found
    return None


def _through_markov(goal: Goal, words: str) -> Found | None:
    """With q(x_t | x_{t-1}, x_0) for q(x_t | x_{t-1}), by the chain's hypothesis; Bayes then sees one joint law."""
    if not goal.chain or goal.relation != "=" or N.forward_markov not in goal.hypotheses:
        return None
    table = {}
    for law in goal.both.atoms(Density):
        members = [*law.variables, *law.given]
        if law.args[0].name == "q" and len(members) == 2 and all(isinstance(m, N.x) for m in members):
            here, before = members[0].args[0], members[1].args[0]
            if len(law.given) == 1 and here - before == 1 and before != 0:
                table[law] = Density("q", law.variables, [*law.given, N.x(0)])
    if not table:
        return None
    lhs, rhs = goal.lhs.xreplace(table), goal.rhs.xreplace(table)
    markov = [R.given(N.forward_markov)]
    for by in ([R.bayes, R.algebra], [R.definition, R.bayes, R.linearity]):
        lines = [(lhs, "=", markov), (rhs, "=", by), (goal.rhs, "=", markov)]
        proof = kernel.prove_lines(goal.lhs, "=", lines, goal.domain, goal.hypotheses)
        if proof is not None:
            return Found(proof, words + "forward Markov, Bayes")
    return None


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


def _through_landmark(goal: Goal, words: str) -> Found | None:
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
        proof = kernel.prove(goal.lhs, "=", goal.rhs, goal.domain, goal.hypotheses, by, via=via)
        if proof is not None:
            return Found(
                proof,
                words + "squares written out, " + ", ".join(rule.name for rule in by),
            )
    return None


def kernel_says_no(goal: Goal) -> bool:
    """Does the statement fail in one of a few worlds? Then no list of rules can prove it."""
    try:
        with kernel.limit(2.0):
            found = kernel.refute(goal.lhs, goal.relation, goal.rhs, goal.domain, suppositions(goal), WORLDS)
            return found is not None and "undefined" not in f"{found.lhs} {found.rhs}"
    except kernel.OutOfTime:
        return False
    except Exception:  # a world that cannot be made says nothing
        return False


def suppositions(goal: Goal) -> tuple[Hypothesis, ...]:
    """What a world must satisfy: a line about named densities alone is meant for any densities, Gaussian or not."""
    e = unfold_all(goal.both)
    if goal.chain and not e.atoms(Averaging, Density) and N.gaussian_forward not in goal.hypotheses:
        return ()  # numbers alone: every choice of them is some chain's
    bare = e.atoms(Density) and not e.atoms(Normal, FullNormal, R.DiagonalNormal, BernoulliProduct, R.Norm2)
    if not (goal.chain and bare) or e.atoms(ScalarFunction) or any(len(f.args) > 1 for f in e.atoms(VectorFunction)):
        return goal.hypotheses
    return tuple(h for h in goal.hypotheses if h not in (N.gaussian_forward, N.gaussian_reverse, N.standard_prior))


def versions(goal: Goal, close: Any) -> Iterator[tuple[Goal, str]]:
    """The goal as it is, with closed laws put in, with unused variables dropped, with names written out."""
    seen = [(goal.lhs, goal.rhs)]
    yield goal, ""
    candidates = [(close(goal.lhs), close(goal.rhs), "closed laws, ")]
    if goal.chain and goal.both.atoms(Expect):
        dropped = [kernel.rewritten(e, R.tower, goal.domain, goal.hypotheses) for e in _safely(goal)]
        if len(dropped) == 2:
            candidates.append((dropped[0], dropped[1], "unused variables dropped, "))
            candidates.append(
                (
                    close(dropped[0]),
                    close(dropped[1]),
                    "unused variables dropped, closed laws, ",
                )
            )
    opened = (unfold_all(goal.lhs), unfold_all(goal.rhs))
    if opened != (goal.lhs, goal.rhs):
        candidates.append((close(opened[0]), close(opened[1]), "written out, closed laws, "))
    for lhs, rhs, words in candidates:
        if (lhs, rhs) not in seen:
            seen.append((lhs, rhs))
            yield goal.at(lhs, rhs), words


def _safely(goal: Goal) -> list[Any]:
    try:
        for e in (goal.lhs, goal.rhs):
            kernel.rewritten(e, R.tower, goal.domain, goal.hypotheses)
    except Exception:
        return []
    return [goal.lhs, goal.rhs]
