"""What there is to train on, read from the text of the rows: importing the modules would take PyTorch, which is slow.

A help text needs no more of a data set than its name and its words. What is computed here is held against the rows
themselves by a test.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Outline", "outlines"]


class Outline(NamedTuple):
    """Of a row: its name, its words, whether it is read from files of the user's, whether it has presets."""

    name: str
    words: str
    is_local: bool
    has_shape: bool


@cache
def outlines() -> tuple[Outline, ...]:
    """Of every row of this package, those that need no files first."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    found = [outline for file in files for outline in _declared(ast.parse(file.read_text(encoding="utf-8")))]
    return tuple(sorted(found, key=lambda row: (row.is_local, row.name)))


def _declared(module: ast.Module) -> Iterator[Outline]:
    """The rows that a module ends in: `DATA = DataRow(...)`, or a tuple of them."""
    constants = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    declared = constants.get("DATA")
    for row in declared.elts if isinstance(declared, ast.Tuple) else (declared,):
        if isinstance(row, ast.Call):
            yield _outline(row, constants)


def _outline(row: ast.Call, constants: dict[str, ast.expr]) -> Outline:
    given: dict[str | None, ast.expr] = {word.arg: word.value for word in row.keywords}
    given |= dict(zip(("name", "words"), row.args, strict=False))
    takes, shape = given.get("takes"), given.get("shape")
    if isinstance(takes, ast.Name):
        takes = constants[takes.id]
    has_shape = shape is not None and not (isinstance(shape, ast.Constant) and shape.value is None)
    return Outline(
        ast.literal_eval(given["name"]),
        ast.literal_eval(given["words"]),
        takes is not None and "root" in ast.literal_eval(takes),
        has_shape,
    )
