"""From a file, a folder or a text to a report: read, judge in processes with a clock each, remember by content."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from threefold.check import document, extract, macros, options, remembered, sources
from threefold.check.extract import Display, Extracted
from threefold.check.options import Options, Unusable
from threefold.check.report import (
    WRONG,
    ContextReport,
    FileReport,
    LinkReport,
    Report,
    Witness,
)
from threefold.check.tasks import Answer, Task
from threefold.check.verdicts import decide

SUFFIXES = (
    ".md",
    ".markdown",
    ".mkd",
    ".qmd",
    ".rmd",
    ".myst",
    ".tex",
    ".ltx",
    ".ipynb",
    ".py",
    ".txt",
)
IN_FOLDERS = (".md", ".markdown", ".qmd", ".rmd", ".myst", ".tex", ".ipynb")
LINK_SECONDS = 30.0
FILE_SECONDS = 600.0
PATIENCE = 4  # times as long on the wall clock, for a link that waits and does not work


def check(
    source: str | os.PathLike[str],
    *,
    settings: dict[str, str] | None = None,
    inline: bool = False,
    seconds: float = LINK_SECONDS,
    budget: float = FILE_SECONDS,
    jobs: int = 0,
    cache: Path | None = None,
) -> Report:
    """Judge every displayed equation of a document.

    Args:
        source: a path to a file or folder, or the text itself (Markdown with LaTeX) if no such file can exist.
        settings: what overrules the contexts that are detected, as in `--set`.
        inline: judge `$a = b$` inside sentences too.
        seconds: the longest time for one link.
        budget: the longest time for one file.
        jobs: processes; 0 judges in this one.
        cache: a folder that remembers answers by content; None remembers nothing.

    Raises:
        Unusable: no such file, no document, unknown settings.
    """
    said = Options()
    for key, value in (settings or {}).items():
        said = options.with_pair(said, key, value)
    text = os.fspath(source)
    if isinstance(source, str) and looks_like_text(text):
        return Report(
            (
                file_report(
                    "text",
                    [extract.markdown(text)],
                    said,
                    inline,
                    seconds,
                    budget,
                    jobs,
                    cache,
                ),
            )
        )
    reports = [check_file(path, said, inline, seconds, budget, jobs, cache) for path in files([text])]
    return Report(tuple(reports))


def looks_like_text(text: str) -> bool:
    """A text rather than a path: it has lines, dollars, or is longer than a path may be."""
    return "\n" in text or "$" in text or "\\[" in text or "\\begin" in text or len(text) > 1000


def files(paths: Iterable[str]) -> list[Path]:
    """The documents that the paths name; folders are searched. Raises Unusable."""
    found: list[Path] = []
    for name in paths:
        path = Path(name)
        try:
            if path.is_dir():
                inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in IN_FOLDERS and p.is_file())
                inside = [p for p in inside if not any(part.startswith(".") for part in p.relative_to(path).parts)]
                if not inside:
                    kinds = ", ".join(IN_FOLDERS)
                    raise Unusable(f"the folder {name!r} holds no document ({kinds}): name a file")
                found += inside
            elif path.is_file():
                if path.suffix.lower() not in SUFFIXES:
                    raise Unusable(
                        f"{name!r} is none of {', '.join(SUFFIXES)}: rename it, or give it by standard input (-)"
                    )
                found.append(path)
            else:
                raise Unusable(f"there is no file {name!r}: check its name, or give the text by standard input (-)")
        except (OSError, ValueError) as reason:
            if isinstance(reason, Unusable):
                raise
            raise Unusable(f"{name[:200]!r} cannot be opened: {reason}") from None
    return list(dict.fromkeys(found))


def check_file(
    path: Path,
    said: Options,
    inline: bool = False,
    seconds: float = LINK_SECONDS,
    budget: float = FILE_SECONDS,
    jobs: int = 0,
    cache: Path | None = None,
    on_done: Callable[[int, int], None] | None = None,
) -> FileReport:
    """Judge one file."""
    try:
        text = extract.read_text(path)
        parts = extracted(text, path)
    except (OSError, ValueError) as reason:
        raise Unusable(f"{str(path)!r}: {getattr(reason, 'strerror', None) or reason}") from None
    report = file_report(str(path), parts, said, inline, seconds, budget, jobs, cache, on_done)
    return _with_claims(report, path, text, seconds, jobs) if path.suffix.lower() == ".py" else report


def _with_claims(report: FileReport, path: Path, text: str, seconds: float, jobs: int) -> FileReport:
    """The report with the claims that a Python file defines, if it defines any."""
    claimlinks = importlib.import_module("threefold.claimlinks")  # by name: a browser has no files, and not this room
    if not claimlinks.holds_claims(text):
        return report
    first = max((link.display for link in report.links), default=0) + 1
    return replace(report, links=(*report.links, *claimlinks.of_file(path, first, seconds, jobs)))


def extracted(text: str, path: Path) -> list[Extracted]:
    """The displays of a text, by the kind of its file."""
    suffix = path.suffix.lower()
    if suffix in (".tex", ".ltx"):
        return extract.latex(text, str(path), path.parent, frozenset([path.resolve()]))
    if suffix == ".ipynb":
        return list(sources.notebook(text, str(path)))
    if suffix == ".py":
        return list(sources.python(text, str(path)))
    return [extract.markdown(text, str(path))]


def file_report(
    name: str,
    parts: Sequence[Extracted],
    said: Options,
    inline: bool,
    seconds: float,
    budget: float,
    jobs: int,
    cache: Path | None,
    on_done: Callable[[int, int], None] | None = None,
) -> FileReport:
    """Judge what was extracted from one file."""
    started = time.perf_counter()
    made, spoken, text = opened(name, parts, said, inline, seconds)
    _judge(made, jobs, budget, cache, on_done)
    links = tuple(link_report(link) for link in made.links)
    return FileReport(name, contexts(made, spoken), links, time.perf_counter() - started, text)


def opened(
    name: str, parts: Sequence[Extracted], said: Options, inline: bool, seconds: float
) -> tuple[document.Document, Options, str]:
    """What was extracted, read from top to bottom and not judged yet; the options that hold in it; its text."""
    text = "\n".join(part.text for part in parts)
    displays: list[Display] = []
    asides: list[Display] = []
    spoken = said
    forced: list[tuple[int, str]] = []
    for part in parts:
        for line, where, content in part.settings:
            place = f"{name}:{line}"
            read = options.of_front_matter if where == "front matter" else options.of_comment
            spoken = read(replace(spoken, context=""), str(content), place)
            if spoken.context:
                forced.append((line, spoken.context))
        displays += part.displays
        asides += part.inline
        if inline:
            displays += part.inline
            displays.sort(key=lambda d: (d.file, d.offset))
    for key, value in said.said.items():  # the command line has the last word
        spoken = options.with_pair(spoken, key, value)
    if said.context:
        forced = [(0, said.context)]
    made = document.read(
        displays,
        file=name,
        known_macros=macros.collect(text),
        settings=spoken.settings,
        forced=forced,
        seconds=seconds,
        asides=[] if inline else asides,
    )
    return made, spoken, text


def contexts(made: document.Document, spoken: Options) -> tuple[ContextReport, ...]:
    """Which context holds from which line on, as the report says it."""
    found: list[ContextReport] = []
    for decision in made.decisions:
        if not found or found[-1].name != decision.context:
            found.append(ContextReport(decision.context, decision.line, decision.because, dict(spoken.said)))
    return tuple(found)


def link_report(link: document.Link) -> LinkReport:
    """A link with its answer, as plain data."""
    answer = link.answer or Answer("undecided", "it was not judged")
    witness = Witness(answer.at, answer.left, answer.right) if answer.verdict in WRONG and answer.left else None
    return LinkReport(
        link.file or "",
        link.display,
        link.link,
        link.line,
        link.column,
        link.tex,
        link.kind,
        answer.verdict,
        context=answer.context or link.context,
        reading=answer.reading,
        reading_latex=answer.reading_latex,
        notes=answer.notes,
        reason=answer.reason,
        how=answer.how,
        claims=answer.claims,
        rules=answer.rules,
        side_conditions=answer.side_conditions,
        witness=witness,
        repair=answer.repair,
        lines=answer.uses,
        seconds=answer.seconds,
        inline=link.inline,
    )


# --- judging ----------------------------------------------------------------------------------------------------------


def prepare() -> None:
    """What a process loads before its first link."""
    from threefold.check import kernel

    kernel.library()


def _judge(
    made: document.Document,
    jobs: int,
    budget: float,
    cache: Path | None,
    on_done: Callable[[int, int], None] | None,
) -> None:
    """Answer every open link: from the cache, or by judging it."""
    waiting: list[tuple[int, Task, Path | None]] = []
    for place, task in document.tasks(made):
        path = None if cache is None else cache / remembered.key(task)
        answer = None if path is None else remembered.recall(path)
        if answer is not None:
            made.links[place].answer = answer
        else:
            waiting.append((place, task, path))
    for number, (place, answer) in enumerate(answers(waiting, jobs, budget), 1):
        made.links[place].answer = answer
        if on_done is not None:
            on_done(number, len(waiting))


def answers(waiting: Sequence[tuple[int, Task, Path | None]], jobs: int, budget: float) -> Iterator[tuple[int, Answer]]:
    started = time.perf_counter()
    paths = {place: path for place, _, path in waiting}
    late = Answer("undecided", f"the file's {budget:g} s were used up")
    source = _here(waiting) if jobs <= 0 or len(waiting) < 2 else _elsewhere(waiting, jobs)
    left = {place for place, _, _ in waiting}
    for place, answer, lasting in source:
        left.discard(place)
        path = paths[place]
        if path is not None and lasting:
            remembered.remember(path, answer)
        yield place, answer
        if time.perf_counter() - started > budget:
            break
    for place in sorted(left):
        yield place, late


Answered = tuple[int, Answer, bool]  # the place of a link, its answer, and whether it is the same another time


def _here(waiting: Sequence[tuple[int, Task, Path | None]]) -> Iterator[Answered]:
    for place, task, _ in waiting:
        yield _numbered((place, task))


def _elsewhere(waiting: Sequence[tuple[int, Task, Path | None]], jobs: int) -> Iterator[Answered]:
    from threefold import pool

    longest = max(task.seconds for _, task, _ in waiting)
    tasks = [(p, t) for p, t, _ in waiting]
    for done in pool.run(_numbered, tasks, jobs=jobs, limit=PATIENCE * longest + 15, prepare=prepare):
        if isinstance(done.result, pool.Failed):
            yield done.task[0], Answer("undecided", done.result.reason, seconds=done.seconds), False
        else:
            yield done.result


def _numbered(numbered: tuple[int, Task]) -> Answered:
    place, task = numbered
    answer = decide(task)
    return place, answer, not (answer.verdict == "undecided" and "within" in answer.reason)
