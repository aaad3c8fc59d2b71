"""Nothing is claimed about the empty set: every domain is inhabited, every hypothesis needed or a convenience."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import sympy as sp

from derivations.kernel.claims import Claim, Statement
from derivations.refutation import hypotheses, joint
from derivations.refutation.evaluate import evaluate
from derivations.refutation.refute import TRIES, admitted, related, violation
from derivations.refutation.sampling import sample, sample_for
from derivations.refutation.studies import scalars
from derivations.refutation.undefined import Uncomputable, Undefined
from derivations.refutation.worlds import World


@dataclass(frozen=True)
class Need:
    """Why a hypothesis or a bound of the domain is there."""

    what: str
    needed: bool
    because: str


def inhabited(claim: Claim) -> bool:
    """Every statement has a world of its domain in which both sides have values, and holds there if it should."""
    return all(_holds_somewhere(claim, part) for part in range(len(claim.says)))


def _holds_somewhere(claim: Claim, part: int) -> bool:
    statement, wanted = claim.says[part], claim.expects != "refuted"
    for n in range(TRIES):
        try:
            world = admitted(claim, part, n)
            if related(statement, evaluate(statement.lhs, world), evaluate(statement.rhs, world)) is wanted:
                return True
        except Undefined:
            continue
    return False


def needs(claim: Claim) -> list[Need]:
    """For each hypothesis: the stated reason why it is a convenience, or else a counterexample without it."""
    rows = []
    for h in claim.hypotheses:
        without = None if h.needed_because else _without(claim, h.name)
        rows.append(Need(h.name, without is not None, without or h.needed_because or h.words))
    for part, n in itertools.product(range(len(claim.says)), range(len(claim.domain.conditions))):
        rows += [row for row in [_need_of_condition(claim, part, n)] if row not in rows]
    for part, statement in enumerate(claim.says):
        rows += [n for n in _boundary_needs(claim, part, statement) if n not in rows]
    return rows


def _without(claim: Claim, name: str) -> str | None:
    """What goes wrong in some world where the hypothesis fails: the statement is false there, or has no value."""
    meaningless = None
    for n, part in itertools.product(range(TRIES), range(len(claim.says))):
        try:
            found = violation(claim.says[part], _world_without(claim, part, n, name))
        except Undefined as reason:
            if meaningless is None and not isinstance(reason, Uncomputable) and _has_value(claim, part, n):
                meaningless = f"without it the left side has no value ({reason})"
            continue
        if found is not None:
            return f"without it: {found[0]} against {found[1]}"
    return meaningless


def _world_without(claim: Claim, part: int, n: int, name: str) -> World:
    """A world in which all other hypotheses hold."""
    world, statement = sample(claim, part, n, without=name), claim.says[part]
    others = [h for h in claim.hypotheses if h.name != name]
    hypotheses.refuse(world, others, claim.domain_of(part), (statement.lhs, statement.rhs))
    return world


def _need_of_condition(claim: Claim, part: int, number: int) -> Need:
    """What goes wrong where one joint condition fails and the others hold."""
    domain, statement = claim.domain_of(part), claim.says[part]
    lost = claim.domain.conditions[number]
    others = tuple(c for c in domain.conditions if c != lost)
    what = joint.shown([lost])
    for n in range(10 * TRIES):
        try:
            world = sample_for(
                (statement.lhs, statement.rhs), replace(domain, conditions=others), claim.hypotheses, what, n
            )
            if joint.told(world, [lost]) is not False:
                continue
            found = violation(statement, world)
        except Undefined as reason:
            if not isinstance(reason, Uncomputable):
                return Need(what, True, f"where it fails a side has no value ({reason})")
            continue
        if found is not None:
            return Need(what, True, f"where it fails: {found[0]} against {found[1]}")
    return Need(what, False, f"the statement holds where {what} fails, too")


def _has_value(claim: Claim, part: int, n: int) -> bool:
    try:
        violation(claim.says[part], admitted(claim, part, n))
    except Undefined:
        return False
    return True


def _boundary_needs(claim: Claim, part: int, statement: Statement) -> Iterator[Need]:
    """Put each scalar on the excluded end of its interval: the statement must lose its meaning or its truth there."""
    domain = claim.domain_of(part)
    for symbol in sorted(scalars(sp.Tuple(statement.lhs, statement.rhs)), key=lambda s: s.name):
        interval = domain.intervals.get(symbol.name)
        if interval is None:
            continue
        for bound, excluded in ((interval.lo, interval.open_lo), (interval.hi, interval.open_hi)):
            if not excluded or abs(bound) == sp.oo:
                continue
            world = sample(claim, part, 1)
            world.known.clear()
            world.numbers[symbol.name] = Fraction(str(bound))
            what = f"{symbol.name} != {bound}"
            try:
                found = violation(statement, world)
            except Undefined as reason:
                yield Need(what, True, f"at {symbol.name} = {bound} the left side has no value ({reason})")
                continue
            if found is not None:
                yield Need(what, True, f"at {symbol.name} = {bound}: {found[0]} against {found[1]}")
            else:
                yield Need(what, False, f"the statement holds at {symbol.name} = {bound} too; excluded for convenience")
