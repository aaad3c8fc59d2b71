"""A claim as a page: for the terminal, and as LaTeX."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from threefold.account import Condition, Finding, Heading, PartAccount, Slip, StepAccount
from threefold.ledger.rows import Measured, Mutants, Row, StatementRow, Symbolic, Testimony
from threefold.render import RELATIONS, RELATIONS_LATEX, WIDTH, fold, plural, short, verdict
from threefold.witnesses.registry import Evidence


def blocks(
    heading: Heading, row: Row, *, used_by: Sequence[str] | None, claims: Mapping[str, Heading]
) -> Iterator[RenderableType]:
    """The page from top to bottom, ready to print. used_by: None if nobody asked; then it is not shown."""
    found = row.symbolic or Symbolic("undecided", reason="not judged")
    yield _head(heading, found)
    yield Padding(Text(_folded(heading.text), style="bold"), (1, 0, 1, 4))
    if heading.words:
        yield Text(heading.words)
        yield ""
    yield _facts(heading, found)
    for number, part in enumerate(found.parts, 1):
        title = "Derivation" if len(found.parts) == 1 else f"Derivation, part {number} of {len(found.parts)}"
        yield ""
        yield Rule(Text(title, style="bold"), align="left", characters="─", style="dim")
        yield from _part(part, alone=len(found.parts) == 1)
    yield ""
    yield Rule(Text("Evidence", style="bold"), align="left", characters="─", style="dim")
    yield _evidence(found, row)
    if len(row.statements) > 1 and (row.numeric is not None or row.torch is not None):
        yield ""
        yield _statements(row.by_statement())
    yield ""
    yield Rule(Text("Place", style="bold"), align="left", characters="─", style="dim")
    yield _place(heading, found, used_by, claims)
    if row.problems:
        yield ""
        yield Text("Not as it should be:", style="bold red")
        for problem in row.problems:
            yield Padding(Text(problem), (0, 0, 0, 4))


def latex(heading: Heading, found: Symbolic) -> str:
    """The statement, then each part of the derivation as an `align*` environment with the reasons as comments."""
    lines = [f"% {heading.id} ({heading.tag or 'no tag'}): {heading.title}; {found.verdict}"]
    lines += [rf"\[ {statement.latex} \]" for statement in heading.statements]
    for part in found.parts:
        for section, steps in _chains(part):
            lines += ["", f"% {section}" if section else "", r"\begin{align*}"]
            for step in steps:
                relation = RELATIONS_LATEX[step.relation] if step.rule else ""
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
    if finding.quoted:
        body.add_row("Printed", Text(finding.quoted))
    body.add_row("Implies" if finding.quoted else "Printed", Text(_folded(finding.printed)))
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


def slip(found: Slip) -> RenderableType:
    """A mistake in the words: as printed and as meant. Nothing is judged."""
    head = Text(f"{found.id}  ", style="bold")
    head.append(found.source)
    head.append("  a slip in the words, not judged", style="dim")
    body = _grid()
    body.add_row("Printed", Text(found.printed))
    body.add_row("Meant", Text(found.correction))
    return Group(head, Padding(body, (0, 0, 0, 4)))


def _head(heading: Heading, found: Symbolic) -> RenderableType:
    expected = found.verdict == heading.expects
    line = Table.grid(expand=True)
    line.add_column(ratio=1)
    line.add_column(justify="right")
    right = verdict(found.verdict, expected=expected)
    if heading.expects != "proved":
        right.append(" as expected" if expected else f", expected {heading.expects}")
    line.add_row(Text(heading.title, style="bold"), right)
    place = f"line {heading.line}" if heading.line else heading.tag
    line.add_row(Text(f"{heading.id} · {place}", style="dim"), Text(heading.kind, style="dim"))
    return Group(line, Rule(style="dim"))


def _facts(heading: Heading, found: Symbolic) -> RenderableType:
    table = _grid()
    table.add_row("Holds for", Text(heading.scope))
    _add_lines(table, "Where", heading.where)
    _add_lines(table, "Given", (_condition(given) for given in found.given or heading.given))
    if found.lhs or found.rhs:
        table.add_row("Fails at", _counterexample(found.point, found.lhs, found.rhs, found.note))
    elif found.reason:
        table.add_row("Because", Text(found.reason))
    if heading.corrected_by:
        table.add_row("Correct form", Text(heading.corrected_by))
    return table


def _condition(given: Condition) -> str:
    """The words of a hypothesis, what goes wrong without it, and the equation itself, which the words may not tell."""
    need = f" ({given.need})" if given.need else ""
    return f"{given.name}: {given.words}{need}" + (f"\n  {given.equation}" if given.equation else "")


def _part(part: PartAccount, *, alone: bool) -> Iterator[RenderableType]:
    if not alone:
        yield Padding(Text(_folded(part.statement.text), style="italic"), (0, 0, 1, 4))
    if not part.steps:
        yield Padding(Text("No steps: see the verdict above.", style="dim"), (0, 0, 0, 4))
    for section, steps in _chains(part):
        if section:
            yield Padding(Text(section, style="italic"), (0, 0, 0, 4))
        for step in steps:
            yield _step(step)


def _chains(part: PartAccount) -> Iterator[tuple[str, list[StepAccount]]]:
    """The calc chains of a part: one, or base and step of an induction, with the name of each."""
    for section, steps in itertools.groupby(part.steps, key=lambda step: step.section):
        yield section, list(steps)


def _step(step: StepAccount) -> RenderableType:
    """Number, relation and expression; under it the rule, its tier, the reason and the verdict."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=3, justify="right", style="dim")
    table.add_column(width=3, justify="right")
    table.add_column()
    relation = RELATIONS[step.relation] if step.rule else ""
    table.add_row(str(step.number), relation, Text(_folded(step.text)))
    if step.rule:
        why = Text("by ", style="dim")
        why.append(step.rule, style="bold")
        why.append(f" ({step.tier})", style="magenta" if step.tier == "assumed" else "dim")
        if step.why:
            why.append(f": {step.why}", style="dim")
        why.append("  ")
        why.append_text(verdict(step.outcome.kind, expected=step.outcome.kind == "proved"))
        table.add_row("", "", why)
        for label, items in (("from", step.uses), ("needs", step.side_conditions)):
            if items:
                table.add_row("", "", Text(f"{label} {', '.join(items)}", style="dim"))
    if step.outcome.kind not in ("proved", "assumed"):
        table.add_row("", "", _why_not(step))
    return table


