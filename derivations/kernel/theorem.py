"""Theorems. Only the functions of this file make them, and what they say cannot be changed.

A `Place` (`places`) is a checked domain with checked hypotheses. `start` states that a term equals itself there, and
so means something; `extend` continues a theorem by one step of a rule; `conclude` reads the result as a statement;
`by_induction` makes a statement about every n from a base and a step. A theorem is an opaque handle: its content lies
in a table that only this file reaches, so an object put together elsewhere is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import sympy as sp

from derivations.kernel import memory
from derivations.kernel.algebra import Algebra
from derivations.kernel.definedness import Undischarged, conditions, discharge
from derivations.kernel.domain import Domain
from derivations.kernel.formation import admit, check
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.means import extent
from derivations.kernel.places import Induction, Place, is_genuine
from derivations.kernel.relations import (
    IMPLIES,
    composed,
    refuse_infinite_order,
    refuse_order_of_series,
    refuse_rounded_on_the_way,
)
from derivations.kernel.rules import table as table  # the rules, all of them
from derivations.kernel.rules.base import Context, Rule, StepFails
from derivations.kernel.rules.requests import refuse_stranger
from derivations.kernel.spaces import Spaces
from derivations.kernel.substitution import core
from derivations.kernel.terms import (
    Averaging,
    LogJoint,
    Rounded,
    VectorFunction,
    VectorSymbol,
)
from derivations.kernel.written import written_conditions

MOST_PLACES = 4


class DoesNotFollow(ValueError):
    """The two rewritten lines are not related as the step says."""

    def __init__(self, before: Any, after: Any) -> None:
        super().__init__("the line does not follow from the line before")
        self.before, self.after = before, after


@dataclass(frozen=True, slots=True)
class Facts:
    """What a theorem says, and what it rests on. `meant`: a value is known to exist on both sides."""

    lhs: Any
    relation: str
    rhs: Any
    place: Place
    domain: Domain
    hypotheses: tuple[Hypothesis, ...]
    meant: bool
    side_conditions: tuple[tuple[str, Any], ...] = ()
    lemmas: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()


class Theorem:
    """A proved statement. It can be read by anyone and made by the functions below only."""

    __slots__ = ("__weakref__",)

    def __new__(cls, *_: Any) -> Theorem:
        raise TypeError("theorems are made by the kernel's rules, and by nothing else")

    @property
    def lhs(self) -> Any:
        return _facts(self).lhs

    @property
    def relation(self) -> str:
        return _facts(self).relation

    @property
    def rhs(self) -> Any:
        return _facts(self).rhs

    @property
    def domain(self) -> Domain:
        return _facts(self).domain.copied()

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        return tuple(replace(h) for h in _facts(self).hypotheses)

    @property
    def side_conditions(self) -> tuple[tuple[str, Any], ...]:
        """What its last line needs, as (kind, expression), all discharged."""
        return _facts(self).side_conditions

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The claims that it rests on."""
        return _facts(self).lemmas

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The analytic rules that it assumes, by name."""
        return _facts(self).assumptions

    @property
    def sizes(self) -> Mapping[Any, Any]:
        """The size of the space of each vector in it, where something tells: a law, or a line on the way."""
        facts = _facts(self)
        vectors = {v for side in (facts.lhs, facts.rhs) for v in side.atoms(VectorSymbol, VectorFunction)}
        return {v: size for v in vectors if (size := facts.place.spaces.size(v)) is not None}


def _theorems() -> tuple[Callable[[Facts], Theorem], Callable[[Any], Facts]]:
    """(make, read): the content of theorems is kept here, out of everybody's reach."""
    made: WeakKeyDictionary[Theorem, Facts] = WeakKeyDictionary()

    def make(facts: Facts) -> Theorem:
        theorem: Theorem = object.__new__(Theorem)
        made[theorem] = facts
        return theorem

    def read(theorem: Any) -> Facts:
        if type(theorem) is not Theorem or theorem not in made:
            raise StepFails("what was given as a theorem was not made by the kernel")
        return made[theorem]

    return make, read


_make, _facts = _theorems()


def _lines() -> Callable[[Place], dict[Any, Theorem]]:
    """The lines that were started at a place, for the last few places: a line is asked for up to four times."""
    kept: dict[int, tuple[Place, dict[Any, Theorem]]] = {}

    def started(here: Place) -> dict[Any, Theorem]:
        if id(here) not in kept:
            if len(kept) == MOST_PLACES:
                del kept[next(iter(kept))]
            kept[id(here)] = here, {}
        return kept[id(here)][1]

    return started


_started = _lines()


# --- lines and steps --------------------------------------------------------------------------------------------------


def start(here: Place, e: Any) -> Theorem:
    """e = e: the term means something all over the domain, as it is written and when it is written out.

    What is equal to a line that was started here is that line: the theorem is about the term that was looked at.
    """
    if not is_genuine(here):
        raise StepFails("a theorem stands at a place that the kernel made")
    if not memory.is_genuine(e):
        return _start(here, e)
    started = _started(here)
    if e not in started:
        started[e] = _start(here, e)
    return started[e]


def _start(here: Place, e: Any) -> Theorem:
    made = admit(e, here.domain, here.spaces)
    met = discharge(conditions(made, here.domain), here.granted)
    discharge(written_conditions(e, here.domain, here.around), here.granted)
    hypotheses = tuple(replace(h) for h in here.hypotheses)
    return _make(Facts(made, "=", made, here, here.domain.copied(), hypotheses, _is_meant(made, here), met))


