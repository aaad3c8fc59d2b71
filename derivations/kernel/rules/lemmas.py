"""What an earlier theorem says here: which one is meant, what stands for its symbols, and where that may be read.

An earlier claim holds for every value of its symbols in its domain; what rests on a hypothesis is as fixed as that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.conditions import JointCondition
from derivations.kernel.definedness import Undischarged, conditions, discharge, holds
from derivations.kernel.dependence import may_touch
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.means import extent
from derivations.kernel.rules.base import Context, StepFails
from derivations.kernel.rules.instances import Table
from derivations.kernel.sorts import sort
from derivations.kernel.substitution import core, substitute
from derivations.kernel.terms import DIM, VectorFunction, VectorSymbol

HERE = ""  # in the place of a claim's id: a statement of this very claim


def pairs(at: Table | None) -> tuple[tuple[Any, Any], ...]:
    if at is not None and not isinstance(at, Mapping):
        raise TypeError(f"at={at} is no table: write at={{symbol: what stands for it}}")
    return tuple((sp.sympify(k, strict=True), sp.sympify(v, strict=True)) for k, v in (at or {}).items())


def owner_of(claim_id: str, part: int | str) -> str:
    """How a theorem is spoken of: by the id of its claim, or as a statement of this one."""
    if claim_id != HERE:
        return claim_id
    return f"statement {part + 1} above" if isinstance(part, int) else f"statement {part!r} above"


def theorem_of(claim_id: str, part: int | str, context: Context) -> Any:
    """The theorem of an earlier claim, whose hypotheses must be supposed here too, or of a statement above."""
    if claim_id == HERE:
        if part not in context.above:
            raise StepFails(f"{owner_of(claim_id, part)} is not proved, so nothing may rest on it")
        return context.above[part]
    theorems = context.lemma(claim_id)
    if part not in theorems:
        count = len([key for key in theorems if isinstance(key, int)])
        raise StepFails(f"{claim_id} has {count} statements, so none numbered {part} (counted from 0)")
    for hypothesis in theorems[part].hypotheses:
        if context.require(hypothesis.name).content != hypothesis.content:
            raise StepFails(f"{claim_id} means something else by the hypothesis {hypothesis.name!r}")
    return theorems[part]


# --- what an instance asks for ----------------------------------------------------------------------------------------


def check_instance(theorem: Any, table: Table, context: Context, owner: str) -> None:
    """Refuse values that a theorem does not speak of, wherever they are read; what it assumes is assumed here."""
    _check_schedule(theorem.domain, table, context, owner)
    for h, key in ((h, key) for h in theorem.hypotheses for key in table):
        if key not in h.when and _occurs(key, _mentioned_by(h)):
            raise StepFails(f"{owner} rests on {h.name!r}, which is about this {key} and no other")
    _check_keys(sp.Tuple(theorem.lhs, theorem.rhs), table, owner, context.domain)
    _check_sizes(theorem, table, owner, context)
    context.supposed += theorem.assumptions


def check_place(theorem: Any, table: Table, local: Context, owner: str) -> None:
    """Refuse an instance outside the theorem's domain, or where something moves that is fixed there."""
    check_range(theorem.domain.indices, table, local, owner)
    _check_shapes(theorem.domain, table, local, owner)
    _check_values(theorem.domain, table, local, owner)
    check_scope([h for h in theorem.hypotheses if h.lhs is not None], local)


def _mentioned_by(h: Hypothesis) -> Any:
    """What an equation of a hypothesis is about: its sides and the ends of its ranges."""
    return sp.Tuple(*h.sides, *(end for ends in h.when.values() for end in ends))


def fixed_by(h: Hypothesis) -> set[Any]:
    """The symbols that it is about one value of: not those that it quantifies, but for the ends of their ranges."""
    ends = {s for ends in h.when.values() for end in ends for s in end.free_symbols}
    return (_mentioned_by(h).free_symbols - set(h.when)) | ends


