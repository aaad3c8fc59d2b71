"""Rules that rewrite by an equation: a hypothesis, an earlier claim, a statement above, the induction hypothesis.

A hypothesis holds for the indices that it quantifies (`when`) and for every value of the vectors in it; all its other
symbols are fixed. An earlier claim holds for every value of its symbols in its domain; a claim that rests on a
hypothesis is as fixed as that. Which indices an equation is read at is found by matching, inside sums too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra
from derivations.kernel.conditions import JointCondition
from derivations.kernel.definedness import Undischarged, conditions, discharge, holds
from derivations.kernel.dependence import may_touch
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.hypotheses import INDUCTION_HYPOTHESIS, Hypothesis
from derivations.kernel.means import extent
from derivations.kernel.rules.base import Context, Rule, StepFails, rewriting, walk
from derivations.kernel.sorts import sort
from derivations.kernel.substitution import core, substitute
from derivations.kernel.terms import DIM, Malformed, VectorFunction, VectorSymbol

Table = Mapping[Any, Any]


# --- instances of an equation -----------------------------------------------------------------------------------------


def rewrite_instances(
    e: Any,
    sides: tuple[Any, Any],
    tables: Callable[[Any, Context], Iterator[Table]],
    allowed: Callable[[Table, Context], None],
    context: Context,
) -> Any:
    """Replace every subterm equal (by algebra) to an instance of lhs by that of rhs.

    `tables` proposes instances for a node; `allowed` raises StepFails where lhs = rhs may fail.
    """
    lhs, rhs = sides

    def change(node: Any, local: Context) -> Any:
        if type(node) is not type(lhs):
            return node
        for table in tables(node, local):
            try:
                instance = substitute(lhs, table, local.domain)
            except Malformed:
                continue
            share = _share(instance, node, local.domain)
            if share is not None:
                allowed(table, local)
                put = substitute(rhs, table, local.domain)
                return put if share == 0 else node + share * (put - instance)
        return node

    return walk(e, change, context)


@lru_cache(maxsize=4096)
def _heads(e: Any) -> frozenset[Any]:
    """The kinds of terms in e, and the names of families and laws."""
    kinds = {type(a) for a in e.atoms(sp.Function, terms.Averaging, terms.LogDensity, terms.Quadratic)}
    return frozenset(kinds | e.atoms(terms.Name))


def _share(lhs: Any, node: Any, domain: Domain) -> Any:
    """0 when node equals lhs; c when node is c lhs and something besides, a sum's terms among others; else None."""
    if node == lhs:
        return sp.S.Zero
    if not _heads(lhs) <= _heads(node):  # nothing that is worth a calculation
        return None
    share = _share_of_sum(lhs, node, domain) if isinstance(lhs, sp.Add) else None
    if share is None and len(node.args) == len(lhs.args) and Algebra(domain).equal(node, lhs):
        return sp.S.Zero
    return share


def _share_of_sum(lhs: Any, node: Any, domain: Domain) -> Any:
    terms_of_node = node.as_coefficients_dict()
    shares = set()
    for term, c in lhs.as_coefficients_dict().items():
        found = [t for t in terms_of_node if t == term] or [
            t
            for t in terms_of_node
            if type(t) is type(term) and _heads(t) == _heads(term) and Algebra(domain).equal(t, term)
        ]
        shares.add(terms_of_node[found[0]] / c if len(found) == 1 else None)
        if len(shares) > 1 or None in shares:
            return None
    return shares.pop()


def matches(lhs: Any, node: Any, indices: Iterable[Any], table: Table, context: Context) -> Iterator[Table]:
    """The table itself; and inside sums, the table read at their indices, and what makes lhs look like the node there.

    An index occurs as i + c in a member of a family, as a coordinate or an end of a range; there its value is read off.
    """
    yield table
    if not context.around:
        return
    written = sorted({s for v in table.values() for s in v.free_symbols if s.is_integer}, key=str)
    tables = [table]
    for around in context.around:
        tables += [{key: substitute(value, {s: around}) for key, value in table.items()} for s in written]
    yield from tables[1:]
    indices = tuple(index for index in indices if index not in table)
    choices = [sorted({index, *_values(index, lhs, node)}, key=sp.default_sort_key) for index in indices]
    for values in itertools.islice(itertools.product(*choices), 64 if indices else 0):
        if any(value.has(*context.around) for value in values):
            yield from ({**read, **dict(zip(indices, values, strict=True))} for read in tables)


