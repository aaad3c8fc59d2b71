"""The order of a method, read off what is stated of the error of one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra, OutsideFragment
from derivations.kernel.domain import Domain
from derivations.kernel.substitution import core
from derivations.kernel.terms import Malformed, Series, is_vector
from derivations.language.claims import Claim


@dataclass(frozen=True)
class OrderOf:
    """The power of the step in front, less one, since one step's error adds up over one over the step; its term."""

    order: int
    leading: Any


def stated_order(claim: Claim) -> OrderOf:
    """What the first statement of a claim on an order says; Malformed when it says nothing about an order."""
    if type(claim.order) is not int or claim.order < 1:
        raise Malformed(f"a claim of the kind 'order' says which order: order={claim.order!r} is no integer from 1 on")
    if not claim.says or not isinstance(error := core(claim.says[0].lhs), Series) or claim.says[0].relation != "=":
        raise Malformed("a claim of the kind 'order' starts with the series of an error in a step: Series(error, h, p)")
    _, step, upto = error.args
    leading = sp.expand(core(claim.says[0].rhs))
    coefficients: dict[int, Any] = {}
    for term in sp.Add.make_args(leading):
        power = _power(term, step) if term != 0 else 0
        coefficients[power] = coefficients.get(power, sp.S.Zero) + term / step**power
    known = {core(h.lhs): core(h.rhs) for h in claim.hypotheses if h.sides and not h.when}  # at one value
    powers = [n for n, c in coefficients.items() if not _vanishes(c.xreplace(known), claim.domain_of(0))]
    found = min(powers, default=int(upto)) - 1
    return OrderOf(found, leading)


def _vanishes(coefficient: Any, domain: Domain) -> bool:
    """Is a coefficient 0 all over the domain?"""
    try:
        algebra = Algebra(domain)
        return algebra.is_zero(coefficient) or (not is_vector(coefficient) and algebra.sign(coefficient) == "0")
    except OutsideFragment:
        return False


def _power(term: Any, step: Any) -> int:
    """The power of the step in a monomial."""
    base = sp.Mul(*[a for a in sp.Mul.make_args(term) if a.has(step)])
    if base == 1:
        return 0
    if base.as_base_exp()[0] != step:
        raise Malformed(f"{term} is no power of {step} with a coefficient")
    return int(base.as_base_exp()[1])


def refuse_other_order(claim: Claim) -> None:
    """Refuse a claim whose order is not what its first statement shows."""
    if claim.kind != "order":
        if claim.order is not None:
            raise Malformed(f"order={claim.order} belongs to claims of the kind 'order', and this is {claim.kind!r}")
        return
    found = stated_order(claim)
    if found.order != claim.order:
        raise Malformed(f"order {claim.order} is claimed, and the error that is stated shows order {found.order}")
