"""Two builds of the site are compared by what a reader would miss."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("compare", Path(__file__).parents[1] / "site" / "compare.py")
assert spec is not None and spec.loader is not None
compare = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compare)

PAGE = '<h2 id="a"></h2><annotation encoding="application/x-tex">x</annotation>'


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"a.html": PAGE}, []),
        ({}, ["a.html is missing in"]),
        ({"a.html": PAGE, "b.html": ""}, ["b.html is missing in"]),
        ({"a.html": PAGE.replace(">x<", ">y<")}, ["a.html: the formulas differ"]),
        ({"a.html": PAGE.replace('"a"', '"b"')}, ["a.html: 1 places that links lead to are gone, a"]),
    ],
)
def test_what_differs_is_named(tmp_path: Path, other: dict[str, str], said: list[str]) -> None:
    for folder, pages in (("one", {"a.html": PAGE}), ("two", other)):
        (tmp_path / folder).mkdir()
        for name, text in pages.items():
            (tmp_path / folder / name).write_text(text)
    found = compare.differences(tmp_path / "one", tmp_path / "two")
    assert len(found) == len(said) and all(word in line for line, word in zip(found, said, strict=True))
