"""The presets by name and in a line each, without PyTorch: what a help text shows."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from torch_impl.data.outline import Outline, outlines

__all__ = ["FOLDER", "derived", "preset_names", "read_document", "recipe_names", "summary", "summary_for"]

FOLDER = Path(__file__).parents[1] / "presets"
_PARTS = ("summary", "data", "system", "trainer")
_OPTIONAL = ("at_side", "experiment")
_FAMILY = "folder-"
"""The presets of a folder of images serve any images: a data set without a file of its own has the same ones."""


@cache
def recipe_names() -> tuple[str, ...]:
    """The names of the files, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read_document(name: str) -> dict[str, Any]:
    """A file as it stands, its parts checked to be there.

    Raises:
        ValueError: it is no TOML, or a part is missing or unknown.
    """
    path = FOLDER / f"{name}.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for part in _PARTS:
            if part not in document:
                raise ValueError(f"it has no {part}; a preset has {', '.join(_PARTS)}")
        unknown = [part for part in document if part not in (*_PARTS, *_OPTIONAL)]
        if unknown:
            raise ValueError(f"it has {unknown[0]!r}; a preset has {', '.join((*_PARTS, *_OPTIONAL))}")
    except ValueError as error:
        raise ValueError(f"preset file {path.name}: {error}") from error
    return document


@cache
def derived() -> dict[str, tuple[Outline, str]]:
    """Presets of the data sets that have no file: by name, the data set and the preset that it is made from."""
    names = recipe_names()
    without = [row for row in outlines() if row.has_shape and not any(n.startswith(f"{row.name}-") for n in names)]
    families = [name.removeprefix(_FAMILY) for name in names if name.startswith(_FAMILY)]
    return {f"{row.name}-{family}": (row, _FAMILY + family) for row in without for family in families}


def preset_names() -> list[str]:
    """Every preset, in the order of the data sets."""
    order = [row.name for row in outlines()]
    place = {
        name: next((i for i, set_name in enumerate(order) if name.startswith(set_name)), len(order))
        for name in (*recipe_names(), *derived())
    }
    return sorted(place, key=lambda name: (place[name], name))


def summary(name: str) -> str:
    """What a preset trains, in a line; read from its file alone."""
    if name in recipe_names():
        return str(read_document(name)["summary"])
    row, family = derived()[name]
    return summary_for(row.words, family)


def summary_for(words: str, family: str) -> str:
    """What the preset of a family trains on a data set of these words."""
    return f"{summary(family).partition(';')[0]}; {words}"
