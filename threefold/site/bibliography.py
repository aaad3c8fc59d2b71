"""The page of what is cited: who wrote it, what it is called, when and where it came out, and which claims cite it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import derivations
from threefold.errors import Unusable
from threefold.site import errata

OURS = ("derived here", "textbooks of ")
"""How a source begins that is no publication."""
THREADS = "public, "
"""How the address of a public thread begins; the errata show those."""
ADDRESS = re.compile(r"https://\S+[\w/]|arXiv:([\d.]+)")


@dataclass(frozen=True)
class Work:
    """`key` are the words with which a citation begins."""

    key: str
    title: str
    author: str = ""
    year: int = 0
    place: str = ""

    @property
    def anchor(self) -> str:
        return "cited-" + re.sub(r"\W+", "-", self.key.lower()).strip("-")


@cache
def works(docs: Path) -> Mapping[str, Work]:
    """By key. Raises Unusable, naming the file, for what is no bibliography."""
    path = docs / "bibliography.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return {key: Work(key, **entry) for key, entry in content.items()}
    except (OSError, tomllib.TOMLDecodeError, TypeError) as error:
        raise Unusable(f"{path} is not a bibliography: {error}") from error


def cited(docs: Path, source: str) -> Work | None:
    """What a source of a claim cites; None for what is no publication.

    Raises Unusable for a work that is not listed.
    """
    if source.startswith((*OURS, THREADS)):
        return None
    known = works(docs)
    begins = [key for key in known if re.match(rf"{re.escape(key)}(?!\w)", source)]
    if not begins:
        raise Unusable(
            f"{docs / 'bibliography.toml'} has no work for the source {source!r}; add it under its first words"
        )
    return known[max(begins, key=len)]


def linked(docs: Path, source: str, up: str) -> str:
    """A source as HTML: the words that name the work lead to its entry."""
    work = cited(docs, source)
    if work is None:
        return escape(source)
    link = f'<a href="{up}reference/bibliography.html#{work.anchor}">{escape(work.key)}</a>'
    return link + escape(source.removeprefix(work.key))


def users(docs: Path) -> Mapping[str, tuple[list[derivations.Claim], list[derivations.Erratum]]]:
    """By key, the claims and the errata that cite it."""
    found: dict[str, tuple[list[derivations.Claim], list[derivations.Erratum]]] = {}
    for claim in derivations.claims().values():
        for work in dict.fromkeys(cited(docs, source) for source in claim.sources):
            if work is not None:
                found.setdefault(work.key, ([], []))[0].append(claim)
    for e in derivations.errata():
        if (work := cited(docs, e.source)) is not None:
            found.setdefault(work.key, ([], []))[1].append(e)
    return found


def page(docs: Path, up: str) -> str:
    """Every work that something cites, by author, on one line of HTML."""
    cites = users(docs)
    items = []
    for work in sorted(works(docs).values(), key=lambda work: (work.author or work.title).casefold()):
        if work.key not in cites:
            continue
        claims, wrong = cites[work.key]
        tags = " ".join(
            f'<a class="tf-tag" href="{up}tag/{claim.tag}/index.html" title="{escape(claim.title)}">{claim.tag}</a>'
            for claim in claims
        )
        slips = f"errata {', '.join(errata.link(e, up) for e in wrong)}" if wrong else ""
        used = " · ".join(part for part in (tags, slips) if part)
        where = ", ".join(part for part in (_addresses(work.place), str(work.year or "")) if part)
        author = f"{escape(work.author)}: " if work.author else ""
        items.append(
            f'<li id="{work.anchor}">{author}<cite>{escape(work.title)}</cite>{", " + where if where else ""}. '
            f'<span class="tf-from">{used}</span></li>'
        )
    return f'<ul class="tf-works">{"".join(items)}</ul>'


def _addresses(place: str) -> str:
    def link(found: re.Match[str]) -> str:
        target = f"https://arxiv.org/abs/{found[1]}" if found[1] else found[0]
        return f'<a href="{target}">{found[0]}</a>'

    return ADDRESS.sub(link, escape(place))
