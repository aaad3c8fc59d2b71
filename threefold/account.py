"""A claim, its proof and its place as plain data: what is printed, stored and written as JSON, without an expression.

Whoever tells about a claim (terminal, JSON, site) takes it from here; only `of_claim` and `of_judgement` look at the
theory's own objects.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derivations import Claim, Judgement
    from derivations.judge.report import PartReport


@dataclass(frozen=True)
class StatementText:
    """One statement of a claim as it is read. `name` is its number where it has no name."""

    name: str
    text: str
    latex: str
    words: str = ""


@dataclass(frozen=True)
class Condition:
    """A hypothesis in words, what goes wrong without it, where that was looked at, and the equation that it grants."""

    name: str
    words: str
    need: str = ""
    equation: str = ""


@dataclass(frozen=True)
class Heading:
    """What a claim says of itself, before anybody judged it.

    modules: the modules of the theory in which it stands. line: where, in a file of one's own; 0 elsewhere.
    witnesses: those that a file registers for it; None where every claim must have them.
    """

    id: str
    tag: str
    title: str
    kind: str
    chapter: str
    expects: str
    scope: str
    words: str
    text: str
    latex: str
    sources: tuple[str, ...]
    statements: tuple[StatementText, ...]
    where: tuple[str, ...] = ()
    given: tuple[Condition, ...] = ()
    corrected_by: str = ""
    errata: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    line: int = 0
    witnesses: tuple[str, ...] | None = None
    order: tuple[int, str] | None = None  # of a method: which is claimed, and the leading error in LaTeX


@dataclass(frozen=True)
class VerdictAccount:
    """A verdict as data. `point`, `lhs`, `rhs`, `note` are the counterexample, where there is one."""

    kind: str
    reason: str = ""
    point: tuple[tuple[str, str], ...] = ()
    lhs: str = ""
    rhs: str = ""
    note: str = ""


@dataclass(frozen=True)
class StepAccount:
    """One judged line of a derivation. The first line of a chain has no rule.

    before, after, difference: where it does not follow, what the two lines are once rewritten, and what did not vanish.
    """

    number: int
    relation: str
    text: str
    latex: str
    rule: str
    tier: str
    why: str
    uses: tuple[str, ...]
    side_conditions: tuple[str, ...]
    outcome: VerdictAccount
    section: str = ""
    before: str = ""
    after: str = ""
    difference: str = ""


@dataclass(frozen=True)
class PartAccount:
    """The derivation of one statement."""

    statement: StatementText
    outcome: VerdictAccount
    steps: tuple[StepAccount, ...]


@dataclass(frozen=True)
class Finding:
    """One erratum and what the kernel says of it. `point`, `lhs`, `rhs` are the numbers at which it fails."""

    id: str
    source: str = ""
    severity: str = ""
    quoted: str = ""  # what stands in the text, where `printed` is what it implies
    printed: str = ""
    words: str = ""
    right: str = ""
    correction: str = ""
    correction_claim: str = ""
    verdict: str = "undecided"
    reason: str = ""
    point: tuple[tuple[str, str], ...] = ()
    lhs: str = ""
    rhs: str = ""
    note: str = ""
    correction_verdict: str = "undecided"  # empty where the correction is words only

    @property
    def good(self) -> bool:
        """Refuted with numbers, and its correction proved unless it is words only."""
        refuted = self.verdict == "refuted" and bool(self.lhs and self.rhs)
        return refuted and self.correction_verdict in ("proved", "")


@dataclass(frozen=True)
class Slip:
    """A mistake in the words of a published text: as printed and as meant. Nothing is judged."""

    id: str
    source: str
    printed: str
    correction: str


@dataclass(frozen=True)
class Errata:
    """All that was found of the published mistakes, and the slips, which nobody judges."""

    findings: tuple[Finding, ...] = ()
    slips: tuple[Slip, ...] = ()


def _order(claim: Claim) -> tuple[int, str] | None:
    """The order that a claim on a method states, and the leading term; None for any other claim."""
    if claim.kind != "order" or claim.order is None:
        return None
    from derivations import printing

    return claim.order, printing.latex(claim.says[0].rhs)


def of_claim(claim: Claim, *, modules: Iterable[str] = (), line: int = 0) -> Heading:
    """The heading of a claim. A claim of a file of one's own has no tag."""
    return Heading(
        id=claim.id,
        tag=tag_of(claim),
        title=claim.title,
        kind=claim.kind,
        chapter=claim.chapter,
        expects=claim.expects,
        scope=claim.scope,
        order=_order(claim),
        words=claim.words,
        text=claim.text(),
        latex=claim.latex(),
        sources=tuple(claim.sources),
        statements=tuple(_statement(number, said) for number, said in enumerate(claim.statements, 1)),
        where=tuple(claim.domain_words()),
        given=tuple(condition(hypothesis) for hypothesis in claim.hypotheses),
        corrected_by=claim.corrected_by or "",
        errata=tuple(claim.errata),
        modules=tuple(modules),
        line=line,
    )


