"""The claims of a Python file as links of a report: `threefold check mine.py` judges them beside the docstrings.

It stands outside of `threefold.check`, which a browser loads: running a file of claims needs the witnesses' registry.
"""

from __future__ import annotations

import ast
from functools import partial
from pathlib import Path

from threefold import account, claimfile, errors, pool
from threefold.account import Heading, PartAccount
from threefold.check.options import Unusable
from threefold.check.report import LinkReport, Witness

MOST_SECONDS = 600.0  # for one claim, whatever a link is given


def holds_claims(text: str) -> bool:
    """Does the program import `derivations`? Nothing else is ever run."""
    names: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.append(node.module or "")
    return any(name.partition(".")[0] == "derivations" for name in names)


def of_file(path: Path, first: int, seconds: float, jobs: int) -> list[LinkReport]:
    """A link for every statement of every claim that the file defines. `first`: the number of the first display.

    Raises Unusable for a file whose claims cannot be had.
    """
    parts: dict[str, tuple[PartAccount, ...] | str] = {}
    limit = min(MOST_SECONDS, 4 * seconds + 15)
    try:
        file = claimfile.path_of(str(path))
        headings = claimfile.headings(file)
        for done in pool.run(partial(_parts, file), list(headings.values()), jobs=max(1, jobs), limit=limit):
            parts[done.task.id] = done.result.reason if isinstance(done.result, pool.Failed) else done.result
    except errors.Unusable as reason:
        raise Unusable(str(reason)) from None
    return [
        link
        for display, (name, heading) in enumerate(headings.items(), first)
        for link in _links(str(path), display, heading, parts[name])
    ]


def _parts(file: str, said: Heading) -> tuple[PartAccount, ...]:
    theory = claimfile.load(file)
    parts = account.of_judgement(theory.judge(said.id))
    claimfile.refuse_other_words(file, said, theory.claims()[said.id], parts)
    return parts


def _links(file: str, display: int, heading: Heading, parts: tuple[PartAccount, ...] | str) -> list[LinkReport]:
    """The statements of one claim, or why none of them was judged."""
    if isinstance(parts, str):
        said = heading.statements
        return [
            LinkReport(file, display, n, heading.line, 1, s.latex, "statement", "undecided", reason=parts)
            for n, s in enumerate(said, 1)
        ]
    return [_link(file, display, number, heading, part) for number, part in enumerate(parts, 1)]


def _link(file: str, display: int, number: int, heading: Heading, part: PartAccount) -> LinkReport:
    outcome = part.outcome
    verdict, reason = {
        "proved": ("proved", ""),
        "definition": ("definition", "the claim is a definition"),
        "refuted": ("refuted", ""),
    }.get(outcome.kind, ("undecided", f"{outcome.kind}: {outcome.reason}".rstrip(": ")))
    if verdict == heading.expects == "refuted":
        verdict, reason = "not a statement", "refuted, as the claim says that it is"
    elif heading.expects == "refuted" and verdict == "proved":
        verdict, reason = "undecided", "proved, where the claim says that it is refuted"
    shown = verdict == "refuted" and bool(outcome.lhs)
    return LinkReport(
        file,
        display,
        number,
        heading.line,
        1,
        part.statement.latex,
        "statement",
        verdict,
        reading=part.statement.text,
        reading_latex=part.statement.latex,
        reason=reason,
        how=f"claim {heading.id} of this file",
        claims=tuple(dict.fromkeys(use for step in part.steps for use in step.uses)),
        rules=tuple(dict.fromkeys(step.rule for step in part.steps if step.rule)),
        side_conditions=tuple(dict.fromkeys(c for step in part.steps for c in step.side_conditions)),
        witness=Witness(outcome.point, outcome.lhs, outcome.rhs) if shown else None,
    )
