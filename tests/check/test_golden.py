"""Four lectures as formulas alone: what each link is called, kept as it was found and compared with what it should be.

`golden/NAME.md` has the formulas, `golden/NAME.json` a verdict for every link, in order.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import threefold
from threefold.check import checking, document, macros

FOLDER = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def expected(name: str) -> list[tuple[int, int, str]]:
    """(display, link, verdict) of every link."""
    return [tuple(row) for row in json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))]


def read(name: str) -> document.Document:
    path = FOLDER / f"{name}.md"
    text = path.read_text(encoding="utf-8")
    parts = checking.extracted(text, path)
    displays = [d for part in parts for d in part.displays]
    asides = [d for part in parts for d in part.inline]
    return document.read(displays, known_macros=macros.collect(text), asides=asides)


@pytest.mark.parametrize("name", NAMES)
def test_every_link_is_found_and_what_says_nothing_is_known_at_once(name: str) -> None:
    links = read(name).links
    wanted = expected(name)
    assert [(k.display, k.link) for k in links] == [row[:2] for row in wanted]
    early = [(k.display, k.link, k.answer.verdict) for k in links if k.answer is not None]
    assert set(early) <= set(wanted)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_verdicts(name: str) -> None:
    report = threefold.check(FOLDER / f"{name}.md", budget=3000, jobs=2)
    assert [(k.display, k.link, k.verdict) for k in report] == expected(name)