def condition(hypothesis: Any, need: str = "") -> Condition:
    """A hypothesis as it is read: what it says in words, and the equation that a derivation may use."""
    from derivations.printing import supposed_text

    return Condition(hypothesis.name, hypothesis.words, need, supposed_text(hypothesis))


def modules_of(claims: Iterable[Claim], theory: str) -> dict[str, tuple[str, ...]]:
    """In which imported modules of the theory each claim stands, by id: where it is defined, and who imports it."""
    wanted = {id(claim): claim.id for claim in claims}
    found: dict[str, list[str]] = {name: [] for name in wanted.values()}
    for module in sorted(sys.modules):
        if module.partition(".")[0] == theory:
            for value in list(vars(sys.modules[module]).values()):
                if id(value) in wanted and module not in found[wanted[id(value)]]:
                    found[wanted[id(value)]].append(module)
    return {name: tuple(modules) for name, modules in found.items()}


def of_judgement(judgement: Judgement) -> tuple[PartAccount, ...]:
    """The derivations of a claim, statement by statement."""
    return tuple(_part(number, report) for number, report in enumerate(judgement.parts, 1))


def outcome(verdict: Any) -> VerdictAccount:
    """A verdict of the kernel as data."""
    witness = getattr(verdict, "witness", None)
    if witness is None:
        gap = getattr(verdict, "gap", None)
        lacking = f"; they differ by {gap.difference}" if gap is not None and gap.difference else ""
        return VerdictAccount(verdict.kind, str(getattr(verdict, "reason", "") or "") + lacking)
    return VerdictAccount(verdict.kind, str(witness), tuple(witness.values), witness.lhs, witness.rhs, witness.note)


def tag_of(claim: Claim) -> str:
    """The tag of a claim; empty where it has none, as in a file of one's own."""
    try:
        return claim.tag
    except KeyError:
        return ""


def _statement(number: int, said: Any) -> StatementText:
    return StatementText(
        getattr(said, "name", "") or str(number), said.text(), said.latex(), getattr(said, "words", "") or ""
    )


def _part(number: int, report: PartReport) -> PartAccount:
    return PartAccount(_statement(number, report.statement), outcome(report.verdict), tuple(_steps(report)))


def _steps(report: PartReport) -> Iterator[StepAccount]:
    for step in report.steps:
        gap = getattr(step.verdict, "gap", None)
        yield StepAccount(
            number=step.number,
            relation=step.relation,
            text=step.text,
            latex=step.latex,
            rule=step.rule,
            tier=step.tier,
            why=step.why,
            uses=tuple(step.uses),
            side_conditions=tuple(step.side_conditions),
            outcome=outcome(step.verdict),
            section=step.section,
            before=getattr(gap, "before", ""),
            after=getattr(gap, "after", ""),
            difference=getattr(gap, "difference", ""),
        )
