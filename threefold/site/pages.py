"""Lists and tables that the texts ask for, made from the ledger alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import derivations
from derivations import rules as vocabulary
from derivations.kernel import terms
from derivations.kernel.rules.base import Rule
from derivations.printing import latex
from threefold.errors import Unusable
from threefold.site import blocks, errata, symbols, words
from threefold.site.book import Book
from threefold.site.chapters import Chapter

STANDING = {
    "deep": "proved, and so is all below it, with nothing assumed beyond the stated hypotheses",
    "proved": "proved from a named assumption, its own or one below it",
    "refuted": "false as printed: shown with numbers",
    "definition": "says what an abbreviation stands for; there is nothing to prove",
}
STANDING_WORD = {
    "deep": "proved to the ground",
    "proved": "proved, with an assumption",
    "refuted": "refuted as printed",
    "definition": "a definition",
}


# --- tables -----------------------------------------------------------------------------------------------------------


def status(book: Book, up: str) -> str:
    """One line a claim: how it stands and what each witness said."""
    rows = []
    for name, row in book.ledger.items():
        standing = book.standing(name)
        mutants = row["symbolic"].get("mutants") or {"rejected": 0, "total": 0}
        rows.append(
            f"<tr><td>{blocks.tag_link(book, name, up)}</td><td>{words.html(row['title'])}</td>"
            f'<td><span class="tf-dot tf-node-{standing}"></span>{STANDING_WORD.get(standing, standing)}</td>'
            f"<td>{_short(row['numeric'])}</td><td>{_short(row['torch'])}</td>"
            f"<td>{mutants['rejected']}/{mutants['total']}</td></tr>"
        )
    return blocks.grid(
        "Status of every claim", ("Tag", "Claim", "Standing", "NumPy", "PyTorch", "Mutants"), "".join(rows), "tf-status"
    )


def _short(evidence: Mapping[str, Any]) -> str:
    if evidence.get("verdict") != "agrees":
        return escape(str(evidence.get("verdict", "–")))
    worst = evidence.get("max_error")
    return "exact" if not worst else f"{worst:.0e}"


def legend() -> str:
    items = "".join(
        f'<li><span class="tf-dot tf-node-{key}"></span>{escape(text)}</li>' for key, text in STANDING.items()
    )
    return f'<ul class="tf-legend">{items}</ul>'


def badge_legend() -> str:
    kinds = ("decided", "law", "given", "assumed", "measured", "refuted")
    return (
        "<ul class='tf-legend tf-kinds'>"
        + "".join(f"<li>{blocks.badge(k)} {escape(blocks.BADGES[k])}</li>" for k in kinds)
        + "</ul>"
    )


def counts(book: Book) -> str:
    """The live figures, as tiles."""
    summary = book.summary
    steps = sum(blocks.step_count(book, claim) for claim in derivations.claims().values())
    tiles = [
        (summary["proved"], "claims proved"),
        (steps, "steps judged"),
        (len(derivations.errata()), "printed formulas refuted"),
        (summary["numeric_agrees"], "agree in NumPy"),
        (summary["torch_agrees"], "agree in PyTorch"),
        (summary["mutants_rejected"], "mutants rejected"),
        (summary["mutants_surviving"], "mutants survive"),
        (
            len(summary["assumptions"]),
            "assumption in use" if len(summary["assumptions"]) == 1 else "assumptions in use",
        ),
        (len(stated_hypotheses()), "stated hypotheses"),
    ]
    cells = "".join(f"<div><strong>{value:,}</strong><span>{escape(label)}</span></div>" for value, label in tiles)
    return f'<div class="tf-counts">{cells}</div>'


def all_rules() -> dict[str, Rule]:
    """Every named rule of the kernel, by name."""
    return {value.name: value for value in vars(vocabulary).values() if isinstance(value, Rule)}


def rules_table(book: Book) -> str:
    used: dict[str, int] = {}
    for judgement in book.judgements.values():
        for part in judgement.parts:
            for step in part.steps:
                for rule in re.split(", (?:then )?", step.rule) if step.rule else []:
                    used[rule] = used.get(rule, 0) + 1
    rows = "".join(
        f"<tr><td>{escape(rule.name)}</td><td>{blocks.badge(rule.tier)}</td><td>{words.html(rule.condition)}</td>"
        f"<td>{used.get(rule.name, 0)}</td></tr>"
        for rule in sorted(all_rules().values(), key=lambda rule: (rule.tier, rule.name))
    )
    return blocks.grid("Rules of the kernel", ("Rule", "Kind", "Allowed when", "Steps"), rows)


def slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower())


def assumptions(book: Book, up: str) -> str:
    """Every assumption by name, with its condition and the claims that make it."""
    known = all_rules()
    items = []
    for name in book.summary["assumptions"]:
        users = [n for n, judgement in book.judgements.items() if name in judgement.assumptions]
        condition = known[name].condition if name in known else ""
        links = ", ".join(blocks.named_link(book, n, up) for n in users)
        items.append(f'<li id="assumed-{slug(name)}">{blocks.badge("assumed")} <strong>{escape(name)}</strong>: '
                     f"{words.html(condition)}. Made by {links}.</li>")  # fmt: skip
    return f"<ul>{''.join(items)}</ul>"


def stated_hypotheses() -> dict[str, tuple[str, list[str]]]:
    """What the claims are stated under: by name, its words and the claims that state it."""
    found: dict[str, tuple[str, list[str]]] = {}
    for name, claim in derivations.claims().items():
        for hypothesis in claim.hypotheses:
            found.setdefault(hypothesis.name, (hypothesis.words, []))[1].append(name)
    return found


def hypotheses(book: Book, up: str) -> str:
    """What the claims are stated under, each with the claims that state it."""
    items = (
        f'<dt id="given-{slug(name)}">{escape(name)}</dt><dd>{blocks.prose(book, words.sentence(said), up)} '
        f'<span class="tf-from">{" ".join(blocks.tag_link(book, n, up) for n in names)}</span></dd>'
        for name, (said, names) in stated_hypotheses().items()
    )
    return f'<dl class="tf-evidence">{"".join(items)}</dl>'


def vacuity(book: Book) -> str:
    needs = [need for found in book.evidence.needs.values() for need in found]
    needed = sum(1 for _, is_needed, _ in needs if is_needed)
    inhabited = sum(book.evidence.inhabited.values())
    return (
        f"<p>{inhabited} of {len(book.ledger)} claims have a domain with a point at which both sides were computed. "
        f"Of {len(needs)} hypotheses and excluded bounds, {needed} were shown to be needed by a counterexample or an "
        f"undefined value without them; the other {len(needs) - needed} are labelled conveniences.</p>"
    )


def notation(book: Book, up: str) -> str:
    """Every symbol that is displayed: as it is printed, in words, what it abbreviates, where it first stands."""
    shown = [(claim, blocks.tag_link(book, claim.id, up)) for claim in derivations.claims().values()]
    for e in derivations.errata():
        link = errata.link(e, up)
        shown += [(claim, link) for claim in (e.printed, e.correction) if isinstance(claim, derivations.Claim)]
    rows, seen = [], set[str]()
    for claim, link in shown:
        for name, node in symbols.occurrences(claim):
            if name in seen:
                continue
            seen.add(name)
            if name not in symbols.MEANING:
                raise Unusable(f"{claim.id}: nothing says what {name!r} means; add it to threefold/site/symbols.py")
            drawn = book.typesetter.expression(node, f"symbol {name} of {claim.id}")
            body = ""
            if isinstance(node, terms.DefinedFunction) and len(latex(node.unfold())) < 160:
                body = book.typesetter.expression(node.unfold(), f"what {name} abbreviates, {claim.id}")
            rows.append(
                f'<tr id="{symbols.anchor(name)}" data-search-exclude><td>{drawn}</td>'
                f"<td>{words.html(symbols.MEANING[name])}</td><td>{body}</td><td>{link}</td></tr>"
            )
    return blocks.grid(
        "Notation", ("Symbol", "Meaning", "Stands for", "First used"), "".join(rows), "tf-notation tf-stack"
    )


def signs(book: Book) -> str:
    """The signs that are no letters, each with its shortest example."""
    rows = "".join(
        f'<tr id="{symbols.anchor(name)}" data-search-exclude><td>'
        f"{book.typesetter.expression(node, f'sign {name}')}</td><td>{words.html(symbols.SIGNS[name])}</td></tr>"
        for name, node in symbols.signs().items()
    )
    return blocks.grid("Signs", ("Sign", "Meaning"), rows, "tf-notation tf-stack")


def symbols_used(book: Book, names: tuple[str, ...], up: str) -> str:
    """The symbols of some claims, each a link to the notation page with its meaning as a tooltip."""
    links, seen = [], set[str]()
    for name in names:
        for symbol, node in symbols.occurrences(book.claim(name, "symbols")):
            if symbol in seen:
                continue
            seen.add(symbol)
            meaning = re.sub("<[^>]*>", "", words.html(symbols.MEANING.get(symbol, "")))
            drawn = book.typesetter.tex(latex(node), f"symbol {symbol} of {name}")
            links.append(
                f'<a href="{up}reference/notation.html#{symbols.anchor(symbol)}" title="{escape(meaning)}">{drawn}</a>'
            )
    return (
        '<div class="tf-symbols" data-search-exclude role="region" aria-label="Symbols of this page">'
        f"<span>Symbols</span>{''.join(links)}</div>"
    )


def symbols_script() -> str:
    """What every symbol means, for the tooltips: a script and not data, so that pages opened from disk have it, too."""
    meanings = {name: words.html(text) for name, text in {**symbols.MEANING, **symbols.SIGNS}.items()}
    return f"window.tfSymbols = {json.dumps(meanings, ensure_ascii=False)};\n"


def chapter_list(book: Book, found: list[Chapter], up: str) -> str:
    items = []
    for chapter in found:
        tags = " ".join(blocks.tag_link(book, name, up) for name in chapter.claims)
        items.append(
            f'<li><a href="{up}{chapter.url}">{escape(chapter.title)}</a> <span class="tf-from">{tags}</span></li>'
        )
    return f'<ol class="tf-chapters">{"".join(items)}</ol>'


def tests_of_the_checker(book: Book, root: Path) -> str:
    """How the checker itself is tested, with counts taken from the tests as they stand.

    Raises Unusable when the tests are not where they are counted: a page must not say that there are none.
    """
    corpus = list((root / "tests" / "reject").glob("*.py"))
    soundness = list((root / "tests" / "kernel").glob("test_soundness_*.py"))
    if not corpus or not soundness:
        raise Unusable(f"no tests of the kernel in {root / 'tests'}; write the pages in a whole checkout")
    known = all_rules()
    summary = book.summary
    rows = [
        ("Rules", f"{len(known)}, each with its condition. {len(soundness)} modules of tests compare values before "
                  f"and after a rule in at least {models_each(root)} random models, finite or Gaussian. Spoilt twins "
                  "of the rules, with a condition removed, go through the same tests and must be caught"),
        ("Wrong derivations", f"{len(corpus)} that must be rejected, each at the line named and for the reason named"),
        ("Mutants", f"{summary['mutants_rejected']:,} altered statements rejected with a counterexample, "
                    f"{summary['mutants_equivalent']} proved to say the same, {summary['mutants_surviving']} survive"),
        ("Published slips", f"{len(derivations.errata())} refuted with numbers"),
        ("Not about nothing", f"{sum(book.evidence.inhabited.values())} of {len(book.ledger)} domains are inhabited"),
    ]  # fmt: skip
    return blocks.table(rows)


def models_each(root: Path) -> int:
    """In how many models the tests of soundness read each rule. Raises Unusable when they do not say."""
    path = root / "tests" / "kernel" / "random_terms.py"
    found = re.search(r"^ENOUGH = (\d+)$", path.read_text(encoding="utf-8"), re.MULTILINE) if path.is_file() else None
    if found is None:
        raise Unusable(f"{path} does not say how many models are ENOUGH")
    return int(found[1])
