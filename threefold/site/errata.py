"""The pages of what is printed wrong: one for each text, an index of all, and the links to a single entry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from html import escape

import derivations
from derivations import Claim, Erratum
from threefold.errors import Unusable
from threefold.site import blocks, words
from threefold.site.book import Book

# The pages below docs/errata, in their order: the word that begins an entry's source, and the title. A long text has a
# second page, which begins with the entry named in SECOND.
TEXTS = {
    "notes": "Lecture notes: VAEs and Diffusion Models",
    "notes-2": "Lecture notes: from (2.8) on, and remarks",
    "article": "Article: Variational Autoencoders and Diffusion Models",
    "slides": "Slides: VAEs and diffusion models",
    "journey": "Blog: From VAEs to Diffusion Models, a Step-by-Step Journey",
    "staircase": "Blog: from the VAE to DDIM with a one-pixel example",
    "public": "Public threads: divergences, levels and schedules",
    "public-2": "Public threads: samplers and losses",
}
SECOND = {"notes": "N6", "public": "E01"}
MOST_SAID = 4  # statements of a correction that are repeated beside it


@cache
def pages() -> Mapping[str, list[Erratum]]:
    """The entries by the page that they stand on."""
    found: dict[str, list[Erratum]] = {text: [] for text in TEXTS}
    for e in derivations.errata():
        text = e.source.split(",")[0]
        begun = f"{text}-2" in found and (found[f"{text}-2"] or e.id == SECOND[text])
        found[f"{text}-2" if begun else text].append(e)
    return found


@cache
def _page_of() -> Mapping[str, str]:
    return {e.id: text for text, entries in pages().items() for e in entries}


def link(e: Erratum, up: str) -> str:
    return f'<a href="{up}errata/{_page_of()[e.id]}.html#{e.id}">{e.id}</a>'


def entry(book: Book, e: Erratum, up: str, *, linked: bool = False) -> str:
    """One published slip in three fields: the formula as printed, what that implies, the numbers; then what holds."""
    verdict, corrected = book.errata_verdicts[e.id]
    correction = ""
    if isinstance(e.correction, Claim):
        correction = blocks.statements(book, e.correction, up) + f"<p>{blocks.badge(corrected)}</p>"
    elif e.correction:
        claim = book.claim(e.correction, e.id)
        mark = blocks.badge(book.judgements[e.correction].verdict.kind)
        correction = f"<p>{blocks.named_link(book, e.correction, up)} {mark}</p>"
        if not linked and len(claim.says) <= MOST_SAID:  # a chapter derives it; the errata stand alone
            correction = blocks.statements(book, claim, up) + correction
    place = f"{link(e, up)} · {escape(e.source)} · " if linked else ""
    quoted = f'<p class="tf-quoted">{blocks.prose(book, e.quoted, up)}</p>{_label("What that implies")}'
    right = "" if e.right.startswith("see ") else f"<p>{blocks.prose(book, words.sentence(e.right), up)}</p>"
    return blocks.one_line(
        f'<div class="tf-erratum">{_label(f"{place}As printed · {escape(e.severity)}")}{quoted if e.quoted else ""}'
        f'<div class="tf-printed">{blocks.statements(book, e.printed, up)}</div>{_label("Refuted")}'
        f"{blocks.counterexample(verdict, e.printed.says[0].words)}<p>{blocks.prose(book, e.words, up)}</p>"
        f"{_label('Corrected')}{right}{correction}</div>"
    )


def _label(html: str) -> str:
    return f'<p class="tf-label">{html}</p>'


def of_text(book: Book, text: str, up: str) -> str:
    """Every refuted statement of one text, as Markdown with one section each."""
    if text not in TEXTS:
        raise Unusable(f"there are no errata of {text!r}: the texts are {', '.join(TEXTS)}")
    lines: list[str] = []
    for e in pages()[text]:
        lines += [f"## {e.id} · {e.source} {{ #{e.id} }}", "", entry(book, e, up), ""]
    return "\n".join(lines)


def some(book: Book, names: list[str], up: str) -> str:
    known = {e.id: e for e in derivations.errata()}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Unusable(f"no erratum is called {unknown[0]!r}; `threefold errata` lists them")
    return "\n\n".join(entry(book, known[name], up, linked=True) for name in names)


def index(book: Book, up: str) -> str:
    """All of them, text by text, each with its place and what is wrong."""
    lines: list[str] = []
    for text, title in TEXTS.items():
        rows = "".join(
            f"<tr><td>{link(e, up)}</td><td>{escape(e.source)}</td><td>{blocks.prose(book, e.words, up)}</td></tr>"
            for e in pages()[text]
        )
        table = blocks.grid(title, ("No.", "Place", "What is wrong"), rows, "tf-stack", searched=False)
        lines += [f"## [{title}]({text}.md)", "", table, ""]
    return "\n".join(lines)


def editorial() -> str:
    """The slips in words, which nothing judges."""
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in (e.id, e.source, e.printed, e.correction))}</tr>"
        for e in derivations.editorial()
    )
    return blocks.grid("Editorial slips", ("No.", "Place", "Printed", "Better"), rows)
