"""The live figures of the page on trust: the rooms of the kernel with their size, and what the ledger counts."""

from __future__ import annotations

import ast
import io
import tokenize
from html import escape
from pathlib import Path
from typing import Any

import derivations
from threefold.site import blocks, words
from threefold.site.book import Book

# No theorem passes through these rooms; the first two lie in the kernel's folder under their old addresses only.
ALIASES = ("claims", "judge")
REPORTING = ("language", "judge")


def rooms() -> str:
    """Every room of the kernel: what it answers, by the first line of its own docstring, and its lines of code."""
    home = Path(derivations.__file__).parent
    core = [path for path in _files(home / "kernel") if path.stem not in ALIASES]
    reporting = [path for folder in REPORTING for path in _files(home / folder)]
    groups = (("Core", core), ("Rules", _files(home / "kernel" / "rules")), ("Not trusted", reporting))
    rows = ""
    for title, paths in groups:
        total = sum(map(code_lines, paths))
        rows += f"<tr><th>{escape(title)}</th><td></td><th>{total:,}</th></tr>"
        for path in paths:
            name = path.relative_to(home).with_suffix("").as_posix()
            rows += f"<tr><td>{escape(name)}</td><td>{words.html(_answer(path))}</td><td>{code_lines(path)}</td></tr>"
    return blocks.grid("Rooms of the kernel", ("Room", "What it answers", "Lines of code"), rows)


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]


def code_lines(path: Path) -> int:
    """Lines that hold code: no blank ones, no comments, no docstrings."""
    text = path.read_text(encoding="utf-8")
    spoken: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            spoken |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    silent = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            held |= set(range(token.start[0], token.end[0] + 1))
    return len(held - spoken)


def evidence(book: Book) -> str:
    """What the ledger counts: steps by kind, shadows, statements that are measured, mutants, assumptions."""
    summary: dict[str, Any] = dict(book.summary)
    rows = [("Claims", f"{summary['proved']} proved, {summary['refuted_as_expected']} refuted as expected")]
    if tiers := summary.get("steps_by_tier"):
        rows.append(("Steps", ", ".join(f"{count:,} {tier}" for tier, count in tiers.items())))
    if (shadows := summary.get("shadows")) and shadows["shadowed"]:
        rows.append(
            (
                "Shadows",
                f"{shadows['shadowed']:,} of {shadows['steps']:,} accepted steps evaluated in at least eight worlds of "
                f"their own; {shadows['disputed'] or 'none'} disputed",
            )
        )
    if statements := summary.get("statements"):
        rows.append(
            (
                "Statements",
                f"{statements['statements']}: {statements['numeric']} measured numerically, {statements['torch']} in "
                f"PyTorch, {statements['neither'] or 'none'} by neither",
            )
        )
    rows.append(
        (
            "Mutants",
            f"{summary['mutants_rejected']:,} altered statements rejected with a counterexample, "
            f"{summary['mutants_equivalent']} proved to say the same, {summary['mutants_surviving'] or 'none'} survive",
        )
    )
    rows.append(("Assumed", ", ".join(f"{name} ({n})" for name, n in summary["assumptions"].items()) or "nothing"))
    return blocks.table([(label, escape(said)) for label, said in rows])


def _answer(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
