"""One link to be judged, with all that holds at its place, and the answer to it: plain data that travels."""

from __future__ import annotations

from dataclasses import dataclass

from threefold.check.contexts.base import Settings
from threefold.check.definitions import Definition, Definitions
from threefold.check.tokens import Item
from threefold.check.tree import Node


@dataclass(frozen=True)
class Task:
    """One link to be judged, with all that holds at its place. It travels to a worker."""

    left: tuple[Item, ...]
    relation: str
    right: tuple[Item, ...]
    contexts: tuple[str, ...]
    settings: Settings
    definitions: Definitions
    announced: bool = False  # the sentence says that something is left out
    leaves_out: int = 0  # the line where the text leaves something out that this link leans on; 0 for none
    field: bool = False  # the left side is a network that the document parameterises here
    may_define: bool = False  # the left side may be set here
    nodes: tuple[tuple[Node, Node], ...] = ()  # sides that were made, and are not parsed
    theorem: str = ""  # what is assumed when these sides are compared
    rivals: tuple[Definition, ...] = ()  # what the same network is said to be elsewhere in the document
    known: tuple[str, ...] = ()  # built-in names that the document has tied to their meaning
    about: tuple[Item, ...] = ()  # the law that a chain of proportionalities begins with
    head: tuple[Item, ...] = ()  # the state that the chain of equations began with, where it is not the left side
    case: str = ""  # what the text supposes here
    seconds: float = 30.0


@dataclass(frozen=True)
class Answer:
    """The verdict and what a reader needs to believe it."""

    verdict: str
    reason: str = ""
    reading: str = ""
    reading_latex: str = ""
    context: str = ""
    notes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    side_conditions: tuple[str, ...] = ()
    how: str = ""
    at: tuple[tuple[str, str], ...] = ()
    left: str = ""
    right: str = ""
    place: int = 0
    repair: str = ""
    uses: tuple[int, ...] = ()
    seconds: float = 0.0
