"""The page of what is said and not judged: no green mark, no formula, and nothing of it in the ledger."""

from __future__ import annotations

import re
from pathlib import Path

import derivations

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "without-verdict.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| Said in")]


def test_every_row_says_where_what_and_what_was_looked_up() -> None:
    assert len(ROWS) == 20
    for row in ROWS:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 3 and all(cells), row


def test_nothing_on_it_is_green() -> None:
    assert not re.search(r"✓|tf-proved|tf-deep|<!--|\{\{", PAGE)
    assert not [name for name in derivations.claims() if f"`{name}`" in PAGE]


def test_the_runs_that_it_links_are_recorded() -> None:
    for name in re.findall(r"\]\(\.\./experiments/([\w-]+)\.md\)", PAGE):
        assert (ROOT / "docs" / "experiments" / f"{name}.md").is_file(), name


def test_every_public_erratum_shows_what_stands_in_the_thread() -> None:
    public = [e for e in derivations.errata() if e.source.startswith("public")]
    assert len(public) >= 30 and all(e.quoted for e in public), [e.id for e in public if not e.quoted]