def check_scope(hypotheses: Iterable[Hypothesis], local: Context) -> None:
    """Refuse to use a hypothesis about a fixed symbol where one differentiates by it, or lets it go to a limit."""
    for h in hypotheses:
        for symbol in local.moving - set(h.when):
            if _occurs(symbol, _mentioned_by(h)):
                raise StepFails(f"{h.name} holds for one {symbol}, and here {symbol} varies")


def _check_schedule(domain: Domain, table: Table, context: Context, owner: str) -> None:
    if any(context.domain.products.get(big) != small for big, small in domain.products.items()):
        raise StepFails(f"{owner} is about a schedule, which this claim's domain does not declare")
    tied = {*domain.products, *domain.products.values()}
    if fixed := [key for key in table if type(key).__name__ in tied]:
        raise StepFails(f"{owner} ties {fixed[0]} to the other members of its schedule: it cannot be replaced alone")


def _check_shapes(domain: Domain, table: Table, local: Context, owner: str) -> None:
    """A matrix must have here the size that it has there, where its rows and columns are counted by what is put in."""
    put = {key.name: value.name for key, value in table.items() if isinstance(key, terms.LinearMap) and value.is_Symbol}
    if any(local.domain.sizes.get(put.get(n, n)) != _put_into(size, table) for n, size in domain.sizes.items()):
        raise StepFails(f"{owner} is about matrices of a size that this claim's domain does not declare")


def _put_into(size: Any, table: Table) -> Any:
    """The size of a matrix, with what is put for the symbols in it."""
    return tuple(substitute(sp.sympify(n), table) for n in size) if isinstance(size, tuple) else size


def _occurs(key: Any, sides: Any) -> bool:
    """Does the symbol occur, or any member of its family?"""
    return bool(sides.has(key) or (isinstance(key, sp.Function) and sides.has(type(key))))


def _check_keys(sides: Any, table: Table, owner: str, domain: Domain) -> None:
    """Only variables are replaced, each by something of its sort; StepFails where that would change what is said."""
    laws = sides.atoms(terms.Density)
    for key, value in table.items():
        if not isinstance(key, sp.Symbol | terms.ScalarFunction | terms.VectorFunction):
            raise StepFails(f"{key} is no variable of {owner}: only symbols and members of families are replaced")
        if not sides.has(key):
            raise StepFails(f"{key} does not occur in {owner}, so nothing is replaced")
        if terms.name_of(key) in {n.name for n in terms.names(sides)}:
            raise StepFails(f"{key} is a name in {owner}, not a variable: it cannot be replaced")
        if sort(key) != sort(value) and not (sort(key) == "vector" and value == 0):
            raise StepFails(f"{value} cannot stand for {key} in {owner}: it is no {sort(key)}")
        if isinstance(key, terms.LinearMap) and type(value) is not terms.LinearMap:
            raise StepFails(f"{value} cannot stand for {key} in {owner}: it is no matrix with a name")
        if isinstance(key, terms.Covariance) and not (
            isinstance(value, terms.Covariance) and domain.sizes.get(key.name) == domain.sizes.get(value.name)
        ):
            raise StepFails(f"{value} cannot stand for {key} in {owner}: it is no covariance of the same size")
        if isinstance(key, sp.Function) and substitute(sides, {key: _stand_in(key)}).has(type(key)):
            raise StepFails(f"{owner} mentions {type(key).__name__} elsewhere too: {key} alone cannot be replaced")
        if any(law.has(key) for law in laws) and not key.is_integer and may_touch(sides, [value], domain):
            raise StepFails(f"{owner} averages over laws of {key}, and {value} occurs in it already: rename it")


def _check_sizes(theorem: Any, table: Table, owner: str, context: Context) -> None:
    """A vector must live here in a space of the size that it has there.

    What rests on an integration by parts may say its dimension on one side only: there a vector that nothing sizes
    lives in R^d, and so it must here.
    """
    supposed = DIM if "integration by parts" in theorem.assumptions else None
    for v in sorted(sp.Tuple(theorem.lhs, theorem.rhs).atoms(VectorSymbol, VectorFunction), key=sp.default_sort_key):
        wanted = theorem.sizes.get(v, supposed)
        found = context.spaces.size(substitute(v, table)) or supposed
        if wanted is not None and found is not None and sp.expand(found - substitute(wanted, table)) != 0:
            raise StepFails(f"{owner} is about {v} in R^{wanted}, and here it stands for something in R^{found}")