def _is_meant(e: Any, here: Place) -> bool:
    """Is e known to have a value, perhaps an infinite one? A mean of which that is not known must stand alone."""
    known = here.integrable or extent(e, here.domain, here.granted.dominated) != "unknown"
    if not known and not isinstance(e, Averaging):
        raise Undischarged(f"a mean in {e} may be infinite or may not exist: declare the hypothesis 'integrable'")
    return known


def extend(
    theorem: Theorem,
    relation: str,
    e: Any,
    rule: Rule,
    above: Mapping[Any, Theorem] | None = None,
    lemma: Callable[[str], Mapping[Any, Theorem]] | None = None,
) -> Theorem:
    """The theorem continued to the line e, by one step of a rule; DoesNotFollow, StepFails, ... when it is not one."""
    facts = _facts(theorem)
    here, following = facts.place, start(facts.place, e)
    before, after = facts.rhs, _facts(following).rhs
    together = composed(facts.relation, relation)
    refuse_rounded_on_the_way(before, after, relation, together)
    refuse_infinite_order(before, after, relation, here)
    refuse_order_of_series(before, after, relation)
    context = _context(here, above, lemma)
    refuse_stranger(rule)
    left, right = (_rewritten(side, rule, context, here) for side in (before, after))
    if not rule.decide(relation, left, right, context):
        raise DoesNotFollow(left, right)
    own = _facts(following)
    return _make(
        replace(
            facts,
            relation=together,
            rhs=after,
            meant=facts.meant or own.meant,
            side_conditions=own.side_conditions,
            lemmas=tuple(dict.fromkeys((*facts.lemmas, *context.used_claims))),
            assumptions=tuple(dict.fromkeys((*facts.assumptions, *context.supposed, *rule.assumed))),
        )
    )


def _context(here: Place, above: Any, lemma: Any) -> Context:
    context = Context(here.domain, {h.name: h for h in here.hypotheses}, spaces=here.spaces)
    context.above = {key: found for key, found in (above or {}).items() if _facts(found)}

    def checked(claim_id: str) -> Mapping[Any, Theorem]:
        if lemma is None:
            raise StepFails(f"{claim_id} cannot be used here, where no claim is being judged")
        found = {key: theorem for key, theorem in lemma(claim_id).items() if _facts(theorem)}
        if claim_id not in context.used_claims:
            context.used_claims.append(claim_id)
        return found

    context.lemma = checked
    return context


def _rewritten(e: Any, rule: Rule, context: Context, here: Place) -> Any:
    """What the rule makes of e, back through the door."""
    result = rule.rewrite(e, context)
    if result != e:
        shown = result.xreplace({joint: sp.Dummy(real=True) for joint in result.atoms(LogJoint)})
        check(shown, here.domain, Spaces.of((*here.expressions, shown), here.domain.sizes))
    return result


# --- statements -------------------------------------------------------------------------------------------------------


def conclude(theorem: Theorem, lhs: Any, relation: str, rhs: Any) -> Theorem:
    """The theorem read as `lhs relation rhs`, both meaning something where it stands."""
    facts = _facts(theorem)
    here = facts.place
    left, right = (_facts(start(here, side)).rhs for side in (lhs, rhs))
    algebra = Algebra(here.domain)
    if not algebra.equal(facts.lhs, left):
        raise StepFails("the first line is not the statement's left side")
    if not algebra.equal(facts.rhs, right):
        raise StepFails("the last line is not the statement's right side")
    if type(relation) is not str or relation not in IMPLIES[facts.relation]:
        raise StepFails(f"steps {[facts.relation]} do not add up to {relation!r}")
    refuse_order_of_series(left, right, relation)
    if isinstance(left, Rounded) or (isinstance(right, Rounded) and relation != "="):
        raise StepFails("a rounded value stands on the right of = only")
    bare = relation == "=" and isinstance(left, Averaging) and isinstance(right, Averaging)
    if not (facts.meant or bare):  # two means that are equal exist together
        raise Undischarged(f"{lhs} may be infinite or may not exist: declare the hypothesis 'integrable'")
    return _make(replace(facts, lhs=left, relation=relation, rhs=right))


# --- induction --------------------------------------------------------------------------------------------------------


def by_induction(made: Induction, base: Theorem, step: Theorem) -> Theorem:
    """The statement for every n, from the theorems at its first value and at n + 1."""
    if not is_genuine(made):
        raise StepFails("an induction is made by the kernel")
    for theorem, here, goal in ((base, made.base, made.goals[0]), (step, made.step, made.goals[1])):
        facts = _facts(theorem)
        if facts.place is not here or (facts.lhs, facts.relation, facts.rhs) != tuple(map(_plain, goal)):
            raise StepFails("these are not the base and the step of this induction")
    whole, right = (_facts(start(made.whole, side)) for side in (made.statement[0], made.statement[2]))
    both = [_facts(theorem) for theorem in (base, step)]
    return _make(
        replace(
            whole,
            relation=made.statement[1],
            rhs=right.rhs,
            meant=all(facts.meant for facts in both),
            lemmas=tuple(dict.fromkeys(name for facts in both for name in facts.lemmas)),
            assumptions=tuple(dict.fromkeys(name for facts in both for name in facts.assumptions)),
        )
    )


def _plain(part: Any) -> Any:
    return part if isinstance(part, str) else core(part)
