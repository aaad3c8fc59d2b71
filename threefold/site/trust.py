"""The live figures of the page on trust: the kernel's rooms, what the ledger counts, which mistakes were caught."""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import derivations
from threefold.errors import Unusable
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


def mistakes(record: Path, known: Sequence[str]) -> str:
    """What each measuring witness caught of the mistakes made on purpose, as `threefold verify --sabotage` recorded it.

    record: what that command wrote with `--json`. known: the ids of all claims; those that are not in the record are
    counted. Raises Unusable when there is no record: a page must not say that nothing was missed.
    """
    if not record.is_file():
        raise Unusable(f"no record of mistakes at {record}; write it: threefold verify --sabotage --json {record}")
    found = json.loads(record.read_text(encoding="utf-8"))["sabotage"]
    rows = ""
    for kind, where in (("numeric", "in statements"), ("torch", "in torch code")):
        ours = [one for one in found if one["witness"] == kind and one["claim"] in known]
        total, caught = (sum(one[name] for one in ours) for name in ("total", "caught"))
        tried = f"{sum(one['total'] > 0 for one in ours)} of {len(known)}"
        rate = f"{caught:,} ({100 * caught / total:.1f} %)" if total else "none"
        cells = (f"{kind}, alone", where, tried, f"{total:,}", rate)
        rows += f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    missed = "".join(
        f"<tr><td>{escape(one['claim'])}</td><td>{one['witness']}</td><td><code>{escape(name)}</code></td></tr>"
        for one in found
        for name in one["survivors"]
        if one["claim"] in known
    )
    head = ("Witness", "Mistakes", "Claims with some", "Made", "Caught")
    table = blocks.grid("Mistakes made on purpose", head, rows)
    return (
        f"{table}\n\n{blocks.grid('Not caught', ('Claim', 'Witness', 'Not caught'), missed, searched=False)}"
        if missed
        else table
    )


def _answer(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
