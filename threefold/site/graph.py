"""Graphs of what rests on what: Graphviz, run as WebAssembly while the site is built, as SVG whose nodes are links."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from typing import Any

from threefold.site import words
from threefold.site.book import Book
from threefold.site.chapters import Chapter
from threefold.site.tex import engine

HEAD = (
    'bgcolor="transparent"; node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=10, '
    'margin="0.16,0.06", height=0.3]; edge [arrowsize=0.6]; '
)
WAIT_SECONDS = 60


class Graphs:
    """Draws DOT as SVG."""

    @cached_property
    def _engine(self) -> Any:
        return engine("viz-global.js")

    def svg(self, dot: str, label: str) -> str:
        """One line of SVG without width and height, described by `label` for those who do not see it."""
        call = f"Viz.instance().then(viz => viz.renderString({json.dumps(dot)}, {{format: 'svg'}}))"
        drawn = str(self._engine.eval(call).get(timeout=WAIT_SECONDS))
        drawn = drawn[drawn.index("<svg") :]
        drawn = re.sub(r"<!--.*?-->", "", drawn, flags=re.DOTALL)
        width = re.search(r'width="(\d+)pt"', drawn)
        style = f' style="--tf-width:{int(int(width[1]) * 4 / 3)}px"' if width else ""
        drawn = re.sub(
            r'<svg width="[^"]*" height="[^"]*"', f'<svg role="group" aria-label="{escape(label)}"', drawn, count=1
        )
        drawn = re.sub(r' (fill|stroke|font-family|font-size)="[^"]*"', "", drawn)
        drawn = re.sub(r' id="[^"]*"', "", drawn)
        drawn = re.sub(r"(<title>)[^<]*(</title>)", "", drawn)
        # The theme's instant navigation rewrites every href and cannot write those of SVG: they stay xlink:href.
        drawn = drawn.replace("xlink:title", "aria-label").replace("<a ", '<a target="_top" ')
        frame = (
            f'<div class="tf-graph" data-search-exclude tabindex="0" role="region" aria-label="{escape(label)}"{style}>'
        )
        return f"{frame}{_one_line(drawn)}</div>"


def _one_line(html: str) -> str:
    return re.sub(r"\s*\n\s*", "", html)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _node(book: Book, name: str, up: str, *, chosen: bool = False) -> str:
    claim = book.claim(name, "a graph")
    title = claim.title.replace("abar", "ᾱ").replace("x_0", "x₀")
    label = "\n".join([claim.tag, *textwrap.wrap(title, 22)])
    kind = f"tf-node tf-node-{book.standing(name)} tf-is-{claim.tag}" + (" tf-node-chosen" if chosen else "")
    link = f"{up}tag/{claim.tag}/index.html"
    facts = {"label": label, "href": link, "tooltip": claim.title, "class": kind}
    return f"{_quoted(name)} [{', '.join(f'{key}={_quoted(value)}' for key, value in facts.items())}];"


def rests_on(book: Book, graphs: Graphs, name: str, up: str) -> str:
    """What one claim rests on, down to the assumptions and the hypotheses that are stated with it."""
    everything = [name, *book.foundations(name)]
    lines = [_node(book, n, up, chosen=n == name) for n in everything]
    for n in everything:
        judgement = book.judgements[n]
        lines += [f"{_quoted(used)} -> {_quoted(n)};" for used in judgement.uses]
        for kind, premises in (("assumed", judgement.assumptions), ("given", judgement.hypotheses)):
            for premise in premises:
                here = f"{kind}: {premise}"
                label = _quoted("\n".join([kind, *textwrap.wrap(premise, 22)]))
                anchor = re.sub(r"\W+", "-", premise.lower())
                link = f"{up}reference/trust.html#{kind}-{anchor}"
                lines.append(
                    f'{_quoted(here)} [label={label}, href={_quoted(link)}, class="tf-node tf-node-{kind}"]; '
                    f"{_quoted(here)} -> {_quoted(n)};"
                )
    claim = book.claim(name, "a graph")
    dot = "digraph { rankdir=LR; ranksep=0.35; nodesep=0.15; " + HEAD + " ".join(lines) + " }"
    return graphs.svg(dot, f"What {claim.tag} rests on")


def overview(book: Book, graphs: Graphs, chapters: Sequence[Chapter], up: str) -> str:
    """Every claim, with an arrow from what is used to where it is used; those that stand alone are listed below.

    A script focuses on one claim or draws the order of reading over it; without it the map is whole, and the order of
    reading is the list under it.
    """
    linked = {name for name, judgement in book.judgements.items() if judgement.uses or book.used_by[name]}
    tags = {name: book.claim(name, "map").tag for name in book.ledger}
    lines = [_node(book, name, up) for name in book.ledger if name in linked]
    for name, judgement in book.judgements.items():
        for used in judgement.uses:
            ends = _quoted(f"tf-from-{tags[used]} tf-to-{tags[name]}")
            lines.append(f"{_quoted(used)} -> {_quoted(name)} [class={ends}];")
    dot = "digraph { rankdir=LR; ranksep=0.6; nodesep=0.12; " + HEAD + " ".join(lines) + " }"
    alone = "".join(
        f'<a class="tf-alone tf-alone-{book.standing(name)}" href="{up}tag/{tags[name]}/index.html">'
        f"<span>{tags[name]}</span> {words.html(book.claim(name, 'map').title)}</a>"
        for name in book.ledger
        if name not in linked
    )
    begins = {chapter.path: next((n for n in chapter.claims if n in linked), None) for chapter in chapters}
    route = "".join(
        f'<li{_at(tags, begins[chapter.path])}><a href="{up}{chapter.url}">{words.html(chapter.title)}</a></li>'
        for chapter in chapters
    )
    return (
        f"<div><tf-map>{graphs.svg(dot, 'The map: every claim and what it uses')}"
        f'<p>The order of reading:</p><ol class="tf-route-list">{route}</ol></tf-map></div>'
        f"\n\n<p>Claims that use no other and that none uses:</p>\n\n<div class='tf-alone-list'>{alone}</div>"
    )


def _at(tags: Mapping[str, str], name: str | None) -> str:
    """Where on the map a chapter begins."""
    return f' data-tag="{tags[name]}"' if name else ""
