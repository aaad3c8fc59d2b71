"""What a reader would misread: an index that stands outside its sum, a name that shows one, two things that look alike.

The kernel could tell them apart. What is printed would not.
"""

from __future__ import annotations

import re
from typing import Any

import sympy as sp
from sympy import Symbol

from derivations.kernel import terms
from derivations.kernel.genuine import bare_look, refuse_hidden_text, refuse_look, refuse_one_look
from derivations.kernel.terms import Bound, DefinedFunction, Density, Malformed, ScalarFunction, VectorFunction


def refuse_ambiguous_indices(e: Any) -> None:
    """Refuse what a reader would misread: an index that also stands outside its sum, or is one twice, nested.

    The kernel could tell them apart. What is printed would not. The same goes for subscripts: to the kernel sigma_t is
    one number, whatever t, so sum_t sigma_t and the derivative of mu_phi(x) in phi say something else than it seems.
    """
    if both := terms.bound_indices(e) & _outside(e):
        raise Malformed(f"{_names(both)} is an index and also stands outside its sum: rename the index")
    _refuse_nested(e, frozenset())
    for term in e.atoms(terms.Formal):
        if terms.binds(term) or isinstance(term, (terms.D, terms.Series, *terms.FIELDS)):
            refuse_names_with(term.args[1], term)


def _outside(e: Any) -> set[Symbol]:
    """The symbols that occur in e outside every sum, product, law or limit that binds them."""
    if isinstance(e, Symbol):
        return {e}
    bound = {e.args[1]} if terms.binds(e) else set()
    return {
        s
        for place, a in enumerate(e.args)
        if not (bound and place == 1)
        for s in _outside(a) - (bound if place in terms.binds(e) else set())
    }


def _refuse_nested(e: Any, enclosing: frozenset[Symbol]) -> None:
    if terms.binds(e) and e.args[1] in enclosing:
        raise Malformed(f"{e.args[1]} is an index twice, one inside the other: rename one")
    if terms.binds(e) and not isinstance(e, terms.At | terms.IntegralTo | terms.LinearSDE):
        _refuse_assumed_index(e)
    for place, a in enumerate(e.args):
        _refuse_nested(a, enclosing | {e.args[1]} if place in terms.binds(e) else enclosing)


def _refuse_assumed_index(e: Any) -> None:
    """What SymPy takes for granted of an index must be true of all of its range."""
    index, lo = e.args[1], e.args[2] if isinstance(e, terms.SumTo | terms.ProductTo) else sp.S.One
    if not index.is_integer:
        raise Malformed(f"{index} is not declared an integer as a symbol, and {e} runs over it")
    if index.is_positive and not (lo - 1).is_nonnegative:
        raise Malformed(f"{index} is declared positive as a symbol, and runs from {lo}: use another index")
    special = (index.is_negative, index.is_even, index.is_odd, index.is_prime, index.is_zero)
    if any(special) or ((index.is_nonnegative or index.is_nonzero) and not index.is_positive):
        raise Malformed(f"{index} is declared more than an integer as a symbol, and runs over all of {e}'s range")


def refuse_names_with(bound: Any, e: Any) -> None:
    """Refuse a name in e that shows a symbol which e is read for every value of, or differentiated by."""
    if not isinstance(bound, Symbol):
        return
    opened = terms.unfold_all(e)
    heads = {a: type(a).__name__ for a in opened.atoms(ScalarFunction, VectorFunction) if not a.has(bound)}
    for named, name in [*((s, s.name) for s in opened.atoms(Symbol)), *heads.items()]:
        if _subscripts(name) & {bound.name, terms.LATEX.get(bound.name, bound.name)}:
            raise Malformed(f"{named} has {bound} in its name and does not depend on it: make it an argument")


def _subscripts(name: str) -> set[str]:
    """The words after the first _ or ^ in a name, and in what is printed for it."""
    beside = ("".join(re.split(r"([_^])", shown, maxsplit=1)[1:]) for shown in (name, terms.LATEX.get(name, "")))
    return {word for part in beside for word in re.findall(r"\\?[A-Za-z]+", part)}


def refuse_ambiguous_names(*expressions: Any) -> None:
    """Refuse two different things that print alike: they would be compared as strangers and read as one."""
    by_name: dict[Any, Any] = {}
    for e in expressions:
        named: list[tuple[Any, str]] = [
            (s, s.name) for s in e.atoms(Symbol) - e.atoms(terms.Name, Bound, terms.HeldNumber, terms.HeldVector)
        ]
        named += [(type(a), type(a).__name__) for a in e.atoms(ScalarFunction, VectorFunction, DefinedFunction)]
        named += [(law.args[0], law.args[0].name) for law in e.atoms(Density)]
        for meaning, name in named:
            refuse_hidden_text(name, "a symbol, a family or a law")
            if by_name.setdefault(name, meaning) != meaning:
                raise Malformed(f"two different symbols are named {name!r}: use one of them throughout")
    shown: dict[str, Any] = {}
    for name, meaning in by_name.items():
        refuse_look(name, terms.LATEX.get(name, name))
        latex = bare_look(terms.LATEX.get(name, name))
        is_symbol = isinstance(meaning, Symbol) and not isinstance(meaning, terms.Name)
        if is_symbol and shown.setdefault(latex, meaning) != meaning:
            raise Malformed(f"{shown[latex].name!r} and {name!r} both print as {latex}: give one another LaTeX name")
    refuse_one_look(a for e in expressions for a in e.atoms(ScalarFunction, VectorFunction, DefinedFunction))


def _names(symbols: Any) -> str:
    return ", ".join(sorted(map(str, symbols)))
