"""What one link is worth: parsed, read in every admissible way, proved, or refuted under all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from threefold.check import constants, conventions, kernel, laws, search
from threefold.check.admissible import Found, answer, closed, goals_of, read, with_substitutions
from threefold.check.contradictions import contradiction
from threefold.check.cursor import Choices
from threefold.check.definitions import Definitions
from threefold.check.goals import Found as Proved
from threefold.check.members import before_the_chain
from threefold.check.parses import parse_side
from threefold.check.read import Reader
from threefold.check.reading import Reading
from threefold.check.refuting import refuted_or_not
from threefold.check.sides import is_density
from threefold.check.substitutions import available
from threefold.check.tasks import Answer, Task
from threefold.check.tokens import NotRead
from threefold.check.tree import bare

__all__ = ["Answer", "Task", "decide"]

PROVED = ("proved", "proved as read")
PROVING = 0.6  # the share of a link's time after which nobody looks for a proof of equality any more


def decide(task: Task) -> Answer:
    """The verdict of one link. Raises nothing: what goes wrong is a reason."""
    said = task.definitions
    letters = conventions.letters_in(task) if said.turned or said.unread else set()
    usual = conventions.unsaid(task)
    turned = [said.turned[key] for key in sorted(letters & said.turned.keys())]
    unread = [said.unread[key] for key in sorted(letters & said.unread.keys())]
    found = _by_head(usual)
    if turned:
        found = conventions.two_meanings(_by_head(replace(task, definitions=_own(said))), found, turned[0])
    return conventions.not_certain(found, unread[0]) if unread else found


def _own(said: Definitions) -> Definitions:
    """With the document's own letters, as far as they were read."""
    return replace(said, unread={})


def _by_head(task: Task) -> Answer:
    """The verdict of one link, or of the chain of equations between states that it stands in."""
    found = _decide(task)
    if not task.head or found.verdict in PROVED:
        return found
    whole = _decide(replace(task, left=task.head, head=(), nodes=()))  # what the chain says of its state's law
    if whole.verdict in (*PROVED, "refuted"):
        return replace(whole, seconds=found.seconds + whole.seconds)
    if found.verdict == "refuted":
        why = "an equation between random variables, not proved as one between laws"
        return Answer("undecided", why, reading=found.reading, reading_latex=found.reading_latex, context=found.context)
    return found


def _decide(task: Task) -> Answer:
    started = time.perf_counter()
    deadline = time.process_time() + task.seconds  # of work: a busy machine makes no link undecided
    try:
        found = _decided(task, deadline)
    except NotRead as reason:
        found = Answer("not read", reason.message, place=reason.at)
    except kernel.OutOfTime:
        found = Answer("undecided", f"not decided within {task.seconds:g} s")
    except RecursionError:
        found = Answer("not read", "nested too deeply")
    except Exception as reason:  # whatever a library trips over, nothing is decided by it
        found = Answer("undecided", f"{type(reason).__name__}: {reason}"[:200])
    return replace(found, seconds=time.perf_counter() - started)


def _decided(task: Task, deadline: float) -> Answer:
    with kernel.limit(task.seconds):
        found = read(task)
    shown = found[0][0]
    if matrices := shown.may_be_matrices:
        return answer("undecided", shown, f"{matrices} may be matrices: nobody has said what they are")
    if (outside := before_the_chain(found)) is not None:
        return outside
    if shown.free_of_network:
        return _same_gradient(task, found, deadline)
    proved = _proved(task, found, deadline - (1 - PROVING) * task.seconds)
    if proved is not None:
        return proved
    constant = _up_to_constant(task, found, deadline)
    if constant is not None:
        return constant
    return (
        contradiction(task, found)
        or refuted_or_not(task, found, deadline)
        or answer("undecided", shown, "no list of rules proves it, and no world refutes it")
    )


def _proved(task: Task, found: Sequence[Found], deadline: float) -> Answer | None:
    for number, (reading, context, settings) in enumerate(found if len(found) > 1 else ()):
        if not (number == 0 or reading.stronger) or reading.opposite or reading.may_be_matrices:
            continue
        seen = search.at_once(goals_of(reading, context, settings)[0])
        if seen is not None:
            return _proved_answer(task, reading, seen, "", number)
    for number, (reading, context, settings) in enumerate(found):
        if reading.opposite or reading.may_be_matrices:
            continue
        close = partial(closed, context, settings)
        for place, goal in enumerate(goals_of(reading, context, settings)):
            result = search.prove(goal, close, deadline, thorough=place == 0 and not task.field)
            if result is not None:
                return _proved_answer(task, reading, result, "", number)
    for number, (reading, context, settings) in enumerate(found):
        if reading.opposite or reading.relation != "=" or reading.may_be_matrices:
            continue
        for put, goal in with_substitutions(task, reading, context, settings):
            close = partial(closed, context, settings)
            if time.process_time() > deadline:
                return None
            result = search.prove(goal, close, deadline, thorough=not put.of_variable and not task.field)
            if result is not None:
                return _proved_answer(task, reading, result, put.words + ": ", number)
    return None


def _proved_answer(task: Task, reading: Reading, found: Proved, words: str, number: int) -> Answer:
    literal = (number == 0 or bool(task.nodes) or reading.stronger) and not (
        reading.repaired or reading.supposed or reading.put_back
    )
    if reading.model:
        return answer(
            "two readings",
            reading,
            "true of the model's kernel; of the forward law it is another claim",
        )
    return answer(
        "proved" if literal else "proved as read",
        reading,
        "" if literal else "; ".join(reading.notes) or "a reading that is not the first one",
        rules=(*found.proof.rules, *((task.theorem,) if task.theorem else ())),
        claims=tuple(dict.fromkeys((*found.proof.claims, *reading.theorems))),
        side_conditions=found.proof.side_conditions,
        how=words + found.how,
    )


def _same_gradient(task: Task, found: Sequence[Found], deadline: float) -> Answer:
    """The gradients in the parameters agree if the two sides differ by what is free of the network."""
    made = _proved(task, found, deadline) or _up_to_constant(task, found, deadline)
    if made is None:
        return answer(
            "undecided",
            found[0][0],
            "the two sides were not found to differ by a constant alone",
        )
    return replace(
        made,
        verdict="proved as read",
        reason="the two differ by what is free of the network",
    )


def _variables_of(task: Task, context: Any, settings: Any) -> tuple[str, ...]:
    """What the law that a chain of proportionalities begins with is a law of; () for no such law."""
    if not task.about:
        return ()
    node = bare(parse_side(task.about, Choices())[0])
    if not is_density(node):
        return ()
    law = laws.law(Reader(context, settings, task.definitions), node)
    return tuple(str(v) for v in law.variables)


def _up_to_constant(task: Task, found: Sequence[Found], deadline: float) -> Answer | None:
    for reading, context, settings in found:
        if reading.may_be_matrices or (reading.random and not (reading.constant or task.announced)):
            continue
        close = partial(closed, context, settings)
        announced = reading.constant or task.announced
        puts = available(context, settings, task.definitions, reading.unfold)
        about = _variables_of(task, context, settings)
        for goal in goals_of(reading, context, settings):
            constant = constants.find(goal, close, puts, deadline, announced, about)
            if constant is not None:
                return answer(
                    "equal up to a constant",
                    reading,
                    f"the sides differ by terms free of {constant.what}",
                    rules=constant.proof.rules,
                    claims=constant.proof.claims,
                    how=constant.how,
                )
    return None
