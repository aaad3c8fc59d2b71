"""A claim as a page: for the terminal, and as LaTeX."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from derivations.kernel.claims import Claim as KernelClaim
from derivations.printing import RELATIONS, RELATIONS_TEXT
from derivations.refutation import vacuity
from threefold.errata import Finding
from threefold.ledger import Mutants, Row, Testimony
from threefold.render import WIDTH, fold, plural, short, verdict
from threefold.witnesses.registry import Evidence

if TYPE_CHECKING:
    from derivations import Claim, Editorial, Judgement
    from derivations.kernel.judge import PartReport, StepReport


def blocks(
    judgement: Judgement, row: Row, *, used_by: Sequence[str] | None, claims: Mapping[str, Claim]
) -> Iterator[RenderableType]:
    """The page from top to bottom, ready to print. used_by: None if nobody asked; then it is not shown."""
    claim = judgement.claim
    yield _head(judgement)
    yield Padding(Text(_folded(claim.text()), style="bold"), (1, 0, 1, 4))
    if claim.words:
        yield Text(claim.words)
        yield ""
    yield _facts(judgement)
    for number, part in enumerate(judgement.parts, 1):
        title = "Derivation" if len(judgement.parts) == 1 else f"Derivation, part {number} of {len(judgement.parts)}"
        yield ""
        yield Rule(Text(title, style="bold"), align="left", characters="─", style="dim")
        yield from _part(part, alone=len(judgement.parts) == 1)
    yield ""
    yield Rule(Text("Evidence", style="bold"), align="left", characters="─", style="dim")
    yield _evidence(judgement, row)
    yield ""
    yield Rule(Text("Place", style="bold"), align="left", characters="─", style="dim")
    yield _place(judgement, used_by, claims)
    if row.problems:
        yield ""
        yield Text("Not as it should be:", style="bold red")
        for problem in row.problems:
            yield Padding(Text(problem), (0, 0, 0, 4))


def latex(judgement: Judgement) -> str:
    """The statement, then each part of the derivation as an `align*` environment with the reasons as comments."""
    claim = judgement.claim
    lines = [f"% {claim.id} ({claim.tag}): {claim.title}; {judgement.verdict.kind}"]
    lines += [rf"\[ {statement.latex()} \]" for statement in claim.statements]
    for part in judgement.parts:
        for section, steps in _chains(part):
            lines += ["", f"% {section}" if section else "", r"\begin{align*}"]
            for step in steps:
                relation = RELATIONS[step.relation] if step.rule else ""
                end = r" \\" if step is not steps[-1] else ""
                reason = f"  % {step.rule}: {step.why}".rstrip(": ") if step.rule else ""
                lines.append(f"  & {relation} {step.latex}{end}{reason}".replace("&  ", "& "))
            lines.append(r"\end{align*}")
    return "\n".join(line for line, before in zip(lines, ["", *lines], strict=False) if line or before)


def erratum(finding: Finding) -> RenderableType:
    """One published mistake: as printed, why it fails and where, what holds."""
    head = Text(f"{finding.id}  ", style="bold")
    head.append(finding.source, style="")
    head.append("  ")
    head.append_text(verdict(finding.verdict, expected=finding.verdict == "refuted"))
    body = _grid()
    body.add_row("Printed", Text(_folded(finding.printed)))
    if finding.words:
        body.add_row("", Text(finding.words, style="dim"))
    if finding.lhs or finding.rhs:
        body.add_row("Fails at", _counterexample(finding.point, finding.lhs, finding.rhs, finding.note))
    elif finding.reason:
        body.add_row("Because", Text(finding.reason))
    body.add_row("Correct", Text(finding.right))
    if finding.correction:
        text = Text(_folded(finding.correction) + "\n")
        text.append(f"{finding.correction_claim}  " if finding.correction_claim else "", style="bold")
        text.append_text(verdict(finding.correction_verdict, expected=finding.correction_verdict == "proved"))
        body.add_row("", text)
    return Group(head, Padding(body, (0, 0, 0, 4)))


def slip(editorial: Editorial) -> RenderableType:
    """A mistake in the words: as printed and as meant. Nothing is judged."""
    head = Text(f"{editorial.id}  ", style="bold")
    head.append(editorial.source)
    head.append("  a slip in the words, not judged", style="dim")
    body = _grid()
    body.add_row("Printed", Text(editorial.printed))
    body.add_row("Meant", Text(editorial.correction))
    return Group(head, Padding(body, (0, 0, 0, 4)))


def _head(judgement: Judgement) -> RenderableType:
    claim = judgement.claim
    expected = judgement.verdict.kind == claim.expects
    line = Table.grid(expand=True)
    line.add_column(ratio=1)
    line.add_column(justify="right")
    right = verdict(judgement.verdict.kind, expected=expected)
    if claim.expects != "proved":
        right.append(" as expected" if expected else f", expected {claim.expects}")
    line.add_row(Text(claim.title, style="bold"), right)
    line.add_row(Text(f"{claim.id} · {claim.tag}", style="dim"), Text(claim.kind, style="dim"))
    return Group(line, Rule(style="dim"))


def _facts(judgement: Judgement) -> RenderableType:
    claim = judgement.claim
    table = _grid()
    table.add_row("Holds for", Text(claim.scope))
    _add_lines(table, "Where", claim.domain_words())
    _add_lines(table, "Given", _hypotheses(claim))
    witness = getattr(judgement.verdict, "witness", None)
    reason = getattr(judgement.verdict, "reason", "")
    if witness is not None:
        table.add_row("Fails at", _counterexample(witness.values, witness.lhs, witness.rhs, witness.note))
    elif reason:
        table.add_row("Because", Text(reason))
    if claim.corrected_by:
        table.add_row("Correct form", Text(claim.corrected_by))
    return table


def _hypotheses(claim: Claim) -> Iterator[str]:
    """Each hypothesis in words, and what goes wrong without it."""
    found = {need.what: need for need in vacuity.needs(claim)} if isinstance(claim, KernelClaim) else {}
    for hypothesis in claim.hypotheses:
        need = found.get(hypothesis.name)
        why = "" if need is None else f" (needed: {need.because})" if need.needed else f" ({need.because})"
        yield f"{hypothesis.name}: {hypothesis.words}{why}"


def _part(part: PartReport, *, alone: bool) -> Iterator[RenderableType]:
    if not alone:
        yield Padding(Text(_folded(part.statement.text()), style="italic"), (0, 0, 1, 4))
    if not part.steps:
        yield Padding(Text("No steps: see the verdict above.", style="dim"), (0, 0, 0, 4))
    for section, steps in _chains(part):
        if section:
            yield Padding(Text(section, style="italic"), (0, 0, 0, 4))
        for step in steps:
            yield _step(step)


def _chains(part: PartReport) -> Iterator[tuple[str, list[StepReport]]]:
    """The calc chains of a part: one, or base and step of an induction, with the name of each."""
    for section, steps in itertools.groupby(part.steps, key=lambda step: step.section):
        yield section, list(steps)


def _step(step: StepReport) -> RenderableType:
    """Number, relation and expression; under it the rule, its tier, the reason and the verdict."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=3, justify="right", style="dim")
    table.add_column(width=3, justify="right")
    table.add_column()
    relation = RELATIONS_TEXT[step.relation] if step.rule else ""
    table.add_row(str(step.number), relation, Text(_folded(step.text)))
    if step.rule:
        why = Text("by ", style="dim")
        why.append(step.rule, style="bold")
        why.append(f" ({step.tier})", style="magenta" if step.tier == "assumed" else "dim")
        if step.why:
            why.append(f": {step.why}", style="dim")
        why.append("  ")
        why.append_text(verdict(step.verdict.kind, expected=step.verdict.kind == "proved"))
        table.add_row("", "", why)
        for label, items in (("from", step.uses), ("needs", step.side_conditions)):
            if items:
                table.add_row("", "", Text(f"{label} {', '.join(items)}", style="dim"))
    reason = getattr(step.verdict, "reason", "") or getattr(step.verdict, "witness", "")
    if reason and step.verdict.kind not in ("proved", "assumed"):
        table.add_row("", "", Text(str(reason), style="bold red"))
    return table


