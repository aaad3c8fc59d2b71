"""What is read must be what was judged: two different things of a claim never print alike.

The kernel compares the names and LaTeX names that were declared. What is printed of them is decided by `printing`,
which the kernel does not know: the terminal writes mu and mu_of as one letter, and beta_1 like the member beta(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import sympy as sp

from derivations import printing
from derivations.kernel.binders import Bound
from derivations.kernel.terms import (
    DefinedFunction,
    Density,
    Malformed,
    Name,
    Partial,
    ScalarFunction,
    VectorFunction,
)

ANYWHERE = sp.Symbol("x", real=True)


def refuse_one_look(written: Iterable[Any]) -> None:
    """Refuse two symbols, members of families or laws that a terminal or a page shows as one."""
    expressions = tuple(written)
    shown: dict[tuple[str, str], Any] = {}
    for atom in dict.fromkeys(a for e in expressions for a in _named(e)):
        kind = "law" if isinstance(atom, Name) else "value"
        for look in {printing.text(atom), re.sub(r"[{}\s]", "", printing.latex(atom))}:
            other = shown.setdefault((kind, look), atom)
            if other != atom:
                raise Malformed(f"{other} and {atom} are both shown as {look}: name one of them otherwise")
    heads: dict[str, Any] = {}
    for call in dict.fromkeys(a for e in expressions for a in _calls(e)):
        look = re.sub(r"[{}\s]", "", printing.latex(call))
        if heads.setdefault(look, call) != call:
            raise Malformed(f"{heads[look]} and {call} are both shown as {look}: name one of them otherwise")


def _calls(e: Any) -> list[Any]:
    """The functions of one number and derivatives of such, all at one number: f'(x), and what is named f'."""
    functions = e.atoms(ScalarFunction, VectorFunction, DefinedFunction)
    calls = {type(a)(ANYWHERE) for a in functions if len(a.args) == 1}
    calls |= {a.func(a.head, [ANYWHERE], a.places, a.directions) for a in e.atoms(Partial) if len(a.inputs) == 1}
    return sorted(calls, key=sp.default_sort_key)


def _named(e: Any) -> list[Any]:
    """Symbols, members of families and the names of laws in a term, in a fixed order."""
    found = e.atoms(sp.Symbol, ScalarFunction, VectorFunction, DefinedFunction) - e.atoms(Name, Bound)
    found |= {law.args[0] for law in e.atoms(Density)}
    return sorted(found, key=sp.default_sort_key)
