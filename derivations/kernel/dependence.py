"""Who depends on what: random variables, indices, and what is known in each argument of a term.

An expectation and a divergence bind the variables of their law, by name: log q(z) is read where z is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import sympy as sp
from sympy import Symbol

from derivations.kernel import terms
from derivations.kernel.binders import INDEXED, closed, fresh, opened
from derivations.kernel.domain import Domain
from derivations.kernel.terms import Block, ConstantVector, Density, VectorFunction, VectorSymbol, is_family_variable

# --- random variables -------------------------------------------------------------------------------------------------


def may_touch(e: Any, variables: Any, domain: Domain | None = None) -> bool:
    """False only when e certainly does not depend on any of the variables, given what the domain says of indices."""
    return any(_may_be_same(mine, v, domain or Domain()) for mine in mentioned(e) for v in variables)


def may_depend(e: Any, variables: Any, domain: Domain) -> bool:
    """The same of what e depends on: what is averaged over inside e is none of that."""
    return any(_may_be_same(mine, v, domain) for mine in free_variables(e, domain) for v in variables)


def mentioned(e: Any) -> set[Any]:
    """Random variables that occur in e, free or bound: vector symbols, family members x(t), blocks."""
    return {a for a in e.atoms(VectorSymbol, Block, VectorFunction) if _is_variable(a)}


def free_variables(e: Any, domain: Domain) -> set[Any]:
    """Random variables that e depends on: those it mentions outside the laws that bind them.

    A member x(t) inside a sum over t = lo..hi counts as the block x(lo)..x(hi).
    """
    if _is_variable(e):
        return {e}
    if isinstance(e, terms.SumTo | terms.ProductTo):
        body, index, lo, hi = opened(e, fresh())
        inside = free_variables(body, domain.with_index(index, lo, hi))
        return {_over_range(v, index, lo, hi) for v in inside} | free_variables(sp.Tuple(lo, hi), domain)
    found = {v for a in e.args for v in free_variables(a, domain)}
    law = e.args[0] if isinstance(e, terms.Averaging) else None
    if law is None:
        return found
    parameters = sp.Tuple(*law.args[2 if isinstance(law, Density) else 1 :])
    return free_variables(parameters, domain) | {left for v in found for left in outside(v, law.variables, domain)}


def _is_variable(e: Any) -> bool:
    return (isinstance(e, VectorSymbol | Block) and not isinstance(e, ConstantVector)) or is_family_variable(e)


def _over_range(v: Any, index: Symbol, lo: Any, hi: Any) -> Any:
    if isinstance(v, VectorSymbol) or not v.has(index):
        return v
    head, first, last = _range(v)
    if any(sp.expand(bound - index).has(index) for bound in (first, last)):
        return v.xreplace({index: sp.Dummy(integer=True)})  # not index + constant: some member, nobody knows which
    return Block(Symbol(head), first.xreplace({index: lo}), last.xreplace({index: hi}))


def outside(v: Any, members: Any, domain: Domain) -> Any:
    """What is left of a variable or block when the members that surely lie in it are taken out."""
    for m in members:
        if v == m:
            return ()
        if isinstance(v, VectorSymbol) or isinstance(m, VectorSymbol) or _range(v)[0] != _range(m)[0]:
            continue
        (head, lo, hi), (_, first, last) = _range(v), _range(m)
        if not all(bound.is_integer for bound in (lo, hi, first, last)):
            continue
        starts_after, ends_after = domain.at_least_zero(first - lo), domain.at_least_zero(last - hi)
        if domain.at_least_zero(lo - first) and ends_after:
            return ()
        if starts_after and ends_after and domain.at_least_zero(hi - first + 1):
            return terms.variable_set([Block(Symbol(head), lo, first - 1)])
    return (v,)


def _may_be_same(a: Any, b: Any, domain: Domain) -> bool:
    if isinstance(a, VectorSymbol) or isinstance(b, VectorSymbol):
        return bool(a == b)
    (head_a, lo_a, hi_a), (head_b, lo_b, hi_b) = _range(a), _range(b)
    if head_a != head_b:
        return False
    return not (domain.at_least_zero(lo_b - hi_a - 1) or domain.at_least_zero(lo_a - hi_b - 1))


def _range(v: Any) -> tuple[str, Any, Any]:
    if isinstance(v, Block):
        return v.args[0].name, *v.bounds
    return type(v).__name__, v.args[0], v.args[0]


def is_member(v: Any, members: Any, domain: Domain) -> bool | None:
    """Is the random variable v among `members` (variables and blocks)? None when the domain does not decide it."""
    undecided = False
    for m in members:
        if v == m:
            return True
        if isinstance(v, VectorSymbol) or isinstance(m, VectorSymbol) or _range(v)[0] != _range(m)[0]:
            continue
        (_, lo, hi), (_, lo_m, hi_m) = _range(v), _range(m)
        if not (lo.is_integer and hi.is_integer):  # x(5/2) is no member of x(1), ..., x(3)
            undecided = True
            continue
        if domain.at_least_zero(lo_m - hi - 1) or domain.at_least_zero(lo - hi_m - 1):  # apart, as an empty block is
            continue
        if domain.at_least_zero(lo - lo_m) and domain.at_least_zero(hi_m - hi):
            return True
        undecided = True
    return None if undecided else False


def may_vary(e: Any, wrt: Any) -> bool:
    """May e depend on wrt? Also through a coordinate or a member of the same family that is perhaps the same one."""
    if e.has(wrt):
        return True
    if _is_variable(wrt):
        return may_touch(e, [wrt])
    if isinstance(wrt, terms.ScalarFunction):
        return any(not _distinct(a.args[0], wrt.args[0]) for a in e.atoms(type(wrt)))
    if not isinstance(wrt, terms.Coord):
        return False
    v, j = wrt.args
    mine = {c for c in e.atoms(terms.Coord) if c.args[0] == v}
    if any(not _distinct(c.args[1], j) for c in mine) or e.xreplace({c: sp.Dummy() for c in mine}).has(v):
        return True
    if not isinstance(v, VectorFunction):
        return False
    others = {a for a in e.atoms(type(v)) if a != v}
    blocks = {block for block in e.atoms(Block) if block.args[0].name == type(v).__name__}
    return bool(blocks) or not all(any(map(_distinct, a.args, v.args)) for a in others)


def _distinct(i: Any, j: Any) -> bool:
    if terms.is_vector(i) or terms.is_vector(j):
        return False
    gap = sp.expand(i - j)
    return bool(gap.is_Integer and gap != 0)


# --- what is known inside ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Inside:
    """The arguments of a term, its index opened with a fresh symbol, and what is known in each of them."""

    args: tuple[Any, ...]
    domains: tuple[Domain, ...]
    close: Callable[[Any], Any]
    index: Symbol | None = None


def enter(e: Any, domain: Domain, index: Symbol | None = None) -> Inside:
    """Look inside a term; `close` makes the term of its changed arguments.

    In the scope of an index its range is known. Under an average over a normal law (or bits, or an image) nothing is
    known of the coordinates of its variable, whatever the domain says of them elsewhere.
    """
    known = [domain] * len(e.args)
    if isinstance(e, INDEXED):
        index = index or fresh()
        args = opened(e, index)
        lo, hi = args[2:4] if isinstance(e, terms.SumTo | terms.ProductTo) else (sp.S.One, args[-1])
        for place in e.scope:
            known[place] = domain.with_index(index, lo, hi)
        return Inside(tuple(args), tuple(known), partial(closed, type(e), index=index), index)
    if isinstance(e, terms.Expect) and not isinstance(e.args[0], Density):
        known[1] = domain.unaware_of(e.args[0].args[0])

    def close(args: Any) -> Any:
        return e if all(a is b for a, b in zip(args, e.args, strict=True)) else e.func(*args)

    return Inside(e.args, tuple(known), close)
