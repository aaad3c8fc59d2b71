"""Earlier claims that say what a line of a document says: as it stands, written out, or rearranged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sympy as sp

from derivations import rules as R
from derivations.kernel.algebra import Algebra
from derivations.kernel.terms import ScalarFunction, VectorFunction, VectorSymbol, is_vector, unfold_all
from derivations.rules import Density, Domain
from threefold.check import kernel
from threefold.check.goals import Found, Goal, attempt


def from_library(goal: Goal, words: str = "") -> Found | None:
    """An earlier claim that says this, as it stands, written out, or with terms moved to the other side."""
    for candidate, how in _candidates(goal):
        claim_id, part, swap = candidate
        rule = R.by_claim(claim_id, part)
        for by in _by_claim(goal, rule, how, swap):
            proof = attempt(goal, by)
            if proof is not None:
                return Found(proof, f"{words}claim {claim_id}")
        if how in ("rearranged", "order") and kernel.is_proved(claim_id):
            return Found(
                kernel.Proof((claim_id,), (claim_id,), ()),
                f"{words}claim {claim_id}" + (", rearranged" if how == "rearranged" else ""),
            )
    return None


def _by_claim(goal: Goal, rule: Any, how: str, swap: bool) -> Iterator[list[Any]]:
    del swap
    if goal.relation == "=":
        yield [rule]
        yield [rule, R.algebra]
        if how != "same":
            yield [R.definition, rule]


def _candidates(goal: Goal) -> Iterator[tuple[tuple[str, int, bool], str]]:
    """Claims whose statement is this one, decided by the kernel's algebra on this goal's domain."""
    algebra = Algebra(goal.domain)
    here = _letters(goal.both)
    supposed = set(goal.hypotheses)
    for claim_id, part, statement, domain, hypotheses in kernel.library():
        if _letters(sp.Tuple(statement.lhs, statement.rhs)) != here:
            continue
        if not _within(goal.domain, domain) or not set(hypotheses) <= supposed:
            continue
        for swap in (False, True):
            lhs, rhs = (goal.rhs, goal.lhs) if swap else (goal.lhs, goal.rhs)
            relation = (
                {"<=": ">=", ">=": "<="}.get(statement.relation, statement.relation) if swap else statement.relation
            )
            try:
                if not swap and _same_gap(algebra, statement, goal):
                    yield (claim_id, part, swap), "order"
                if relation != goal.relation:
                    continue
                if _same(algebra, statement.lhs, lhs) and _same(algebra, statement.rhs, rhs):
                    yield (claim_id, part, swap), "order" if relation != "=" else "same"
                elif not swap and relation == "=" and _rearranged(algebra, statement, lhs, rhs):
                    yield (claim_id, part, swap), "rearranged"
            except Exception:
                continue


@lru_cache(maxsize=4096)
def _letters(both: Any) -> tuple[bool, frozenset[Any], frozenset[Any]]:
    """What two sides are about: a vector or a number, the laws, the letters; claims about others need no comparison."""
    opened = unfold_all(both)
    letters = {type(f) for f in opened.atoms(ScalarFunction, VectorFunction)} | opened.atoms(VectorSymbol)
    letters |= {s for s in opened.atoms(sp.Symbol) if not s.is_integer}
    return any(map(is_vector, both)), frozenset(opened.atoms(Density)), frozenset(letters)


def _within(here: Domain, there: Domain) -> bool:
    """Is everything that the claim supposes of its symbols supposed here too?"""
    for index, bounds in there.indices.items():
        if index in here.indices and here.indices[index] != bounds:
            low, high = bounds
            mine = here.indices[index]
            if mine[1] != high or not (mine[0] - low).is_nonnegative:
                return False
    return all(here.intervals.get(n, i) == i for n, i in there.intervals.items()) and all(
        here.products.get(big) == small for big, small in there.products.items()
    )


def _same(algebra: Any, a: Any, b: Any) -> bool:
    if type(a) is type(b) and algebra.equal(a, b):
        return True
    opened, other = unfold_all(a), unfold_all(b)
    return (opened, other) != (a, b) and type(opened) is type(other) and bool(algebra.equal(opened, other))


def _same_gap(algebra: Any, statement: Any, goal: Goal) -> bool:
    """Two inequalities of one kind whose larger sides exceed the smaller ones by the same."""
    kinds = {"<=": ("<=", -1), ">=": ("<=", 1), "<": ("<", -1), ">": ("<", 1)}
    if statement.relation not in kinds or goal.relation not in kinds:
        return False
    (kind, sign), (other, mine) = kinds[statement.relation], kinds[goal.relation]
    theirs = sign * (unfold_all(statement.lhs) - unfold_all(statement.rhs))
    gap = mine * (unfold_all(goal.lhs) - unfold_all(goal.rhs))
    if kind != other:
        return False
    return (
        bool(algebra.is_zero(theirs - gap))
        or attempt(replace(goal, lhs=theirs, relation="=", rhs=gap), [R.linearity]) is not None
    )


def _rearranged(algebra: Any, statement: Any, lhs: Any, rhs: Any) -> bool:
    sides = [unfold_all(e) for e in (statement.lhs, statement.rhs, lhs, rhs)]
    if not all(isinstance(e, sp.Expr) for e in sides) or len({is_vector(e) for e in sides if e != 0}) > 1:
        return False
    mine, theirs = sides[2] - sides[3], sides[0] - sides[1]
    if not mine.atoms(Density) or mine.atoms(Density) != theirs.atoms(Density):
        return False
    return bool(algebra.is_zero(mine - theirs) or algebra.is_zero(mine + theirs))
