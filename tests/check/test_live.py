"""Judging while one types: the events of a text and of an altered line, and no need of more than a browser has."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from derivations import exercises, printing
from threefold.check import check
from threefold.live import judging, lines, session
from threefold.site import browser

MISPRINT = r"$$q(x_t|x_0) = \mathcal N(x_t; \sqrt{\alpha_t}x_0, (1-\bar\alpha_t)\mathbf I)$$"
TRUE = r"$$\tilde\beta_t = \frac{1-\bar\alpha_{t-1}}{1-\bar\alpha_t}\beta_t$$"
ROW = "0A22.1.3"  # var[N(x_{t-1}; mu_tilde, beta_tilde I)] = beta_tilde


def told(**request: Any) -> list[dict[str, Any]]:
    events: list[str] = []
    session.answer(json.dumps(request), events.append)
    return [json.loads(event) for event in events]


def reason(**request: Any) -> str:
    (event,) = told(**request)
    assert event["event"] == "refused"
    return event["reason"]


# --- a text -----------------------------------------------------------------------------------------------------------


def test_a_text_is_judged_as_the_terminal_judges_it() -> None:
    text = f"{MISPRINT}\n\nand\n\n{TRUE}\n\n$$a \\pm b = c$$\n"
    begun, *links, done = told(do="text", text=text)
    assert (begun["event"], begun["links"], done["event"]) == ("begun", 3, "done")
    assert begun["contexts"][0]["name"] == "ddpm"
    got = {event["place"]: event["link"] for event in links}
    wanted = list(check(text))
    assert (
        [got[n]["verdict"] for n in range(3)] == [link.verdict for link in wanted] == ["refuted", "proved", "not read"]
    )
    for n, link in enumerate(wanted):
        assert {**got[n], "seconds": 0} == {**got[n], **link.json(), "seconds": 0}
    assert "repair" in got[0] and r"\bar\alpha" in got[0]["repair"]


def test_what_needs_no_judging_is_told_before_anything_is_judged() -> None:
    events = told(do="text", text=f"{MISPRINT}\n\n$$x_t$$\n")
    assert [event.get("place") for event in events] == [None, 1, 0, None]


def test_a_text_without_equations_and_one_with_a_wrong_setting_are_said_to_be_so() -> None:
    assert told(do="text", text="")[0]["links"] == 0
    assert "alpha is 'up'" in reason(do="text", text="<!-- threefold: alpha: up -->\n$$a=b$$")


def test_a_text_that_is_too_long_names_its_length_the_limit_and_the_remedy() -> None:
    said = reason(do="text", text="x" * 20_001)
    assert "20,001" in said and "20,000" in said and "threefold check" in said
    assert "4,001" in reason(do="line", line=ROW, latex="x" * 4_001)


def test_braces_nested_to_the_limit_break_nothing() -> None:
    _, link, done = told(do="text", text="$$" + "{" * 9000 + "x" + "}" * 9000 + "= y$$")
    assert link["link"]["verdict"] == "not read" and done["event"] == "done"


# --- a line of a derivation -------------------------------------------------------------------------------------------


def verdicts(line: str, latex: str, chosen: tuple[int, ...] = ()) -> list[str]:
    events = told(do="line", line=line, latex=latex, chosen=list(chosen))
    assert events[0]["event"] == "reading" and events[-1]["event"] == "done", events
    return [event["verdict"] for event in events[1:-1]]


@pytest.mark.parametrize(
    "line",
    [
        "0A22.1.2",  # by a lemma
        "0A07.3",
        "0A03.5",
        "0A31.3.3",  # of a later statement, which rests on the ones above
    ],
)
def test_a_line_as_it_stands_follows_and_so_does_the_next(line: str) -> None:
    assert set(verdicts(line, printing.latex(lines.row(line).line.expression))) == {"proved"}


def test_a_line_inside_an_induction_follows_and_a_slip_in_it_does_not() -> None:
    claims = {row.claim.tag: row for row in map(lines.row, inductive()) if row.chain == 1}
    row = next(iter(claims.values()))
    assert verdicts(row.anchor, printing.latex(row.line.expression))[0] == "proved"
    slip = next(e for e in judging.altered(row, [])[1] if e.name == "flipped sign of the whole")
    assert verdicts(row.anchor, slip.latex)[0] != "proved"


def inductive() -> list[str]:
    from derivations import claims

    rows = [row for claim in claims().values() for row in lines.rows(claim)]
    return [r.anchor for r in rows if r.place and r.claim.proofs[r.part].induction_on is not None]


def test_a_slip_that_is_chosen_is_refuted_with_numbers_and_slips_add_up() -> None:
    (offer, _) = told(do="edits", line=ROW)
    assert offer["before"] and offer["changes"]
    first = next(n for n, change in enumerate(offer["changes"]) if change["name"] == "lost factor 2")
    _, step, *_, done = told(do="line", line=ROW, latex=offer["changes"][first]["latex"])
    assert (step["which"], step["verdict"], done["event"]) == ("before", "refuted", "done")
    assert step["witness"]["left"] != step["witness"]["right"] and step["reason"]
    (again, _) = told(do="edits", line=ROW, chosen=[first])
    assert again["latex"] == offer["changes"][first]["latex"]
    back = next(n for n, change in enumerate(again["changes"]) if change["latex"] == offer["latex"])
    assert set(verdicts(ROW, offer["latex"], (first, back))) == {"proved"}


def test_a_line_that_documents_could_hold_may_be_rewritten_at_will() -> None:
    """More than one slip away, and still read, since the reader knows the line's letters."""
    row = lines.row("0A22.1.3")
    assert judging.reading_contexts(row)
    same = r"\beta_t\,\frac{1-\bar\alpha_{t-1}}{1-\bar\alpha_t}"
    assert set(verdicts(row.anchor, same)) == {"proved"}
    assert verdicts(row.anchor, same.replace(r"\beta_t", r"\beta_t^2"))[0] == "refuted"


