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
    for candidate in edited:
        statement = candidate.says[0]
        if statement.relation != goal.relation or time.process_time() > deadline:
            continue
        if _trivial(statement):
            continue
        for put in (_as_it_is, *puts):
            lhs, rhs = put(statement.lhs), put(statement.rhs)
            if put is not _as_it_is and (lhs, rhs) == (statement.lhs, statement.rhs):
                continue
            tried = goal.at(lhs, rhs)
            if search.kernel_says_no(tried):
                continue
            if search.prove(tried, close, deadline, thorough=False) is not None:
                return printing.relation_latex(statement.lhs, statement.relation, statement.rhs)
    return ""


def _as_it_is(e: Any) -> Any:
    return e


def _trivial(statement: Any) -> bool:
    """Both sides the same after the edit: that mends nothing."""
    return bool(statement.lhs == statement.rhs)
