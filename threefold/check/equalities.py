"""What a formula of the document equates, read side by side as it stands: before anything is known of its names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from threefold.check.display import statements
from threefold.check.kinds import EQUALITIES
from threefold.check.parse import Choices
from threefold.check.parses import parse_side
from threefold.check.tokens import Item, NotRead
from threefold.check.tree import Node


def equalities(items: Sequence[Item], signs: Collection[str] = EQUALITIES) -> Iterator[tuple[Node, Node]]:
    """Both sides of every equality in a formula; those of which a side cannot be parsed are left out."""
    try:
        links = [link for statement in statements(items) for link in statement.links]
    except NotRead:
        return
    for left, relation, right in links:
        if relation.text not in signs or not left or not right:
            continue
        try:
            sides = parse_side(left, Choices())[0], parse_side(right, Choices())[0]
        except NotRead:
            continue
        yield sides
