"""The links of a document and where they stand in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from threefold.check import definitions as D
from threefold.check.contexts.base import Settings
from threefold.check.contexts.detect import Decision
from threefold.check.extract import Display
from threefold.check.parse import Choices
from threefold.check.parses import parse_side
from threefold.check.tasks import Answer, Task
from threefold.check.tokens import Item, NotRead, Token
from threefold.check.tree import Node


@dataclass
class Link:
    """One relation of the document. `answer` is there at once where nothing has to be judged."""

    display: int
    link: int
    line: int
    column: int
    tex: str
    kind: str
    answer: Answer | None = None
    task: Task | None = None
    file: str = ""
    inline: bool = False
    context: str = ""

    def says(self, kind: str, answer: Answer) -> None:
        """The link is answered before anything is judged."""
        self.kind, self.answer, self.task = kind, answer, None


@dataclass
class Document:
    """All links of one file, with the decisions that the report prints first."""

    file: str
    displays: list[Display]
    decisions: list[Decision] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True)
class Spot:
    """One link as it stands in its display: the sides, the relation, its place in a chain."""

    display: Display
    context: str
    left: tuple[Item, ...]
    relation: Token
    right: tuple[Item, ...]
    place: int  # how many links of the same statement stand before it
    begun: bool  # the statement writes its first side itself
    nodes: tuple[Node, Node] | None  # both sides parsed in the natural way
    loose: bool = False  # a proportionality stands before it in its chain
    about: tuple[Item, ...] = ()  # what that proportionality begins with

    @property
    def at(self) -> int:
        return at(self.left) if self.place == 0 and self.begun else self.relation.at

    @property
    def tex(self) -> str:
        return source(self.display, self.left if self.begun or self.place else (), self.right, self.relation)


def both(left: Sequence[Item], right: Sequence[Item]) -> tuple[Node, Node] | None:
    try:
        return parse_side(left, Choices())[0], parse_side(right, Choices())[0]
    except NotRead:
        return None


def names_in(nodes: tuple[Node, Node] | None) -> set[str]:
    if nodes is None:
        return set()
    return {D.tie(found[0]) for node in nodes if (found := D.lone(D.unsquared(node))) is not None}


def at(items: Sequence[Item]) -> int:
    return items[0].at if items else 0


def source(
    display: Display,
    left: Sequence[Item],
    right: Sequence[Item],
    relation: Token | None = None,
) -> str:
    """The characters of the link, from its first sign to its last, as they stand."""
    places = [i.at for i in (*left, *right)] + ([relation.at] if relation is not None else [])
    if not places:
        return display.tex
    start, end = min(places), _last([*left, *right], max(places))
    return display.tex[start : end + 1]


def _last(items: Iterable[Item], least: int) -> int:
    end = least
    stack = list(items)
    while stack:
        item = stack.pop()
        if isinstance(item, Token):
            end = max(
                end,
                item.at + len(item.text) - 1 if item.kind in ("symbol", "number", "mark") else item.at,
            )
        else:
            stack.extend(item.items)
    return end


def tasks(document: Document) -> Iterator[tuple[int, Task]]:
    """(place of the link, its task) for every link that is still to be judged."""
    for place, link in enumerate(document.links):
        if link.task is not None and link.answer is None:
            yield place, link.task
