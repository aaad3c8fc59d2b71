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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch_impl.runs.overview import FOLDER, read_document, recipe_names
from torch_impl.systems.config import SystemConfig, config_from_json
from torch_impl.training.trainer_config import TrainerConfig

__all__ = ["FOLDER", "Recipe", "read_document", "recipe", "recipe_names"]


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
