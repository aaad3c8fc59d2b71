"""What may be written at all: every term has a sort, every number is exact, every name means one thing.

A line that passes means something in every world of its domain, apart from the side conditions (`side_conditions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import sympy as sp
from sympy import Symbol

from derivations.kernel import terms
from derivations.kernel.domain import Domain
from derivations.kernel.scope import (
    domains_inside,
    free_variables,
    is_member,
    refuse_ambiguous_names,
    refuse_clashes,
    refuse_open_definitions,
    refuse_telling_subscripts,
)
from derivations.kernel.terms import Block, DefinedFunction, Density, Law, Malformed, ScalarFunction, VectorFunction

Sort = Literal["number", "vector", "matrix", "law", "proposition"]


def refuse_malformed(*lines: tuple[Any, Domain]) -> None:
    """Refuse lines that mean nothing where they stand, or not what they seem to: raises Malformed with the reason."""
    expressions = [e for e, _ in lines]
    for e in expressions:
        sort(e)
    refuse_ambiguous_names(*expressions)
    spaces = _spaces(expressions, {name: size for _, domain in lines for name, size in domain.sizes.items()})
    for e, domain in lines:
        if terms.DIM in domain.indices:
            raise Malformed(f"{terms.DIM} is the dimension that laws and abbreviations share: nothing can run over it")
        for index, bounds in domain.indices.items():
            if not all(sp.sympify(b).is_integer or b == sp.oo for b in bounds):
                raise Malformed(f"{index} runs from {bounds[0]} to {bounds[1]}: the bounds must be integers")
        refuse_clashes(e)
        refuse_open_definitions(e)
        refuse_telling_subscripts(e)
        _refuse_out_of_place(e, domain, spaces)


# --- sorts ------------------------------------------------------------------------------------------------------------


def sort(e: Any) -> Sort:
    """What kind of thing e is; Malformed when it is none."""
    if isinstance(e, Symbol):
        if not (e.is_real or isinstance(e, terms.Covariance)):
            raise Malformed(f"{e} is not declared real as a symbol: make it a scalar, a vector or a covariance")
        return "vector" if isinstance(e, terms.VectorSymbol) else "number" if e.is_real else "matrix"
    if isinstance(e, sp.Rational | sp.NumberSymbol):
        return "number"
    if any(isinstance(a, terms.Rounded) for a in e.args):
        raise Malformed(f"{e} calculates with a rounded value: only the exact one may be used")
    if isinstance(e, sp.Add | sp.Mul | sp.Pow):
        return _sort_of_arithmetic(e)
    if isinstance(e, ScalarFunction | VectorFunction | DefinedFunction):
        for a in e.args:
            sort(a)
        made: Sort = "vector" if terms.is_vector(e) else "number"
        if isinstance(e, DefinedFunction) and sort(e.unfold()) != made:
            raise Malformed(f"{type(e).__name__} is declared to be a {made}, and its body is none")
        return made
    return _sort_of_term(e)


def _sort_of_term(e: Any) -> Sort:
    takes = "n" if isinstance(e, sp.log | sp.exp | sp.Abs) else getattr(e, "takes", "")
    if not takes:
        raise Malformed(f"{e} is not in the language: write exact real numbers (fractions, no floats) and its terms")
    for a, wanted in zip(e.args, takes.replace("i", "n").split(), strict=True):
        if wanted != "-" and sort(a)[0] not in wanted and not (a == 0 and "v" in wanted):  # 0 is a vector too
            raise Malformed(f"{e}: {a} is a {sort(a)}, which does not belong there")
    counted = {terms.SumTo: (2, 3), terms.ProductTo: (2, 3), terms.Coord: (1,), terms.Entry: (1, 2)}
    if not all(e.args[place].is_integer for place in counted.get(type(e), ())):
        raise Malformed(f"{e}: the bounds of a sum, and the places of a coordinate or an entry, must be integers")
    if isinstance(e, terms.Equal) and len({sort(a) for a in e.args if a != 0}) > 1:
        raise Malformed(f"{e} compares a vector with a number")
    if isinstance(e, terms.SameLaw) and e.args[0].variables != e.args[1].variables:
        raise Malformed(f"{e} compares laws of different variables")
    if isinstance(e, terms.Rounded):
        _refuse_other_digits(e)
    if isinstance(e, Law):
        return "law"
    if isinstance(e, sp.Expr):
        return "vector" if terms.is_vector(e) else "number"
    return "proposition"


def _refuse_other_digits(e: Any) -> None:
    """A rounded value is shown by its digits alone, so its half-width must be half a unit of the last of them."""
    unit = 2 * e.args[1]
    if not (
        unit > 0 and 1 in (unit.p, unit.q) and str(unit.p * unit.q).strip("0") == "1" and (e.args[0] / unit).q == 1
    ):
        raise Malformed(f"{e} is not a decimal value with half a unit of its last digit")


def _sort_of_arithmetic(e: Any) -> Sort:
    sorts = [sort(a) for a in e.args]
    if isinstance(e, sp.Add):
        if len(set(sorts)) > 1 or not set(sorts) <= {"number", "vector", "matrix"}:
            raise Malformed(f"{e} adds things of different kinds")
        return sorts[0]
    if isinstance(e, sp.Pow):
        if sorts[0] == "vector" or sorts[1] != "number" or (sorts[0] == "matrix" and not e.args[1].is_Integer):
            raise Malformed(f"{e}: only numbers have such powers; the square of a vector is Norm2 or Hadamard")
        return sorts[0]
    other = [s for s in sorts if s != "number"]
    if other.count("vector") > 1 or len(set(other)) > 1 or not set(other) <= {"vector", "matrix"}:
        raise Malformed(f"{e} multiplies vectors, or a vector and a matrix: write Inner, Hadamard or Quadratic")
    return other[0] if other else "number"


# --- what a term needs of the place where it stands -------------------------------------------------------------------


def _refuse_out_of_place(e: Any, domain: Domain, spaces: Mapping[str, Any]) -> None:
    """Refuse e where the domain does not grant what e takes for granted; abbreviations are looked into."""
    if isinstance(e, terms.Coord):
        for size in {spaces[name][1] for name in _lives_with(e.args[0]) if name in spaces}:
            if not (domain.at_least_zero(e.args[1] - 1) and domain.at_least_zero(size - e.args[1])):
                raise Malformed(f"{e}: {e.args[1]} is not known to lie in 1..{size}, the size of the vector")
    if isinstance(e, terms.SumTo | terms.ProductTo):
        index, lo = e.args[1:3]
        if index.is_positive and not domain.at_least_zero(lo - 1):
            raise Malformed(f"{index} is declared positive as a symbol, and runs from {lo}: use another index")
    if isinstance(e, Block):
        lo, hi = e.bounds
        if not (lo.is_integer and hi.is_integer and domain.at_least_zero(hi - lo + 1)):
            raise Malformed(f"{e}: from {lo} to {hi} there may be a negative number of variables")
    if isinstance(e, Law) and not isinstance(e, Density) and terms.name_of(e.args[0]) in domain.intervals:
        raise Malformed(f"{e.args[0]} has a law on all of its space, whatever the domain says of its coordinates")
    if isinstance(e, Density):
        _refuse_conditions_on_itself(e, domain)
    elif isinstance(e, terms.Averaging | terms.SameLaw):
        for law in (a for a in e.args if isinstance(a, Law)):
            _refuse_conditions_on_itself(law, domain)
    if isinstance(e, ScalarFunction | Symbol) and e.is_real:
        _refuse_hidden_assumptions(e, domain)
    if isinstance(e, terms.D):
        recursive = {*domain.products, *domain.products.values()}
        if type(e.args[1]).__name__ in recursive:
            raise Malformed(f"{e}: {e.args[1]} is tied to the other members of its schedule; differentiate by a symbol")
        where = domain.interval(e.args[1])
        if where.lo == where.hi:
            raise Malformed(f"{e}: {e.args[1]} is only ever {where.lo}, so there is no derivative")
    if isinstance(e, DefinedFunction):
        _refuse_out_of_place(e.unfold(), domain, spaces)
    for a, known in zip(e.args, domains_inside(e, domain), strict=True):
        _refuse_out_of_place(a, known, spaces)


def _refuse_hidden_assumptions(e: Any, domain: Domain) -> None:
    """SymPy simplifies by what a symbol was declared to be (sqrt(x^2) = x for a positive x): the domain must say it."""
    where = domain.interval(e)
    positive, negative = where.lo > 0 or (where.lo == 0 and where.open_lo), where.hi < 0
    facts = [
        (e.is_positive, "positive", positive),
        (e.is_negative, "negative", negative),
        (e.is_nonnegative, "non-negative", where.lo >= 0),
        (e.is_nonpositive, "non-positive", where.hi <= 0),
        (e.is_nonzero, "not 0", positive or negative or where.nonzero),
        (e.is_even or e.is_odd or e.is_irrational or e.is_prime, "a special number", False),
    ]
    for declared, what, known in facts:
        if declared and not known:
            raise Malformed(f"{e} is declared {what} as a symbol, and the domain does not say so: add it there")


def _refuse_conditions_on_itself(law: Any, domain: Domain) -> None:
    """A law of z that depends on z would be read in two ways; an image must not shift by its own noise either."""
    own, parameters = [*law.variables], law.args[2 if isinstance(law, Density) else 1 :]
    if isinstance(law, terms.AffineImage):
        own, parameters = [*own, *law.args[4].variables], law.args[2:4]
    for v in free_variables(sp.Tuple(*parameters), domain):
        if is_member(v, own, domain) is not False:
            raise Malformed(f"{law} is a law of {sp.Tuple(*own)} and may depend on {v} itself")


def refuse_equations_between_variables(lhs: Any, rhs: Any, domain: Domain) -> None:
    """A hypothesis holds for all values of the vectors in it: so it may tell what a law or a network is, and no more.

    `z = u`, or `a = |z|^2` for a number a, would hold for some values only, and not where z is averaged over.
    """
    known = terms.variable_set(free_variables(lhs, domain))
    says_what_it_is = isinstance(lhs, terms.LogDensity | terms.Expect | terms.KL | ScalarFunction | VectorFunction)
    if known and (lhs in known or not says_what_it_is):
        raise Malformed(f"{lhs} = {rhs} cannot hold for all values of {known}: suppose what a law or a function is")
    for v in free_variables(rhs, domain):
        if not is_member(v, known, domain):
            raise Malformed(f"{lhs} = {rhs} cannot hold for all values of {v}, which the left side does not mention")


def _spaces(expressions: Any, sizes: Mapping[str, Any]) -> dict[str, Any]:
    """Where each vector lives: is it of bits, and of what size. Malformed when one would live in two spaces.

    What is added, multiplied or compared lives in one space, and so do all members of a family. Sizes come from laws,
    and for covariances from the domain. Vectors that nothing gives a size, even by way of others, are of a common one.
    """
    everything = terms.unfold_all(sp.Tuple(*expressions))
    joining = sp.Add | sp.Mul | terms.Bilinear | terms.Quadratic | terms.Equal | Law
    together: dict[str, set[str]] = {}  # the names that live in one space share one set
    for e in sp.preorder_traversal(everything):
        if isinstance(e, joining) and not isinstance(e, Density):
            names = {name for part in e.args for name in _lives_with(part)}
            names = names.union(*(together.get(name, set()) for name in names))
            together.update(dict.fromkeys(names, names))
    laws = [a for a in everything.atoms(Law) if not isinstance(a, Density)]
    given = [(_lives_with(law.args[0]), isinstance(law, terms.BernoulliProduct), law.args[-1]) for law in laws]
    given += [(_lives_with(trace.args[0]), False, trace.args[1]) for trace in everything.atoms(terms.Trace)]
    given += [({name}, False, sp.sympify(size)) for name, size in sizes.items()]
    spaces: dict[str, Any] = {}
    for members, of_bits, size in given:
        space = (of_bits, sp.expand(size))
        for name in {n for member in members for n in together.get(member, {member})}:
            if spaces.setdefault(name, space) != space:
                raise Malformed(f"{name}, or what it is added to or multiplied with, lives in two spaces")
    return spaces


def _lives_with(e: Any) -> set[str]:
    """The vectors and covariances, by name, of which e is a combination; none when it is a number or a law."""
    if isinstance(e, terms.VectorSymbol | VectorFunction | terms.Covariance):
        return {terms.name_of(e)}
    if not isinstance(e, sp.Expr) or not (terms.is_vector(e) or isinstance(e, sp.Mul | sp.Pow)):
        return set()
    if isinstance(e, terms.Mean):
        return {name for v in e.args[0].variables for name in _lives_with(v)}
    return {name for part in e.args for name in _lives_with(part)}