def _values(index: Any, lhs: Any, node: Any) -> set[Any]:
    found: set[Any] = set()
    read: dict[Any, set[Any]] = {}
    for head, place, value in _places(node):
        read.setdefault((head, place), set()).add(value)
    for head, place, written in _places(lhs):
        shift = sp.expand(written - index)
        if not shift.has(index) and shift.is_integer:
            found |= {sp.expand(value - shift) for value in read.get((head, place), ())}
    return {value for value in found if value.is_integer and not value.atoms(terms.Formal)}


def _places(e: Any) -> Iterator[tuple[Any, int, Any]]:
    for a in sp.preorder_traversal(e):
        if isinstance(a, terms.VectorFunction | terms.ScalarFunction | terms.Coord | terms.Block):
            head = a.args[0] if isinstance(a, terms.Block) else type(a).__name__
            yield from ((str(head), place, v) for place, v in enumerate(a.args) if getattr(v, "is_integer", False))


# --- hypotheses -------------------------------------------------------------------------------------------------------


def given(hypothesis: Hypothesis, **at: Any) -> Rule:
    """Use a declared hypothesis as an equation, at the indices named (`given(markov, t=t + 1)`)."""
    return Rule("given", (hypothesis, tuple((name, sp.sympify(value)) for name, value in at.items())))


@rewriting("given", "given", lambda h, _: h.words, shown=lambda h, _: f"given: {h.name}")
def _given(e: Any, context: Context, hypothesis: Hypothesis, at: tuple[tuple[str, Any], ...]) -> Any:
    declared = context.require(hypothesis.name)
    if declared.content != hypothesis.core().content or declared.lhs is None:
        raise StepFails(f"the hypothesis {hypothesis.name!r} of this claim says something else")
    quantified = {index.name: index for index in declared.when}
    if free := {name for name, _ in at} - set(quantified):
        raise StepFails(f"{declared.name} holds for one {', '.join(sorted(free))}, not for every value of it")
    table = {quantified[name]: value for name, value in at}

    def allowed(chosen: Table, local: Context) -> None:
        _check_range(declared.when, chosen, local, declared.name)
        _check_scope([declared], local)

    def tables(node: Any, local: Context) -> Iterator[Table]:
        return matches(declared.lhs, node, declared.when, table, local)

    return rewrite_instances(e, declared.sides, tables, allowed, context)


def _check_scope(hypotheses: Iterable[Hypothesis], local: Context) -> None:
    """Refuse to use a hypothesis about a fixed symbol where one differentiates by it, or lets it go to a limit."""
    for h in hypotheses:
        for symbol in local.moving - set(h.when):
            if _occurs(symbol, _mentioned_by(h)):
                raise StepFails(f"{h.name} holds for one {symbol}, and here {symbol} varies")


@rewriting(INDUCTION_HYPOTHESIS, "decided", "the statement at t, when proving it at t + 1")
def _by_induction_hypothesis(e: Any, context: Context) -> Any:
    assumed = context.require(INDUCTION_HYPOTHESIS)
    if assumed.lhs is None:
        raise StepFails("only an equality can be used as an equation")

    def allowed(_: Table, local: Context) -> None:
        _check_scope([assumed], local)

    return rewrite_instances(e, assumed.sides, lambda *_: iter([{}]), allowed, context)


induction_hypothesis = Rule(INDUCTION_HYPOTHESIS)

# --- earlier claims ---------------------------------------------------------------------------------------------------


def _pairs(at: Table | None) -> tuple[tuple[Any, Any], ...]:
    if at is not None and not isinstance(at, Mapping):
        raise TypeError(f"at={at} is no table: write at={{symbol: what stands for it}}")
    return tuple((sp.sympify(k, strict=True), sp.sympify(v, strict=True)) for k, v in (at or {}).items())


def by_claim(claim_id: str, part: int | str = 0, at: Table | None = None) -> Rule:
    """Rewrite by an earlier, proved equality, its symbols replaced as `at` says (all at once)."""
    return Rule("by claim", (claim_id, part, _pairs(at)))


