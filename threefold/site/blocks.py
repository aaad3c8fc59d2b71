"""Pieces of HTML: a statement, the ledger of a derivation with one row a step, badges, evidence, errata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from derivations import Claim, Witness
from derivations.kernel import terms
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.judge import PartReport, StepReport
from derivations.printing import RELATIONS_TEXT, supposed_latex
from threefold.account import tag_of
from threefold.live.lines import short_name
from threefold.site import own, symbols, words
from threefold.site.book import Book
from threefold.site.tex import width

BADGES = {
    "decided": "settled by algebra or calculus: the kernel decided it",
    "law": "a law of probability, used under its stated condition",
    "given": "a hypothesis that the claim states: true wherever the claim speaks",
    "assumed": "granted: a named analytic fact that is not proved here",
    "measured": "known by measurement only",
    "refuted": "false: a counterexample is shown",
    "definition": "says what an abbreviation stands for",
    "open": "not measured, or not as it was asked",
    "proved": "every step decided, a law, a stated hypothesis or a named assumption",
}


def badge(kind: str, text: str = "") -> str:
    return f'<span class="tf-badge tf-{kind}" title="{escape(BADGES.get(kind, kind))}">{escape(text or kind)}</span>'


def tag_link(book: Book, name: str, up: str) -> str:
    claim = book.claim(name, "a generated page")
    return f'<a class="tf-tag" href="{up}tag/{claim.tag}/index.html" title="{escape(claim.title)}">{claim.tag}</a>'


def named_link(book: Book, name: str, up: str) -> str:
    """The tag and, beside it, the title."""
    return f"{tag_link(book, name, up)} {words.html(book.claim(name, 'a generated page').title)}"


def prose(book: Book, text: str, up: str) -> str:
    """A sentence of the ledger as HTML, with links to the claims that it names."""

    def link(name: str) -> str | None:
        return tag_link(book, name, up) if name in book.ledger else None

    return words.html(text, link)


def supposition(book: Book, hypothesis: Hypothesis, up: str) -> str:
    """A hypothesis in words, and the equation that it grants, which the words may not tell."""
    formula = supposed_latex(hypothesis)
    drawn = book.typesetter.tex(formula, f"hypothesis {hypothesis.name}") if formula else ""
    shown = f"<div data-search-exclude>{drawn}</div>" if drawn else ""
    return f"<em>{escape(hypothesis.name)}</em>: {prose(book, hypothesis.words, up)}{shown}"


def one_line(html: str) -> str:
    """HTML on one line, so that Markdown takes it as one block and leaves it alone."""
    return re.sub(r"\s*\n\s*", "", html)


def table(rows: Iterable[tuple[str, str]], *, searched: bool = True) -> str:
    """Names beside their values; what only repeats figures stays out of the search."""
    mark = "" if searched else " data-search-exclude"
    cells = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in rows if value)
    return f'<dl class="tf-evidence"{mark}>{cells}</dl>'


def grid(label: str, head: Sequence[str], rows: str, kind: str = "", *, searched: bool = True) -> str:
    """A table that scrolls by itself where it is too wide; `rows` is HTML."""
    mark = "" if searched else " data-search-exclude"
    titles = "".join(f"<th>{escape(title)}</th>" if title else "<td></td>" for title in head)
    return (
        f'<div class="tf-scroll"{mark} tabindex="0" role="region" aria-label="{escape(label)}">'
        f'<table class="{f"tf-table {kind}".strip()}"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


# --- statements -------------------------------------------------------------------------------------------------------


def statement(book: Book, claim: Claim, part: int, up: str) -> str:
    says = claim.says[part]
    math = book.typesetter.statement(says, f"{claim.id}, statement {part + 1}")
    said = f'<p class="tf-says">{prose(book, words.sentence(says.words), up)}</p>' if says.words else ""
    return one_line(
        f'<section class="tf-statement" data-search-exclude>'
        f'<div class="tf-math" tabindex="0" role="math" aria-label="Statement">{math}</div>{said}</section>'
    )


def statements(book: Book, claim: Claim, up: str) -> str:
    return "".join(statement(book, claim, part, up) for part in range(len(claim.says)))


# --- the ledger of a derivation ---------------------------------------------------------------------------------------


def derivation(book: Book, claim: Claim, up: str, *, heading: bool = True) -> str:
    """The whole derivation: a head, then for each statement its rows; for a refuted claim its counterexample."""
    judgement = book.judgements[claim.id]
    head = _head(book, claim, up) if heading else ""
    if claim.expects == "refuted":
        shown = statements(book, claim, up) + counterexample(judgement.verdict)
    else:
        shown = "".join(_part(book, claim, n, part, up) for n, part in enumerate(judgement.parts))
    return one_line(f'<div class="tf-derivation">{head}{shown}</div>')


def step_count(book: Book, claim: Claim) -> int:
    return sum(1 for part in book.judgements[claim.id].parts for step in part.steps if step.rule)


def _head(book: Book, claim: Claim, up: str) -> str:
    judgement, row = book.judgements[claim.id], book.ledger[claim.id]
    steps = step_count(book, claim)
    mutants = row["symbolic"].get("mutants")
    facts = [
        f"{steps} steps" if steps else "refuted with numbers",
        figure("NumPy", row["numeric"]),
        figure("PyTorch", row["torch"]),
        f"{mutants['rejected']} of {mutants['total']} mutants rejected" if mutants and mutants["total"] else "",
    ]
    line = " · ".join(fact for fact in facts if fact)
    return one_line(
        f'<div class="tf-head" id="{claim.tag}"><div class="tf-title">{tag_link(book, claim.id, up)} '
        f"<strong>{words.html(claim.title)}</strong> {badge(judgement.verdict.kind)}</div>"
        f'<div class="tf-facts">{escape(line)}</div><p class="tf-words">{prose(book, claim.words, up)}</p></div>'
    )


def figure(name: str, evidence: Mapping[str, Any]) -> str:
    """ "NumPy agrees to 2e-13", or why the witness says nothing."""
    if evidence.get("verdict") == "agrees":
        worst = evidence.get("max_error", 0.0)
        return f"{name} agrees " + (f"to {worst:.0e}" if worst else "exactly")
    return f"{name}: {evidence.get('verdict', 'not asked')}"


def _part(book: Book, claim: Claim, number: int, part: PartReport, up: str) -> str:
    title = ""
    if len(claim.says) > 1:
        said = claim.says[number].words
        title = f'<p class="tf-part">{prose(book, words.sentence(said), up)}</p>' if said else ""
    rows: list[str] = []
    section = ""
    before: StepReport | None = None
    for step in part.steps:
        if step.section != section and step.section:
            rows.append(f'<p class="tf-section">{escape(words.sentence(step.section).rstrip("."))}</p>')
        section = step.section
        rows.append(_row(book, claim, number, step, before if step.rule else None, up))
        before = step
    return f'<div class="tf-proof">{title}{"".join(rows)}</div>'


def anchor(claim: Claim, part: int, step: StepReport) -> str:
    """A row's id: the tag, the statement's number if there are several, the step's number."""
    numbers = [str(part + 1)] if len(claim.says) > 1 else []
    return ".".join([short_name(claim), *numbers, str(step.number)])


