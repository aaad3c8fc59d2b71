"""Two lines rewritten by rules and compared, without what the kernel asks besides: what fails here fails there.

A search tries dozens of lists of rules on the same two lines, and many begin alike. Here each beginning is rewritten
once, and two lists that make the same of both lines are compared once. Nothing is proved by it: a list that passes is
given to the kernel, which starts anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from derivations.kernel.rules.base import Context
from derivations.kernel.spaces import Spaces
from derivations.kernel.substitution import core
from derivations.rules import Domain, Hypothesis
from threefold.check.kernel import STEP_SECONDS, OutOfTime, limit


class _Claim(Exception):
    """A rule asks for an earlier claim, which only the kernel may answer."""


def _no_claim(claim_id: str) -> Any:
    raise _Claim(claim_id)


class Rehearsal:
    """All that was tried on one pair of lines."""

    def __init__(self, lhs: Any, rhs: Any, domain: Domain, hypotheses: tuple[Hypothesis, ...]) -> None:
        self.sides = core(lhs), core(rhs)
        supposed = [h.core() for h in hypotheses]
        spaces = Spaces.of((*self.sides, *(side for h in supposed for side in h.sides)), domain.sizes)
        self.context = Context(domain, {h.name: h for h in supposed}, _no_claim, spaces=spaces)
        self._written: dict[tuple[Any, ...], Any] = {}
        self._compared: dict[tuple[Any, ...], bool] = {}

    def follows(self, relation: str, by: Sequence[Any]) -> bool:
        """May the kernel accept this list? True where that cannot be told here."""
        try:
            left, right = (self._rewritten(side, tuple(by)) for side in self.sides)
            if left is None or right is None:
                return False
            key = relation, left, right, by[-1]
            if key not in self._compared:
                self._compared[key] = self._decided(*key)
            return self._compared[key]
        except _Claim:
            return True

    def _decided(self, relation: str, left: Any, right: Any, last: Any) -> bool:
        return bool(_tried(lambda: last.decide(relation, left, right, self.context)))

    def _rewritten(self, e: Any, rules: tuple[Any, ...]) -> Any:
        """The line after these rules in turn; None where one of them does not apply."""
        if not rules:
            return e
        if (e, rules) not in self._written:
            before = self._rewritten(e, rules[:-1])
            made = None if before is None else _tried(lambda: rules[-1].rewrite(before, self.context))
            self._written[e, rules] = made
        return self._written[e, rules]


def _tried(step: Callable[[], Any]) -> Any:
    """What the step gives; None where it fails or takes too long, as it would in the kernel."""
    try:
        with limit(STEP_SECONDS):
            return step()
    except _Claim:
        raise
    except (OutOfTime, Exception):
        return None


@lru_cache(maxsize=64)
def _rehearsal(lhs: Any, rhs: Any, domain: Domain, hypotheses: tuple[Hypothesis, ...]) -> Rehearsal | None:
    try:
        return Rehearsal(lhs, rhs, domain, hypotheses)
    except Exception:  # the kernel says what is wrong with these lines
        return None


def may_follow(
    lhs: Any, relation: str, rhs: Any, domain: Domain, hypotheses: tuple[Hypothesis, ...], by: Sequence[Any]
) -> bool:
    """False only where the kernel would not accept this list of rules between the two lines."""
    made = _rehearsal(lhs, rhs, domain, hypotheses)
    return made is None or made.follows(relation, by)