@rewriting("by claim", "decided", lambda c, *_: f"the earlier claim {c}", shown=lambda c, *_: c)
def _by_claim(e: Any, context: Context, claim_id: str, part: int | str, at: tuple[tuple[Any, Any], ...]) -> Any:
    theorems = context.lemma(claim_id)
    if part not in theorems:
        count = len([key for key in theorems if isinstance(key, int)])
        raise StepFails(f"{claim_id} has {count} statements, so none numbered {part} (counted from 0)")
    theorem = theorems[part]
    for hypothesis in theorem.hypotheses:
        if context.require(hypothesis.name).content != hypothesis.content:
            raise StepFails(f"{claim_id} means something else by the hypothesis {hypothesis.name!r}")
    return _rewrite_by(theorem, claim_id, dict(at), e, context)


def above(part: int | str = 0, at: Table | None = None) -> Rule:
    """Rewrite by an earlier statement of the same claim (counted from 0), which must be proved by then."""
    return Rule("above", (part, _pairs(at)))


def _shown_above(part: int | str, *_: Any) -> str:
    return f"statement {part + 1} above" if isinstance(part, int) else f"statement {part!r} above"


@rewriting("above", "decided", lambda *a: f"{_shown_above(*a)} in this claim", shown=_shown_above)
def _above(e: Any, context: Context, part: int | str, at: tuple[tuple[Any, Any], ...]) -> Any:
    if part not in context.above:
        raise StepFails(f"{_shown_above(part)} is not proved, so nothing may rest on it")
    return _rewrite_by(context.above[part], _shown_above(part), dict(at), e, context)


def _rewrite_by(theorem: Any, owner: str, table: Table, e: Any, context: Context) -> Any:
    """Replace instances of a proved equality's left side by its right side, where its domain allows."""
    if theorem.relation != "=" or isinstance(theorem.rhs, terms.Rounded):
        raise StepFails(f"{owner} is not an equality of two values and cannot rewrite a line")
    check_instance(theorem, table, context, owner)
    sides = sp.Tuple(theorem.lhs, theorem.rhs)
    tied = {s for h in theorem.hypotheses for s in _fixed_by(h)}
    free = [i for i in theorem.domain.indices if i not in table and sides.has(i) and i not in tied]

    def allowed(chosen: Table, local: Context) -> None:
        substitute(sides, chosen, local.domain)  # a binder that would catch a value says so
        check_place(theorem, chosen, local, owner)

    def tables(node: Any, local: Context) -> Iterator[Table]:
        return matches(theorem.lhs, node, free, table, local)

    return rewrite_instances(e, (theorem.lhs, theorem.rhs), tables, allowed, context)


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
    _check_range(theorem.domain.indices, table, local, owner)
    _check_values(theorem.domain, table, local, owner)
    _check_scope([h for h in theorem.hypotheses if h.lhs is not None], local)


def _mentioned_by(h: Hypothesis) -> Any:
    """What an equation of a hypothesis is about: its sides and the ends of its ranges."""
    return sp.Tuple(*h.sides, *(end for ends in h.when.values() for end in ends))


def _fixed_by(h: Hypothesis) -> set[Any]:
    """The symbols that it is about one value of: not those that it quantifies, but for the ends of their ranges."""
    ends = {s for ends in h.when.values() for end in ends for s in end.free_symbols}
    return (_mentioned_by(h).free_symbols - set(h.when)) | ends


def _check_schedule(domain: Domain, table: Table, context: Context, owner: str) -> None:
    if any(context.domain.products.get(big) != small for big, small in domain.products.items()):
        raise StepFails(f"{owner} is about a schedule, which this claim's domain does not declare")
    if any(context.domain.sizes.get(name) != size for name, size in domain.sizes.items()):
        raise StepFails(f"{owner} is about matrices of a size that this claim's domain does not declare")
    tied = {*domain.products, *domain.products.values()}
    if fixed := [key for key in table if type(key).__name__ in tied]:
        raise StepFails(f"{owner} ties {fixed[0]} to the other members of its schedule: it cannot be replaced alone")


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


def _check_range(indices: Mapping[Any, tuple[Any, Any]], table: Table, context: Context, owner: str) -> None:
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
