"""A run's configuration as a file: TOML (written and read) or JSON (read), in the parts of a preset.

    preset = "folder-ddpm"

    [data]     # name, image_size, channels, root, label, flip, workers, without
    [system]   # the fields of the model
    [trainer]  # the fields of the training

A file may say as little as it wants to; the rest is the preset's.  What comes from the data is not taken from a file.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

from torch_impl.runs.presets import Preset
from torch_impl.systems.config import config_from_json
from torch_impl.training.fields import check_value
from torch_impl.training.trainer_config import TrainerConfig

__all__ = ["configured", "read_config", "to_toml"]

_PARTS = ("data", "system", "trainer")
_FOUND = ("classes", "weights", "means", "variances", "fingerprint", "levels")
"""What a run finds in its data; said in a file, it is passed over."""
_LARGEST = 64 * 2**20


def read_config(path: Path) -> dict[str, Any]:
    """The content of a configuration file, its parts checked to be tables.

    Raises:
        ValueError: it cannot be read, is neither TOML nor JSON, or has parts that a configuration does not have.
    """
    try:
        if path.stat().st_size > _LARGEST or not path.is_file():
            raise ValueError(f"--config {path} is no configuration file; a file that a run wrote is config.toml")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"--config {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"--config {path} is not a text file ({error.reason} at byte {error.start})") from error
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"--config {path} is neither TOML nor JSON: {error}") from error
    for part in _PARTS:
        if not isinstance(found.get(part, {}), dict):
            raise ValueError(f"--config {path}: {part} is {found[part]!r}; it must be a table")
    unknown = sorted(found.keys() - {"preset", "versions", *_PARTS})
    if unknown:
        raise ValueError(f"--config {path} has {unknown[0]!r}; known are preset, {', '.join(_PARTS)}")
    return dict(found)


def configured(chosen: Preset, document: Mapping[str, Any]) -> Preset:
    """The preset with what a configuration says of it.

    Raises:
        ValueError: a field that there is not, or a value that it cannot have.
    """
    data = _fields(chosen.data, document.get("data", {}), "data")
    if data.get("name", chosen.data.name) != chosen.data.name and not chosen.system.laws:
        raise ValueError(f"the configuration is of {data['name']}, and preset {chosen.name} of {chosen.data.name}")
    system = dict(document.get("system", {}))
    if system.pop("kind", chosen.system.kind) != chosen.system.kind:
        raise ValueError(f"the configuration's system is {document['system']['kind']!r}; {chosen.name} is of another")
    size = system.get("image_size", data.get("image_size", chosen.system.image_size))
    system = {**chosen.system.to_json(), **_fields(chosen.system, system, "system"), "image_size": size}
    trainer = dict(document.get("trainer", {}))
    ema = {"ema": trainer.pop("ema")} if "ema" in trainer else {}
    trainer = {**chosen.trainer.to_json(), **_fields(chosen.trainer, trainer, "trainer"), **ema}
    return dataclasses.replace(
        chosen,
        data=dataclasses.replace(chosen.data, **data),
        system=config_from_json(system),
        trainer=TrainerConfig.from_json(trainer),
    )


def _fields(part: Any, given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The values given for fields of a part, as the part has them."""
    declared = get_type_hints(type(part))
    known = {field.name for field in dataclasses.fields(part)}
    values: dict[str, Any] = {}
    for field, value in given.items():
        if field in _FOUND:
            continue
        if field not in known:
            raise ValueError(f"the configuration's [{name}] has {field!r}; its fields are {', '.join(sorted(known))}")
        value = None if value == "none" and getattr(part, field) is None else _frozen(value)
        if value == "none" and type(None) in getattr(declared[field], "__args__", ()):
            value = None
        check_value(field, value, declared[field])
        values[field] = value
    return values


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


# -- writing ----------------------------------------------------------------------------------------------------------


def to_toml(chosen: Preset) -> str:
    """The preset as a file that `read_config` reads."""
    lines = ["# What `threefold train --config FILE` takes; options given beside it go first.", ""]
    whole = chosen.to_json()
    lines.append(f"preset = {_toml(whole['preset'])}")
    for part in _PARTS:
        lines += ["", f"[{part}]"]
        for name, value in whole[part].items():
            if name in _FOUND or (value is None and name != "clip") or (name == "without" and not value):
                continue
            lines.append(f"{name} = {_toml('none' if value is None else value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return repr(value)
