"""Means and variances that are written by their name: E[x_{t-1} | x_t, x_0], Cov[Y], Var[x | y]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.algebra import linear_form
from derivations.kernel.terms import Averaging
from derivations.rules import Density, Inner, Norm2, Normal
from threefold.check import denoising, laws, vectors
from threefold.check.contexts import ddpm
from threefold.check.definitions import COVARIANCES
from threefold.check.lowering import LinkReader
from threefold.check.tokens import NotRead
from threefold.check.tree import Node, Script, bare


def _law(reader: LinkReader, member: Node, given: Sequence[Node]) -> Normal:
    """The Gaussian that the context fixes for a member of the chain, given others."""
    if not reader.context.chain:
        raise NotRead("a conditional moment outside a chain")
    named = Density("q", laws.variables(reader, member), laws.listed(reader, given))
    closed = reader.context.close(named, reader.settings)
    if not isinstance(closed, Normal):
        raise NotRead("a conditional moment of a law that is not known")
    return closed


def conditional_mean(reader: LinkReader, script: Script | None, body: Node, given: Sequence[Node]) -> Any:
    """E[x | y, ...] under the forward law."""
    try:
        if script is None:
            return _law(reader, body, given).args[1]
    except NotRead:
        if not reader.context.chain:
            raise
    return denoising.mean_given_state(reader, script, body, given)


def covariance(reader: LinkReader, node: Node) -> Any:
    """Cov[...] as a multiple of the identity: of a member of the chain given others, or of a sum of step noises."""
    shown, behind = laws.split(node)
    if len(shown) != 1:
        raise NotRead("a covariance of two")
    reader.covariances += 1
    if behind:
        return _law(reader, shown[0], behind).args[2]
    value = vectors.ensure(reader.value(shown[0]))
    members = [a for a in linear_form(value) if type(a) is N.x]
    return _of_states(reader, value, members) if members else sum_of_noises(value)


def _of_states(reader: LinkReader, value: Any, members: Sequence[Any]) -> Any:
    """The variance of a x_n and fresh noises, by that of the data: x_n is made from x_0 and what the steps add."""
    settings = reader.settings
    if reader.context.name not in ("ddpm", "ddim") or settings.foreign or settings.scaled or len(members) > 1:
        raise NotRead("a covariance of states that are not the chain's, or of several of them")
    (state,), form = members, linear_form(value)
    n = state.args[0]
    noises = {a: c for a, c in form.items() if a != state}
    if not all(a == N.eps or type(a) is ddpm.step_noise for a in noises):
        raise NotRead("a covariance of something that is no state and no noise")
    made = [N.t if a == N.eps else a.args[0] for a in noises]
    if n != 0 and any(
        not sp.expand(m - n).is_nonnegative or (a == N.eps and m == n) for a, m in zip(noises, made, strict=True)
    ):
        raise NotRead("a covariance of a state and a noise that it may be made of")
    if n != 0 and n in made:
        reader.withheld = "a state and a noise of one number may depend on each other"
    kept = N.abar(n) if n != 0 else sp.S.One
    drawn = form[state] ** 2 * (kept * ddpm.variance_of_start + 1 - kept)
    return drawn + sp.Add(*[c**2 for c in noises.values()])


def of_data(reader: LinkReader, lhs: Any, rhs: Any) -> tuple[Any, Any]:
    """Variances beside each other; one alone, of a state, may be meant given the data, which then do not vary."""
    if not reader.covariances:
        return lhs, rhs
    both = sp.Tuple(lhs, rhs)
    if both.atoms(Averaging, Norm2, Inner):
        raise NotRead("a variance beside a mean square, which may be a sum over coordinates")
    if both.has(ddpm.variance_of_start) and reader.covariances == 1:
        reader.repaired = True
        reader.note("a variance given x_0")
        return lhs.xreplace({ddpm.variance_of_start: sp.S.Zero}), rhs.xreplace({ddpm.variance_of_start: sp.S.Zero})
    return lhs, rhs


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
    factors = list(node[0]) if node.kind == "mul" else [node]
    named = [f for f in factors if bare(f).kind == "call" and bare(f)[0][0].letter in COVARIANCES]
    if len(named) == 1 and not any(map(laws.is_identity, factors)):
        return node
    units = [n for n, f in enumerate(factors) if laws.is_identity(f)]
    if len(units) != 1:
        return None
    rest = factors[: units[0]] + factors[units[0] + 1 :]
    if not rest:
        return Node("num", ("1",))
    return rest[0] if len(rest) == 1 else Node("mul", (tuple(rest), ("",) * (len(rest) - 1)))
