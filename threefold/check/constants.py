"""Equal up to a constant: is the difference of the two sides free of what the equation is about?

The difference is compared with itself at another network, or at another value of the variable; the kernel decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sympy as sp

from derivations import claims
from derivations import notation as N
from derivations import rules as R
from derivations.kernel.terms import Averaging, VectorFunction, VectorSymbol, is_vector, unfold_all
from derivations.rules import Density, Expect, LogDensity, vector
from threefold.check import kernel, noise, vectors
from threefold.check.goals import Goal
from threefold.check.rehearsal import may_follow
from threefold.check.search import prove, unused_dropped
from threefold.check.substitutions import OTHER, Substitution, with_other_networks


@dataclass(frozen=True)
class Constant:
    """The two sides differ by terms that are free of `what`."""

    proof: kernel.Proof
    what: str
    how: str


def find(
    goal: Goal,
    close: Any,
    substitutions: list[Substitution],
    deadline: float,
    announced: bool,
    about: Sequence[str] = (),
) -> Constant | None:
    """A constant that separates the two sides; with ∝ or + const also one in the variables of the left side's law.

    `about`: free of one of these, and of nothing else.
    """
    if goal.relation != "=" or is_vector(goal.lhs) or is_vector(goal.rhs):
        return None
    by_name = goal.chain and goal.lhs.has(_bound().lhs)  # it is put in by its name below
    if goal.chain and not by_name and goal.both.atoms(Expect) and (dropped := unused_dropped(goal)) is not None:
        goal = goal.at(*dropped)
    for lhs, rhs, words in _versions(goal, close, substitutions):
        for what, change in _changes(lhs, rhs, announced):
            if time.process_time() > deadline:
                return None
            if about and what not in about:
                continue
            proof = _free(goal, close(lhs) - close(rhs), change)
            if proof is not None:
                return Constant(proof, what, words)
    return _normaliser(goal, close, deadline) if announced and goal.chain and not about else None


def _bound() -> Any:
    """The bound of a Gaussian model, by its name and in closed form."""
    return claims()["ddpm.elbo.gaussian_form"].says[0]


def _normaliser(goal: Goal, close: Any, deadline: float) -> Constant | None:
    """A law that the two sides differ by, as the evidence in Bayes' rule: free of what it is not a law of."""
    members = {v for law in goal.both.atoms(Density) for v in (*law.variables, *law.given)}
    laws = [law for law in goal.both.atoms(Density) if len(law.variables) == 1]
    laws += [Density("q", [m], [N.x(0)]) for m in members if isinstance(m, N.x) and m != N.x(0)]
    for law in dict.fromkeys(laws):
        for sign in (1, -1):
            if time.process_time() > deadline:
                return None
            found = prove(goal.at(goal.lhs, goal.rhs + sign * LogDensity(law)), close, deadline)
            if found is not None:
                free = sorted(str(m) for m in members - {*law.variables, *law.given})
                return Constant(found.proof, ", ".join(free), found.how)
    return None


def _versions(goal: Goal, close: Any, substitutions: list[Substitution]) -> Iterator[tuple[Any, Any, str]]:
    yield goal.lhs, goal.rhs, ""
    lhs = goal.lhs
    if goal.chain:
        known = _bound()
        lhs = lhs.xreplace({known.lhs: known.rhs})
        if lhs != goal.lhs:
            yield lhs, goal.rhs, "the bound of a Gaussian model"
    for put in substitutions:
        if put.of_variable:
            continue
        for left, right in dict.fromkeys([(lhs, goal.rhs), (close(lhs), close(goal.rhs))]):
            a, b = put(left), put(right)
            if (a, b) != (left, right):
                yield a, b, put.words
                break


def _changes(lhs: Any, rhs: Any, announced: bool) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    difference = lhs - rhs
    if any(type(a) in OTHER for a in unfold_all(difference).atoms(VectorFunction)):
        yield "the network", with_other_networks
    if not announced:
        return
    named: list[Any] = []
    if isinstance(lhs, LogDensity) and isinstance(lhs.args[0], Density):
        named = [v for v in lhs.args[0].variables if isinstance(v, VectorSymbol | VectorFunction)]
    bound = {v for a in sp.Tuple(lhs, rhs).atoms(Averaging) for v in a.args[0].variables}
    named += [v for v in sorted(rhs.atoms(VectorSymbol, VectorFunction), key=str) if len(getattr(v, "args", ())) < 2]
    for variable in dict.fromkeys(v for v in named if v not in bound):
        other = vector("other_value_of_a_variable")
        yield str(variable), partial(_replaced, table={variable: other})


def _replaced(e: Any, table: Any) -> Any:
    return e.xreplace(table)


RULES = (
    [R.algebra],
    [R.definition, R.density, R.moments, R.algebra],
    [R.linearity],
    [R.definition, R.linearity, R.tower],
    [R.definition, R.tower, R.linearity],
    [R.density, R.algebra],
    [R.definition, R.density, R.linearity],
    [R.definition, R.density, R.linearity, R.reparameterize(N.eps), R.linearity],
    [R.induction(N.T, 1)],
    [R.definition, R.density, R.linearity, R.induction(N.T, 1)],
    [
        R.definition,
        R.density,
        R.linearity,
        R.reparameterize(N.eps),
        R.linearity,
        R.induction(N.T, 1),
    ],
)

QUICK = 2  # so many of them are tried before the averages are taken over noises alone


def _free(goal: Goal, difference: Any, change: Callable[[Any], Any]) -> kernel.Proof | None:
    """Is the difference the same after the change? Densities are written out first, so that it can be applied."""
    printed = difference
    difference = opened = vectors.opened(difference)
    if difference.atoms(LogDensity):
        try:
            opened = kernel.rewritten(difference, R.density, goal.domain, goal.hypotheses)
        except Exception:
            return None
    changed = change(opened)
    if changed == difference:
        difference = printed  # it cancels once written out: then that is the proof
    if changed == difference or unfold_all(changed) == unfold_all(difference):
        return None
    try:
        with kernel.limit(2.0):
            if kernel.refute(difference, "=", changed, goal.domain, goal.hypotheses, 2) is not None:
                return None
    except Exception:  # a world that cannot be made says nothing
        pass
    here = goal.domain, goal.hypotheses
    for place, by in enumerate(RULES):
        if place == QUICK and (found := noise.proof(difference, changed, *here)) is not None:
            return found
        if not may_follow(difference, "=", changed, *here, by):
            continue
        proof = kernel.prove(difference, "=", changed, *here, by)
        if proof is not None:
            return proof
    return None
