"""Looking at terms without their insides: sums merged, constant factors, and vectors as linear forms."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from derivations.kernel import terms
from derivations.kernel.binders import fresh, opened, ranged


def on_the_surface(change: Callable[[Any], Any], e: Any) -> Any:
    """Change the part of e that is not inside an opaque term."""
    hidden = {a: sp.Dummy() for a in _opaque_parts(e)}
    return change(e.xreplace(hidden)).xreplace({dummy: a for a, dummy in hidden.items()})


def _opaque_parts(e: Any) -> set[Any]:
    """The outermost sums, expectations, log-densities, ... of e: their inside has a scope of its own."""
    if isinstance(e, terms.Term) and not isinstance(e, terms.Bilinear | terms.Norm2 | terms.Coord | terms.Ratio):
        return {e}
    return {part for a in e.args for part in _opaque_parts(a)}


def linear_form(v: Any) -> dict[Any, Expr]:
    """A vector as {vector atom: scalar coefficient}; ValueError when it is no linear combination of vector atoms."""
    v = sp.sympify(v)
    form: dict[Any, Expr] = {}
    for term in sp.Add.make_args(sp.expand(v, deep=False, mul=True, multinomial=False)):
        if term == 0:
            continue
        (nested,) = [f for f in sp.Mul.make_args(term) if terms.is_vector(f)]
        rest = sp.Mul(*[f for f in sp.Mul.make_args(term) if f is not nested])
        if isinstance(nested, sp.Add):
            for atom, c in linear_form(nested).items():
                form[atom] = form.get(atom, sp.S.Zero) + rest * c
        elif isinstance(nested, terms.Partial):
            for atom, c in multilinear(nested).items():
                form[atom] = form.get(atom, sp.S.Zero) + rest * c
        else:
            form[nested] = form.get(nested, sp.S.Zero) + rest
    return {atom: c for atom, c in form.items() if c != 0}


def multilinear(e: Any) -> dict[Any, Expr]:
    """A derivative along combinations of directions, as {derivative along vector atoms and 1: coefficient}."""
    made: dict[Any, Expr] = {}
    ways = [linear_form(v).items() if terms.is_vector(v) else [(sp.S.One, v)] for v in e.directions]
    for chosen in itertools.product(*ways):
        atom = terms.Partial(e.head, e.inputs, e.places, [v for v, _ in chosen])
        made[atom] = made.get(atom, sp.S.Zero) + sp.Mul(*(c for _, c in chosen))
    return made


def by_constant_factor(body: Any, index: Symbol) -> dict[Any, Expr]:
    """A sum's body as {factor free of the index: what it multiplies}."""
    groups: dict[Any, Expr] = {}
    for term in sp.Add.make_args(sp.expand_mul(body)):
        if term == 0:
            continue
        outside = sp.Mul(*[f for f in sp.Mul.make_args(term) if not f.has(index)])
        groups[outside] = groups.get(outside, sp.S.Zero) + term / outside
    return groups


def merge_sums(e: Expr) -> list[Any]:
    """The terms of e, c1 * SumTo(b1) + c2 * SumTo(b2) over the same range merged into one sum."""
    groups: dict[Any, Expr] = {}
    indices: dict[Any, Symbol] = {}
    rest = []
    for term in e.args:
        sums = [f for f in sp.Mul.make_args(term) if isinstance(f, terms.SumTo)]
        if len(sums) == 1:
            coefficient = sp.Mul(*[f for f in sp.Mul.make_args(term) if f is not sums[0]])
            lo, hi = sums[0].args[2:]
            body = opened(sums[0], indices.setdefault((lo, hi), fresh()))[0]
            groups[(lo, hi)] = groups.get((lo, hi), sp.S.Zero) + coefficient * body
        else:
            rest.append(term)
    return [*rest, *(ranged(terms.SumTo, body, indices[bounds], *bounds) for bounds, body in groups.items())]
