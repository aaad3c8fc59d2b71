"""The rules that keep the house in order: lengths, circles, names. What still breaks them is named here."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest
from sources import PACKAGES, Source, circles, read

LINES = 400
# Files that were longer when the rule came, with their length then: they may only shrink, and no file may join them.
LONGER: dict[str, int] = {}
# Imports for types count too.
CIRCLES = {
    (
        "torch_impl.networks",
        *(
            f"torch_impl.networks.{name}"
            for name in ("config", "dit", "latent", "mlp", "onestep", "unet", "vae", "vqvae")
        ),
    ),
}
TWICE = {
    "Answer",
    "Batch",
    "Block",
    "Captured",
    "Broken",
    "Chain",
    "Comparison",
    "Context",
    "Evidence",
    "Figure",
    "GaussianMixture",
    "Interrupted",
    "Interval",
    "Law",
    "Level",
    "Name",
    "OutOfTime",
    "Proof",
    "Refuted",
    "ReverseChain",
    "Rule",
    "Run",
    "Settings",
    "Statement",
    "Task",
    "Unusable",
    "Witness",
}


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return read(*PACKAGES)


def lengths(sources: list[Source]) -> dict[str, int]:
    return {source.path: len(source.text.splitlines()) for source in sources}


def test_no_file_is_longer_than_400_lines_and_those_that_were_only_shrink(sources: list[Source]) -> None:
    over = {path: n for path, n in lengths(sources).items() if n > LONGER.get(path, LINES)}
    assert not over, "split these files, or take the lines out again"


def test_the_list_of_long_files_names_none_that_is_short_by_now(sources: list[Source]) -> None:
    found = lengths(sources)
    assert not [path for path in LONGER if found.get(path, 0) <= LINES], "take these off LONGER"


def import_circles(sources: list[Source]) -> set[tuple[str, ...]]:
    known = {source.module for source in sources}
    return set(circles({source.module: source.imports(known) for source in sources}))


def test_no_circle_of_imports(sources: list[Source]) -> None:
    assert import_circles(sources) == CIRCLES, "break the new circle; one that is gone goes off CIRCLES"


def test_a_circle_is_found_wherever_the_import_stands() -> None:
    one = Source("a/one.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a.two import X\n")
    two = Source("a/two.py", "def late():\n    import a.three\n")
    three = Source("a/three.py", "from . import one\n")
    four = Source("a/four.py", "from a import one\n")
    assert import_circles([one, two, three, four]) == {("a.one", "a.three", "a.two")}
    assert import_circles([one, two, four]) == set()


def public_classes(sources: list[Source]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(source.module)
    return found


def test_no_two_public_classes_have_one_name(sources: list[Source]) -> None:
    twice = {name for name, modules in public_classes(sources).items() if len(modules) > 1}
    assert twice == TWICE, "rename one of the new two; a name that is free by now goes off TWICE"


def test_two_classes_of_one_name_are_found() -> None:
    found = public_classes(
        [Source("a.py", "class X: ...\nclass _Y: ..."), Source("b.py", "class X: ...\nclass _Y: ...")]
    )
    assert found == {"X": ["a", "b"]}
