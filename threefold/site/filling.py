"""Formulas are kept out of the pages while these are built, and put in at the end.

Markdown, MkDocs and the search each parse the whole of a page, and nine tenths of a chapter are the spans of its
formulas: without them the book is built in a third of the time.

    python -m threefold.site.filling build/formulas.json SITE
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
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
        name = _name(formula)
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

    Raises Unusable when there is no such site, a page names a formula that the file does not hold, or a file can be
    neither read nor written. Pages are written when all of them are known to be whole, each at once or not at all.
    """
    kept = _kept(formulas)
    pages = sorted(site.rglob("*.html"))
    if not pages:
        raise Unusable(f"there is no page below {site}; build the site first: make docs")
    filled: dict[Path, bytes] = {}
    for page in pages:
        try:
            text = page.read_bytes().decode("utf-8")
            whole = put_in(text, kept)
        except KeyError as name:
            raise Unusable(f"{page} names the formula {name}, which {formulas} does not hold: build anew") from name
        except (OSError, ValueError) as error:
            raise Unusable(f"{page} cannot be read as a page ({error}); build the site anew: make docs") from error
        if whole != text:
            filled[page] = whole.encode("utf-8")
    for page, content in filled.items():
        _replace(page, content)
    return len(filled)


def _kept(formulas: Path) -> dict[str, str]:
    """What `threefold pages` wrote there: formulas by the name that is a hash of each."""
    try:
        kept = json.loads(formulas.read_bytes())
    except (OSError, ValueError) as error:
        raise Unusable(f"{formulas} holds no formulas ({error}); `threefold pages` writes it") from error
    if not isinstance(kept, dict):
        raise Unusable(
            f"{formulas} holds no formulas by name, but a {type(kept).__name__}; `threefold pages` writes it"
        )
    for name, formula in kept.items():
        if not isinstance(formula, str) or name != _name(formula):
            raise Unusable(f"{formulas} was changed: {name} is not what was kept; `threefold pages` writes it anew")
    return kept


def _name(formula: str) -> str:
    return hashlib.sha256(formula.encode()).hexdigest()[:16]


def _replace(page: Path, content: bytes) -> None:
    """The old page, or the new one: never a part of it."""
    beside = page.with_name(page.name + ".filling")
    try:
        beside.write_bytes(content)
        shutil.copymode(page, beside)
        os.replace(beside, page)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Unusable(f"{page} cannot be written: {error.strerror or error}; the pages filled so far stay") from error


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 2:
        print("usage: python -m threefold.site.filling FORMULAS.json SITE", file=sys.stderr)
        return 2
    try:
        filled = fill(Path(arguments[1]), Path(arguments[0]))
    except Unusable as reason:
        reason.show()
        return reason.exit_code
    print(f"{filled} pages filled")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
