"""Every parse of a link that its doubtful notation allows, the natural one first; each prints back to its source."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from threefold.check import print_back
from threefold.check.parse import Choices, Parser
from threefold.check.tokens import Item, NotRead
from threefold.check.tree import Node

MOST = 8


@dataclass(frozen=True)
class Parsed:
    """Both sides of a link under one set of choices."""

    left: Node
    right: Node
    choices: Choices
    repairs: tuple[str, ...] = ()


def parse_side(items: Sequence[Item], choices: Choices) -> tuple[Node, set[str], tuple[str, ...]]:
    """One side under one set of choices; what is parsed must print back to what stood there."""
    parser = Parser(items, choices)
    node = parser.whole()
    if not print_back.agrees(node, items):
        raise NotRead("it does not print back to what stands there", items[0].at if items else 0)
    return node, parser.mattered, tuple(parser.repairs)


def parses(left: Sequence[Item], right: Sequence[Item]) -> list[Parsed]:
    """All parses of a link, the natural one first. Raises NotRead if the natural one fails and no other succeeds."""
    first: NotRead | None = None
    found: list[Parsed] = []
    mattered: set[str] = set()
    tried: set[Choices] = set()
    waiting = [Choices()]
    while waiting and len(tried) < MOST:
        choices = waiting.pop(0)
        if choices in tried:
            continue
        tried.add(choices)
        try:
            one, a, repairs = parse_side(left, choices)
            two, b, more = parse_side(right, choices)
        except NotRead as reason:
            first = first or reason
            if not found and len(tried) == 1:
                mattered |= {
                    "log_reaches",
                    "mean_reaches",
                    "product_reaches",
                    "letters_call",
                }
        else:
            mattered |= a | b
            found.append(Parsed(one, two, choices, (*repairs, *more)))
        flips = [s for n in range(1, len(mattered) + 1) for s in itertools.combinations(sorted(mattered), n)]
        waiting += [replace(Choices(), **{k: not getattr(Choices(), k) for k in flip}) for flip in flips]
    if not found:
        assert first is not None
        raise first
    unique: list[Parsed] = []
    for parsed in found:
        if not any((p.left, p.right) == (parsed.left, parsed.right) for p in unique):
            unique.append(parsed)
    return unique