def _why_not(step: StepAccount) -> RenderableType:
    """Why a step was not accepted: the reason, the two lines once rewritten, and what did not vanish."""
    reason = Text(step.outcome.reason, style="bold red")
    lines = _grid()
    shown = (
        ("line before, rewritten", step.before),
        ("this line, rewritten", step.after),
        ("differ by", step.difference),
    )
    for label, formula in shown:
        if formula:
            lines.add_row(label, Text(_folded(formula), style="red"))
    return Group(reason, lines) if lines.row_count else reason


def _evidence(found: Symbolic, row: Row) -> RenderableType:
    table = _grid()
    said = Text()
    said.append_text(verdict(found.verdict, expected=found.verdict == row.expects))
    said.append(f": {plural(found.steps, 'step')}, {plural(len(found.rules), 'rule')}, {found.seconds:.2f} s")
    if row.reused:
        said.append("; from an earlier run of the same sources", style="dim")
    table.add_row("Symbolic", said)
    table.add_row("Assumed", Text(", ".join(found.assumptions) or "nothing"))
    table.add_row("Conditions", Text("; ".join(found.side_conditions) or "none"))
    if found.shadowed or found.unshadowed:
        table.add_row("Shadow", _shadow(found))
    if row.mutants is not None or row.expects != "proved":
        table.add_row("Mutants", _mutants(row.mutants))
    for label, testimony in (("Numeric", row.numeric), ("Torch", row.torch)):
        if testimony is not None:
            table.add_row(label, _testimony(testimony))
    return table


def _shadow(found: Symbolic) -> Text:
    text = Text(f"{plural(found.shadowed, 'step')} evaluated in worlds of their own, and true there")
    for reason in found.unshadowed:
        text.append(f"\nwithout: {reason}", style="dim")
    return text


def _statements(rows: Sequence[StatementRow]) -> RenderableType:
    """Each statement with the evidence for it alone."""
    table = _grid()
    table.add_column()
    for found in rows:
        table.add_row(f"Statement {found.said.name}", "symbolic", verdict(found.symbolic or "–"))
        for name, measured in (("numeric", found.numeric), ("torch", found.torch)):
            if measured is not None:
                table.add_row("", name, _measured(measured))
    return table


def _measured(found: Measured) -> Text:
    text = verdict(found.verdict)
    if found.comparisons:
        text.append(f": {plural(found.comparisons, 'comparison')}")
        if found.max_error is not None:
            text.append(f", largest relative error {short(found.max_error)}")
        if found.sampled:
            text.append(f", {found.sampled} of them sampled")
        if found.loose:
            text.append(f", {found.loose} with a bound beyond 1e-8 (at most {short(found.loosest)})")
        if found.dtypes and found.dtypes != ("float64",):
            text.append(f", in {', '.join(found.dtypes)}")
    if found.reason:
        text.append(f": {found.reason}")
    return text


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


def _place(
    heading: Heading, found: Symbolic, used_by: Sequence[str] | None, claims: Mapping[str, Heading]
) -> RenderableType:
    table = _grid()
    for label, names in (("Uses", found.uses), ("Used by", used_by)):
        if names is None:
            continue
        _add_lines(
            table,
            label,
            (f"{name} · {claims[name].title}" if name in claims else name for name in names),
            none="nothing",
        )
    _add_lines(table, "Sources", heading.sources, none="none")
    if heading.errata:
        table.add_row("Errata", Text(", ".join(heading.errata)))
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