def _evidence(judgement: Judgement, row: Row) -> RenderableType:
    table = _grid()
    steps = sum(len(part.steps) for part in judgement.parts)
    found = Text()
    found.append_text(verdict(judgement.verdict.kind, expected=judgement.verdict.kind == row.expects))
    found.append(f": {plural(steps, 'step')}, {plural(len(judgement.rules), 'rule')}, {judgement.seconds:.2f} s")
    table.add_row("Symbolic", found)
    table.add_row("Assumed", Text(", ".join(judgement.assumptions) or "nothing"))
    table.add_row("Conditions", Text("; ".join(judgement.side_conditions) or "none"))
    if row.mutants is not None or row.expects != "proved":
        table.add_row("Mutants", _mutants(row.mutants))
    for label, testimony in (("Numeric", row.numeric), ("Torch", row.torch)):
        if testimony is not None:
            table.add_row(label, _testimony(testimony))
    return table


def _mutants(mutants: Mutants | None) -> Text:
    if mutants is None:
        return Text("none asked: the claim is false as printed", style="dim")
    if mutants.reason:
        return Text(mutants.reason, style="bold red")
    text = Text(f"{mutants.rejected} of {plural(mutants.total, 'altered statement')} rejected with a counterexample")
    if mutants.equivalent:
        text.append(f"; {mutants.equivalent} more proved equivalent")
    for survivor in mutants.survivors:
        text.append(f"\nsurvives: {survivor}", style="bold red")
    return text


