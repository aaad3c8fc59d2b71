"""Experiments that presets declare: what is aimed at is measured, and a small one leaves what its page shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from torch_impl.evaluation.registry import METRICS
from torch_impl.experiments import recorded, runs
from torch_impl.experiments.record import Trained, small
from torch_impl.runs.recipe import read_document

COST = ("seconds", "cpu_seconds")


def addresses(aim: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for field in ("figure", "against", "beside"):
        value = aim.get(field, [])
        found += [value] if isinstance(value, str) else value
    return found


def measured(experiment: dict[str, Any]) -> set[str]:
    """Path and metric of everything that an experiment measures."""
    variants = [f"variants/{run['name']}/" if "name" in run else "" for run in experiment.get("runs", [{}])]
    return {
        f"{variant}{asked['name'] + '/' if 'name' in asked else ''}{metric}"
        for variant in variants
        for asked in experiment["evaluations"]
        for metric in asked["metrics"]
    }


@pytest.mark.parametrize("name", recorded.declared())
def test_what_is_aimed_at_is_measured(name: str) -> None:
    experiment = read_document(name)["experiment"]
    known = measured(experiment)
    assert {place.rpartition("/")[2] for place in known} <= {row.name for row in METRICS}
    for aim in experiment["aims"]:
        for address in addresses(aim):
            if address in COST:
                continue
            place = address.rpartition(".")[0]
            fits = [one for one in known if Path(one).match(place) and one.count("/") == place.count("/")]
            assert fits, f"{address} is measured by none of {sorted(known)}"


def test_an_aim_at_nothing_would_be_seen() -> None:
    experiment = read_document("digits-pca")["experiment"]
    assert "variants/centred/subspace" in measured(experiment) and "subspace" not in measured(experiment)


def test_a_declared_experiment_leaves_its_figures_pictures_and_curves(tmp_path: Path, monkeypatch) -> None:
    few = {"steps": 4, "warmup": 0, "log_every": 1, "validate_every": 0, "preview_every": 0}
    monkeypatch.setattr(recorded, "small", lambda name, **changes: small(name, **{**changes, **few}))
    recorded.record("digits-pca", tmp_path / "work", tmp_path / "kept")
    results = json.loads((tmp_path / "kept" / "results.json").read_text())
    keys = {row["key"] for row in results["variants"]["uncentred"]["subspace"]}
    assert keys == {"centred", "uncentred", "between"} and results["seconds"] > 0
    names = {path.name for path in (tmp_path / "kept").iterdir()}
    assert {"centred-config.json", "uncentred-metrics.jsonl", "centred-components.png"} <= names


def test_runs_that_rank_are_trained_beside_it_and_their_cost_is_their_own(tmp_path: Path, monkeypatch) -> None:
    trained: list[tuple[str, Path]] = []
    judged: list[dict[str, Any]] = []

    def train(chosen: Any, out: Path) -> Trained:
        trained.append((chosen.name, out))
        return Trained(out, 3.0 if chosen.name == "glyphs-dalle" else 100.0, 2.0)

    monkeypatch.setattr(recorded, "train", train)
    monkeypatch.setattr(recorded, "judge", lambda run, metrics, **settings: judged.append(settings) or {})
    monkeypatch.setattr(recorded, "keep", lambda *given, **more: None)
    (tmp_path / "kept").mkdir()
    recorded.record("glyphs-dalle", tmp_path / "work", tmp_path / "kept")
    other = tmp_path / "work" / "beside" / "glyphs-clip"
    assert trained == [("glyphs-dalle", tmp_path / "work" / "run"), ("glyphs-clip", other)]
    assert [settings.get("rerank") for settings in judged] == [None, None, str(other)]
    assert json.loads((tmp_path / "kept" / "results.json").read_text())["seconds"] == 3


def test_an_unknown_experiment_is_named(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["experiments", "digits-pac"])
    with pytest.raises(SystemExit) as ended:
        runs.main()
    assert ended.value.code == 2 and "there is no experiment 'digits-pac'" in capsys.readouterr().err
