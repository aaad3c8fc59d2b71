"""One page a tag: everything that is known of one claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import derivations
from threefold.site import bibliography, blocks, crumbs, errata, source, words
from threefold.site.book import Book
from threefold.site.chapters import Chapter
from threefold.site.graph import Graphs, rests_on
from threefold.site.pages import STANDING
from threefold.site.unfolding import unfolded_by

# Headings and tables that every tag's page has: found by the search, they would bury the claim itself.
UNSEARCHED = " { data-search-exclude=yes }"


def tag_page(book: Book, graphs: Graphs, name: str, chapter: Chapter | None, docs: Path) -> str:
    """Everything that is known of one claim, as Markdown."""
    claim, row, judgement = book.claim(name, "tag page"), book.ledger[name], book.judgements[name]
    up = "../../"
    standing = book.standing(name)
    lines = [
        f"# {claim.tag} · {claim.title}",
        "",
        _trail(claim, chapter, up),
        "",
        f'<p class="tf-id"><code>{claim.id}</code> {blocks.badge(judgement.verdict.kind)} '
        f'<span class="tf-standing">{escape(STANDING.get(standing, standing))}</span></p>',
        "",
        blocks.statements(book, claim, up) if claim.expects != "refuted" else "",
        "",
        f"<p>{blocks.prose(book, claim.words, up)}</p>" if claim.words else "",
        "",
        blocks.table(_facts(book, name, chapter, docs, up)),
        "",
        "## Derivation" + UNSEARCHED,
        "",
        blocks.derivation(book, claim, up, heading=False),
        "",
        "## Evidence" + UNSEARCHED,
        "",
        blocks.table(_evidence(book, name, row), searched=False),
        "",
        "## What it rests on" + UNSEARCHED,
        "",
        rests_on(book, graphs, name, up),
        "",
        _lists(book, name, up),
        "",
    ]
    wrong = [
        e for e in derivations.errata() if name == e.correction_claim or e.id in claim.errata or e.printed is claim
    ]
    if wrong:
        lines += ["## Printed wrong", ""]
        links = (f"<li>{errata.link(e, up)} · {escape(e.source)}</li>" for e in wrong)
        lines += [f"<ul>{''.join(links)}</ul>", ""]
    lines += ["## Cite and run" + UNSEARCHED, "", blocks.table(_cite(book, name), searched=False), ""]
    return "\n".join(lines)


def _trail(claim: derivations.Claim, chapter: Chapter | None, up: str) -> str:
    """Derivations, the chapter, this tag; before and after it the tags of the ledger's order."""
    names = list(derivations.claims())
    place = names.index(claim.id)
    way = [("derivations/index.html", "Derivations")]
    if chapter is not None:
        way.append((chapter.url, chapter.title))

    def neighbour(step: int) -> tuple[str, str] | None:
        if not 0 <= place + step < len(names):
            return None
        tag = derivations.claims()[names[place + step]].tag
        return f"tag/{tag}/index.html", tag

    return crumbs.trail(up, way, claim.tag, neighbour(-1), neighbour(1))


def _facts(book: Book, name: str, chapter: Chapter | None, docs: Path, up: str) -> Iterator[tuple[str, str]]:
    claim = book.claim(name, "tag page")
    yield "Holds for", blocks.prose(book, claim.scope, up)
    yield "Where", "<br>".join(words.html(line) for line in claim.domain_words())
    yield "Given", "<br>".join(blocks.supposition(book, hypothesis, up) for hypothesis in claim.hypotheses)
    if claim.corrected_by:
        yield "Correct form", blocks.named_link(book, claim.corrected_by, up)
    if chapter is not None:
        yield "Derived in", f'<a href="{up}{chapter.url}#{claim.tag}">{escape(chapter.title)}</a>'
    yield "Code", source.code_links(claim.id, up)
    yield "Sources", "; ".join(bibliography.linked(docs, source, up) for source in claim.sources)


def _evidence(book: Book, name: str, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    judgement = book.judgements[name]
    tiers: dict[str, int] = {}
    for part in judgement.parts:
        for step in part.steps:
            if step.rule:
                tiers[step.tier] = tiers.get(step.tier, 0) + 1
    counted = " ".join(f"{count} {blocks.badge(tier)}" for tier, count in tiers.items())
    yield "SymPy", f"{blocks.badge(judgement.verdict.kind)} {counted}"
    yield "Rules", ", ".join(escape(rule) for rule in judgement.rules)
    yield "Assumed", ", ".join(escape(a) for a in judgement.assumptions) or "nothing"
    conditions = ", ".join(f"<code>{escape(c)}</code>" for c in judgement.side_conditions)
    yield "Conditions discharged", conditions or "none arose"
    yield "NumPy", _witness(row["numeric"])
    yield "PyTorch", _witness(row["torch"])
    mutants = row["symbolic"].get("mutants")
    if mutants and (mutants["total"] or mutants.get("equivalent")):
        same = f"; {mutants['equivalent']} more proved to say the same" if mutants.get("equivalent") else ""
        yield (
            "Mutants",
            f"{mutants['rejected']} of {mutants['total']} altered statements rejected with a counterexample{same}",
        )
    needs = book.evidence.needs.get(name, ())
    said = (
        f"{escape(what)}: {'needed' if needed else 'a convenience'} ({escape(because)})"
        for what, needed, because in needs
    )
    inhabited = ["The domain is inhabited: both sides were computed at a sampled point of it."]
    yield "Not about nothing", "<br>".join([*(inhabited if book.evidence.inhabited.get(name) else []), *said])


def _witness(evidence: Mapping[str, Any]) -> str:
    if evidence.get("verdict") != "agrees":
        return escape(f"{evidence.get('verdict', 'not asked')}: {evidence.get('reason', '')}".rstrip(": "))
    parts = [f"agrees in {evidence['cases']} comparisons"]
    if evidence.get("max_error") is not None:
        parts.append(f"largest relative error {evidence['max_error']:.1e} (tolerance {evidence['tolerance']:.0e})")
    if evidence.get("sampled"):
        parts.append(
            f"{evidence['sampled']} of them sampled, at most {evidence.get('max_sigmas', 0):.1f} standard errors off"
        )
    if evidence.get("gradient"):
        parts.append(f"gradient {evidence['gradient']}")
    method = f"<br><small>by {escape(str(evidence['method']))}</small>" if evidence.get("method") else ""
    return blocks.badge("measured") + " " + escape("; ".join(parts)) + method


def _lists(book: Book, name: str, up: str) -> str:
    def listed(names: list[str]) -> str:
        return ", ".join(blocks.named_link(book, other, up) for other in names)

    rows = [
        ("Uses", listed(list(book.judgements[name].uses)) or "no other claim"),
        ("Used by", listed(book.used_by[name]) or "no other claim"),
    ]
    if book.claim(name, "tag page").expects == "definition":
        rows.append(("Unfolded by", listed(list(unfolded_by(name))) or "no other claim"))
    return blocks.table(rows, searched=False)


def _cite(book: Book, name: str) -> Iterator[tuple[str, str]]:
    claim = book.claim(name, "tag page")
    version = book.versions.get("threefold", "")
    yield "Cite", f"<code>Threefold {escape(version)}, tag {claim.tag}</code>"
    yield "TeX", f'<code class="tf-tex" data-search-exclude>{escape(claim.latex())}</code>'
    yield "Run it yourself", f"<code>threefold show {claim.tag}</code> · <code>threefold verify '{claim.id}'</code>"
