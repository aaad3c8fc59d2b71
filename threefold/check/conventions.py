"""What a document makes of the letters of the schedule: what the field does, something else, or what was not read.

An own meaning is put in where the letter is read later; a line that is true by the field's meaning alone has two
readings, and nothing is refuted by a meaning that the document does not give.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from functools import partial
from typing import Any

from derivations import notation as N
from derivations.rules import ProductTo
from threefold.check import kernel, moments, search
from threefold.check.admissible import Found, closed, goals_of, read, with_substitutions
from threefold.check.contexts.detect import plain
from threefold.check.definitions import COVARIANCES, SCHEDULE, Definition, lone, unsquared
from threefold.check.parse import Choices
from threefold.check.parses import parse_side
from threefold.check.refuting import fails
from threefold.check.tasks import Answer, Task
from threefold.check.tokens import NotRead
from threefold.check.tree import Name, Node, bare, walk

MADE = frozenset(["bar alpha", "tilde beta", "hat beta"])  # from alpha and beta, and never chosen
CHOSEN = frozenset(["alpha", "beta"])
LETTERS = MADE | CHOSEN
CONTEXTS = ("ddpm", "ddim")
SECONDS = 4.0
FIRST = re.compile(r"(?:\\begin\w+\*?)?&*\\?(?:(bar|overline|tilde|hat)\\)?(alpha|beta)_[^=]{1,4}&*:?=")
OTHERS = re.compile(r"\\(?:alpha|beta)")
PROVED = ("proved", "proved as read")
WRONG = ("refuted", "contradiction")


def letter_of(left: Node, right: Node) -> tuple[Name, Node] | None:
    """(the letter of the schedule that an equality is about, what it is equated to); the left side first."""
    for one, other in ((left, right), (right, left)):
        side = moments.without_identity(one) or one
        found = lone(unsquared(side))
        if found is None or found[1] is not None or found[0].plain not in LETTERS or len(found[0].indices) != 1:
            continue
        if other is right or lone(unsquared(left)) is None or _is_variance(other):
            squared = unsquared(side) != bare(side)
            return found[0], Node("sqrt", (other,)) if squared else moments.without_identity(other) or other
    return None


def _is_variance(node: Node) -> bool:
    """Is it Var(x_t | x_0), a variance that the chain fixes?"""
    node = bare(node)
    return node.kind == "call" and node[0][0].letter in COVARIANCES


def mentions_others(name: Name, node: Node) -> bool:
    """Does a letter of the schedule stand in it, so that it is no free choice: for alpha and beta another one?"""
    named = {n[0].plain for n in walk(node) if n.kind in ("sym", "call") and isinstance(n[0], Name)}
    if _is_variance(node):
        return True
    named |= {n[0][0].plain for n in walk(node) if n.kind == "call"}
    return bool(named & SCHEDULE - {"sigma", "epsilon"} - ({name.plain} if name.plain in CHOSEN else set()))


def of_schedule(nodes: tuple[Node, Node]) -> bool:
    """Do both sides speak of alpha, beta, what is made of them, and states alone, so that nothing may be chosen?"""
    variances = {*COVARIANCES, *(f"word {c}" for c in COVARIANCES)}
    known = LETTERS | variances | {"x", "X", "I", "𝟏", "𝕀", "t", "s", "i", "j", "T"}
    return all(n[0].plain in known for side in nodes for n in walk(side) if n.kind == "sym")


def claimed(nodes: tuple[Node, Node]) -> Name | None:
    """The letter that an equality says something of, where nothing in it may be chosen."""
    found = letter_of(*nodes)
    return found[0] if found is not None and mentions_others(*found) and of_schedule(nodes) else None


def written_first(tex: str) -> Name | None:
    """The letter that a formula begins with, where it could not be read and mentions others: a lost definition."""
    text = plain(tex)
    found = FIRST.match(text)
    if found is None or not OTHERS.search(text[found.end() :]):
        return None
    accent = found[1] and {"bar": "bar", "overline": "bar", "tilde": "tilde", "hat": "hat"}[found[1]]
    made = Name(found[2], (accent,) if accent else ())
    return made if made.plain in LETTERS else None


def said(task: Task) -> str:
    """'agrees' with the field's meaning, 'differs', 'unread', or 'open' where nothing of it is certain."""
    try:
        with kernel.limit(SECONDS):
            found = read(task)
    except (NotRead, kernel.OutOfTime, RecursionError):
        return "unread"
    except Exception:  # whatever a library trips over says nothing
        return "open"
    reading, context, settings = found[0]
    if reading.guesses or reading.supposed:
        return "open"
    goal = goals_of(reading, context, settings)[0]
    if _is_product(goal.lhs, goal.rhs) or _is_product(goal.rhs, goal.lhs) or search.at_once(goal) is not None:
        return "agrees"
    return "differs" if _fail(task, found) else "open"


