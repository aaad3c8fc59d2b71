"""A derivation as data: the lines of a calc chain, each with its relation, its rule and its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from derivations.kernel.rules.base import Rule, algebra, in_order


@dataclass(frozen=True)
class Line:
    expression: Any
    relation: str
    rule: Rule
    why: str


class Chain:
    """Records the lines that a derivation writes: `line(e)` starts, `line(e, by=rule)` continues with =."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def _add(self, e: Any, relation: str, by: Any, why: str) -> None:
        self.lines.append(Line(sp.sympify(e, strict=True), relation, _rule(by, relation), why))

    def __call__(self, e: Any, by: Any = algebra, why: str = "") -> None:
        self._add(e, "=", by, why)

    def le(self, e: Any, by: Any = None, why: str = "") -> None:
        self._add(e, "<=", by, why)

    def ge(self, e: Any, by: Any = None, why: str = "") -> None:
        self._add(e, ">=", by, why)

    def lt(self, e: Any, by: Any = None, why: str = "") -> None:
        self._add(e, "<", by, why)

    def gt(self, e: Any, by: Any = None, why: str = "") -> None:
        self._add(e, ">", by, why)

    def iff(self, e: Any, by: Any = None, why: str = "") -> None:
        self._add(e, "iff", by, why)


def _rule(by: Any, relation: str) -> Rule:
    """The rule that was written, or a TypeError that says what to write."""
    if by is None:
        raise TypeError(f"a line with {relation!r} needs its reason: give by=, such as by=positivity or by=gibbs")
    if isinstance(by, tuple | list) and by:
        return in_order(_rule(each, relation) for each in by)
    if not isinstance(by, Rule):
        hint = f": write by={by} without quotes" if isinstance(by, str) else ""
        raise TypeError(f"by={by!r} is no rule{hint} (import it from derivations.rules)")
    return by


@dataclass(frozen=True)
class Proof:
    """One chain, or (base, step) when by induction on an integer symbol."""

    chains: tuple[Chain, ...]
    induction_on: Any
    start: Any
