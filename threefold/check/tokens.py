"""LaTeX mathematics as a tree of tokens: what decorates is gone, what groups is a `Group`, each token has its place.

The reader of a formula never sees spacing, sizes, colours or bold letters; `canonical` writes the rest in one fixed
order, and `print_back` must reach that same text from the tree that was parsed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from threefold.check.builder import Builder
from threefold.check.items import Group, Item, Token, flat, raw
from threefold.check.macros import Macro, NotRead, expand

JOINED = {":=": ":=", "||": "‖", "=:": "=:", "<-": r"\leftarrow", ">=": r"\ge", "<=": r"\le"}
__all__ = ["Group", "Item", "NotRead", "Token", "flat", "raw", "tokenise"]


def tokenise(source: str, macros: Mapping[str, Macro] | None = None) -> tuple[Item, ...]:
    """The items of one display, its macros expanded. Raises NotRead where braces or environments do not match."""
    tokens = raw(source)
    builder = Builder(source, expand(tokens, macros) if macros else tokens)
    items = builder.sequence(0, None)
    if builder.peek() is not None:
        raise NotRead("an environment ends that was not begun", builder.at())
    return tuple(_joined(items))


def _joined(items: Sequence[Item]) -> Iterator[Item]:
    """Two bars side by side are one double bar, a colon before = makes :=, > before = an order, everywhere."""
    previous: Token | None = None
    for item in items:
        if isinstance(item, Group):
            item = Group(tuple(_joined(item.items)), item.at)
        elif item.kind == "space":
            continue_space = item
            if previous is not None:
                yield previous
                previous = None
            yield continue_space
            continue
        elif previous is not None and previous.text + item.text in JOINED:
            previous = Token(JOINED[previous.text + item.text], previous.at)
            continue
        if previous is not None:
            yield previous
            previous = None
        if isinstance(item, Token):
            previous = item
        else:
            yield item
    if previous is not None:
        yield previous
