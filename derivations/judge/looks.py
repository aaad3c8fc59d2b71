"""What is read must be what was judged: two different things of a claim never print alike.

The kernel compares the names and LaTeX names that were declared. What is printed of them is decided by `printing`,
which the kernel does not know: the terminal writes mu and mu_of as one letter, and beta_1 like the member beta(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import sympy as sp

from derivations import printing
from derivations.kernel.domain import Domain
from derivations.kernel.genuine import bare_look
from derivations.kernel.terms import (
    LATEX,
    Apply,
    Block,
    Bound,
    Coord,
    Covariance,
    DefinedFunction,
    Density,
    Entry,
    LinearMap,
    LogDet,
    Malformed,
    Name,
    Partial,
    Quadratic,
    ScalarFunction,
    Trace,
    Transposed,
    VectorFunction,
    is_vector,
    name_of,
)

MATRICES = (Covariance, LinearMap, Quadratic, Trace, LogDet, Apply, Entry)
MADE = (Coord, Entry, Block, Transposed, sp.exp, type(sp.E))
NAMED = (sp.Symbol, ScalarFunction, VectorFunction, DefinedFunction)
ANYWHERE = sp.Symbol("x", real=True)


def refuse_one_look(written: Iterable[Any], domain: Domain) -> None:
    """Refuse two symbols, members of families or laws that a terminal or a page shows as one.

    A name that is shown like a part or a power of another, or like a product of others, is refused too.
    """
    expressions = tuple(written)
    shown: dict[tuple[str, str], Any] = {}
    named = dict.fromkeys(a for e in expressions for a in _named(e))
    for atom in named:
        kind = "law" if isinstance(atom, Name) else "value"
        for look in _looks(atom):
            other = shown.setdefault((kind, look), atom)
            if other != atom:
                raise Malformed(f"{other} and {atom} are both shown as {look}: name one of them otherwise")
    _refuse_parts(named, domain)
    if (other := shown.get(("value", "I"))) is not None and any(map(_adds_identity, expressions)):
        raise Malformed(f"{other} is shown as I, and so is the identity: name {other} otherwise")
    _refuse_identities(expressions, named)
    for made in _made(expressions):
        for look in _looks(made):
            if (other := shown.get(("value", look), made)) != made:
                raise Malformed(f"{other} and {made} are both shown as {look}: name {other} otherwise")
    heads: dict[str, Any] = {}
    for call in dict.fromkeys(a for e in expressions for a in _calls(e)):
        look = bare_look(printing.latex(call))
        if heads.setdefault(look, call) != call:
            raise Malformed(f"{heads[look]} and {call} are both shown as {look}: name one of them otherwise")


# --- names that say more than they mean -------------------------------------------------------------------------------


def _refuse_parts(named: Iterable[Any], domain: Domain) -> None:
    """Refuse x_1 for a number beside a vector x, x^2 beside x, ab beside a and b; and x^2 for what may be negative."""
    bare = {_bare(name_of(a)): a for a in named if not isinstance(a, Name)}
    for look, a in bare.items():
        for other in (b for shown, b in bare.items() if b is not a and look.startswith((f"{shown}_", f"{shown}^"))):
            if _is_part(a, other, look.removeprefix(_bare(name_of(other)))):
                raise Malformed(f"{a} is shown as {look}, as if it were made of {other}: name it otherwise")
        if _is_product(look, [shown for shown in bare if shown not in (look, "")]):
            raise Malformed(f"{a} is shown as {look}, as if it were a product: name it otherwise")
        if isinstance(a, sp.Symbol) and re.search(r"\^\d*[02468]$", look) and domain.interval(a).lo < 0:
            raise Malformed(f"{a} is shown as the square {look}, and may be negative: say in the domain that it is not")


def _refuse_identities(expressions: Iterable[Any], named: Iterable[Any]) -> None:
    """Refuse a symbol that is shown as I where matrices are: I is the identity, and is printed in sums and laws."""
    if any(e.has(*MATRICES) for e in expressions):
        for a in named:
            if isinstance(a, sp.Symbol) and re.fullmatch(r"(\\math[a-z]+)?I(_.*)?", _bare(a.name)):
                raise Malformed(f"{a} is shown as {_bare(a.name)}, as if it were the identity: name it otherwise")


def _is_part(a: Any, other: Any, mark: str) -> bool:
    """Does a mark below or above make a coordinate, an entry, a block, a power or a transpose of the other one?"""
    if mark in (r"^\top", "^T"):
        return is_vector(other) or not other.is_commutative
    if mark.startswith("^"):
        return not (is_vector(a) or is_vector(other)) and bool(re.fullmatch(r"\^[-+]?[\d./]+", mark))
    if is_vector(a):
        return ":" in mark and isinstance(other, VectorFunction)
    return is_vector(other) or isinstance(other, Covariance | LinearMap)


def _is_product(look: str, others: list[str], count: int = 0) -> bool:
    """Is it what several of the others are, one after the other?"""
    if not look:
        return count > 1
    return any(_is_product(look.removeprefix(o), others, count + 1) for o in others if look.startswith(o))


def _bare(name: str) -> str:
    return bare_look(LATEX.get(name, name))


def _adds_identity(e: Any) -> bool:
    """Is a number added to a matrix, so many times the identity?"""
    return any(isinstance(a, sp.Add) and not a.is_commutative for a in sp.preorder_traversal(e))


# --- terms ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2**14)
def _looks(e: Any) -> frozenset[str]:
    """How a term is shown in a terminal and on a page, without what only sets it apart on the paper."""
    return frozenset({printing.text(e), bare_look(printing.latex(e))})


def _made(expressions: Iterable[Any]) -> Iterator[Any]:
    """What is shown with no more than a name and an index, or like a call: coordinates, entries, blocks, densities."""
    seen = {e for written in expressions for e in sp.preorder_traversal(written) if isinstance(e, MADE)}
    yield from sorted(seen, key=sp.default_sort_key)
    if any(isinstance(e, sp.exp) for e in seen):  # shown as a power of e
        yield sp.E


def _calls(e: Any) -> list[Any]:
    """The functions of one number and derivatives of such, all at one number: f'(x), and what is named f'."""
    functions = e.atoms(ScalarFunction, VectorFunction, DefinedFunction)
    calls = {type(a)(ANYWHERE) for a in functions if len(a.args) == 1}
    calls |= {a.func(a.head, [ANYWHERE], a.places, a.directions) for a in e.atoms(Partial) if len(a.inputs) == 1}
    return sorted(calls, key=sp.default_sort_key)


def _named(e: Any) -> list[Any]:
    """Symbols, members of families and the names of laws in a term, in a fixed order."""
    found = e.atoms(*NAMED) - e.atoms(Name, Bound)
    found |= {law.args[0] for law in e.atoms(Density)}
    return sorted(found, key=sp.default_sort_key)
