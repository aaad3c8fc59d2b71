"""The neutral tree of a formula: structure as printed, before anybody says what a letter means.

Kinds and their parts (a node is written n, a tuple of nodes N, a string s):

| kind | parts |
|---|---|
| num | s |
| word | s (upright text that names something) |
| sym | Name |
| call | head n, arguments N, separators s..., brackets s |
| add | ((sign s, n), ...) |
| mul | factors N, operators s... (between neighbours: "" · × ⊙ *) |
| frac, over | n, n (a fraction; a slash) |
| pow | base n, exponent n |
| sub | base n, index n (a script on something that is no letter) |
| log, exp | n |
| sqrt | n |
| par | opening s, n, closing s |
| list | opening s, N, separators s..., closing s |
| norm, bars | n (between double bars; between single bars) |
| sum, prod | Range, body n |
| int | Range or None, body N with operators, differentials N, first s |
| mean | Law or None as items, body n, opening s |
| KL | word s, script, opening s, n, bar s, n, closing s |
| grad | subscript n or None, operand n |
| under, above | n, label n (a brace with a label) |
| opt | word s, script, operand n |
| d | roman s, n (a differential dx) |
| dots, dot | (an ellipsis; the placeholder of a law's variable) |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from threefold.check.tokens import Item


@dataclass(frozen=True, slots=True)
class Name:
    """A letter with its accents and scripts. `index`: what stands below, piece by piece; `above` likewise."""

    letter: str
    accents: tuple[str, ...] = ()
    primes: int = 0
    index: tuple[Any, ...] = ()
    above: tuple[Any, ...] = ()

    @property
    def plain(self) -> str:
        """The letter with its accents, as one word: 'bar alpha'."""
        return " ".join([*self.accents, self.letter])

    @property
    def labels(self) -> tuple[str, ...]:
        """Scripts that are words or letters and no indices, in order: theta, encoder, target."""
        return tuple(p.label for p in (*self.index, *self.above) if p.label)

    @property
    def indices(self) -> tuple[Node, ...]:
        """Pieces of the subscript that are read as indices."""
        return tuple(p.node for p in self.index if p.node is not None and not p.label)


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a script: a node, or only its signs; `label` if it names and does not count; `after`: the , or :"""

    node: Node | None
    signs: tuple[str, ...]
    label: str
    after: str


@dataclass(frozen=True, slots=True)
class Node:
    """See the table above."""

    kind: str
    parts: tuple[Any, ...] = ()

    def __getitem__(self, n: int) -> Any:
        return self.parts[n]


@dataclass(frozen=True, slots=True)
class Range:
    """What stands below and above a big operator. `relation`: = or \\le, <, > ..., or '' for a bare index."""

    index: Node | None
    relation: str
    low: Node | None
    high: Node | None


@dataclass(frozen=True, slots=True)
class Script:
    """A script kept as its items, to be read by whoever knows what it says."""

    items: tuple[Item, ...]


def children(node: Node) -> Iterator[Node]:
    """The nodes directly inside, in order; scripts of names too."""
    stack: list[Any] = list(reversed(node.parts))
    while stack:
        part = stack.pop()
        if isinstance(part, Node):
            yield part
        elif isinstance(part, tuple):
            stack.extend(reversed(part))
        elif isinstance(part, Name):
            stack.extend(p.node for p in reversed((*part.index, *part.above)) if p.node is not None)
        elif isinstance(part, Range):
            stack.extend(p for p in (part.high, part.low, part.index) if p is not None)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything inside it."""
    stack = [node]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(children(found))


def bare(node: Node) -> Node:
    """Without the brackets, labels and sign of one term around it."""
    while node.kind in ("par", "under", "above"):
        node = node[1] if node.kind == "par" else node[0]
    return node


def mentions(node: Node, index: Node) -> bool:
    """Does the symbol occur in it (also as a script)?"""
    return any(n == index or (n.kind == "sym" and index.kind == "sym" and n[0] == index[0]) for n in walk(node))


def letter_of(node: Node) -> str:
    """The letter with its accents, where the node is one; else nothing."""
    node = bare(node)
    return str(node[0].plain) if node.kind == "sym" else ""
