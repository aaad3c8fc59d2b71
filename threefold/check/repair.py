"""Mend a refuted line by one edit: the mutation operators, read backwards; shown only if the new line is proved."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from derivations import mutants, printing
from threefold.check import kernel, search
from threefold.check.goals import Goal

MOST = 80


def find(goal: Goal, close: Any, puts: Sequence[Callable[[Any], Any]], deadline: float) -> str:
    """LaTeX of the line with one edit that makes it true; '' where none is found in time.

    `puts`: what may be put into both sides before they are compared (see `substitutions`).
    """
    made = kernel.claim(goal.lhs, goal.relation, goal.rhs, goal.domain, goal.hypotheses)
    try:
        edited = mutants(made)[:MOST]
    except Exception:  # an operator that does not fit these terms
        return ""
    tried: dict[Goal, Any] = {}
    for statement in (candidate.says[0] for candidate in edited):
        if statement.relation != goal.relation or statement.lhs == statement.rhs:
            continue
        for put in (_as_it_is, *puts):
            lhs, rhs = put(statement.lhs), put(statement.rhs)
            if put is _as_it_is or (lhs, rhs) != (statement.lhs, statement.rhs):
                tried.setdefault(goal.at(lhs, rhs), statement)
    for candidate in _standing(goal, list(tried), deadline):
        if time.process_time() > deadline:
            break
        if search.prove(candidate, close, deadline, thorough=False) is not None:
            return printing.relation_latex(tried[candidate].lhs, goal.relation, tried[candidate].rhs)
    return ""


def _standing(goal: Goal, candidates: list[Goal], deadline: float) -> list[Goal]:
    """Those that do not fail in a world: nothing could prove the others."""
    pairs = [(c.lhs, c.rhs) for c in candidates]
    try:
        with kernel.limit(deadline - time.process_time()):
            supposed = search.suppositions(goal)
            left = kernel.standing(pairs, goal.relation, goal.domain, supposed, search.WORLDS)
    except kernel.OutOfTime:
        return []
    return [candidates[place] for place in left]


def _as_it_is(e: Any) -> Any:
    return e