def test_what_is_not_understood_is_not_judged() -> None:
    assert "not read" in reason(do="line", line="0A07.3", latex=r"\heartsuit")
    assert "not read" in reason(do="line", line="0A07.3", latex=r"\frac{")
    assert "constant" in reason(do="line", line=ROW, latex=r"\tilde\beta_t + \text{const}")
    assert "offers" in reason(do="edits", line="0A07.3", chosen=[999])


def test_the_lines_of_a_derivation_are_those_of_its_page() -> None:
    (event, _) = told(do="derivation", name="0A07")
    assert [line["line"] for line in event["lines"]] == [f"0A07.{n}" for n in (1, 2, 3, 4)]
    assert [line["first"] for line in event["lines"]] == [True, False, False, False]
    (exercise, _) = told(do="derivation", name=next(iter(exercises())))
    assert lines.row(exercise["lines"][1]["line"]).claim.id == exercise["name"]
    assert "no claim" in reason(do="derivation", name="none.such")
    assert "no derivation" in reason(do="derivation", name="0A33")
    assert "first line" in reason(do="edits", line="0A07.1")
    assert "no line" in reason(do="edits", line="0A07.9")


def test_two_formulas_differ_in_whole_signs() -> None:
    assert lines.difference(r"\sqrt{\alpha_{t}} x", r"\sqrt{\bar\alpha_{t}} x") == ("", r"\bar")
    assert lines.difference("a + b", "a - b") == ("+", "-")


# --- no more than a browser has ---------------------------------------------------------------------------------------

ALONE = r"""
import importlib.util, json, signal, sys, time
sys.path[:] = [path for path in sys.path if "site-packages" not in path] + [sys.argv[1]]
for missing in ("numpy", "scipy", "torch", "rich", "click", "matplotlib", "sklearn", "PIL", "pytest"):
    assert importlib.util.find_spec(missing) is None, missing
del signal.setitimer, time.thread_time  # which Pyodide lacks
from threefold.live import clock, session
asked = []
clock.install(lambda which, seconds, interval: asked.append(seconds) or [0.0, 0.0])
for request in json.loads(sys.argv[2]):
    session.answer(json.dumps(request), print)
assert any(0 < seconds <= 30 for seconds in asked), "no limit was set"
"""


def test_the_files_for_the_browser_judge_alone_as_they_do_here(tmp_path) -> None:
    """An interpreter that sees only its own library and what is packed, without the timers that Pyodide lacks."""
    for name, content in (*browser.our_code(), *browser.libraries()):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    requests = [
        {"do": "text", "text": f"{MISPRINT}\n\n{TRUE}\n"},
        {"do": "line", "line": ROW, "latex": printing.latex(lines.row(ROW).line.expression)},
        {"do": "text", "text": "---\nthreefold: {context: ddpm}\n---\n\n$$x_t = x_t$$\n"},
    ]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, str(tmp_path), json.dumps(requests)],
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["event"] for e in events].count("done") == len(requests)
    assert [e["link"]["verdict"] for e in events if e["event"] == "link"] == ["refuted", "proved", "proved"]
    assert next(e["verdict"] for e in events if e["event"] == "step") == "proved"
