"""A symbol is declared in one way: printing looks a name up, so a second form of it would change the first."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

DERIVATIONS = Path(__file__).parents[2] / "derivations"
DECLARED = re.compile(r'\b(?:scalar|vector)\("(\w+)", r?"([^"]*)"')


def forms(texts: list[str]) -> dict[str, set[str]]:
    """The LaTeX of each declared name."""
    found: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        for name, latex in DECLARED.findall(text):
            found[name].add(latex)
    return found


def test_no_name_is_declared_with_two_looks() -> None:
    known = forms([path.read_text(encoding="utf-8") for path in DERIVATIONS.rglob("*.py")])
    assert len(known) > 100
    assert {name: looks for name, looks in known.items() if len(looks) > 1} == {}


def test_a_second_look_is_seen() -> None:
    assert forms([r'a = scalar("rate", r"\beta")', r'b = vector("rate", "b")'])["rate"] == {r"\beta", "b"}
