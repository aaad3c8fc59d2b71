"""Means of vectors under any law: the mean of a linear form is the form of the mean."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.kernel.algebra import linear_form
from derivations.kernel.binders import ranged
from derivations.kernel.dependence import free_variables, is_member
from derivations.kernel.domain import Domain
from derivations.kernel.rules.base import Context, Rule, at_every_node
from derivations.kernel.terms import Block, Expect, Inner, Law, Mean, Norm2, SumTo, is_vector


@at_every_node("linearity in vectors", "law", "every expectation written is finite (hypothesis `integrable`)")
def _linear(node: Any, context: Context) -> Any:
    """E<x, c> = <E x, c> and E (a x + c) = a E x + c, for a and c that the law's variables do not touch."""
    if not isinstance(node, Expect):
        return node
    context.require("integrable")
    law, body = node.args
    return _vector(law, body, context) if is_vector(body) else _scalar(law, body, context)


vector_linearity = Rule("linearity in vectors")


def _depends(e: Any, law: Law, domain: Domain) -> bool:
    """May e change with the law's variables? What an average inside e binds does not count."""
    return any(is_member(v, law.variables, domain) is not False for v in free_variables(e, domain))


def _vector(law: Law, body: Any, context: Context) -> Any:
    total: Any = sp.S.Zero
    for atom, coefficient in linear_form(body).items():
        if _depends(coefficient, law, context.domain):
            total += Expect(law, coefficient * atom)
        elif _depends(atom, law, context.domain):
            total += coefficient * _mean(law, atom)
        else:
            total += coefficient * atom
    return total


def _mean(law: Law, atom: Any) -> Any:
    alone = list(law.variables) == [atom] and not isinstance(atom, Block)
    return Mean(law) if alone else Expect(law, atom)


def _scalar(law: Law, body: Any, context: Context) -> Any:
    total: Any = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(_opened(body, law, context.domain))):
        factors = sp.Mul.make_args(term)
        inside = [f for f in factors if _depends(f, law, context.domain)]
        total += sp.Mul(*[f for f in factors if f not in inside]) * _product(law, inside, context)
    return total


def _product(law: Law, inside: list[Any], context: Context) -> Any:
    """E of a product of factors that depend on the law's variables."""
    if not inside:
        return sp.S.One
    (factor, *others) = inside
    if not others and isinstance(factor, SumTo):
        opened, contexts = context.enter(factor)
        body, index, lo, hi = opened.args
        return ranged(SumTo, _scalar(law, body, contexts[0]), index, lo, hi)
    if not others and isinstance(factor, Inner):
        moving = [_depends(a, law, context.domain) for a in factor.args]
        if sum(moving) == 1:
            x, c = factor.args if moving[0] else reversed(factor.args)
            return Inner(_mean(law, x), c)
    return Expect(law, sp.Mul(*inside))


def _opened(e: Any, law: Law, domain: Domain) -> Any:
    """Inner products that the law's variables touch, expanded into inner products of vector atoms."""
    if isinstance(e, sp.Add | sp.Mul | sp.Pow):
        return e.func(*(_opened(a, law, domain) for a in e.args))
    if isinstance(e, Norm2 | Inner) and _depends(e, law, domain):
        pairs = [linear_form(a) for a in (e.args if isinstance(e, Inner) else (e.args[0], e.args[0]))]
        return sp.Add(*[a * b * Inner(x, y) for x, a in pairs[0].items() for y, b in pairs[1].items()])
    return e
