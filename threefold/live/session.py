"""What a page asks for, and what it is told: requests and events as JSON, so that a worker only hands them on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from derivations import claims, printing
from threefold.check import checking, document, extract
from threefold.check.options import Options, Unusable
from threefold.check.report import LinkReport
from threefold.live import judging, lines
from threefold.live.judging import StepVerdict
from threefold.live.lines import DerivationLine

LONGEST = 20_000  # characters of a text
LINE_LONGEST = 4_000  # characters of an edited line
LINK_SECONDS = 30.0
BUDGET = 120.0

Tell = Callable[[str], object]


def answer(request: str, tell: Tell) -> None:
    """Do what is asked and tell the events, each an object with the key `event`; the last one is `done` or `refused`.

    Requests: `{"do": "text", "text": ...}` judges a document in Markdown, `{"do": "derivation", "name": ...}` gives the
    lines of a claim, `{"do": "edits", "line": ..., "chosen": [...]}` the changes that a line offers,
    `{"do": "line", "line": ..., "latex": ..., "chosen": [...]}` judges an altered line.
    """
    asked = json.loads(request)
    doing: dict[str, Callable[[], Iterable[dict[str, Any]]]] = {
        "text": lambda: text(asked["text"]),
        "derivation": lambda: [derivation(asked["name"])],
        "edits": lambda: [offered(asked["line"], asked.get("chosen", []))],
        "line": lambda: line(asked["line"], asked["latex"], asked.get("chosen", [])),
    }
    started = time.perf_counter()
    try:
        for event in doing[asked["do"]]():
            tell(json.dumps(event, ensure_ascii=False))
        tell(json.dumps({"event": "done", "seconds": round(time.perf_counter() - started, 3)}))
    except Unusable as reason:
        tell(json.dumps({"event": "refused", "reason": str(reason)}, ensure_ascii=False))


def warm() -> None:
    """Load what the first verdict needs."""
    checking.prepare()


# --- a document -------------------------------------------------------------------------------------------------------


def text(content: str) -> Iterable[dict[str, Any]]:
    """The contexts, then every link as soon as it is judged. Raises Unusable for a text that is too long."""
    _refuse_long(content, LONGEST, "text", "use `threefold check` for a whole document")
    made, spoken, _ = checking.opened("text", [extract.markdown(content)], Options(), False, LINK_SECONDS)
    contexts = [{"name": c.name, "line": c.line, "because": c.because} for c in checking.contexts(made, spoken)]
    waiting = list(document.tasks(made))
    yield {"event": "begun", "contexts": contexts, "links": len(made.links), "waiting": len(waiting)}
    for place, link in enumerate(made.links):
        if link.answer is not None:
            yield _link(place, checking.link_report(link))
    for place, found in checking.answers([(p, task, None) for p, task in waiting], 0, BUDGET):
        made.links[place].answer = found
        yield _link(place, checking.link_report(made.links[place]))


def _link(place: int, link: LinkReport) -> dict[str, Any]:
    known = claims()
    tags = {name: known[name].tag for name in link.claims if name in known}
    more = {"how": link.how, "reading_latex": link.reading_latex, "tags": tags}
    return {"event": "link", "place": place, "link": {**link.json(), **more}}


def _refuse_long(content: str, most: int, what: str, remedy: str) -> None:
    if len(content) > most:
        raise Unusable(f"the {what} has {len(content):,} characters, and {most:,} may be judged here: {remedy}")


# --- a derivation -----------------------------------------------------------------------------------------------------


def derivation(name: str) -> dict[str, Any]:
    """Every line of a claim's derivations. Raises Unusable where there is no such claim, or it has none."""
    claim = lines.claim(name)
    if not claim.proofs:
        raise Unusable(f"claim {lines.short_name(claim)} has no derivation: choose another")
    shown = [_row(row) for row in lines.rows(claim)]
    return {
        "event": "derivation",
        "name": lines.short_name(claim),
        "id": claim.id,
        "title": claim.title,
        "lines": shown,
    }


def _row(row: DerivationLine) -> dict[str, Any]:
    first = row.place == 0
    return {
        "line": row.anchor,
        "number": row.number,
        "part": row.part,
        "first": first,
        "relation": "" if first else printing.RELATIONS[row.line.relation],
        "latex": printing.latex(row.line.expression),
        "rule": "" if first else row.line.rule.name,
        "why": row.line.why,
    }


def offered(anchor: str, chosen: list[int]) -> dict[str, Any]:
    """The line after the changes chosen so far, and the changes that it offers next."""
    row = lines.row(anchor)
    term, edits = judging.altered(row, chosen)
    now = printing.latex(term)
    changes = [{"name": e.name, "latex": e.latex, "difference": lines.difference(e.made_in, e.latex)} for e in edits]
    before = printing.latex(row.lines[row.place - 1].expression)
    reads = bool(judging.reading_contexts(row))
    return {"event": "edits", **_row(row), "latex": now, "before": before, "reads": reads, "changes": changes}


def line(anchor: str, latex: str, chosen: list[int]) -> Iterable[dict[str, Any]]:
    """Judge an altered line against the line before it, then the line after it against the altered one."""
    _refuse_long(latex, LINE_LONGEST, "line", "make it shorter")
    row = lines.row(anchor)
    term = judging.term_of(row, latex, chosen)
    yield {"event": "reading", "latex": printing.latex(term), "changed": term != row.line.expression}
    before = row.lines[row.place - 1].expression
    yield _step("before", row, judging.step(row, before, term), before, term)
    if row.place + 1 < len(row.lines):
        following = lines.DerivationLine(row.claim, row.part, row.chain, row.place + 1, row.number + 1)
        after = following.line.expression
        yield _step("after", following, judging.step(following, term, after), term, after)


def _step(which: str, row: DerivationLine, step: StepVerdict, before: Any, after: Any) -> dict[str, Any]:
    gap = None if step.gap is None else [step.gap.before, step.gap.after, step.gap.difference]
    found = step.witness
    witness = None if found is None else {"at": list(found.values), "left": found.lhs, "right": found.rhs}
    relation = row.line.relation
    return {
        "event": "step",
        "which": which,
        "line": row.anchor,
        "number": row.number,
        "latex": printing.relation_latex(before, relation, after),
        "verdict": step.verdict,
        "rule": step.rule,
        "reason": step.reason,
        "gap": gap,
        "side_conditions": list(step.side_conditions),
        "witness": witness,
    }
