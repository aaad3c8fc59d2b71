"""What a term needs to mean something: one function, under the term's own binders and in the domain around it.

`conditions(e, domain)` lists all that is divided by, every argument of a root or a logarithm, every variance, and all
that is differentiated or let go to a limit, each with the domain of the place where it stands: a condition met in two
ranges is two conditions. `discharge` decides them all. Means of unknown laws may be infinite (`means`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, OutsideFragment
from derivations.kernel.binders import INDEXED
from derivations.kernel.continuous import Granted, after_start, integral_conditions, regular, sde_conditions
from derivations.kernel.dependence import enter, may_vary
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.expansion import expanded
from derivations.kernel.means import is_polynomial_mean
from derivations.kernel.memory import is_genuine, remembered
from derivations.kernel.stepwise import Unexpandable
from derivations.kernel.substitution import Captured, substitute
from derivations.kernel.words import definite

Condition = tuple[str, Any, Domain]
CONTINUOUS = (
    sp.Add,
    sp.Mul,
    sp.Pow,
    sp.exp,
    sp.log,
    sp.Abs,
    terms.Ratio,
    terms.SumTo,
    terms.ProductTo,
    terms.Inner,
    terms.Norm2,
    terms.Coord,
    terms.Hadamard,
)

UNKNOWN = (  # whether they have derivatives, somebody has to say
    terms.ScalarFunction,
    terms.VectorFunction,
    terms.Gradient,
    terms.HeldFixed,
    terms.Partial,
    terms.At,
    terms.Series,
)


class Undischarged(ValueError):
    """A condition that does not follow from the domain: the term may mean nothing there."""


def conditions(e: Any, domain: Domain) -> Iterator[Condition]:
    """Every condition under which e has a value, with the domain in which it is met."""
    yield from node_conditions(e, domain)
    inside = enter(e, domain)
    for place, (a, known) in enumerate(zip(inside.args, inside.domains, strict=True)):
        if not (place == 1 and isinstance(e, INDEXED)):
            yield from passed_on(e, conditions(a, known))


def passed_on(e: Any, needed: Iterable[Condition]) -> Iterable[Condition]:
    """What e asks of the conditions of its parts.

    A series asks for its body at small steps only: what the step is in, its expansion decides. What is held fixed is
    asked for at its value.
    """
    if isinstance(e, terms.Series):
        return (c for c in needed if not c[1].has(e.args[1]))
    if isinstance(e, terms.HeldFixed):
        return ((kind, _at_its_value(c, e.table), domain) for kind, c, domain in needed)
    return needed


def _at_its_value(condition: Any, held: Mapping[Any, Any]) -> Any:
    """The condition where the constants have their values; for all of their values where it would mean another one."""
    try:
        return substitute(condition, held)
    except Captured:
        return condition


def node_conditions(e: Any, domain: Domain) -> Iterator[Condition]:
    """What one node needs of its arguments."""
    if isinstance(e, sp.Pow):
        base, exponent = e.args
        if exponent.is_integer:
            counts = exponent.is_positive or domain.at_least_zero(exponent)  # 0^0 is 1
            if not counts and base.is_commutative:
                yield "!= 0", base, domain
            elif not counts:
                yield from definite_conditions(base, domain)
        else:
            yield (">= 0" if exponent.is_positive else "> 0"), base, domain
    elif isinstance(e, sp.log):
        yield "> 0", e.args[0], domain
    elif isinstance(e, terms.Ratio):
        yield "!= 0", e.args[1], domain
    elif isinstance(e, terms.Normal):
        yield "> 0", e.args[2], domain
    elif isinstance(e, terms.FullNormal):
        yield from definite_conditions(e.args[2], domain)
    elif isinstance(e, terms.LogDet):
        for factor in sp.Mul.make_args(e.args[0]):
            if factor.is_commutative:
                yield "!= 0", factor, domain
            else:
                yield from definite_conditions(factor.as_base_exp()[0], domain)
    elif isinstance(e, terms.DiagonalNormal | terms.AffineImage):
        inside = enter(e, domain)
        yield "> 0", inside.args[3], inside.domains[3]
    elif isinstance(e, terms.BernoulliProduct):
        inside = enter(e, domain)
        yield "> 0", inside.args[2], inside.domains[2]
        yield "> 0", 1 - inside.args[2], inside.domains[2]
    elif isinstance(e, terms.At):
        _, symbol, value = e.args
        interval = domain.interval(symbol)
        yield from ((">= 0", gap, domain) for gap in (value - interval.lo, interval.hi - value) if gap != sp.oo)
        yield from limit_conditions(e, domain)
    elif isinstance(e, (terms.D, *terms.FIELDS)):
        yield from _smoothness(e.args[0], e.args[1], domain, _order(e))
    elif isinstance(e, terms.Gradient):
        yield "smooth 1", e, domain
    elif isinstance(e, terms.Partial):
        yield "class 0", e, domain
    elif isinstance(e, terms.IntegralTo):
        yield from integral_conditions(e, domain)
    elif isinstance(e, terms.Series):
        yield "series", e, domain
    elif isinstance(e, terms.LinearSDE):
        yield from sde_conditions(e, domain)
    elif isinstance(e, terms.LogDensity) and isinstance(e.args[0], terms.LinearSDE):  # without noise it has no density
        yield "> 0", e.args[0].args[4], after_start(e.args[0].args[1], domain)


def definite_conditions(matrix: Any, domain: Domain) -> Iterator[Condition]:
    """Under what a matrix is positive definite; a covariance always is."""
    if isinstance(matrix, terms.Covariance):
        return
    needed = definite(matrix)
    if needed is None or any(number.is_Rational and number <= 0 for number in needed):
        yield "positive definite", matrix, domain
    else:
        yield from (("> 0", number, domain) for number in needed)


# --- derivatives ------------------------------------------------------------------------------------------------------


def _order(derivative: Any) -> int:
    return 2 if isinstance(derivative, terms.Laplacian) else 1


def _smoothness(e: Any, wrt: Any, domain: Domain, order: int) -> Iterator[Condition]:
    """Under what e has so many derivatives by `wrt`: roots and |.| away from 0, functions known to have them."""
    if e == wrt or not may_vary(e, wrt):
        return
    if isinstance(e, (terms.D, *terms.FIELDS)):
        yield from _smoothness(e.args[0], wrt, domain, order + _order(e))
        for a in e.args[2:]:
            yield from _smoothness(a, wrt, domain, order)
        return
    if isinstance(e, sp.Pow):
        base, exponent = e.args
        if not exponent.is_integer and may_vary(base, wrt):
            yield "> 0", base, domain
        if may_vary(exponent, wrt):
            yield "> 0", base, domain
    elif isinstance(e, sp.Abs):
        yield "!= 0", e.args[0], domain
    elif isinstance(e, UNKNOWN) or (
        isinstance(e, terms.LogDensity) and isinstance(e.args[0], terms.Density | terms.LinearSDE)
    ):
        yield f"smooth {order}", e, domain
    elif isinstance(e, terms.Averaging) and (e.atoms(terms.LinearSDE) or not is_polynomial_mean(e)):
        yield "dominated", e, domain
    elif isinstance(e, terms.IntegralTo) and may_vary(e.args[0], wrt):
        yield from regular(e.args[0], order, frozenset([wrt]), domain)
        yield from regular(e.args[0], 0, frozenset([e.args[1], wrt]), domain)
    inside = enter(e, domain)
    for place, (a, known) in enumerate(zip(inside.args, inside.domains, strict=True)):
        if not (place == 1 and isinstance(e, INDEXED)):
            yield from _smoothness(a, wrt, known, order)


# --- limits -----------------------------------------------------------------------------------------------------------


def limit_conditions(e: Any, domain: Domain) -> Iterator[Condition]:
    """Under what the body is continuous where its symbol goes: its own conditions, at the value."""
    body, symbol, value = e.args
    refuse_unknown_limits(body, symbol)
    for kind, condition, inside in conditions(body, domain):
        if condition.has(symbol):
            yield kind, condition.xreplace({symbol: value}), inside


def refuse_unknown_limits(e: Any, symbol: Any) -> None:
    """The symbol may stand in arithmetic, roots, logarithms, exponentials, sums, inner products: all are continuous."""
    if isinstance(e, sp.Pow) and e.args[1].has(symbol):
        raise Undischarged(f"{e} has a moving exponent, and 0^p is not continuous at p = 0: write it as exp")
    for a in e.args if e.has(symbol) else ():
        if not isinstance(e, CONTINUOUS):
            raise Undischarged(f"nothing is known of the limit of {e}")
        refuse_unknown_limits(a, symbol)


# --- deciding ---------------------------------------------------------------------------------------------------------


def _can_be_remembered(kind: str, e: Any, domain: Domain) -> bool:
    """Is all that the answer depends on in the key, and genuine? What a domain says of itself is not believed."""
    said = domain.copied().content if type(domain) is Domain else None
    return said == domain.content and is_genuine((kind, e)) and all(map(_is_plain, domain.content))


def _is_plain(part: Any) -> bool:
    if type(part) is tuple:
        return all(map(_is_plain, part))
    if type(part) is Interval:  # its flags are True or False: the copy would not have been made
        return _is_plain((part.lo, part.hi))
    return is_genuine(part) or part is sp.S.Infinity or part is sp.S.NegativeInfinity


@remembered(8192, _can_be_remembered, by=lambda kind, e, domain: (kind, e, domain.content))
def holds(kind: str, e: Any, domain: Domain) -> bool:
    """Does one condition follow from the domain?"""
    algebra = Algebra(domain)
    try:
        if kind == "!= 0":
            return algebra.is_nonzero(e)
        if kind in ("> 0", ">= 0"):
            return algebra.sign(e) in (("+",) if kind == "> 0" else ("+", "0+", "0"))
    except OutsideFragment:
        pass
    return False


def discharge(needed: Iterable[Condition], granted: Granted) -> tuple[tuple[str, Any], ...]:
    """The conditions, decided, as (kind, condition); Undischarged when something does not follow from the domain."""
    met: dict[tuple[str, Any], None] = {}
    asked: set[tuple[str, Any, Any]] = set()
    for kind, condition, inside in needed:
        if (kind, condition, inside.content) in asked:
            continue
        asked.add((kind, condition, inside.content))
        if kind == "dominated":
            if not granted.dominated:
                remedy = "declare the hypothesis 'interchange'"
                raise Undischarged(f"nothing says that {condition} has a derivative: {remedy}")
        elif kind.startswith("smooth"):
            order = int(kind.split()[1])
            if not (granted.smooth or granted.continuous(condition, order)):
                what = f"{order} derivatives" if order > 1 else "a derivative"
                remedy = "declare the hypothesis 'smooth' or 'interchange'"
                raise Undischarged(f"nothing says that {condition} has {what}: {remedy}")
        elif kind.startswith("class"):
            more = int(kind.split()[1])
            if not granted.continuous(condition, more):
                what = f"has {more} continuous derivatives" if more else "is continuous"
                raise Undischarged(f"nothing says that {condition} {what}: declare it by smoothness(...)")
        elif kind == "series":
            try:
                expanded(condition, inside, granted)
            except Unexpandable as reason:
                raise Undischarged(str(reason)) from reason
        elif kind == "positive definite" or not holds(kind, condition, inside):
            raise Undischarged(f"side condition {condition} {kind} does not follow from the domain")
        else:
            met[kind, condition] = None
    return tuple(met)
