"""The door: what may be written at all. A term that passes means something, or asks for what it needs (`definedness`).

Every term has a sort, every number is exact, every name means one thing, every vector lives in one space, every range
is a range, and whatever is taken for granted of a symbol is granted by the domain. Statements, lines, hypotheses, what
is handed to a rule and what a rule returns all pass `admit`; nothing else asks what a term is.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import sympy as sp
from sympy import Symbol

from derivations.kernel import terms
from derivations.kernel.binders import INDEXED, Bound, refuse_loose
from derivations.kernel.continuous import refuse_place
from derivations.kernel.dependence import enter, free_variables, is_member
from derivations.kernel.domain import Domain
from derivations.kernel.genuine import refuse_hidden_text, refuse_impostors, refuse_look, refuse_one_look
from derivations.kernel.spaces import Spaces
from derivations.kernel.substitution import core
from derivations.kernel.terms import (
    Block,
    Covariance,
    DefinedFunction,
    Density,
    Law,
    Malformed,
    ScalarFunction,
    VectorFunction,
    VectorSymbol,
)

NORMAL = (terms.Normal, terms.DiagonalNormal, terms.FullNormal)
Sort = Literal["number", "vector", "matrix", "law", "proposition"]


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


# --- sorts ------------------------------------------------------------------------------------------------------------


def sort(e: Any) -> Sort:
    """What kind of thing e is; Malformed when it is none."""
    if isinstance(e, Symbol):
        return _sort_of_symbol(e)
    if isinstance(e, sp.Rational | sp.NumberSymbol):
        return "number"
    if any(isinstance(a, terms.Rounded) for a in e.args):
        raise Malformed(f"{e} calculates with a rounded value: only the exact one may be used")
    if isinstance(e, sp.Add | sp.Mul | sp.Pow):
        return _sort_of_arithmetic(e)
    if isinstance(e, ScalarFunction | VectorFunction | DefinedFunction):
        if not terms.is_declared(type(e)):
            raise Malformed(f"{type(e).__name__} is not a family that was declared: make it with scalar_function, ...")
        for a in e.args:
            if sort(a) not in ("number", "vector") and not isinstance(e, DefinedFunction):
                raise Malformed(f"{e}: a function takes numbers and vectors, and {a} is a {sort(a)}")
        return sort(core(e)) if isinstance(e, DefinedFunction) else "vector" if terms.is_vector(e) else "number"
    return _sort_of_term(e)


def _sort_of_symbol(e: Any) -> Sort:
    if type(e) in (VectorSymbol, terms.ConstantVector, terms.HeldVector) and e.is_real:
        return "vector"
    if type(e) is Covariance:
        return "matrix"
    if type(e) not in (Symbol, sp.Dummy, Bound, terms.HeldNumber) or not e.is_real:
        raise Malformed(f"{e} is not declared real as a symbol: make it a scalar, a vector or a covariance")
    return "number"


def _sort_of_term(e: Any) -> Sort:
    known = type(e) in (*terms.TERMS, *terms.LAWS, *terms.PROPOSITIONS)
    takes = "n" if isinstance(e, sp.log | sp.exp | sp.Abs) else e.takes if known else ""
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
    if isinstance(e, terms.Partial):
        for a in (*e.inputs, *e.directions):
            sort(a)
    if isinstance(e, terms.Held):
        _refuse_other_constants(e)
    if isinstance(e, terms.LogDet | terms.Trace | terms.Quadratic | terms.Entry):
        _refuse_other_words(e)
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


def _refuse_other_constants(e: Any) -> None:
    """A constant is held at a value of its own sort."""
    for c, value in e.table.items():
        if sort(c) != sort(value):
            raise Malformed(f"{e}: {value} is held fixed, and is a {sort(value)}")


def _refuse_other_words(e: Any) -> None:
    """The determinant of a sum is not known to be any; products of covariances and their inverses are invertible."""
    word = e.args[1 if isinstance(e, terms.Quadratic) else 0]
    if isinstance(e, terms.LogDet) and not all(
        isinstance(f.as_base_exp()[0], Covariance) for f in sp.Mul.make_args(word)
    ):
        raise Malformed(f"{e}: {word} is no product of covariances and their inverses, so it may have no inverse")


def _sort_of_arithmetic(e: Any) -> Sort:
    sorts = [sort(a) for a in e.args]
    if isinstance(e, sp.Add):
        if len(set(sorts)) > 1 or not set(sorts) <= {"number", "vector", "matrix"}:
            raise Malformed(f"{e} adds things of different kinds")
        return sorts[0]
    if isinstance(e, sp.Pow):
        base, power = e.args
        if sorts[0] == "vector" or sorts[1] != "number" or (sorts[0] == "matrix" and not power.is_Integer):
            raise Malformed(f"{e}: only numbers have such powers; the square of a vector is Norm2 or Hadamard")
        if sorts[0] == "matrix" and not power.is_positive and not isinstance(base, Covariance):
            raise Malformed(f"{e}: {base} may have no inverse; only covariances are known to have one")
        return sorts[0]
    other = [s for s in sorts if s != "number"]
    if other.count("vector") > 1 or len(set(other)) > 1 or not set(other) <= {"vector", "matrix"}:
        raise Malformed(f"{e} multiplies vectors, or a vector and a matrix: write Inner, Hadamard or Quadratic")
    return other[0] if other else "number"


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
    if isinstance(e, Density | terms.AffineImage):
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
    where = domain.interval(e)
    positive, negative = where.lo > 0 or (where.lo == 0 and where.open_lo), where.hi < 0
    facts = [
        (e.is_positive, "positive", positive),
        (e.is_negative, "negative", negative),
        (e.is_nonnegative, "non-negative", where.lo >= 0),
        (e.is_nonpositive, "non-positive", where.hi <= 0),
        (e.is_nonzero, "not 0", positive or negative or where.nonzero),
        (e.is_even or e.is_odd or e.is_irrational or e.is_prime, "a special number", False),
        (e.is_integer, "an integer", e.is_Symbol),
    ]
    for declared, what, known in facts:
        if declared and not known:
            raise Malformed(f"{e} is declared {what} as a symbol, and the domain does not say so: add it there")


def refuse_conditions_on_itself(law: Any, domain: Domain) -> None:
    """A law of z that depends on z would be read in two ways; an image must not shift by its own noise either."""
    own, parameters = [*law.variables], law.args[2 if isinstance(law, Density) else 1 :]
    if isinstance(law, terms.AffineImage):
        own, parameters = [*own, *law.args[4].variables], (*law.args[2:4], *law.args[4].args[1:])
    for v in free_variables(sp.Tuple(*parameters), domain):
        if is_member(v, own, domain) is not False:
            raise Malformed(f"{law} is a law of {sp.Tuple(*own)} and may depend on {v} itself")


# --- names ------------------------------------------------------------------------------------------------------------


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
        latex = re.sub(r"[{}\s]", "", terms.LATEX.get(name, name))
        is_symbol = isinstance(meaning, Symbol) and not isinstance(meaning, terms.Name)
        if is_symbol and shown.setdefault(latex, meaning) != meaning:
            raise Malformed(f"{shown[latex].name!r} and {name!r} both print as {latex}: give one another LaTeX name")
    refuse_one_look(a for e in expressions for a in e.atoms(ScalarFunction, VectorFunction, DefinedFunction))


def _names(symbols: Any) -> str:
    return ", ".join(sorted(map(str, symbols)))