def _row(book: Book, claim: Claim, part: int, step: StepReport, before: StepReport | None, up: str) -> str:
    source = f"{claim.id}, statement {part + 1}, step {step.number}"
    math = book.typesetter.expression(step.expression, source, display=True)
    relation = escape(RELATIONS_TEXT[step.relation]) if step.rule else ""
    name = anchor(claim, part, step)
    mark = badge(step.tier) if step.rule else ""
    reason = _reason(book, claim, step, _defined(step, before), own.link(book, name, up), up) if step.rule else ""
    tall = height(math) + bool(reason)
    return (
        f'<section class="tf-row{_size(math)}" id="{name}" style="--h:{tall:.1f}" data-search-exclude><a class="tf-no" '
        f'href="#{name}" aria-label="Link to step {name}">{step.number}</a><span class="tf-rel">{relation}</span>'
        f'<div class="tf-math" tabindex="0" role="math" aria-label="Step {name}">{math}</div>'
        f'<span class="tf-mark">{mark}</span>{reason}</section>'
    )


STRUT = re.compile(r'katex-strut" style="height:([\d.]+)em')


def _size(math: str) -> str:
    """Long lines are set a little smaller where the window is wide; on a phone all lines scroll."""
    wide = width(math)
    return " tf-longer" if wide > 41 else " tf-long" if wide > 36 else ""


def height(math: str) -> float:
    """How tall KaTeX drew a formula, in em: rows off the screen keep a place of that height and are laid out later."""
    return max(map(float, STRUT.findall(math)), default=1.0)


