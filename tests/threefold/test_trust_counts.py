"""The figures of the page on trust are counted, in the sources and in the ledger."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import derivations
from threefold.commands._sabotage import GOALS
from threefold.errors import Unusable
from threefold.site import trust
from threefold.site.book import Book

SUMMARY: dict[str, Any] = {
    "proved": 53,
    "refuted_as_expected": 3,
    "mutants_rejected": 2435,
    "mutants_equivalent": 90,
    "mutants_surviving": 0,
    "assumptions": {"derivative under the expectation": 1},
    "statements": {"statements": 141, "numeric": 141, "torch": 135, "neither": 0},
    "steps_by_tier": {"decided": 200, "law": 158},
    "shadows": {"steps": 358, "shadowed": 350, "disputed": 0},
}


def test_lines_of_code_are_neither_blank_nor_comments_nor_docstrings(tmp_path: Path) -> None:
    path = tmp_path / "toy.py"
    path.write_text(
        '"""Toy.\n\nMore.\n"""\n\n# a comment\nx = [\n    1,  # one\n\n]\n\n\ndef f():\n    """Say."""\n    return x\n'
    )
    assert trust.code_lines(path) == 5


def test_every_room_of_the_kernel_is_listed_with_what_it_answers() -> None:
    shown = trust.rooms()
    home = Path(derivations.__file__).parent
    for folder in ("kernel", "kernel/rules", "judge", "language"):
        for path in (home / folder).glob("*.py"):
            if path.stem != "__init__" and not (folder == "kernel" and path.stem in trust.ALIASES):
                assert f"<td>{path.relative_to(home).with_suffix('').as_posix()}</td>" in shown
    assert "Theorems. Only the functions of this file make them" in shown


def test_what_the_ledger_counts_is_shown_as_it_is() -> None:
    shown = trust.evidence(cast(Book, SimpleNamespace(summary=SUMMARY)))
    for said in (
        "53 proved, 3 refuted",
        "200 decided, 158 law",
        "350 of 358 accepted steps",
        "none disputed",
        "135 in PyTorch",
    ):
        assert said in shown
    disputed = SUMMARY | {"shadows": {"steps": 358, "shadowed": 350, "disputed": 2}}
    assert "2 disputed" in trust.evidence(cast(Book, SimpleNamespace(summary=disputed)))


def test_a_ledger_without_shadows_says_nothing_of_them() -> None:
    shown = trust.evidence(
        cast(Book, SimpleNamespace(summary=SUMMARY | {"shadows": {"steps": 1, "shadowed": 0, "disputed": 0}}))
    )
    assert "Shadows" not in shown


RECORD = Path(__file__).parents[2] / "docs" / "assets" / "records" / "sabotage.json"


def rates() -> dict[str, tuple[int, int]]:
    """What each kind of witness caught and was given, summed from the record itself."""
    found = json.loads(RECORD.read_text(encoding="utf-8"))["sabotage"]
    kinds = {one["witness"] for one in found}
    return {
        kind: (
            sum(one["caught"] for one in found if one["witness"] == kind),
            sum(one["total"] for one in found if one["witness"] == kind),
        )
        for kind in kinds
    }


def test_the_recorded_mistakes_are_shown_as_they_were_counted() -> None:
    shown = trust.mistakes(RECORD, list(derivations.claims()))
    for caught, total in rates().values():
        assert f"<td>{total:,}</td><td>{caught:,} ({100 * caught / total:.1f} %)</td>" in shown
    for one in json.loads(RECORD.read_text(encoding="utf-8"))["sabotage"]:
        assert one["caught"] + len(one["survivors"]) == one["total"]
        assert all(escape(name) in shown for name in one["survivors"]), one["claim"]


def test_the_record_is_of_claims_that_exist_and_meets_the_goals() -> None:
    found = json.loads(RECORD.read_text(encoding="utf-8"))
    assert {one["claim"] for one in found["sabotage"]} <= set(derivations.claims())
    for kind, (caught, total) in rates().items():
        assert total > 100 and caught / total >= GOALS[kind], f"threefold verify --sabotage --witness {kind}"


def test_claims_that_nobody_tried_are_counted_as_not_tried(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    row = {"claim": "a", "witness": "numeric", "total": 4, "caught": 3, "survivors": ["x < y"], "equivalent": 0}
    path.write_text(json.dumps({"sabotage": [row, row | {"claim": "gone"}]}))
    shown = trust.mistakes(path, ["a", "b"])
    assert "<td>1 of 2</td><td>4</td><td>3 (75.0 %)</td>" in shown
    assert "<td>0 of 2</td><td>0</td><td>none</td>" in shown
    assert "<code>x &lt; y</code>" in shown and "gone" not in shown


def test_without_a_record_the_page_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="threefold verify --sabotage --json"):
        trust.mistakes(tmp_path / "none.json", [])
