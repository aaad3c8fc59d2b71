"""The equations of a document: proved, refuted with numbers, undecided, or not read.

Reads Markdown, LaTeX, notebooks and the docstrings of Python files.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from threefold.check import checking, extract, options, remembered
from threefold.check.formats import github, html, sarif, text
from threefold.check.report import SCHEMA, FileReport, Report
from threefold.errors import Unusable
from threefold.output import output

EPILOG = """
\b
Examples:
  threefold check notes.md                  every displayed equation
  threefold check paper.tex chapters/       several files, whole folders
  threefold check notes.md --show 550       the link in line 550: reading, rules, numbers
  threefold check notes.md --set alpha=cumulative
  threefold check notes.md --html out.html  the document with a mark beside every equation
  cat notes.md | threefold check -          from standard input

\b
Exit status: 0 nothing is refuted; 1 something is refuted or contradictory
(with --strict also undecided or not read); 2 the input cannot be used.
"""


@click.command("check", epilog=EPILOG)
@click.argument("paths", metavar="FILE...", nargs=-1, required=True)
@click.option("--json", "json_path", metavar="OUT", help="Write the whole report as JSON; - for standard output.")
@click.option("--html", "html_path", metavar="OUT", help="Write the document with its verdicts as one HTML file.")
@click.option("--format", "form", type=click.Choice(["text", "github", "sarif"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Exit 1 also for what is undecided or not read.")
@click.option("--baseline", metavar="OLD.json", help="Report only what an earlier --json does not have.")
@click.option(
    "--show", "line", type=click.IntRange(1), metavar="LINE", help="Only this line, with everything about it."
)
@click.option(
    "--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Overrule the context: context, noise, alpha, T."
)
@click.option("--inline", is_flag=True, help="Judge $a = b$ inside sentences too.")
@click.option("--verbose", is_flag=True, help="Show definitions and lines that say nothing, too.")
@click.option("--budget", type=click.FloatRange(0.1, 3600), default=30.0, show_default=True, metavar="SECONDS",
              help="The longest time for one link.")  # fmt: skip
@click.option("--file-budget", type=click.FloatRange(0.1, 86400), default=checking.FILE_SECONDS, show_default=True,
              metavar="SECONDS", help="The longest time for one file; what is left then is undecided.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(0, 64), default=0, help="Processes; as many as there are cores by default.")
@click.option("--no-cache", is_flag=True, help="Judge everything anew.")
@click.pass_context
def check(ctx: click.Context, /, paths: tuple[str, ...], **asked: Any) -> None:
    """Judge every displayed equation of the documents FILE (files, folders, or - for standard input)."""
    try:
        said = options.Options()
        for pair in asked["pairs"]:
            name, sign, value = pair.partition("=")
            if not sign:
                raise Unusable(f"--set {pair!r} is not of the form KEY=VALUE")
            said = options.with_pair(said, name, value)
        known = _baseline(asked["baseline"])
        report = _checked(paths, said, asked)
    except options.Unusable as reason:
        raise Unusable(str(reason)) from None
    report = _only_new(report, known)
    if asked["line"] is not None:
        _show(report, asked["line"])
        ctx.exit(1 if report.wrong else 0)
    for path, write in ((asked["json_path"], _as_json), (asked["html_path"], html.write)):
        if path:
            with output(path) as target:
                target.write(write(report))
    if asked["json_path"] != "-":
        click.echo(_written(report, asked["form"], asked["verbose"]))
    ctx.exit(1 if report.wrong or (asked["strict"] and report.open) else 0)


def _written(report: Report, form: str, verbose: bool) -> str:
    if form == "github":
        return github.write(report, notices=verbose)
    if form == "sarif":
        return sarif.write(report)
    return text.write(report, verbose=verbose)


def _as_json(report: Report) -> str:
    return json.dumps(report.json(), indent=1, ensure_ascii=False) + "\n"


def _checked(paths: tuple[str, ...], said: options.Options, asked: dict[str, Any]) -> Report:
    """Every file in order; `-` is standard input, read as Markdown."""
    jobs = asked["jobs"] or min(8, os.cpu_count() or 1)
    cache = None if asked["no_cache"] else remembered.cache_folder()
    seconds = asked["budget"]
    found: list[FileReport] = []
    for name in paths:
        if name == "-":
            found.append(_standard_input(said, asked, jobs, cache))
            continue
        for path in checking.files([name]):
            found.append(
                checking.check_file(
                    path, said, asked["inline"], seconds, asked["file_budget"], jobs, cache, _progress(path)
                )
            )
    return Report(tuple(found))


def _standard_input(said: options.Options, asked: dict[str, Any], jobs: int, cache: Path | None) -> FileReport:
    data = sys.stdin.buffer.read(extract.LARGEST + 1)
    if len(data) > extract.LARGEST:
        raise options.Unusable(f"standard input has more than {extract.LARGEST / 1e6:.0f} MB: split it")
    try:
        content = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as reason:
        raise options.Unusable(f"standard input is not UTF-8 (byte {reason.start}): save it as UTF-8") from None
    if "\0" in content:
        raise options.Unusable("standard input is binary: give a text")
    parts = [extract.markdown(content, "-")]
    seconds, budget = asked["budget"], asked["file_budget"]
    return checking.file_report("-", parts, said, asked["inline"], seconds, budget, jobs, cache)


def _progress(path: Path) -> Any:
    """Shows how far it is, on a terminal only."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        end = "\r" if done < total else "\r" + " " * 60 + "\r"
        click.echo(f"  {path.name}: {done} of {total} links judged{end}", nl=False, err=True)

    return show


def _show(report: Report, line: int) -> None:
    """Every link whose display covers the line."""
    shown = [k for k in report if k.line <= line <= k.line + k.tex.count("\n")] or [k for k in report if k.line == line]
    if not shown:
        lines = sorted({k.line for k in report})
        near = min(lines, key=lambda n: abs(n - line), default=None)
        hint = f"; the nearest is in line {near}" if near is not None else ""
        raise Unusable(f"no equation stands in line {line}{hint}")
    for link in shown:
        for row in text.proof(link):
            click.echo(row)


def _baseline(path: str | None) -> set[tuple[str, str, str]]:
    """(file, tex, verdict) of every link of an earlier report."""
    if path is None:
        return set()
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise Unusable(f"--baseline {path!r} has schema {data['schema']!r}, and {SCHEMA} is read: write it anew")
        files = data.get("files", [data])
        return {(Path(f["file"]).name, k["tex"], k["verdict"]) for f in files for k in f["links"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as reason:
        raise Unusable(f"--baseline {path!r} is no report of `threefold check --json`: {reason}") from None


def _only_new(report: Report, known: set[tuple[str, str, str]]) -> Report:
    if not known:
        return report
    files = [
        replace(f, links=tuple(k for k in f.links if (Path(f.file).name, k.tex, k.verdict) not in known))
        for f in report.files
    ]
    return Report(tuple(files))