def _is_product(bar: Any, product: Any) -> bool:
    """abar_n, and the product of alphas from the first to the n-th."""
    if not isinstance(product, ProductTo):
        return False
    body, index, low, high = product.args
    return bool(body == N.alpha(index) and low == 1 and bar == N.abar(high))


def _fail(task: Task, found: list[Found]) -> bool:
    """Does it fail in numbers, in every reading and with everything put in?"""
    until = time.process_time() + SECONDS
    for reading, context, settings in found:
        goals = [goals_of(reading, context, settings)[0]]
        goals += [g for _, g in with_substitutions(task, reading, context, settings)]
        for goal in goals:
            if time.process_time() > until or fails(goal, partial(closed, context, settings)) is None:
                return False
    return True


# --- later lines ------------------------------------------------------------------------------------------------------


def letters_in(task: Task) -> set[str]:
    """The letters of the schedule in a link."""
    found: set[str] = set()
    for side in (task.head, task.left, task.right):
        try:
            node = parse_side(side, Choices())[0] if side else None
        except NotRead:
            return set(LETTERS)
        for inner in walk(node) if node is not None else ():
            if inner.kind in ("sym", "call"):
                found.add(inner[0].plain if inner.kind == "sym" else inner[0][0].plain)
    return found & LETTERS


def unsaid(task: Task) -> Task:
    """The link by the field's meaning of every letter."""
    return replace(task, definitions=replace(task.definitions, turned={}, unread={}))


def two_meanings(own: Answer | None, usual: Answer, turned: Definition) -> Answer:
    """The verdict where the document means something else by a letter. `own`: by its meaning, if it can be put in."""
    which = f"{_shown(turned.name)} is what line {turned.line} makes it"
    if own is not None and own.verdict in PROVED:
        return replace(own, verdict="proved as read", reason=which, uses=(*own.uses, turned.line))
    if own is not None and own.verdict in WRONG and usual.verdict in WRONG:
        return own
    shown = replace(usual, at=(), left="", right="", repair="", uses=(*usual.uses, turned.line))
    if usual.verdict in PROVED:
        words = f"true by the field's meaning of {_shown(turned.name)}; line {turned.line} gives it another"
        return replace(shown, verdict="two readings", reason=words)
    if usual.verdict in (*WRONG, "equal up to a constant"):
        return replace(shown, verdict="undecided", reason=f"not proved where {which}")
    return usual


def not_certain(usual: Answer, unread: Definition) -> Answer:
    """The verdict where a letter's definition was not read: nothing is refuted, and a proof says what it rests on."""
    words = f"the field's meaning of {_shown(unread.name)}; line {unread.line}, about it, was not read"
    if usual.verdict == "proved":
        return replace(usual, verdict="proved as read", reason=f"by {words}")
    if usual.verdict in WRONG:
        shown = replace(usual, at=(), left="", right="", repair="")
        return replace(shown, verdict="undecided", reason=f"not proved, and a refutation would rest on {words}")
    return usual


def _shown(name: Name) -> str:
    return " ".join(name.plain.split())
