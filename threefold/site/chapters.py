"""Which chapter derives which claim, read from the directives in the texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from threefold.errors import Unusable
from threefold.site.book import Book

DERIVATION = re.compile(r"^\s*<!--\s*derivation:\s*(.*?)\s*-->\s*$", re.MULTILINE)
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
MOST_STEPS = 65


@dataclass(frozen=True)
class Chapter:
    """`path` is that of the Markdown file below docs/; `claims` are derived in it, in this order."""

    path: str
    title: str
    claims: tuple[str, ...]

    @property
    def url(self) -> str:
        return self.path.removesuffix(".md") + ".html"


def ids(argument: str) -> list[str]:
    """The names in a directive, separated by commas or spaces."""
    return [name for name in re.split(r"[,\s]+", argument) if name]


def read(texts: Mapping[str, str], book: Book) -> list[Chapter]:
    """The chapters in the order of the journey. Raises Unusable for a claim that is derived in two of them."""
    order = list(book.ledger)
    found = []
    home: dict[str, str] = {}
    for path, text in texts.items():
        names = [book.claim(name, path).id for argument in DERIVATION.findall(text) for name in ids(argument)]
        for name in names:
            if name in home:
                raise Unusable(f"{path}: {name} is derived in {home[name]} already; link to it with [[{name}]]")
            home[name] = path
        if names:
            title = TITLE.search(text)
            found.append(Chapter(path, title[1] if title else Path(path).stem, tuple(names)))
    return sorted(found, key=lambda chapter: min(order.index(name) for name in chapter.claims))
