"""Presets as files: a summary, and the parts of a run's configuration (`config_file`) whole.

Every `.toml` file in `recipes` is the preset of its name; a new one is registered nowhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from torch_impl.training.systems.config import SystemConfig, config_from_json
from torch_impl.training.trainer_config import TrainerConfig

__all__ = ["FOLDER", "recipe", "recipe_names"]

FOLDER = Path(__file__).with_name("recipes")
_PARTS = ("summary", "data", "system", "trainer")


@cache
def recipe_names() -> tuple[str, ...]:
    """The names of the files, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def recipe(name: str) -> tuple[str, Mapping[str, Any], SystemConfig, TrainerConfig]:
    """Summary, choice of data, system and training of a file.

    Raises:
        ValueError: the file says what there is not; the message names it.
    """
    path = FOLDER / f"{name}.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for part in _PARTS:
            if part not in document:
                raise ValueError(f"it has no {part}; a preset has {', '.join(_PARTS)}")
        unknown = [part for part in document if part not in _PARTS]
        if unknown:
            raise ValueError(f"it has {unknown[0]!r}; a preset has {', '.join(_PARTS)}")
        trainer = TrainerConfig.from_json(document["trainer"])
        missing = document["trainer"].keys() - trainer.to_json().keys()
        if missing:
            raise ValueError(f"the trainer has no field {min(missing)!r}")
        return document["summary"], document["data"], config_from_json(document["system"]), trainer
    except (ValueError, TypeError) as error:
        raise ValueError(f"preset file {path.name}: {error}") from error
