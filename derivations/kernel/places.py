"""Places: a checked domain with checked hypotheses, and the two places of an induction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.conditions import JointCondition
from derivations.kernel.consistency import refuse_contradiction
from derivations.kernel.continuous import NOTHING, Granted
from derivations.kernel.definedness import Undischarged, conditions, discharge
from derivations.kernel.dependence import free_variables, is_member
from derivations.kernel.domain import Domain
from derivations.kernel.formation import check
from derivations.kernel.genuine import refuse_impostors, refuse_lying_words
from derivations.kernel.hypotheses import ASSUMPTIONS, INDUCTION_HYPOTHESIS, Hypothesis
from derivations.kernel.naming import refuse_ambiguous_indices, refuse_ambiguous_names, refuse_names_with
from derivations.kernel.points import refuse_empty
from derivations.kernel.sorts import sort
from derivations.kernel.spaces import Spaces
from derivations.kernel.substitution import core, substitute
from derivations.kernel.terms import (
    KL,
    At,
    D,
    Expect,
    IntegralTo,
    LinearSDE,
    LogDensity,
    Malformed,
    Rounded,
    ScalarFunction,
    Series,
    VectorFunction,
    variable_set,
)
from derivations.kernel.written import Surroundings, written_conditions


@dataclass(frozen=True, eq=False)
class Place:
    """A domain and hypotheses that mean something, and the terms that were written there (`expressions`, core)."""

    domain: Domain
    hypotheses: tuple[Hypothesis, ...]
    expressions: tuple[Any, ...]
    spaces: Spaces
    integrable: bool = False
    granted: Granted = NOTHING

    @property
    def around(self) -> Surroundings:
        """What is known of what is written here."""
        return Surroundings(self.spaces, self.granted.dominated, self.integrable)


def _register() -> tuple[Callable[[Any], Any], Callable[[Any], bool]]:
    """(keep, is kept): the places that this file made, as they were made; nobody else can add one or change one."""
    kept: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def keep(made: Any) -> Any:
        kept[made] = _content(made)
        return made

    def is_kept(made: Any) -> bool:
        return type(made) in (Place, Induction) and made in kept and bool(kept[made] == _content(made))

    return keep, is_kept


def _content(made: Any) -> Any:
    """All that a place or an induction says, in terms that nobody can write to."""
    if type(made) is Induction:
        return tuple(map(_content, (made.whole, made.base, made.step))), made.goals, made.statement
    domain, bounds = made.domain, [tuple(part.items()) for part in (made.domain.indices, made.domain.products)]
    intervals = tuple((name, i.lo, i.hi, i.open_lo, i.open_hi, i.nonzero) for name, i in domain.intervals.items())
    supposed = tuple(h.content for h in made.hypotheses)
    granted = (made.granted.smooth, made.granted.dominated, tuple(made.granted.classes.items()))
    known = tuple((name, space) for name, space in made.spaces.known.items())
    joint = tuple(c.content for c in domain.conditions)
    parts = (intervals, *bounds, tuple(domain.sizes.items()), joint, domain.content)
    return (*parts, supposed, known, made.integrable, granted)


_keep, is_genuine = _register()


def place(domain: Domain, hypotheses: Iterable[Hypothesis], expressions: Iterable[Any]) -> Place:
    """The place where these expressions stand: statements and all lines of a derivation. Malformed when it is none."""
    if type(domain) is not Domain:
        raise Malformed(f"{type(domain).__name__} is no Domain: a subclass could say anything")
    known = domain.copied()
    told = tuple(h if type(h) is Hypothesis else _refuse_hypothesis(h) for h in hypotheses)
    for h in told:
        refuse_lying_words(h)
        if h.name in ASSUMPTIONS and h.sides:
            raise Malformed(f"{h.name!r} is an assumption in words; an equation needs a hypothesis of its own name")
    supposed = tuple(h.core() for h in told)
    names = [h.name for h in supposed]
    if len(set(names)) < len(names) or INDUCTION_HYPOTHESIS in names:
        raise Malformed(f"hypotheses need names of their own, other than {INDUCTION_HYPOTHESIS!r}: {names}")
    sources = tuple(sp.sympify(e, strict=True) for e in expressions)
    for e in sources:
        refuse_impostors(e)
        if e.args or e.is_Symbol:
            sort(e)
    made = tuple(map(core, sources))
    assumed = tuple(side for h in supposed for side in h.sides)
    refuse_ambiguous_names(*sources, *made, *assumed)
    refuse_empty(known, {s for e in (*made, *assumed) for s in e.free_symbols})
    if joint := tuple(core(side) for c in known.conditions for side in c.sides):
        refuse_ambiguous_names(*sources, *made, *assumed, *joint)
    _refuse_counted(sources, [h.when for h in supposed] + [c.when for c in known.conditions], known)
    _refuse_sizes_of_others((*made, *assumed), known)
    gaps = [h.lhs - h.rhs for h in supposed if any(map(_has_size, h.sides))]  # its sides are of one size
    spaces = Spaces.of((*made, *assumed, *gaps), known.sizes)
    here = Place(known, supposed, (*made, *assumed), spaces, *_grants(supposed))
    for h, text in zip(supposed, told, strict=True):
        _refuse_meaningless(h, text, here)
    for c in known.conditions:
        _refuse_meaningless_condition(c, here)
    refuse_contradiction(supposed, known)
    _refuse_tied(made, [(f"the hypothesis {h.name!r}", sp.Tuple(*h.sides)) for h in supposed])
    _refuse_tied(made, [("a condition of the domain", sp.Tuple(*map(core, c.sides))) for c in known.conditions])
    kept: Place = _keep(here)
    return kept


def _has_size(e: Any) -> bool:
    return isinstance(e, sp.Expr) and (terms.is_vector(e) or not e.is_commutative)


def _refuse_counted(sources: Iterable[Any], ranges: Iterable[Any], domain: Domain) -> None:
    """What counts the rows of a matrix is one number, and runs over nothing: it would print as if it did."""
    counts = {s for size in domain.sizes.values() if isinstance(size, tuple) for s in sp.Tuple(*size).free_symbols}
    if both := sorted(counts & {i for over in (*ranges, *map(terms.bound_indices, sources)) for i in over}, key=str):
        raise Malformed(f"{both[0]} counts rows or columns of a matrix, and is an index: rename the index")


def _refuse_sizes_of_others(expressions: Iterable[Any], domain: Domain) -> None:
    """The domain prints whatever it gives a size as a matrix."""
    for s in (s for e in expressions for s in (*e.atoms(sp.Symbol), *e.atoms(ScalarFunction, VectorFunction))):
        if terms.name_of(s) in domain.sizes and s.is_commutative:
            raise Malformed(f"{s} is given a size, and is no matrix: laws tell the sizes of vectors")


def _refuse_hypothesis(h: Any) -> Hypothesis:
    raise Malformed(f"{type(h).__name__} is no Hypothesis: a subclass could say anything")


def _grants(hypotheses: tuple[Hypothesis, ...]) -> tuple[bool, Granted]:
    supposed = {h.name for h in hypotheses if h.words == ASSUMPTIONS.get(h.name)}
    return "integrable" in supposed, Granted.by(hypotheses)


def _refuse_meaningless(h: Hypothesis, text: Hypothesis, here: Place) -> None:
    """A hypothesis is an equation of two exact values that mean something over all of its range, as it is written."""
    where = h.domain(here.domain)
    refuse_empty(where, set())
    for side, written in zip(h.sides, text.sides, strict=True):
        if isinstance(side, Rounded):
            raise Malformed("a hypothesis is about exact values, and not about rounded ones")
        refuse_ambiguous_indices(side)
        check(side, where, here.spaces)
        try:
            discharge(conditions(side, where), here.granted)
            discharge(written_conditions(written, where, here.around), here.granted)
        except Undischarged as reason:
            raise Malformed(f"the hypotheses must mean something everywhere: {reason}") from reason
    if h.sides:
        _refuse_equation_between_variables(h.lhs, h.rhs, where)
        for index in h.when:
            refuse_names_with(index, sp.Tuple(*h.sides))


def _refuse_equation_between_variables(lhs: Any, rhs: Any, domain: Domain) -> None:
    """A hypothesis holds for all values of the vectors in it: so it may tell what a law or a network is, and no more.

    `z = u`, or `a = |z|^2` for a number a, would hold for some values only, and not where z is averaged over.
    """
    known = variable_set(free_variables(lhs, domain))
    says_what_it_is = isinstance(lhs, LogDensity | Expect | KL | ScalarFunction | VectorFunction)
    if known and (lhs in known or not says_what_it_is):
        raise Malformed(f"{lhs} = {rhs} cannot hold for all values of {known}: suppose what a law or a function is")
    for v in free_variables(rhs, domain):
        if not is_member(v, known, domain):
            raise Malformed(f"{lhs} = {rhs} cannot hold for all values of {v}, which the left side does not mention")


def _refuse_meaningless_condition(c: JointCondition, here: Place) -> None:
    """The sides mean something over all of its range."""
    where = here.domain
    for index, bounds in c.when.items():
        where = where.with_index(index, *bounds)
    for side in c.sides:
        refuse_ambiguous_indices(side)
        check(core(side), where, here.spaces)
    for index in c.when:
        refuse_names_with(index, sp.Tuple(*c.sides))


def _refuse_tied(expressions: Iterable[Any], ties: Iterable[tuple[str, Any]]) -> None:
    """A symbol that is tied to others is one number: nobody differentiates by it, and it tends nowhere."""
    for name, sides in ties:
        for e in (moving for line in expressions for moving in line.atoms(D, At, IntegralTo, Series, LinearSDE)):
            wrt = e.args[1]
            free = isinstance(wrt, sp.Symbol) and sides.has(wrt)
            if free or (isinstance(wrt, ScalarFunction) and sides.atoms(type(wrt))):
                raise Malformed(f"{e}: {name} is about one {wrt}, so it cannot vary here")


# --- induction --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Induction:
    """A statement about every integer n from `start` on, and the two that it needs."""

    whole: Place
    base: Place
    step: Place
    goals: tuple[tuple[Any, str, Any], tuple[Any, str, Any]]
    statement: tuple[Any, str, Any]


def induction(
    domain: Domain,
    hypotheses: tuple[Hypothesis, ...],
    statement: tuple[Any, str, Any],
    n: Any,
    first: Any,
    lines: tuple[Iterable[Any], Iterable[Any]],
) -> Induction:
    """The places of base and step; Malformed where an induction over n proves nothing."""
    lhs, relation, rhs = statement
    first = sp.sympify(first, strict=True)
    lo, hi = domain.indices.get(n, (None, None))
    if lo is None or sp.expand(lo - first) != 0:
        raise Malformed(f"induction starts at {first}, but the claim is about {n} >= {lo}")
    for h in (h for h in hypotheses if h.lhs is not None and n not in h.when):
        _refuse_shrinking(h, n, domain)
    if shaped := [name for name, size in domain.sizes.items() if isinstance(size, tuple) and sp.Tuple(*size).has(n)]:
        raise Malformed(
            f"{shaped[0]} has {n} rows or columns, so it is another matrix at {n} + 1: no induction over it"
        )
    if tied := [c for c in domain.conditions if n in c.mentions]:
        raise Malformed(f"{tied[0].small} {tied[0].relation} {tied[0].large} is about one {n}: no induction over it")
    left, right = core(lhs), core(rhs)

    def at(value: Any) -> tuple[Any, str, Any]:
        return substitute(left, {n: value}), relation, substitute(right, {n: value})

    below = domain.with_index(n, lo, hi if hi == sp.oo else hi - 1)  # the last step goes from hi - 1 to hi
    exact = relation == "=" and not isinstance(right, Rounded)
    supposed = Hypothesis(INDUCTION_HYPOTHESIS, f"the statement at {n}", *((left, right) if exact else (None, None)))
    goals = at(first), at(n + 1)
    base = place(domain.without(n), hypotheses, (goals[0][0], goals[0][2], *lines[0]))
    step = place(below, hypotheses, (goals[1][0], goals[1][2], *lines[1], *supposed.sides))
    grown = _keep(replace(step, hypotheses=(*step.hypotheses, supposed.core())))
    made: Induction = _keep(Induction(place(domain, hypotheses, (lhs, rhs)), base, grown, goals, (lhs, relation, rhs)))
    return made


def _refuse_shrinking(h: Hypothesis, n: Any, domain: Domain) -> None:
    """What is supposed up to n must be supposed up to n + 1 too: the statement at n rests on no more than that."""
    if sp.Tuple(*h.sides).has(n):
        raise Malformed(f"{h.name!r} is about one {n}, and an induction over {n} needs it at all of them")
    for first, last in h.when.values():
        falls = domain.at_least_zero(sp.expand(first - first.xreplace({n: n + 1})))
        rises = last == sp.oo or domain.at_least_zero(sp.expand(last.xreplace({n: n + 1}) - last))
        if not (falls and rises):
            raise Malformed(f"{h.name!r} holds from {first} to {last}, which may shrink as {n} grows")