def _defined(step: StepReport, before: StepReport | None) -> list[str]:
    """The abbreviations that a step writes out or takes up: those on one side of it only."""
    if before is None or "definition" not in step.rule:
        return []
    names = [
        [name for name, node in symbols.occurrences_in([line.expression]) if isinstance(node, terms.DefinedFunction)]
        for line in (before, step)
    ]
    return [name for name in dict.fromkeys([*names[0], *names[1]]) if (name in names[0]) != (name in names[1])]


def _reason(book: Book, claim: Claim, step: StepReport, defined: list[str], edit: str, up: str) -> str:
    definitions = ", ".join(
        f'<a href="{up}reference/notation.html#{symbols.anchor(name)}">{words.html(symbols.MEANING[name])}</a>'
        for name in defined
    )
    links = " ".join(tag_link(book, name, up) for name in step.uses)
    named = book.claim(step.rule, claim.id).title if step.rule in book.ledger else step.rule
    why = words.html(step.why or named, lambda name: book.claim(name, claim.id).tag if name in book.ledger else None)
    rows = [("Rule", escape(step.rule)), ("Kind", escape(f"{step.tier}: {BADGES[step.tier]}")), ("Uses", links)]
    rows.append(("Definition", definitions))
    if step.side_conditions:
        rows.append(("Conditions", ", ".join(f"<code>{escape(c)}</code>" for c in step.side_conditions)))
    rows.append(("TeX", f'<code class="tf-tex">{escape(step.latex)}</code>'))
    rows.append(("Run it", f"<code>threefold show {short_name(claim)}</code>"))
    source = f'<span class="tf-from">from {links}</span>' if links else ""
    if definitions:
        word = "" if "definition" in (step.why or named) else "definition: "
        source += f'<span class="tf-from">{word}{definitions}</span>'
    folded = f'<details class="tf-why"><summary>{why}</summary>{table(rows)}</details>'
    return f'<div class="tf-under">{folded}{source}{edit}</div>'


def solution(book: Book, claim: Claim, parts: Iterable[str], up: str) -> str:
    """A folded solution: the derivation of a claim, or of those of its statements that are named by number (from 1)."""
    judgement, tag = book.judgement(claim), tag_of(claim)
    chosen = [int(part) - 1 for part in parts] or list(range(len(claim.says)))
    rows = "".join(_part(book, claim, n, judgement.parts[n], up) for n in chosen)
    inside = re.sub(r' id="[^"]*"', "", rows) if judgement.parts else statements(book, claim, up)
    inside = re.sub(r'<a class="tf-no" href="#[^"]*"[^>]*>(\d+)</a>', r'<span class="tf-no">\1</span>', inside)
    proof = inside + (counterexample(judgement.verdict) if claim.expects == "refuted" else "")
    name = named_link(book, claim.id, up) if tag else f"<strong>{words.html(claim.title)}</strong>"
    run = "" if tag else f'<p class="tf-facts">Run it: <code>threefold show {claim.id}</code></p>'
    return one_line(
        f'<details class="tf-solution"><summary>Solution, checked {f"as {tag}" if tag else "by the kernel"}</summary>'
        f'<div class="tf-derivation"><p>{name} {badge(judgement.verdict.kind)}</p>{proof}{run}</div>'
        f"</details>{own.exercise(book, claim, chosen[0], up)}"
    )


# --- counterexamples --------------------------------------------------------------------------------------------------


def counterexample(verdict: Any, said: str = "") -> str:
    """The numbers that refute; their note is left out where it only repeats what is `said` beside them."""
    witness = verdict if isinstance(verdict, Witness) else getattr(verdict, "witness", None)
    if witness is None:
        return ""
    note = f"<p>{words.html(words.sentence(witness.note))}</p>" if witness.note and witness.note != said else ""
    return one_line(
        f'<div class="tf-witness">{badge("refuted")}{at_point(witness.values)}'
        f"<p>left side <strong>{escape(witness.lhs)}</strong>, right side <strong>{escape(witness.rhs)}</strong></p>"
        f"{note}</div>"
    )


def at_point(values: Iterable[tuple[str, str]]) -> str:
    point = ", ".join(f"{words.html(name)} = {escape(value)}" for name, value in values)
    return f'<p class="tf-point">At {point}:</p>' if point else ""
