"""Who depends on what: random variables, bound indices, and the convention about names that keeps substitution honest.

A sum, a product, a coordinatewise law and a limit bind an index; an expectation and a divergence bind the variables of
their law. The kernel refuses an expression in which an index is both bound and free, or bound twice, one inside the
other. Then a symbol can be replaced everywhere at once, and nothing is captured.
"""

from __future__ import annotations

import re
from typing import Any

import sympy as sp
from sympy import Symbol

from derivations.kernel import terms
from derivations.kernel.domain import Domain
from derivations.kernel.terms import Block, DefinedFunction, Density, Malformed, VectorFunction, VectorSymbol

# --- random variables -------------------------------------------------------------------------------------------------


def may_touch(e: Any, variables: Any, domain: Domain | None = None) -> bool:
    """False only when e certainly does not depend on any of the variables, given what the domain says of indices."""
    return any(_may_be_same(mine, v, domain or Domain()) for mine in mentioned(e) for v in variables)


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
        body, index, lo, hi = e.args
        inside = free_variables(body, domain.with_index(index, lo, hi))
        return {_over_range(v, index, lo, hi) for v in inside} | free_variables(sp.Tuple(lo, hi), domain)
    found = {v for a in e.args for v in free_variables(a, domain)}
    law = e.args[0] if isinstance(e, terms.Averaging) else None
    if law is None:
        return found
    parameters = sp.Tuple(*law.args[2 if isinstance(law, Density) else 1 :])
    return free_variables(parameters, domain) | {left for v in found for left in outside(v, law.variables, domain)}


def _is_variable(e: Any) -> bool:
    if isinstance(e, VectorFunction):
        return len(e.args) == 1 and not terms.is_vector(e.args[0])  # x(t), but not a network's output net(z)
    return isinstance(e, VectorSymbol | Block)


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
        if domain.at_least_zero(lo - lo_m) and domain.at_least_zero(hi_m - hi):
            return True
        if not (domain.at_least_zero(lo_m - hi - 1) or domain.at_least_zero(lo - hi_m - 1)):
            undecided = True
    return None if undecided else False


def may_vary(e: Any, wrt: Any) -> bool:
    """May e depend on wrt? Also through a coordinate or a member of the same family that is perhaps the same one."""
    if e.has(wrt):
        return True
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


def domains_inside(e: Any, domain: Domain) -> list[Domain]:
    """What is known in each argument of e.

    In the scope of an index its range is known. Under an average over a normal law (or bits, or an image) nothing is
    known of the coordinates of its variable, whatever the domain says of them elsewhere.
    """
    inside, places = domain, terms.binds(e)
    if isinstance(e, terms.SumTo | terms.ProductTo):
        inside = domain.with_index(*e.args[1:])
    elif places and isinstance(e, terms.Law):
        inside = domain.with_index(e.args[1], 1, e.args[-1])
    elif isinstance(e, terms.Expect) and not isinstance(e.args[0], Density):
        inside, places = domain.unaware_of(e.args[0].args[0]), (1,)
    return [inside if place in places else domain for place in range(len(e.args))]


# --- names ------------------------------------------------------------------------------------------------------------


def free_symbols(e: Any) -> set[Symbol]:
    """The symbols that occur in e outside every sum, product, law or limit that binds them."""
    if isinstance(e, Symbol):
        return {e}
    bound = {e.args[1]} if terms.binds(e) else set()
    return {
        s
        for place, a in enumerate(e.args)
        if not (bound and place == 1)
        for s in free_symbols(a) - (bound if place in terms.binds(e) else set())
    }


