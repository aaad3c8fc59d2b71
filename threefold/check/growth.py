"""Sums that run up to t, beside products that do: what a step adds, after dividing by the product of all factors."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations import notation as N
from derivations import rules as R
from derivations.kernel.terms import bound_indices, free_scalars, is_vector
from derivations.rules import SumTo
from threefold.check import kernel
from threefold.check.goals import Found, Goal

TO_THE_END = N.schedule(1)
SCALES = (sp.S.One, N.abar(N.T), sp.sqrt(N.abar(N.T)))


def by_growth(goal: Goal, words: str) -> Found | None:
    """By induction over the last step, both sides divided by the product of all alphas, which is positive."""
    both = goal.both
    if not goal.chain or goal.relation != "=" or any(map(is_vector, both)) or not both.atoms(SumTo):
        return None
    proof = _grown(goal.lhs, goal.rhs)
    return None if proof is None else Found(proof, words + "divided by the product of all alphas, induction over t")


def added_up(total: Any, guess: Any) -> Any:
    """The guess, if the total is proved to be that; the total as it is otherwise."""
    return guess if total.atoms(SumTo) and _grown(total, guess) is not None else total


def _grown(lhs: Any, rhs: Any) -> kernel.Proof | None:
    both = sp.Tuple(lhs, rhs)
    bound, free = bound_indices(both), free_scalars(both)
    if N.T in bound or N.t in bound or (N.T in free and N.t in free):
        return None
    left, right = (e.xreplace({N.t: N.T}) for e in (lhs, rhs))
    for scale in SCALES:
        sides = _divided(left, scale), _divided(right, scale)
        proof = kernel.prove(sides[0], "=", sides[1], TO_THE_END, (), [R.induction(N.T, 1)])
        if proof is not None:
            return proof
    return None


def _divided(e: Any, scale: Any) -> Any:
    """e over the scale, which goes into every sum."""
    total: Any = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(e, deep=False)):
        sums = [f for f in sp.Mul.make_args(term) if isinstance(f, SumTo)]
        if len(sums) != 1:
            total += term / scale
            continue
        body, index, low, high = sums[0].args
        total += SumTo(sp.expand(body * (term / sums[0]) / scale), index, low, high)
    return total
