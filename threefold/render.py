"""How things look in a terminal: at most 100 columns, colour only where there is a terminal, words beside colour."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from threefold.ledger.rows import Ledger, Mutants, Row, Testimony
from threefold.witnesses.registry import Evidence

WIDTH = 100
RELATIONS = {"=": "=", "<=": "≤", ">=": "≥", "<": "<", ">": ">", "iff": "⟺", "": ""}
RELATIONS_LATEX = {"=": "=", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">", "iff": r"\iff", "": ""}

STYLES = {
    "proved": "green",
    "definition": "green",
    "agrees": "green",
    "refuted": "cyan",
    "disputed": "bold red",
    "supported": "yellow",
    "undecided": "yellow",
    "assumed": "magenta",
    "disagrees": "bold red",
    "missing": "bold red",
    "not applicable": "dim",
}


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it stands (no markup: formulas hold brackets). It heeds NO_COLOR."""
    probe = Console(stderr=stderr)
    width = min(probe.width, WIDTH) if probe.is_terminal or "COLUMNS" in os.environ else WIDTH
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[str], None]]:
    """A progress bar on standard error, gone when the work is done; nothing where that is no terminal.

    Yields what to call after each piece of work, with its name.
    """
    out = console(stderr=True)
    columns = (
        TextColumn("{task.fields[what]}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}", style="dim"),
    )
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("", total=total, what=what, last="")

        def advance(name: str) -> None:
            bar.update(task, advance=1, last=name)

        yield advance


def verdict(word: str, *, expected: bool = True) -> Text:
    """A verdict as a word, coloured by its kind; bold red when it is not the expected one."""
    return Text(word, style=STYLES.get(word, "") if expected else "bold red")


