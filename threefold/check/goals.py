"""What is to be proved of one reading, and one attempt at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derivations.rules import Domain, Hypothesis
from threefold.check import kernel
from threefold.check.rehearsal import may_follow


@dataclass(frozen=True)
class Found:
    """A proof and the words for how it was found."""

    proof: kernel.Proof
    how: str


@dataclass(frozen=True)
class Goal:
    """lhs relation rhs, where, under what."""

    lhs: Any
    relation: str
    rhs: Any
    domain: Domain
    hypotheses: tuple[Hypothesis, ...]
    chain: bool

    @property
    def both(self) -> Any:
        return sp.Tuple(self.lhs, self.rhs)

    def at(self, lhs: Any, rhs: Any) -> Goal:
        return Goal(lhs, self.relation, rhs, self.domain, self.hypotheses, self.chain)

    def of_one(self, size: Any) -> Goal:
        """The same where the size is 1."""
        indices = {**self.domain.indices, size: (sp.S.One, sp.S.One)}
        domain = Domain(self.domain.intervals, indices, self.domain.products)
        return Goal(self.lhs, self.relation, self.rhs, domain, self.hypotheses, self.chain)


def attempt(goal: Goal, by: Sequence[Any]) -> kernel.Proof | None:
    if not may_follow(goal.lhs, goal.relation, goal.rhs, goal.domain, goal.hypotheses, by):
        return None
    return kernel.prove(goal.lhs, goal.relation, goal.rhs, goal.domain, goal.hypotheses, by)


def attempt_found(goal: Goal, by: Sequence[Any], words: str) -> Found | None:
    proof = attempt(goal, by)
    return None if proof is None else Found(proof, words + ", ".join(rule.name for rule in by))
