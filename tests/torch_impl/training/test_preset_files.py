"""Presets became files; each is what it was when it was code, at its own side and at others."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from torch_impl.data.catalogue import ROWS
from torch_impl.runs import presets
from torch_impl.runs.presets import Preset, preset, preset_names
from torch_impl.runs.recipe import FOLDER

BEFORE: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("presets_before_files.json").read_text(encoding="utf-8")
)
PARTS = ("data", "system", "trainer")


def differences(chosen: Preset, before: Mapping[str, Any]) -> list[str]:
    """Fields with another value than they had; a field that came later must have its default."""
    found = []
    for part in PARTS:
        owner = getattr(chosen, part)
        now = json.loads(json.dumps(chosen.to_json()))[part]
        defaults = {field.name: field.default for field in dataclasses.fields(owner)}
        for name, value in now.items():
            was = before[part].get(name, defaults.get(name, value))
            if value != json.loads(json.dumps(was)):
                found.append(f"{part}.{name} = {value}, was {was}")
        found += [f"{part}.{name} is gone" for name in before[part].keys() - now.keys()]
    return found


@pytest.mark.parametrize("key", BEFORE)
def test_a_preset_is_what_it_was(key: str) -> None:
    name, _, side = key.partition("@")
    before = {part: {**BEFORE[name][part], **BEFORE[key].get(part, {})} for part in PARTS}
    chosen = preset(name, int(side)) if side else preset(name)
    assert chosen.summary == BEFORE[name]["summary"]
    assert not differences(chosen, before)


def test_another_value_would_be_seen() -> None:
    chosen = preset("digits-ddpm")
    other = dataclasses.replace(chosen, trainer=dataclasses.replace(chosen.trainer, warmup=201))
    assert differences(other, BEFORE["digits-ddpm"]) == ["trainer.warmup = 201, was 200"]


def test_every_preset_is_a_file() -> None:
    assert set(preset_names()) == {path.stem for path in FOLDER.glob("*.toml")}
    assert set(BEFORE) >= {name for name in BEFORE if "@" not in name}
    assert {name for name in BEFORE if "@" not in name} <= set(preset_names())


def test_a_data_set_without_files_has_the_presets_of_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    toys = dataclasses.replace(next(row for row in ROWS if row.name == "digits"), name="toys", words="toys")
    monkeypatch.setattr(presets, "ROWS", (*ROWS, toys))
    assert {"toys-ddpm", "toys-vae"} <= set(preset_names())
    chosen = preset("toys-ddpm")
    assert (chosen.system.image_size, chosen.system.channels, chosen.system.classes) == (8, 1, 10)
    assert chosen.system.to_json()["conditional"] and chosen.trainer.steps == 50_000 and chosen.summary.endswith("toys")
