"""The tokens of LaTeX mathematics: one sign each, or a group of them, with its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from threefold.check.macros import NotRead

LONGEST = 20_000  # characters of one display

RAW = re.compile(r"\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """One sign. `kind`: symbol (a letter), word (upright text), number, accent, command, mark (brackets, relations)."""

    text: str
    at: int = field(compare=False)
    kind: str = "mark"


@dataclass(frozen=True, slots=True)
class Group:
    """{...} that matters: the argument of a command, a script, or what a script hangs on."""

    items: tuple[Token | Group, ...]
    at: int = field(compare=False)


Item = Token | Group


def raw(source: str) -> list[tuple[str, int]]:
    """(text, place) of every raw token; comments are gone, spaces are kept."""
    if len(source) > LONGEST:
        raise NotRead(f"it is {len(source):,} characters long, and a display may have {LONGEST:,}")
    found, skip = [], False
    for match in RAW.finditer(source):
        text = match.group()
        if text == "%":
            skip = True
        if skip:
            skip = "\n" not in text
            continue
        found.append(("_" if text == r"\_" else text, match.start()))  # Markdown's own escape
    return found


def flat(items: Sequence[Item]) -> list[str]:
    """The texts in order, with { and } around groups; spaces, alignment and row ends are no part of a formula."""
    found: list[str] = []
    for item in items:
        if isinstance(item, Group):
            found += ["{", *flat(item.items), "}"]
        elif item.kind != "space" and item.text not in ("&", r"\\"):
            found.append(item.text)
    return found
