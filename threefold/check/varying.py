"""Names that a document equates to something random: where an average is near, they are no constants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import Averaging
from threefold.check.contexts.base import Settings, key_of
from threefold.check.definitions import COVARIANCES, NEVER, Definitions, lone
from threefold.check.equalities import equalities
from threefold.check.kinds import EQUALITIES
from threefold.check.tokens import Group, Item, Token, flat
from threefold.check.tree import Name, Node, bare, children, walk

SIGNS = EQUALITIES | {"=:"}
VARIABLES = frozenset(["x", "X", "y", "Y", "z", "Z", "epsilon"])
REACHES = frozenset(["mean", "KL", "grad", "int"])
REACHING = "a name that varies stands beside an average or a gradient, and its definition is not put in"


def names_in(formulas: Iterable[Sequence[Item]], settings: Settings) -> tuple[str, ...]:
    """The names that some equality of the document says are random, or made from what is.

    A function that varies with its arguments alone is no such name; without its arguments it is: `w(` for w(z) = ...
    """
    said = [pair for items in formulas for pair in _said(items)]
    letters = VARIABLES | {settings.noise}
    found: set[str] = set()
    while True:
        new = {key_of(name) for name, given, node in said if _varies(node, given, letters, found)}
        new |= {f"{key_of(name)}(" for name, given, node in said if given and _varies(node, (), letters, found)}
        if new <= found:
            return tuple(sorted(found))
        found |= new


def _said(items: Sequence[Item]) -> Iterator[tuple[Name, tuple[Node, ...], Node]]:
    """(name, its arguments, what it is equated to) for every lone side of an equality."""
    for sides in equalities(items, SIGNS):
        for one, other in (sides, sides[::-1]):
            found = _named(one)
            # no laws, states, sizes, indices
            if found is not None and (found[0].letter not in NEVER or found[0].accents):
                yield (*found, other)


def _named(side: Node) -> tuple[Name, tuple[Node, ...]] | None:
    """The name that a side is, with its arguments; w(z) is one too, where it was parsed as a product."""
    side = bare(side)
    found = lone(side)
    if found is not None:
        return found[0], () if found[1] is None else tuple(found[1][1])
    if side.kind == "pow" and (found := lone(side[0])) is not None:  # w^2 = ...
        return found[0], ()
    if side.kind == "mul" and len(side[0]) == 2 and side[1] == ("",) and side[0][1].kind in ("par", "list"):
        head, behind = bare(side[0][0]), side[0][1]
        if head.kind == "sym":
            return head[0], tuple(behind[1]) if behind.kind == "list" else (behind,)
    return None


def _varies(node: Node, given: Sequence[Node], letters: frozenset[str], known: set[str]) -> bool:
    """Does something random stand in it that is none of the arguments, and that nothing averages over?"""
    free = {_written(n[0]) for argument in given for n in walk(argument) if n.kind == "sym"}
    return any(
        (name.letter in letters and not set(name.labels) & {"theta", "phi"}) or key_of(name) in known
        for name in _free_names(node, frozenset(free))
    )


Written = tuple[str, str]  # a letter and what stands below it


def _written(name: Name) -> Written:
    return name.letter, "".join(sign for piece in name.index for sign in piece.signs)


def _free_names(node: Node, bound: frozenset[Written]) -> Iterator[Name]:
    """The names in a node that are not averaged or integrated over."""
    if node.kind == "sym" and _written(node[0]) not in bound:
        yield node[0]
    if node.kind == "mean" and node[1] is not None:
        bound |= _drawn(node[1].items)
    if node.kind == "int":
        bound |= {_written(n[0]) for d in node[3] for n in walk(d) if n.kind == "sym"}
    if node.kind == "KL" and len(node.parts) > 2 and bare(node[3]).kind == "call":
        bound |= {_written(n[0]) for n in walk(bare(node[3])[1][0]) if n.kind == "sym"}
    if node.kind == "call" and node[0][0].letter in (*COVARIANCES, "H", "ℋ"):  # a number
        return
    for inner in children(node):
        yield from _free_names(inner, bound)


def _drawn(items: Sequence[Item]) -> set[Written]:
    """What the subscript of an average draws: every letter before a bar, with what stands below it."""
    found: set[Written] = set()
    signs = [i for i in items if not (isinstance(i, Token) and i.kind == "space")]
    for place, item in enumerate(signs):
        if not isinstance(item, Token):
            continue
        if item.text == "|":
            break
        group = signs[place + 2] if place + 2 < len(signs) and _is(signs[place + 1], "_") else None
        below = flat(group.items) if isinstance(group, Group) else [group.text] if isinstance(group, Token) else []
        found.add((item.text, "".join(below)))
    return found


def _is(item: Item, text: str) -> bool:
    return isinstance(item, Token) and item.text == text


def reaches(sides: Sequence[Node]) -> bool:
    """Is there an average, an integral, a gradient, a variance in the line, which a folded name would escape?"""
    return any(_reaches(node) for side in sides for node in walk(side))


def _reaches(node: Node) -> bool:
    if node.kind == "call":
        return node[0][0].letter in (*COVARIANCES, "H", "ℋ", "I")
    return node.kind in REACHES or (node.kind == "sum" and node[1].relation == "" and node[1].index is not None)


def folded(definitions: Definitions, name: Name, value: Any, *, call: bool = False) -> bool:
    """Is the name read as something that no variable moves, though the document says that it varies?"""
    key = key_of(name)
    if call:
        return key in definitions.varying
    if key not in definitions.varying and f"{key}(" not in definitions.varying:
        return False
    value = sp.sympify(value)
    return not (value.has(N.obs, N.z, N.eps) or value.atoms(type(N.x(N.t))) or value.atoms(Averaging))