def _testimony(testimony: Testimony) -> Text:
    text = verdict(testimony.verdict)
    if not isinstance(testimony, Evidence):
        text.append(f": {testimony.reason}")
        return text
    text.append(f": {plural(testimony.cases, 'comparison')}, largest relative error {short(testimony.max_error)}")
    text.append(f" (tolerance {short(testimony.tolerance)})")
    if testimony.sampled:
        text.append(f"; {testimony.sampled} sampled, at most {testimony.max_sigmas:.1f} standard errors off")
    if testimony.gradient:
        text.append(f"; gradient {testimony.gradient}")
        text.append(f" ({testimony.gradient_reason})" if testimony.gradient_reason else "")
    if testimony.method:
        text.append(f"\nby {testimony.method}", style="dim")
    return text


def _place(judgement: Judgement, used_by: Sequence[str] | None, claims: Mapping[str, Claim]) -> RenderableType:
    table = _grid()
    for label, names in (("Uses", judgement.uses), ("Used by", used_by)):
        if names is None:
            continue
        _add_lines(
            table,
            label,
            (f"{name} · {claims[name].title}" if name in claims else name for name in names),
            none="nothing",
        )
    _add_lines(table, "Sources", judgement.claim.sources, none="none")
    if judgement.claim.errata:
        table.add_row("Errata", Text(", ".join(judgement.claim.errata)))
    return table


def _counterexample(point: Iterable[tuple[str, str]], lhs: str, rhs: str, note: str) -> Text:
    at = ", ".join(f"{name} = {value}" for name, value in point)
    text = Text(f"{at}\n" if at else "")
    text.append(f"left side {lhs}\nright side {rhs}")
    if note:
        text.append("\n" + textwrap.dedent(note), style="dim")
    return text


def _folded(formulas: str) -> str:
    """Formulas, one a line, each broken to fit beside a margin."""
    return "\n".join(fold(formula, WIDTH - 14) for formula in formulas.splitlines())


def _grid() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    return table


def _add_lines(table: Table, label: str, lines: Iterable[str], *, none: str = "") -> None:
    text = "\n".join(lines) or none
    if text:
        table.add_row(label, Text(text))
