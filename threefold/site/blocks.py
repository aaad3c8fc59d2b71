"""Pieces of HTML: a statement, the ledger of a derivation with one row a step, badges, evidence, errata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from derivations import Claim, Editorial, ErratumReport
from derivations.kernel.claims import Statement
from derivations.kernel.judge import PartReport, StepReport
from derivations.printing import RELATIONS
from threefold.site.book import Book

BADGES = {
    "decided": "settled by algebra or calculus: the kernel decided it",
    "law": "a law of probability, used under its stated condition",
    "assumed": "taken as given: a named hypothesis that is not proved here",
    "measured": "known by measurement only",
    "refuted": "false: a counterexample is shown",
    "proved": "every step decided, or a law, or a named assumption",
}


def badge(kind: str, text: str = "") -> str:
    return f'<span class="tf-badge tf-{kind}" title="{escape(BADGES.get(kind, kind))}">{escape(text or kind)}</span>'


def tag_link(book: Book, name: str, up: str) -> str:
    claim = book.claim(name, "a generated page")
    return f'<a class="tf-tag" href="{up}tag/{claim.tag}/" title="{escape(claim.title)}">{claim.tag}</a>'


def one_line(html: str) -> str:
    """HTML on one line, so that Markdown takes it as one block and leaves it alone."""
    return re.sub(r"\s*\n\s*", "", html)


# --- statements -----------------------------------------------------------------------------------------------------------


def statement(book: Book, claim: Claim, part: int, *, anchor: str = "") -> str:
    says = claim.says[part]
    math = book.typesetter.tex(says.latex(), f"{claim.id}, statement {part + 1}", display=True)
    words = f'<p class="tf-says">{escape(_sentence(says))}</p>' if says.words else ""
    return one_line(f'<div class="tf-statement" data-search-exclude{anchor}>{math}{words}</div>')


def _sentence(says: Statement) -> str:
    return says.words[:1].upper() + says.words[1:] + ("" if says.words.endswith(".") else ".")


# --- the ledger of a derivation ----------------------------------------------------------------------------------------------


def derivation(book: Book, claim: Claim, up: str, *, heading: bool = True) -> str:
    """The whole derivation: a head, then for each statement its rows. A refuted claim shows its counterexample instead."""
    judgement = book.judgements[claim.id]
    row = book.ledger[claim.id]
    head = _head(book, claim, row, up) if heading else ""
    if claim.expects == "refuted":
        return head + "".join(statement(book, claim, n) for n in range(len(claim.says))) + counterexample(judgement.verdict)
    body = "".join(_part(book, claim, n, part, up) for n, part in enumerate(judgement.parts))
    return one_line(f'{head}<div class="tf-derivation">{body}</div>')


def _head(book: Book, claim: Claim, row: Mapping[str, Any], up: str) -> str:
    judgement = book.judgements[claim.id]
    steps = sum(max(len(p.steps) - 1, 0) for p in judgement.parts)
    facts = [
        f"{steps} steps" if steps else "counterexample",
        _figure("NumPy", row["numeric"]),
        _figure("PyTorch", row["torch"]),
        f"{row['symbolic']['mutants']['rejected']} mutants rejected" if steps else "",
    ]
    line = " · ".join(f for f in facts if f)
    return one_line(
        f'<div class="tf-head"><a class="tf-tag" href="{up}tag/{claim.tag}/">{claim.tag}</a> '
        f"<strong>{escape(claim.title)}</strong> {badge(judgement.verdict.kind)}"
        f'<div class="tf-facts">{escape(line)}</div><p class="tf-words">{escape(claim.words)}</p></div>'
    )


def _figure(name: str, evidence: Mapping[str, Any]) -> str:
    if evidence["verdict"] == "agrees":
        return f"{name} {evidence['max_error']:.1g}"
    return f"{name}: {evidence['verdict']}"


def _part(book: Book, claim: Claim, number: int, part: PartReport, up: str) -> str:
    title = ""
    if len(claim.says) > 1:
        says = claim.says[number]
        title = f'<p class="tf-part">{escape(_sentence(says)) if says.words else "The statement."}</p>'
    rows, section = [], None
    for step in part.steps:
        if step.section != section and step.section:
            rows.append(f'<p class="tf-section">{escape(step.section[:1].upper() + step.section[1:])}</p>')
        section = step.section
        rows.append(_row(book, claim, number, step, up))
    return f'<div class="tf-proof">{title}{"".join(rows)}</div>'


def _row(book: Book, claim: Claim, part: int, step: StepReport, up: str) -> str:
    source = f"{claim.id}, statement {part + 1}, step {step.number}"
    math = book.typesetter.expression(step.expression, source, display=True)
    relation = book.typesetter.tex(RELATIONS[step.relation], source) if step.rule else ""
    anchor = f"{claim.tag}.{part + 1}.{step.number}"
    mark = badge(step.tier) if step.rule else ""
    reason = _reason(book, claim, step, up) if step.rule else ""
    return (
        f'<div class="tf-row" id="{anchor}" data-search-exclude><a class="tf-no" href="#{anchor}" '
        f'aria-label="link to step {step.number}">{step.number}</a><span class="tf-rel">{relation}</span>'
        f'<div class="tf-math" tabindex="0">{math}</div><span class="tf-mark">{mark}</span>{reason}</div>'
    )


def _reason(book: Book, claim: Claim, step: StepReport, up: str) -> str:
    links = " ".join(tag_link(book, name, up) for name in step.uses)
    why = escape(step.why or step.rule)
    rows = [("Rule", escape(step.rule)), ("Kind", escape(f"{step.tier}: {BADGES[step.tier]}"))]
    if step.uses:
        rows.append(("Uses", links))
    if step.side_conditions:
        rows.append(("Conditions discharged", ", ".join(f"<code>{escape(c)}</code>" for c in step.side_conditions)))
    rows.append(("TeX", f"<code>{escape(step.latex)}</code>"))
    rows.append(("Run it yourself", f"<code>threefold show {claim.id}</code>"))
    return (
        f'<details class="tf-why"><summary>{why}{" · from " + links if links else ""}</summary>{table(rows)}</details>'
    )


def table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in rows)
    return f'<dl class="tf-evidence">{cells}</dl>'


# --- counterexamples --------------------------------------------------------------------------------------------------------


def counterexample(verdict: Any) -> str:
    witness = getattr(verdict, "witness", None)
    if witness is None:
        return ""
    point = ", ".join(f"{name} = {value}" for name, value in witness.values)
    at = f"At {escape(point)}: the" if point else "The"
    note = f" ({escape(witness.note)})" if witness.note else ""
    return one_line(
        f'<div class="tf-witness">{badge("refuted")} {at} left side is <strong>{escape(witness.lhs)}</strong>, the right '
        f"side <strong>{escape(witness.rhs)}</strong>{note}.</div>"
    )


def erratum(book: Book, report: ErratumReport, up: str) -> str:
    e = report.erratum
    formulas = "".join(statement(book, e.printed, n) for n in range(len(e.printed.says)))
    right = tag_link(book, e.correction_claim, up) if e.correction_claim else ""
    proved = ""
    if e.correction is not None and not e.correction_claim:
        claim = e.correction
        proved = "".join(statement(book, claim, n) for n in range(len(claim.says)))  # type: ignore[arg-type, union-attr]
    return one_line(
        f'<div class="tf-erratum"><p><strong>As printed</strong> ({escape(e.source)}):</p>{formulas}'
        f"{counterexample(report.verdict)}<p>{escape(e.words)}</p>"
        f"<p><strong>Correct:</strong> {escape(e.right)} {right}</p>{proved}</div>"
    )


def editorial(e: Editorial) -> str:
    return one_line(
        f'<tr><td>{escape(e.id)}</td><td>{escape(e.source)}</td><td>{escape(e.printed)}</td><td>{escape(e.correction)}</td></tr>'
    )
