"""The door: what may be written at all. A term that passes means something, or asks for what it needs (`definedness`).

Every term has a sort, every number is exact, every name means one thing, every vector lives in one space, every range
is a range, and whatever is taken for granted of a symbol is granted by the domain. Statements, lines, hypotheses, what
is handed to a rule and what a rule returns all pass `admit`; nothing else asks what a term is.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Symbol

from derivations.kernel import terms
from derivations.kernel.binders import INDEXED, refuse_loose
from derivations.kernel.continuous import refuse_place
from derivations.kernel.dependence import enter, free_variables, is_member
from derivations.kernel.domain import Domain
from derivations.kernel.genuine import refuse_impostors
from derivations.kernel.naming import refuse_ambiguous_indices
from derivations.kernel.sorts import sort
from derivations.kernel.spaces import Spaces
from derivations.kernel.substitution import core
from derivations.kernel.terms import (
    Block,
    Density,
    Law,
    Malformed,
    ScalarFunction,
)

NORMAL = (terms.Normal, terms.DiagonalNormal, terms.FullNormal)


def admit(e: Any, domain: Domain, spaces: Spaces) -> Any:
    """The core term of e, checked for the place where it stands; Malformed, with the reason, when it means nothing."""
    refuse_impostors(e)
    refuse_ambiguous_indices(e)
    made = core(e)
    check(made, domain, spaces)
    return made


def check(e: Any, domain: Domain, spaces: Spaces) -> None:
    """Refuse a core term that means nothing where it stands."""
    sort(e)
    refuse_loose(e)
    _refuse_inner_series(e)
    _refuse_out_of_place(e, domain, spaces)


def _refuse_inner_series(e: Any) -> None:
    """Refuse a series inside a mean, a derivative or a product of steps: that would act on its remainder too."""
    for part in sp.Add.make_args(e):
        factors = sp.Mul.make_args(part)
        for n, factor in enumerate(factors):
            series = isinstance(factor, terms.Series)
            others = [*factors[:n], *factors[n + 1 :]] if series else []
            inside = factor.args if series else (factor,)
            if any(a.has(terms.Series) for a in inside) or any(a.has(factor.args[1]) for a in others):
                raise Malformed(f"{e}: a series says what a whole side is up to its remainder, and stands on top only")


# --- what a term needs of the place where it stands -------------------------------------------------------------------


def _refuse_out_of_place(e: Any, domain: Domain, spaces: Spaces) -> None:
    """Refuse e where the domain does not grant what e takes for granted."""
    refuse_node_out_of_place(e, domain, spaces)
    inside = enter(e, domain)
    for place, (a, known) in enumerate(zip(inside.args, inside.domains, strict=True)):
        if not (place == 1 and isinstance(e, INDEXED)):
            _refuse_out_of_place(a, known, spaces)


def refuse_node_out_of_place(e: Any, domain: Domain, spaces: Spaces) -> None:
    """The same for one node, whatever its arguments are."""
    if isinstance(e, terms.Coord):
        spaces.refuse_outside(e, domain)
    elif isinstance(e, terms.Entry):
        spaces.refuse_outside_matrix(e, domain)
    elif isinstance(e, terms.LinearMap | terms.Covariance):
        _refuse_other_size(e, domain)
    elif isinstance(e, terms.SumTo | terms.ProductTo | Block):
        _refuse_negative_count(e, domain)
    elif isinstance(e, terms.Trace):
        _refuse_dimension(e, e.args[1], domain)
    elif isinstance(e, Law) and not isinstance(e, Density):
        _refuse_law(e, domain)
        if isinstance(e, terms.LinearSDE):
            refuse_place(e, domain)
    elif isinstance(e, terms.D):
        _refuse_derivative(e, domain, spaces)
    elif isinstance(e, terms.FIELDS):
        _refuse_gradient(e, domain, spaces)
    elif isinstance(e, terms.Partial | terms.IntegralTo | terms.Series):
        refuse_place(e, domain)
    elif isinstance(e, terms.At):
        if e.args[1] in domain.indices or type(e.args[1]) is not Symbol:
            raise Malformed(f"{e.args[1]} is an integer, and tends nowhere: a limit is taken in a real variable")
        if (where := domain.interval(e.args[1])).lo == where.hi:
            raise Malformed(f"{e}: {e.args[1]} is only ever {where.lo}, so it tends nowhere")
    elif isinstance(e, terms.Mean | terms.Variance):
        _refuse_several_variables(e)
    if isinstance(e, Density | terms.AffineImage | terms.LinearSDE):
        refuse_conditions_on_itself(e, domain)
    elif isinstance(e, terms.Averaging | terms.SameLaw):
        for law in (a for a in e.args if isinstance(a, Law)):
            refuse_conditions_on_itself(law, domain)
    if isinstance(e, ScalarFunction | Symbol) and e.is_real:
        _refuse_hidden_assumptions(e, domain)
    if isinstance(e, ScalarFunction):
        _refuse_outside_schedule(e, domain)


def _refuse_several_variables(e: Any) -> None:
    if len(e.args[0].variables) != 1 or isinstance(e.args[0].variables[0], Block):
        raise Malformed(f"{e} is the moment of several variables at once: name one")


def _refuse_negative_count(e: Any, domain: Domain) -> None:
    lo, hi = e.bounds if isinstance(e, Block) else e.args[2:4]
    if not (lo.is_integer and hi.is_integer and domain.at_least_zero(hi - lo + 1)):
        what = "variables" if isinstance(e, Block) else "terms"
        raise Malformed(f"{e}: from {lo} to {hi} there may be a negative number of {what}")


def _refuse_law(e: Any, domain: Domain) -> None:
    if terms.name_of(e.args[0]) in domain.intervals:
        raise Malformed(f"{e.args[0]} has a law on all of its space, whatever the domain says of its coordinates")
    _refuse_dimension(e, e.args[-1], domain)
    if isinstance(e, terms.AffineImage) and not isinstance(e.args[4], NORMAL):
        raise Malformed(f"{e} is the image of {e.args[4]}: only images of normal laws are known to have a density")
    if isinstance(e, terms.AffineImage) and sp.expand(e.args[4].args[-1] - e.args[-1]) != 0:
        raise Malformed(f"{e} is an image on R^{e.args[-1]} of noise on R^{e.args[4].args[-1]}: give both one size")


def _refuse_dimension(e: Any, size: Any, domain: Domain) -> None:
    if not (size.is_integer and domain.at_least_zero(size - 1)):
        raise Malformed(f"{e}: {size} is not known to be an integer from 1 on, so it is no dimension")


def _refuse_other_size(e: Any, domain: Domain) -> None:
    """What is printed as d - k must be known to be that: a rectangular matrix has the sizes that the domain gives."""
    size = domain.sizes.get(e.name)
    if isinstance(e, terms.LinearMap) and not isinstance(size, tuple):
        raise Malformed(f"{e} has no size: give the domain its rows and columns, sizes={{{e.name!r}: (d, k)}}")
    if isinstance(e, terms.Covariance) and isinstance(size, tuple):
        raise Malformed(f"{e} is a covariance, and has one size: give the domain a number, or take a matrix")
    if e.name in domain.intervals:
        raise Malformed(f"{e} is a matrix and lies in no interval: say nothing of it, or take a number or a vector")


def _refuse_derivative(e: Any, domain: Domain, spaces: Spaces) -> None:
    wrt = e.args[1]
    if type(wrt).__name__ in {p.head for p in e.atoms(terms.Partial)}:
        raise Malformed(f"{e}: {wrt} is a value of a function that is differentiated in it, and no variable")
    if type(wrt).__name__ in {*domain.products, *domain.products.values()}:
        raise Malformed(f"{e}: {wrt} is tied to the other members of its schedule; differentiate by a symbol")
    if wrt in domain.indices or (isinstance(wrt, terms.Coord) and spaces.is_of_bits(wrt.args[0])):
        raise Malformed(f"{e}: {wrt} takes separate values only, so there is no derivative")
    where = domain.interval(wrt)
    if where.lo == where.hi:
        raise Malformed(f"{e}: {wrt} is only ever {where.lo}, so there is no derivative")
    if not where.is_open:
        raise Malformed(f"{e}: {wrt} is {where.words()}, and there is no derivative at a closed end: take it open")


def _refuse_gradient(e: Any, domain: Domain, spaces: Spaces) -> None:
    variable = e.args[1]
    if spaces.is_of_bits(variable):
        raise Malformed(f"{e}: {variable} takes separate values only, so there is no derivative")
    where = domain.intervals.get(terms.name_of(variable))
    if where is not None and not where.is_open:
        raise Malformed(f"{e}: {variable} is {where.words()}, and there is no derivative at a closed end: take it open")
    if isinstance(e, terms.Div | terms.Laplacian):
        _refuse_dimension(e, e.args[2], domain)


def _refuse_outside_schedule(e: Any, domain: Domain) -> None:
    """P(n) = f(n) P(n-1) and P(0) = 1 tell what P is at the integers from 0 on, and what f is from 1 on."""
    name = type(e).__name__
    first = 0 if name in domain.products else 1 if name in domain.products.values() else None
    if first is not None and not (
        len(e.args) == 1 and e.args[0].is_integer and domain.at_least_zero(e.args[0] - first)
    ):
        raise Malformed(f"{e}: {e.args[0]} is not known to be an integer from {first} on, where the schedule speaks")


def _refuse_hidden_assumptions(e: Any, domain: Domain) -> None:
    """SymPy simplifies by what a symbol was declared to be (sqrt(x^2) = x for a positive x): the domain must say it."""
    declared = {
        "positive": e.is_positive,
        "negative": e.is_negative,
        "non-negative": e.is_nonnegative,
        "non-positive": e.is_nonpositive,
        "not 0": e.is_nonzero,
        "a special number": any((e.is_even, e.is_odd, e.is_irrational, e.is_prime, e.is_composite)),
        "an integer": e.is_integer,
    }
    if not any(declared.values()):
        return
    where = domain.interval(e)
    positive, negative = where.lo > 0 or (where.lo == 0 and where.open_lo), where.hi < 0
    said = {
        "positive": positive,
        "negative": negative,
        "non-negative": where.lo >= 0,
        "non-positive": where.hi <= 0,
        "not 0": positive or negative or where.nonzero,
        "an integer": e.is_Symbol,
    }
    for what, holds in declared.items():
        if holds and not said.get(what, False):
            raise Malformed(f"{e} is declared {what} as a symbol, and the domain does not say so: add it there")


def refuse_conditions_on_itself(law: Any, domain: Domain) -> None:
    """A law of z that depends on z would be read in two ways; an image must not shift by its own noise either."""
    own, parameters = [*law.variables], law.args[2 if isinstance(law, Density) else 1 :]
    if isinstance(law, terms.AffineImage):
        own, parameters = [*own, *law.args[4].variables], (*law.args[2:4], *law.args[4].args[1:])
    for v in free_variables(sp.Tuple(*parameters), domain):
        if is_member(v, own, domain) is not False:
            raise Malformed(f"{law} is a law of {sp.Tuple(*own)} and may depend on {v} itself")
