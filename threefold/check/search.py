"""Look for a proof of one reading: an earlier claim, or one of a fixed list of rules; nothing here is trusted.

The lists are ordered by what the terms contain, and the first that the kernel accepts ends the search.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from derivations import notation as N
from derivations import rules as R
from derivations.kernel.terms import (
    Averaging,
    ScalarFunction,
    VectorFunction,
    unfold_all,
)
from derivations.rules import (
    BernoulliProduct,
    Density,
    Expect,
    FullNormal,
    Hypothesis,
    Normal,
)
from threefold.check import kernel
from threefold.check.goals import Found, Goal, attempt, attempt_found
from threefold.check.library import from_library
from threefold.check.lists import strategies
from threefold.check.ways import by_way_of, through_landmark

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
        here = version.lhs, version.relation, version.rhs, version.domain, version.hypotheses
        if kernel_says_no(version) or not kernel.means_something(*here):
            continue
        for by in strategies(version):
            if time.process_time() > deadline:
                return None
            proof = attempt(version, by)
            if proof is not None:
                return Found(proof, words + ", ".join(rule.name for rule in by))
        found = by_way_of(version, words)
        if found is not None:
            return found
    return None


def at_once(goal: Goal) -> Found | None:
    """What is seen without any search: the same terms, an earlier claim, the bound's decomposition."""
    same = attempt_found(goal, [R.algebra], "") if goal.relation == "=" else None
    return same or from_library(goal) or through_landmark(goal, "")


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
    if goal.chain and goal.both.atoms(Expect) and (dropped := unused_dropped(goal)) is not None:
        lhs, rhs = dropped
        candidates.append((lhs, rhs, "unused variables dropped, "))
        candidates.append((close(lhs), close(rhs), "unused variables dropped, closed laws, "))
    opened = (unfold_all(goal.lhs), unfold_all(goal.rhs))
    if opened != (goal.lhs, goal.rhs):
        candidates.append((close(opened[0]), close(opened[1]), "written out, closed laws, "))
    for lhs, rhs, words in candidates:
        if (lhs, rhs) not in seen:
            seen.append((lhs, rhs))
            yield goal.at(lhs, rhs), words


def unused_dropped(goal: Goal) -> tuple[Any, Any] | None:
    """The sides with every average over the variables alone that its body depends on; None where that is no change."""
    try:
        lhs, rhs = (kernel.rewritten(e, R.tower, goal.domain, goal.hypotheses) for e in (goal.lhs, goal.rhs))
    except Exception:  # an average that the rule does not take apart
        return None
    return None if (lhs, rhs) == (goal.lhs, goal.rhs) else (lhs, rhs)