def ledger_table(ledger: Ledger) -> Table:
    """One line a claim."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name, options in _columns(ledger):
        table.add_column(name, **options)
    for row in ledger.rows:
        cells: list[Text | str] = [
            Text("✓", style="green") if row.good else Text("✗", style="bold red"),
            Text(row.tag, style="dim"),
            row.id,
        ]
        if row.symbolic is not None:
            cells.append(verdict(row.symbolic.verdict, expected=row.symbolic.verdict == row.expects))
        if _asked(ledger, "mutants"):
            cells.append(mutants_cell(row.mutants))
        for name in ("numeric", "torch"):
            if _asked(ledger, name):
                cells.append(testimony_cell(getattr(row, name)))
        table.add_row(*cells)
    return table


def _columns(ledger: Ledger) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "", {"width": 1}
    yield "tag", {"width": 4}
    yield "claim", {"overflow": "fold"}
    if _asked(ledger, "symbolic"):
        yield "symbolic", {"width": 10}
    if _asked(ledger, "mutants"):
        yield "mutants", {"width": 7, "justify": "right"}
    for name in ("numeric", "torch"):
        if _asked(ledger, name):
            yield name, {"width": 15, "no_wrap": True}


def _asked(ledger: Ledger, name: str) -> bool:
    return any(getattr(row, name) is not None for row in ledger.rows)


def mutants_cell(mutants: Mutants | None) -> Text:
    if mutants is None:
        return Text("–", style="dim")
    wrong = bool(mutants.reason) or mutants.rejected != mutants.total
    return Text(f"{mutants.rejected}/{mutants.total}", style="bold red" if wrong else "")


def testimony_cell(testimony: Testimony | None) -> Text:
    """The verdict and the worst figure: a relative error, or standard errors where all of it was sampled."""
    if testimony is None:
        return Text("–", style="dim")
    word = verdict(testimony.verdict)
    if isinstance(testimony, Evidence) and testimony.cases:
        only_sampled = testimony.sampled == testimony.cases
        figure = f"{testimony.max_sigmas:.1f}σ" if only_sampled else short(testimony.max_error)
        word.append(f" {figure}", style="dim")
    return word


def plural(n: int, noun: str) -> str:
    """1 claim, 2 claims."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def fold(formula: str, width: int, indent: str = "    ") -> str:
    """Break a long formula before an operator, outside as many brackets as possible; later lines are indented."""
    lines: list[str] = []
    while len(formula) > width:
        breaks = [(depth, -place) for place, depth in _operators(formula) if width // 3 < place <= width]
        if not breaks:
            break
        place = -min(breaks)[1]
        lines.append(formula[:place].rstrip())
        formula = indent + formula[place:].lstrip()
    return "\n".join([*lines, formula])


def _operators(formula: str) -> Iterator[tuple[int, int]]:
    """Where a spaced binary operator stands, and inside how many brackets."""
    depth = 0
    for place, character in enumerate(formula):
        depth += (character in "([{") - (character in ")]}")
        if character in "+-=≤≥<>⟺‖|" and formula[place - 1 : place] == " " and formula[place + 1 : place + 2] == " ":
            yield place, depth


def short(error: float) -> str:
    """1e-13 for 1.2e-13, 0 for 0."""
    return "0" if error == 0 else f"{error:.0e}".replace("e-0", "e-").replace("e+0", "e+")


def problems(ledger: Ledger) -> Iterator[Text]:
    """A paragraph for each row that is not good."""
    for row in ledger.rows:
        if not row.good:
            text = Text("✗ ", style="bold red")
            text.append(f"{row.id} ({row.tag})" if row.tag else row.id, style="bold")
            for problem in row.problems:
                text.append(f"\n    {problem}", style="")
            yield text


def summary(ledger: Ledger) -> Text:
    """The counts, in sentences."""
    counts = ledger.counts()
    lines = [f"{plural(counts['claims'], 'claim')} in {ledger.seconds:.1f} s, seed {ledger.seed}."]
    if _asked(ledger, "symbolic"):
        defined = f", {plural(counts['definitions'], 'definition')}" if counts["definitions"] else ""
        lines.append(
            f"Symbolic: {counts['proved']} proved, {counts['refuted_as_expected']} refuted as expected{defined}."
        )
    if _asked(ledger, "mutants"):
        surviving = f"{counts['mutants_surviving']} survive" if counts["mutants_surviving"] else "none survives"
        lines.append(
            f"Mutants:  {counts['mutants_rejected']} rejected with a counterexample, "
            f"{counts['mutants_equivalent']} proved equivalent; {surviving}."
        )
    for name, label in (("numeric", "Numeric: "), ("torch", "Torch:   ")):
        parts = [
            f"{counts[key]} {word}"
            for word in ("agree", "disagree", "not applicable", "missing")
            for key in (f"{name}_{word.replace(' ', '_')}", f"{name}_{word}s")
            if counts.get(key)
        ]
        if parts:
            lines.append(f"{label} {', '.join(parts)}.")
    if _asked(ledger, "symbolic"):
        named = ", ".join(f"{name} ({count})" for name, count in ledger.assumptions.items())
        lines.append(f"Assumed:  {named or 'nothing'}.")
        shadows = ledger.shadows()
        if shadows["shadowed"]:
            lines.append(
                f"Shadows:  {shadows['shadowed']} of {shadows['steps']} steps compared in eight worlds or more; "
                f"{shadows['disputed'] or 'none'} disputed."
            )
    if all(_asked(ledger, name) for name in ("numeric", "torch")):
        lines.append(_statements(ledger))
    if ledger.reused:
        lines.append(
            f"Reused:   {ledger.reused} of {ledger.answers} answers of earlier runs, all they rest on being the same; "
            "--fresh judges anew."
        )
    text = Text("\n".join(lines) + "\n")
    if ledger.good:
        text.append("Everything is as it should be.", style="bold green")
    else:
        wrong = counts["claims"] - counts["good"]
        text.append(f"Of {plural(counts['claims'], 'claim')}, {wrong} not as it should be.", style="bold red")
    return text


def _statements(ledger: Ledger) -> str:
    """How many statements each measuring witness measures."""
    counts = ledger.statement_counts()
    found = f"Measured: of {plural(counts['statements'], 'statement')} {counts['numeric']} numerically, "
    return f"{found}{counts['torch']} in torch; {counts['neither'] or 'none'} by neither."


def list_line(row: Row, *, id_width: int) -> Text:
    """Tag, id, verdict, title: one line."""
    line = Text(f"{row.tag:<4}  {row.id:<{id_width}}  ")
    if row.symbolic is None:
        line.append(f"{'not judged':<11}", style="dim")
    else:
        found = row.symbolic.verdict
        line.append_text(verdict(f"{found:<11}", expected=found == row.expects))
        line.stylize(STYLES.get(found, "") if found == row.expects else "bold red", len(line) - 11, len(line))
    line.append(row.title)
    return line
