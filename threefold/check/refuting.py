"""Refuted: the line fails in numbers under every reading that it may have. The rules against false alarms are here."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import ScalarFunction, is_vector, unfold_all
from derivations.kernel.verdict import Witness
from derivations.rules import Density, Domain, LogDensity, Normal
from threefold.check import kernel, repair, search
from threefold.check.admissible import Found, answer, closed, goals_of, with_substitutions
from threefold.check.goals import Goal
from threefold.check.reading import Reading
from threefold.check.substitutions import available, with_other_networks
from threefold.check.tasks import Answer, Task

REPAIR_SECONDS = 10.0
SUPPOSED = "supposed: "  # how a side condition begins that is a hypothesis


def refuted_or_not(task: Task, found: Sequence[Found], deadline: float) -> Answer | None:
    """Refuted under every reading and every substitution, or why not."""
    shown = found[0][0]
    why = _withheld(task, [r for r, _, _ in found])
    if why:
        return answer(why[0], shown, why[1])
    best: tuple[Reading, Any, str, Goal] | None = None
    for reading, context, settings in found:
        if reading.stronger:
            continue
        made = [(goals_of(reading, context, settings)[0], "")]
        if reading.single:
            made = [(goal.of_one(N.k), words) for goal, words in made]
        made += [(g, put.words) for put, g in with_substitutions(task, reading, context, settings)]
        close = partial(closed, context, settings)
        for goal, words in made:
            if time.process_time() > deadline:
                return answer("undecided", shown, f"not decided within {task.seconds:g} s")
            witness = fails(goal, close, context.instance)
            if witness is None or not _fails_up_to_constant(goal, close, context.instance):
                return None
            if best is None or words:
                best = (reading, witness, words, goal)
    assert best is not None
    reading, witness, words, goal = best
    mended = _mended(task, found[0], deadline)
    return answer(
        "refuted",
        reading,
        words,
        at=tuple(witness.values),
        left=witness.lhs,
        right=witness.rhs,
        side_conditions=where(goal),
        repair=mended,
    )


def where(goal: Goal) -> tuple[str, ...]:
    """The domain of what was refuted, and the hypotheses that its worlds meet, in words."""
    e = unfold_all(goal.both)
    names = {s.name for s in e.free_symbols} | {type(f).__name__ for f in e.atoms(ScalarFunction)}
    kept = {n: i for n, i in goal.domain.intervals.items() if n in names}
    products = {p: f for p, f in goal.domain.products.items() if p in names}
    domain = Domain(kept, dict(goal.domain.indices), products)
    return (*domain.words(), *(f"{SUPPOSED}{h.name}" for h in search.suppositions(goal)))


def _mended(task: Task, natural: Found, deadline: float) -> str:
    """The line with one edit that makes it true, if one is proved."""
    reading, context, settings = natural
    close = partial(closed, context, settings)
    puts = [
        p for p in available(context, settings, task.definitions, reading.unfold) if p.fits(reading.lhs, reading.rhs)
    ]
    until = min(deadline, time.process_time() + REPAIR_SECONDS)
    return repair.find(goals_of(reading, context, settings)[0], close, puts, until)


def _withheld(task: Task, readings: Iterable[Reading]) -> tuple[str, str] | None:
    """The rules that keep a refutation back, whatever the numbers say."""
    for reading in readings:
        if reading.sets:
            return "definition", reading.sets
        if any(name and name not in task.known for name in (reading.lone_left, reading.lone_right)):
            return "definition", "a name that may be set here"
        if task.case:
            return "undecided", f"not proved, and the text speaks of a case ({task.case})"
        if reading.guesses:
            names = ", ".join(reading.guesses)
            return (
                "undecided",
                f"not proved, and a refutation needs {names} to be defined",
            )
        if reading.constant:
            return (
                "undecided",
                "not proved up to a constant, and the constant is not written",
            )
        if reading.withheld:
            return "undecided", f"not proved, and {reading.withheld}"
        if reading.lost_law:
            return "undecided", "not proved, and the law of an expectation is not written"
        if reading.repaired:
            return (
                "undecided",
                "not proved, and what was repaired is no ground for a refutation",
            )
        if _may_be_another_chain(reading):
            return (
                "undecided",
                "not proved, and a forward law with the model's variance may be that of another chain",
            )
        if reading.random:
            return (
                "undecided",
                "an equation between random variables, not proved as one between laws",
            )
    if task.leaves_out:
        return (
            "undecided",
            f"not proved, and the text leaves something out (line {task.leaves_out}) that was not found",
        )
    return None


def _may_be_another_chain(reading: Reading) -> bool:
    """Is a law q given as a Gaussian with sigma_t in it, which no forward law of the context has?"""
    for law, given in ((reading.lhs, reading.rhs), (reading.rhs, reading.lhs)):
        if isinstance(law, LogDensity) and isinstance(law.args[0], Density) and law.args[0].args[0].name == "q":
            normal = isinstance(given, LogDensity) and isinstance(given.args[0], Normal)
            if normal and any(a.func == N.sigma(N.t).func for a in given.args[0].atoms(type(N.sigma(N.t)))):
                return True
    return False


def fails(goal: Goal, close: Any, instance: Any = None) -> Any:
    """A witness found in two unrelated worlds; None where the statement holds or cannot be computed."""
    if goal.lhs.is_number and goal.rhs.is_number and goal.relation == "=":
        return _numbers_differ(goal.lhs, goal.rhs)
    for lhs, rhs in _closed_whole(goal, close, instance):
        try:
            with kernel.limit(6.0):
                supposed = search.suppositions(goal.at(lhs, rhs))
                tries = 8 if goal.relation == "=" else 40  # an order holds by chance in many worlds
                first = kernel.refute(lhs, goal.relation, rhs, goal.domain, supposed, tries)
                second = kernel.refute(
                    lhs,
                    goal.relation,
                    rhs,
                    goal.domain,
                    supposed,
                    tries,
                    name="check.again",
                )
        except Exception:  # a world that cannot be computed, or not in time, says nothing
            continue
        if first is None or second is None:
            continue
        if "undefined" not in f"{first.lhs} {first.rhs} {second.lhs} {second.rhs}":
            return first
    return None


def _fails_up_to_constant(goal: Goal, close: Any, instance: Any = None) -> bool:
    """Does it fail even if terms free of the networks are left out? A line that drops a constant is not refuted."""
    if goal.relation != "=" or is_vector(goal.lhs) or is_vector(goal.rhs):
        return True
    for lhs, rhs in _closed_whole(goal, close, instance):
        difference = lhs - rhs
        changed = with_other_networks(difference)
        if changed == difference:
            return True
        try:
            with kernel.limit(6.0):
                supposed = search.suppositions(goal)
                if kernel.refute(difference, "=", changed, goal.domain, supposed, 8) is not None:
                    return True
        except Exception:  # a world that cannot be computed says nothing
            continue
        return False
    return False


def _numbers_differ(lhs: Any, rhs: Any) -> Any:
    """Two numbers without letters, compared to 60 digits."""
    left, right = lhs.evalf(60), rhs.evalf(60)
    if not (left.is_Float and right.is_Float) and not (left.is_Rational and right.is_Rational):
        return None
    if abs(left - right) <= abs(left) * sp.Rational(1, 10**50):
        return None
    return Witness((), str(lhs.evalf(12)), str(rhs.evalf(12)))


def _closed_whole(goal: Goal, close: Any, instance: Any = None) -> Iterator[tuple[Any, Any]]:
    """The sides with all laws closed, if that leaves no named law; then as they are. Or an instance of them alone."""
    if instance is not None:
        written = [unfold_all(e) for e in (goal.lhs, goal.rhs)]
        sides = [instance(close(e)) for e in written]
        if None not in sides:
            yield sides[0], sides[1]
        if not sp.Tuple(*written).atoms(ScalarFunction):  # named laws alone, whatever they are
            yield goal.lhs, goal.rhs
        return
    if goal.relation != "=":
        yield goal.lhs, goal.rhs
    lhs, rhs = close(unfold_all(goal.lhs)), close(unfold_all(goal.rhs))
    if not (lhs.atoms(Density) | rhs.atoms(Density)):
        yield lhs, rhs
    yield goal.lhs, goal.rhs
