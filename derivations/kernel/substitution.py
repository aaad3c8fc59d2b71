"""The one substitution, and the one door from what people write to the terms of the kernel.

`core(e)` writes out every abbreviation and gives every index its canonical place (`binders`). An abbreviation is a term
with parameters: its Python body is called with fresh parameters, and what it returns is that term. A body that looks at
its arguments, or that depends on anything else, is refused.

`substitute(e, table)` replaces variables of a core term, all at once. Sums, products and coordinatewise laws capture
nothing. Averages bind random variables, derivatives and limits a variable by its name: where one of these would catch
what is put in, `Captured` says so, and nobody renames anything silently.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy import Basic, Symbol

from derivations.kernel import terms
from derivations.kernel.binders import INDEXED, closed, fresh, opened
from derivations.kernel.dependence import free_variables, is_member, may_touch, may_vary, mentioned
from derivations.kernel.domain import Domain
from derivations.kernel.memory import remembered
from derivations.kernel.stopping import without_stops
from derivations.kernel.terms import Averaging, DefinedFunction, Density, Law, Malformed, VectorSymbol, is_vector

Table = Mapping[Any, Any]


class Captured(Malformed):
    """A substitution that would change what a term says."""


# --- substitution -----------------------------------------------------------------------------------------------------


def substitute(e: Any, table: Table, domain: Domain | None = None) -> Any:
    """The term with every key replaced by its value, all at once; Captured where a binder would, or may, catch a value.

    The domain tells members of a family apart: x(t - 1) may be x(0).
    """
    wanted = {key: value for key, value in table.items() if key != value}
    return _put(e, wanted, domain or Domain()) if wanted else e


def _put(e: Any, table: Table, domain: Domain | None) -> Any:
    if e in table:
        return table[e]
    if not e.args or not any(e.has(key) for key in table):
        return e
    if isinstance(e, INDEXED):
        index = fresh()
        args = [a if place == 1 else _put(a, table, domain) for place, a in enumerate(opened(e, index))]
        return closed(type(e), args, index)
    if isinstance(e, terms.D):
        _refuse_capture_by_derivative(e, table)
    elif isinstance(e, terms.FIELDS):
        _refuse_capture_by_gradient(e, table, domain)
    elif isinstance(e, terms.At | terms.IntegralTo | terms.Series | terms.LinearSDE):
        _refuse_capture_by_limit(e, table)
    elif isinstance(e, Averaging):
        _refuse_capture_by_average(e, table, domain)
    return e.func(*(_put(a, table, domain) for a in e.args))


def _refuse_capture_by_derivative(e: Any, table: Table) -> None:
    """The variable may be renamed to one that the body does not depend on; nothing that depends on it is put in."""
    body, wrt = e.args
    after = _put(wrt, table, None)
    for key, value in table.items():
        if wrt.has(key):
            if not (key.is_integer and value.is_integer) and may_vary(body, after):
                raise Captured(f"{e} differentiates by {wrt}: {value} cannot stand for {key} in it")
        elif body.has(key) and (may_vary(value, after) or may_vary(key, wrt)):
            raise Captured(f"{key} or {value} depends on {wrt}, by which {e} differentiates")


def _refuse_capture_by_gradient(e: Any, table: Table, domain: Domain | None) -> None:
    """The same for a whole vector. Directions are read outside of what is differentiated."""
    body, variable = e.args[:2]
    after = _put(variable, table, domain)
    for key, value in table.items():
        if variable.has(key):
            if not (key.is_integer and value.is_integer) and may_touch(body, [after], domain):
                raise Captured(f"{e} differentiates in {variable}: {value} cannot stand for {key} in it")
        elif body.has(key) and may_touch(sp.Tuple(key, value), [variable, after], domain):
            raise Captured(f"{key} or {value} depends on {variable}, in which {e} differentiates")


def _refuse_capture_by_limit(e: Any, table: Table) -> None:
    body, symbol = sp.Tuple(*(e.args[place] for place in e.scope or (0,))), e.args[1]
    for key, value in table.items():
        if key.has(symbol) or (body.has(key) and value.has(symbol)):
            raise Captured(f"{symbol} moves in {e}: {value} cannot stand for {key} in it")


def _refuse_capture_by_average(e: Any, table: Table, domain: Domain | None) -> None:
    """A variable that is averaged over may only be renamed, to one that does not occur."""
    drawn = e.args[0].variables
    after = [_put(v, table, domain) for v in drawn]
    for key, value in table.items():
        if not e.has(key) or key == e.args[0]:
            continue
        if key in drawn:
            if _touches(e, [value], domain) or list(table.values()).count(value) > 1:
                raise Captured(f"{e} averages over {key}, and {value} occurs in it already")
        elif (not isinstance(key, Law) and _touches(key, drawn, domain)) or _touches(value, after, domain):
            raise Captured(f"{e} averages over {sp.Tuple(*after)}: {value} would be captured if it stood for {key}")


def _touches(e: Any, variables: Any, domain: Domain | None) -> bool:
    """May e depend on one of the variables? Without a domain: is one of them named in it?"""
    if domain is not None:
        return may_touch(e, variables, domain)
    return any(is_member(v, variables, Domain()) is True for v in mentioned(e))


# --- abbreviations ----------------------------------------------------------------------------------------------------

_numbers = itertools.count(1)


def _kind(a: Any) -> Any:
    """What a parameter has to be like, to stand for a."""
    if isinstance(a, Law):
        return a.variables
    if is_vector(a):
        return "vector"
    if not a.is_commutative:
        return "linear map" if isinstance(a, terms.LinearMap) else "matrix"
    return "integer" if a.is_integer else "number"


def _parameter(kind: Any) -> Any:
    name = f"•{next(_numbers)}"
    if isinstance(kind, Basic):
        return Density(name, kind)
    if kind == "vector":
        return VectorSymbol(name, real=True)
    if kind == "linear map":
        return terms.LinearMap(name, commutative=False)
    if kind == "matrix":
        return terms.Covariance(name, commutative=False)
    return sp.Dummy(name, integer=True) if kind == "integer" else sp.Dummy(name, real=True)


@remembered(4096)
def template(head: Any, kinds: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any, Any]:
    """(parameters, term, term as it is written) of an abbreviation applied to arguments of these kinds."""
    parameters = tuple(map(_parameter, kinds))
    text = sp.sympify(head.body(*parameters), strict=True)
    body = _core(text, {})
    laws = {p for p in parameters if isinstance(p, Law)}
    own = [p for p in parameters if p not in laws]
    drawn = {v for law in laws for v in law.variables}
    vectors = [p for p in own if is_vector(p)]
    stray = {v for v in free_variables(body, Domain()) - drawn if is_member(v, vectors, Domain()) is not True}
    outside = _atoms(body, laws)
    stray |= {a for a in outside if isinstance(a, terms.ConstantVector)}
    stray |= {s for s in (terms.free_scalars(body) & outside) - {terms.DIM} if s not in own} | (drawn & outside)
    if stray:
        hidden = ", ".join(sorted(map(str, stray)))
        raise Malformed(f"{head.__name__} hides {hidden}: make it an argument of {head.__name__}")
    for value in PROBES:
        if all(value.is_integer or kind == "number" for kind in kinds if kind in ("number", "integer")):
            _probe(head, parameters, body, value)
    return parameters, body, text


PROBES = (*map(sp.sympify, (0, 1, 2, 3, -1, sp.Rational(1, 2))), sp.Dummy("•", positive=True))


def _probe(head: Any, parameters: tuple[Any, ...], body: Any, value: Any) -> None:
    """Refuse a body that says something else of this value than of a parameter."""
    args = [value if _kind(p) in ("number", "integer") else p for p in parameters]
    try:
        written = _core(sp.sympify(head.body(*args), strict=True), {})
        made = _put(body, {p: a for p, a in zip(parameters, args, strict=True) if p != a}, None)
    except (Malformed, ValueError, TypeError):  # it cannot be asked of this value
        return
    if made.has(sp.nan, sp.zoo) or written.has(sp.nan, sp.zoo) or _alike(made, written):
        return
    raise Malformed(f"the body of {head.__name__} looks at what it is given: at {value} it says something else")


def _alike(made: Any, written: Any) -> bool:
    both = isinstance(made, sp.Expr) and isinstance(written, sp.Expr)
    return bool(made == written or (both and sp.expand(made - written) == 0))


def _atoms(e: Any, skipped: Any) -> set[Any]:
    """The symbols and random variables named in e, outside the laws that are parameters."""
    if e in skipped:
        return set()
    own = {e} if isinstance(e, Symbol) or terms.is_family_variable(e) else set()
    return own.union(*(_atoms(a, skipped) for a in e.args))


def _expanded(e: DefinedFunction, args: tuple[Any, ...], names: Table) -> Any:
    """What the abbreviation stands for; Malformed when its body does something else with these arguments."""
    head = type(e)
    if not terms.is_declared(head):
        raise Malformed(f"{head.__name__} is not an abbreviation that `define` made")
    parameters, body, _ = template(head, tuple(map(_kind, args)))
    made = _put(body, dict(zip(parameters, args, strict=True)), None)
    written = _core(sp.sympify(head.body(*e.args), strict=True), names)
    if not _alike(made, written):
        raise Malformed(
            f"{e} is not what the body of {head.__name__} says of its parameters: the body looks at what it is given, "
            "or an index in it has the name of an argument (rename that)"
        )
    return made


def written_out(head: Any, args: tuple[Any, ...]) -> tuple[Any, Table]:
    """The body of an abbreviation as it is written, in its parameters, and the core terms that stand for them."""
    parameters, _, text = template(head, tuple(map(_kind, args)))
    return text, dict(zip(parameters, args, strict=True))


def put_in(e: Any, values: Table) -> Any:
    """The core term with the arguments of an abbreviation in the place of its parameters."""
    return _put(e, values, None)


# --- the door ---------------------------------------------------------------------------------------------------------


@remembered(2**15)
def core(e: Any) -> Any:
    """e without abbreviations and stop-gradients, its indices in their canonical places.

    What is in this form already stays as it is.
    """
    return without_stops(_core(sp.sympify(e, strict=True), {}))


def _core(e: Any, names: Table) -> Any:
    if isinstance(e, Symbol):
        return names.get(e, e)
    if isinstance(e, DefinedFunction):
        return _expanded(e, tuple(_core(a, names) for a in e.args), names)
    if not e.args:
        return e
    if isinstance(e, INDEXED):
        index = fresh()
        inside = {**names, e.args[1]: index}
        args = [
            index if place == 1 else _core(a, inside if place in e.scope else names) for place, a in enumerate(e.args)
        ]
        return closed(type(e), args, index)
    args = [_core(a, names) for a in e.args]
    return e if all(a is b for a, b in zip(args, e.args, strict=True)) else e.func(*args)
