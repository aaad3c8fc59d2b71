"""Formulas are kept out of the pages while these are built, and put in at the end.

Markdown, MkDocs and the search each parse the whole of a page, and nine tenths of a chapter are the spans of its
formulas: without them the book is built in a third of the time.

    python -m threefold.site.filling build/formulas.json SITE
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from threefold.errors import Unusable

FIRST = '<span class="katex'
TAG = re.compile(r"<(/?)span\b")
PLACE = re.compile(r'<span data-formula="?(\w+)"?></span>')


def set_aside(text: str, kept: dict[str, str]) -> str:
    """The text with a place instead of each formula that KaTeX drew; `kept` holds what belongs there, by name."""
    parts, begun = [], 0
    while (first := text.find(FIRST, begun)) >= 0:
        last = _end(text, first)
        formula = text[first:last]
        name = hashlib.sha256(formula.encode()).hexdigest()[:16]
        kept[name] = formula
        parts += [text[begun:first], f'<span data-formula="{name}"></span>']
        begun = last
    return "".join([*parts, text[begun:]])


def _end(text: str, first: int) -> int:
    """Where the span that begins there ends."""
    depth = 0
    for tag in TAG.finditer(text, first):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return text.index(">", tag.end()) + 1
    raise Unusable(f"a formula has no end: {text[first : first + 80]}")


def put_in(text: str, kept: Mapping[str, str]) -> str:
    """The inverse of `set_aside`. Raises KeyError, with the name, for a formula that was not kept."""
    return PLACE.sub(lambda place: kept[place[1]], text)


def fill(site: Path, formulas: Path) -> int:
    """Put the formulas into every page of a built site; returns how many pages have some.

    Raises Unusable when there is no such site, or a page names a formula that the file does not hold.
    """
    try:
        kept: dict[str, str] = json.loads(formulas.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unusable(f"{formulas} holds no formulas ({error}); `threefold pages` writes it") from error
    pages = sorted(site.rglob("*.html"))
    if not pages:
        raise Unusable(f"there is no page below {site}; build the site first: make docs")
    filled = 0
    for page in pages:
        text = page.read_text(encoding="utf-8")
        try:
            whole = put_in(text, kept)
        except KeyError as name:
            raise Unusable(f"{page} names the formula {name}, which {formulas} does not hold: build anew") from name
        if whole != text:
            page.write_text(whole, encoding="utf-8")
            filled += 1
    return filled


if __name__ == "__main__":
    try:
        fill(Path(sys.argv[2]), Path(sys.argv[1]))
    except (Unusable, IndexError) as reason:
        sys.exit(f"filling: {reason}")
