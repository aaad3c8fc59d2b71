"""Presets as files: a summary, and the parts of a run's configuration (`config_file`).

Every `.toml` file in `torch_impl/presets` is the preset of its name; a new one is registered nowhere.

    summary = "diffusion on photos"

    [data]     # name, image_size, channels, root, label, flip, workers
    [system]   # kind, and those fields of the model that are not its defaults
    [trainer]  # those of the training

    [[at_side]]  # where the data can be had in several sizes: what is other for images of a side in a range
    most = 31
    trainer = { steps = 50_000 }

    [[experiment.aims]]  # what its experiment is to reach: a figure by its key, and the bound
    words = "the class that was asked for in 95 % of the samples"
    figure = "classifier.intended"
    at_least = 95
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from torch_impl.systems.config import SystemConfig, config_from_json
from torch_impl.training.trainer_config import TrainerConfig

__all__ = ["FOLDER", "Recipe", "read_document", "recipe", "recipe_names"]

FOLDER = Path(__file__).parents[1] / "presets"
_PARTS = ("summary", "data", "system", "trainer")
_OPTIONAL = ("at_side", "experiment")


@dataclass(frozen=True)
class Recipe:
    """What a file says: summary, choice of data, system, training, and what is other at other sides."""

    summary: str
    data: Mapping[str, Any]
    system: SystemConfig
    trainer: TrainerConfig
    at_side: tuple[Mapping[str, Any], ...] = ()

    def trainer_at(self, size: int) -> TrainerConfig:
        """How to train on images of a side."""
        fields = self.trainer.to_json()
        for case in self.at_side:
            if case.get("least", 1) <= size <= case.get("most", size):
                fields |= case["trainer"]
        return TrainerConfig.from_json(fields)


@cache
def recipe_names() -> tuple[str, ...]:
    """The names of the files, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read_document(name: str) -> dict[str, Any]:
    """A file as it stands, its parts checked to be there; needs no PyTorch.

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


def recipe(name: str) -> Recipe:
    """What the file of a name says.

    Raises:
        ValueError: the file says what there is not; the message names it.
    """
    document = read_document(name)
    try:
        cases = tuple(document.get("at_side", ()))
        for case in cases:
            if not case.keys() <= {"least", "most", "trainer"} or not isinstance(case.get("trainer"), dict):
                raise ValueError("at_side has least, most (sides) and trainer (a table)")
        trainers = [document["trainer"], *(case["trainer"] for case in cases)]
        trainer = TrainerConfig.from_json(document["trainer"])
        missing = {field for given in trainers for field in given} - trainer.to_json().keys()
        if missing:
            raise ValueError(f"the trainer has no field {min(missing)!r}")
        system = config_from_json(document["system"])
        return Recipe(document["summary"], document["data"], system, trainer, cases)
    except (ValueError, TypeError) as error:
        raise ValueError(f"preset file {name}.toml: {error}") from error
