"""Gaussians and linear maps between spaces of any two sizes: what is drawn through a matrix, inverses, determinants."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra
from derivations.kernel.definedness import Undischarged, conditions, discharge
from derivations.kernel.dependence import may_touch
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node, rewriting, walk
from derivations.kernel.rules.matrices import strands
from derivations.kernel.sorts import sort
from derivations.kernel.spaces import Spaces
from derivations.kernel.terms import (
    Apply,
    Expect,
    FullNormal,
    LogDensity,
    LogDet,
    Normal,
    Transposed,
)
from derivations.kernel.words import added, reduced, spelled, times, words

NORMAL = Normal | FullNormal

# --- what is drawn through a matrix -----------------------------------------------------------------------------------


@at_every_node(
    "Gaussian through a matrix",
    "law",
    "a linear map of a Gaussian plus independent Gaussian noise is Gaussian; means and covariances add",
)
def _through(node: Any, context: Context) -> Any:
    """E_{N(z; m, S)} N(x; B z + c, R) = N(x; B m + c, B S B^T + R)."""
    if not isinstance(node, Expect) or not isinstance(node.args[1], sp.exp):
        return node
    law, inside = node.args[0], node.args[1].args[0]
    if not (isinstance(law, NORMAL) and isinstance(inside, LogDensity) and isinstance(inside.args[0], NORMAL)):
        return node
    z, mean, spread, _ = law.args
    x, location, noise, dim = inside.args[0].args
    parts = strands(location)
    by = added({}, *({word: c} for v, word, c in parts if v == z))
    rest = sp.Add(*[c * (Apply(spelled({word: sp.S.One}), v) if word else v) for v, word, c in parts if v != z])
    matrix = spelled(by)
    covariance = matrix * spread * Transposed(matrix) + noise
    if covariance.is_commutative or may_touch(sp.Tuple(x, rest, noise, matrix), [z], context.domain):
        return node
    return sp.exp(LogDensity(FullNormal(x, Apply(matrix, mean) + rest if mean != 0 else rest, covariance, dim)))


through = Rule("Gaussian through a matrix")

# --- inverses and determinants of sums --------------------------------------------------------------------------------


def inverse_is(matrix: Any, other: Any) -> Rule:
    """Write `other` for the inverse of a positive definite sum: multiplied with it, it must give the identity."""
    return Rule("inverse", (sp.sympify(matrix, strict=True), sp.sympify(other, strict=True)))


@rewriting(
    "inverse",
    "decided",
    "what gives the identity, multiplied with a square matrix that has an inverse, is that inverse",
)
def _inverse(e: Any, context: Context, matrix: Any, other: Any) -> Any:
    _refuse_other_sorts(matrix, other)
    if not isinstance(matrix, sp.Add):
        raise StepFails(f"{matrix} is no sum of matrices, so its inverse needs no other form")
    Spaces.of([matrix * other, other * matrix], context.domain.sizes)

    def change(node: Any, local: Context) -> Any:
        if not (isinstance(node, sp.Pow) and node.args[1].is_negative and words(node.args[0]) == words(matrix)):
            return node
        _check_inverse(matrix, other, local)
        return other ** -node.args[1]

    return walk(e, change, context)


def _refuse_other_sorts(*matrices: Any) -> None:
    for m in matrices:
        if sort(m) not in ("matrix", "number"):
            raise StepFails(f"{m} is a {sort(m)}, and no matrix")


def _check_inverse(matrix: Any, other: Any, local: Context) -> None:
    try:
        discharge(conditions(matrix**-1, local.domain), local.granted)
        discharge(conditions(other, local.domain), local.granted)
    except Undischarged as reason:
        raise StepFails(f"{other} is asked for as an inverse, and may mean nothing: {reason}") from reason
    left = added(reduced(times(words(matrix), words(other))), {(): sp.S.NegativeOne})
    if not all(map(Algebra(local.domain).is_zero, left.values())):
        raise StepFails(f"{matrix} times {other} is not known to be the identity, so it is not known as its inverse")


def determinant_turned(left: Any, right: Any) -> Rule:
    """Write log |c + R L| + (n - m) log c for log |c + L R|, with L of n rows and m columns."""
    return Rule("Sylvester's determinant", (sp.sympify(left, strict=True), sp.sympify(right, strict=True)))


@rewriting("Sylvester's determinant", "decided", "|c I_n + L R| = c^(n - m) |c I_m + R L|, for c > 0 and L of n x m")
def _turned_round(e: Any, context: Context, left: Any, right: Any) -> Any:
    _refuse_other_sorts(left, right)
    rows, columns = Spaces.of([left * right, right * left], context.domain.sizes).shape(left)
    if rows is None or columns is None:
        raise StepFails(f"the domain does not say how many rows and columns {left} has")

    def change(node: Any, local: Context) -> Any:
        if not isinstance(node, LogDet):
            return node
        rest = added(words(node.args[0]), {w: -c for w, c in words(left * right).items()})
        if set(rest) != {()} or Algebra(local.domain).sign(rest[()]) != "+":
            return node
        return LogDet(rest[()] + right * left) + (rows - columns) * sp.log(rest[()])

    return walk(e, change, context)
