"""Means and variances that are written by their name: E[x_{t-1} | x_t, x_0], Cov[Y], Var[x | y]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.algebra import linear_form
from derivations.rules import Density, Normal
from threefold.check import laws, vectors
from threefold.check.contexts import ddpm
from threefold.check.definitions import COVARIANCES
from threefold.check.lowering import LinkReader
from threefold.check.tokens import NotRead
from threefold.check.tree import Node, bare


def _law(reader: LinkReader, member: Node, given: Sequence[Node]) -> Normal:
    """The Gaussian that the context fixes for a member of the chain, given others."""
    if not reader.context.chain:
        raise NotRead("a conditional moment outside a chain")
    named = Density("q", laws.variables(reader, member), laws.listed(reader, given))
    closed = reader.context.close(named, reader.settings)
    if not isinstance(closed, Normal):
        raise NotRead("a conditional moment of a law that is not known")
    return closed


def conditional_mean(reader: LinkReader, member: Node, given: Sequence[Node]) -> Any:
    """E[x | y, ...] under the forward law."""
    return _law(reader, member, given).args[1]


def covariance(reader: LinkReader, node: Node) -> Any:
    """Cov[...] as a multiple of the identity: of a member of the chain given others, or of a sum of step noises."""
    shown, behind = laws.split(node)
    if len(shown) != 1:
        raise NotRead("a covariance of two")
    if behind:
        return _law(reader, shown[0], behind).args[2]
    return sum_of_noises(vectors.ensure(reader.value(shown[0])))


def sum_of_noises(value: Any) -> Any:
    """The variance of a sum of independent step noises, per coordinate."""
    form = linear_form(value)
    if not all(isinstance(a, ddpm.NOISES) for a in form) and set(form) != {N.eps}:
        raise NotRead("a covariance of something that is no sum of noises")
    return sp.Add(*[c**2 for c in form.values()])


def without_identity(node: Node) -> Node | None:
    """The factor of the identity in a side whose every term is a multiple of it; None for any other side."""
    node = bare(node)
    if node.kind == "add":
        terms = [(sign, without_identity(term)) for sign, term in node[0]]
        return None if any(t is None for _, t in terms) else Node("add", (tuple(terms),))
    if node.kind == "call":
        return node if node[0][0].letter in COVARIANCES else None
    factors = list(node[0]) if node.kind == "mul" else [node]
    units = [n for n, f in enumerate(factors) if laws.is_identity(f)]
    if len(units) != 1:
        return None
    rest = factors[: units[0]] + factors[units[0] + 1 :]
    if not rest:
        return Node("num", ("1",))
    return rest[0] if len(rest) == 1 else Node("mul", (tuple(rest), ("",) * (len(rest) - 1)))
