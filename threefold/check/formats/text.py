"""The report for a terminal: one line a link; refuted ones with numbers, reading and repair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from threefold.check.report import FileReport, LinkReport, Report

MARKS = {
    "proved": "✓",
    "proved as read": "✓",
    "refuted": "✗",
    "contradiction": "✗",
    "equal up to a constant": "≈",
    "two readings": "?",
    "definition": "·",
    "not a statement": "·",
    "undecided": "?",
    "not read": "–",
}
SILENT = frozenset(["definition", "not a statement"])


def write(report: Report, *, verbose: bool = False) -> str:
    """The whole report; definitions and lines that say nothing only with `verbose`."""
    return "\n".join(line for file in report.files for line in lines(file, verbose=verbose))


def lines(file: FileReport, *, verbose: bool = False) -> Iterator[str]:
    """The lines of one file, contexts first, the count last."""
    for context in file.contexts:
        settings = "".join(f"; {key} = {value}" for key, value in context.settings.items())
        yield f"{file.file}: context {context.name} from line {context.line} ({context.because}{settings})"
    if file.contexts:
        yield "  overrule with `threefold: {context: ...}` in the front matter, a comment, or --set context=..."
    shown = [link for link in file.links if verbose or link.verdict not in SILENT]
    width = max((len(place(link, file.file)) for link in shown), default=0)
    for link in shown:
        yield from of_link(link, width, file.file)
    yield summary(file)


def place(link: LinkReport, whole: str = "") -> str:
    """line.link, with the cell of a notebook, or the file where it is one that `whole` reads in."""
    if whole and link.file and link.file.partition("#")[0] != whole:
        return f"{PurePath(link.file).name} {link.line}.{link.link}"
    cell = link.file.rpartition("#cell-")[2] if "#cell-" in link.file else ""
    return (f"cell {cell}, " if cell else "") + f"{link.line}.{link.link}"


def of_link(link: LinkReport, width: int = 0, whole: str = "") -> Iterator[str]:
    """The lines of one link."""
    yield f"{MARKS[link.verdict]} {place(link, whole):<{width}}  {link.verdict:<22} {detail(link)}".rstrip()
    indent = " " * (width + 4)
    if link.witness is not None:
        yield f"{indent}{at(link)}"
        domain = [c for c in link.side_conditions if not c.startswith("supposed: ")]
        if domain:
            yield f"{indent}where     {short('; '.join(domain), 200)}"
    if link.verdict in ("refuted", "proved as read", "two readings", "contradiction"):
        yield f"{indent}read as   {short(link.reading, 200)}"
        for note in link.notes:
            yield f"{indent}          ({note})"
    if link.repair:
        yield f"{indent}proved instead: {short(link.repair, 200)}"


def detail(link: LinkReport) -> str:
    """A few words: what proved it, or why not."""
    if link.verdict.startswith("proved"):
        return short(link.how or ", ".join(link.claims or link.rules), 90)
    if link.verdict == "refuted":
        return short(link.tex, 100)
    return short(link.reason, 160)


def at(link: LinkReport) -> str:
    """at alpha(1) = 4/5: left 1, right 2."""
    assert link.witness is not None
    point = ", ".join(f"{name} = {short(value, 60)}" for name, value in link.witness.at)
    return f"at {point}: left {short(link.witness.left, 40)}, right {short(link.witness.right, 40)}"


def short(text: str, most: int) -> str:
    """On one line, cut where it is longer than `most`."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def summary(file: FileReport) -> str:
    """124 links: 75 proved, 4 refuted, ..."""
    counts = file.count()
    says_nothing = counts.pop("definition", 0) + counts.pop("not a statement", 0)
    words = [f"{n} {verdict}" for verdict, n in counts.items()]
    if says_nothing:
        words.append(f"{says_nothing} say nothing to judge")
    total = len(file.links)
    return f"{file.file}: {total} link{'s' * (total != 1)}" + (
        f": {', '.join(words)}" if words else ", nothing to judge"
    )


def proof(link: LinkReport) -> Iterator[str]:
    """Everything about one link, for `--show`."""
    yield f"{link.file or 'text'}:{link.line}:{link.column}  display {link.display}, link {link.link} ({link.kind})"
    yield f"  printed   {short(link.tex, 2000)}"
    yield f"  verdict   {link.verdict}" + (f": {link.reason}" if link.reason else "")
    if link.context:
        yield f"  context   {link.context}"
    if link.reading:
        yield f"  read as   {link.reading}"
    for note in link.notes:
        yield f"  note      {note}"
    if link.how:
        yield f"  by        {link.how}"
    if link.claims:
        yield f"  claims    {', '.join(link.claims)}"
    for condition in link.side_conditions:
        yield f"  where     {condition}"
    if link.witness is not None:
        yield f"  fails     {at(link)}"
    if link.repair:
        yield f"  proved instead: {link.repair}"
    yield f"  took      {link.seconds:.2f} s"