def _stand_in(key: Any) -> Any:
    return terms.VectorSymbol("•", real=True) if terms.is_vector(key) else sp.Dummy(real=True)


def check_range(indices: Mapping[Any, tuple[Any, Any]], table: Table, context: Context, owner: str) -> None:
    """Every quantified index must be an integer of its range."""
    for index, bounds in indices.items():
        value = table.get(index, index)
        lo, hi = (substitute(sp.sympify(b), table) for b in bounds)
        above_lo = value.is_integer and context.domain.at_least_zero(value - lo)
        if not (above_lo and (hi == sp.oo or context.domain.at_least_zero(hi - value))):
            raise StepFails(f"{owner} holds for {index} in {lo}..{hi}; {index} = {value} is not known to be there")


def _check_values(domain: Domain, table: Table, context: Context, owner: str) -> None:
    """What is put for a symbol must lie in that symbol's interval; a symbol that stays must have the same one here."""
    for condition in domain.conditions:
        _check_condition(condition, table, context, owner)
    images = {terms.name_of(key): (key, value) for key, value in table.items()}
    for name, interval in domain.intervals.items():
        if name not in images and context.domain.intervals.get(name) != interval:
            raise StepFails(f"{owner} needs {name} {interval.words()}, which this claim's domain does not say")
    for name, (key, value) in images.items():
        if key in domain.indices or not isinstance(key, sp.Expr):
            continue
        refuse_undefined(value, context, owner)
        if key.is_integer and not value.is_integer:
            raise StepFails(f"{owner} needs an integer for {key}; {value} is not known to be one")
        at = value if not terms.is_vector(value) else terms.Coord(value, sp.Dummy(integer=True, positive=True))
        interval = domain.intervals.get(name, domain.interval(key))
        if not _lies_in(at, interval, context.domain):
            raise StepFails(f"{owner} needs {name} {interval.words()}; {value} is not known to be there")


def _check_condition(condition: JointCondition, table: Table, context: Context, owner: str) -> None:
    """What the symbols of a lemma meet together must be met by what is put for them."""
    where, fixed = context.domain, {key: value for key, value in table.items() if key not in condition.when}
    indices = {index: sp.Dummy("•", integer=True) for index in condition.when}
    for index, bounds in condition.when.items():
        where = where.with_index(indices[index], *(substitute(b, {**fixed, **indices}) for b in bounds))
    small, large = (substitute(core(side), {**fixed, **indices}) for side in condition.sides)
    if not holds("> 0" if condition.relation == "<" else ">= 0", large - small, where):
        raise StepFails(f"{owner} needs {small} {condition.relation} {large}, which is not known here")


def refuse_undefined(value: Any, context: Context, owner: str) -> None:
    """What is put for a symbol must have a value: 1/n, put for u, may vanish from n u, which is 0 at n = 0."""
    try:
        discharge(conditions(value, context.domain), context.granted)
    except Undischarged as reason:
        raise StepFails(f"{owner} is about values, and {value} may have none: {reason}") from reason
    if not context.integrable and extent(value, context.domain, context.granted.dominated) != "finite":
        raise StepFails(f"{owner} is about finite values, and {value} may be infinite: declare 'integrable'")


def _lies_in(value: Any, interval: Interval, domain: Domain) -> bool:
    below = interval.lo == -sp.oo or holds("> 0" if interval.open_lo else ">= 0", value - interval.lo, domain)
    above = interval.hi == sp.oo or holds("> 0" if interval.open_hi else ">= 0", interval.hi - value, domain)
    return below and above and (not interval.nonzero or holds("!= 0", value, domain))
