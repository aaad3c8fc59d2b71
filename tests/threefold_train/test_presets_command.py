"""`threefold presets`: each preset with what its recorded run cost and reached, and nothing where none was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from threefold.commands import _preset_list
from torch_impl.runs.presets import preset_names


def listed(command, *arguments: str) -> dict[str, dict]:
    return {entry["name"]: entry for entry in json.loads(command("presets", *arguments, "--json", "-").stdout)}


def test_all_presets_are_listed_with_their_parts(command) -> None:
    found = listed(command)
    assert list(found) == preset_names()
    assert found["digits-ddpm"]["size"] == "8x8x1" and not found["digits-ddpm"]["needs_files"]
    assert found["mnist-vae"]["needs_files"] and found["mixture-flow"]["size"] == "points"
    text = command("presets", "digits-*").stdout
    assert "digits-pca" in text and "mnist-vae" not in text


def test_minutes_and_figures_are_those_of_the_recorded_run(command, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(_preset_list, "DOCS", tmp_path)
    runs = (("digits-edm", 90.0, {"cpu": "one"}), ("digits-flow", 900.0, {"cpu": "one", "gpu": "two"}))
    for name, seconds, machine in runs:
        run = tmp_path / "assets" / "runs" / name
        run.mkdir(parents=True)
        judged = {"classifier": [{"key": "intended", "name": "as intended", "value": 96.25, "unit": "%"}]}
        results = {"machine": machine, "seconds": seconds, "guidance-1": judged, "guidance-2": judged}
        (run / "results.json").write_text(json.dumps(results))
    found = listed(command, "digits-edm", "digits-flow", "digits-pca")
    assert (found["digits-edm"]["minutes_cpu"], found["digits-edm"]["minutes_gpu"]) == (1.5, None)
    assert (found["digits-flow"]["minutes_cpu"], found["digits-flow"]["minutes_gpu"]) == (None, 15.0)
    assert "as intended 96.25 %" in found["digits-edm"]["reached"] and found["digits-edm"]["aims"] == "1 of 1 aims"
    assert found["digits-flow"]["aims"] == "1 of 2 aims", "fifteen minutes are too many"
    assert found["digits-pca"]["reached"] is None and found["digits-pca"]["minutes_cpu"] is None
    assert "no run recorded" in command("presets", "digits-pca").stdout


def test_a_preset_is_timed_here_on_demand(command) -> None:
    found = listed(command, "mixture-flow", "--time", "--device", "cpu")["mixture-flow"]
    assert found["minutes_here"] > 0 and listed(command, "mixture-flow")["mixture-flow"]["minutes_here"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mnst-vae",), "no preset matches 'mnst-vae'; did you mean mnist-vae"),
        (("--device", "cpu"), "nothing is timed without --time"),
        (("mixture-flow", "--time", "--device", "gpu7"), "gpu7"),
    ],
)
def test_lists_that_cannot_be(command, arguments: tuple[str, ...], words: str) -> None:
    assert words in command("presets", *arguments, expect=2).stderr