def refuse_clashes(e: Any) -> None:
    """Refuse an index that is bound and also free, or bound inside its own scope, or captured by an abbreviation."""
    if both := terms.bound_indices(e) & free_symbols(e):
        raise Malformed(f"{_names(both)} is an index and also stands outside its sum: rename the index")
    _refuse_nested(e, frozenset())
    for named in e.atoms(DefinedFunction):
        arguments = sp.Tuple(*named.args)
        opened = terms.unfold_all(named)
        own = terms.bound_indices(opened) - terms.bound_indices(arguments)
        if captured := own & free_symbols(arguments):
            raise Malformed(f"{named} sums over {_names(captured)} inside: use another symbol as its argument")
        if any(arguments.has(d.args[1]) for d in opened.atoms(terms.D) - arguments.atoms(terms.D)):
            raise Malformed(f"{named} differentiates by what is its argument: write the derivative out")


def _refuse_nested(e: Any, enclosing: frozenset[Symbol]) -> None:
    if terms.binds(e) and e.args[1] in enclosing:
        raise Malformed(f"{e.args[1]} is an index twice, one inside the other: rename one")
    for place, a in enumerate(e.args):
        _refuse_nested(a, enclosing | {e.args[1]} if place in terms.binds(e) else enclosing)


def refuse_open_definitions(e: Any) -> None:
    """Refuse an abbreviation that depends on a symbol which is not among its arguments: it would look constant."""
    for named in e.atoms(DefinedFunction):
        body = named.unfold()
        refuse_open_definitions(body)
        known = terms.variable_set(v for a in named.args for v in mentioned(a))
        stray = {v for v in free_variables(body, Domain()) if not is_member(v, known, Domain())}
        stray |= {s for s in terms.free_scalars(body) if s != terms.DIM and not named.has(s)}
        if stray:
            raise Malformed(f"{named} hides {_names(stray)}: make it an argument of {type(named).__name__}")


def refuse_ambiguous_names(*expressions: Any) -> None:
    """Refuse two different symbols that print alike: they would be compared as strangers and read as one."""
    seen: dict[str, Any] = {}
    for e in expressions:
        heads = {type(a): type(a).__name__ for a in e.atoms(terms.ScalarFunction, VectorFunction, DefinedFunction)}
        laws = {a.args[0] for a in e.atoms(Density)}
        for meaning, name in [*((s, s.name) for s in e.atoms(Symbol) - terms.names(e) | laws), *heads.items()]:
            if seen.setdefault(name, meaning) != meaning:
                raise Malformed(f"two different symbols are named {name!r}: use one of them throughout")


def refuse_telling_subscripts(e: Any) -> None:
    """Refuse sum_t sigma_t, or the derivative of mu_phi(x) in phi: a subscript is a part of a name, and tells nothing.

    To the kernel sigma_t is one number, whatever t; what is meant is sigma(t), or mu_phi(x, phi).
    """
    for term in terms.unfold_all(e).atoms(terms.Formal):
        if terms.binds(term) or isinstance(term, terms.D):
            refuse_names_with(term.args[1], term)


def refuse_names_with(bound: Any, e: Any) -> None:
    """Refuse a name in e that shows a symbol which e is read for every value of, or differentiated by."""
    if not isinstance(bound, Symbol):
        return
    opened = terms.unfold_all(e)
    heads = {a: type(a).__name__ for a in opened.atoms(terms.ScalarFunction, VectorFunction) if not a.has(bound)}
    for named, name in [*((s, s.name) for s in opened.atoms(Symbol)), *heads.items()]:
        if _subscripts(name) & {bound.name, terms.LATEX.get(bound.name, bound.name)}:
            raise Malformed(f"{named} has {bound} in its name and does not depend on it: make it an argument")


def _subscripts(name: str) -> set[str]:
    """The words after the first _ or ^ in a name, and in what is printed for it."""
    beside = ("".join(re.split(r"([_^])", shown, maxsplit=1)[1:]) for shown in (name, terms.LATEX.get(name, "")))
    return {word for part in beside for word in re.findall(r"\\?[A-Za-z]+", part)}


def _names(symbols: Any) -> str:
    return ", ".join(sorted(map(str, symbols)))
