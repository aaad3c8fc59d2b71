"""An experiment as its preset declares it: variants to train, what is measured of each, and what is kept of that.

[[experiment.runs]]         # one variant each; none means the preset itself
name = "uncentred"
changes = { centred = false }

[[experiment.evaluations]]  # of every variant; a name makes a level of its own, a stage is one trained before it
name = "euler-10"
metrics = ["straightness"]
settings = { sampler = "euler", steps = 10 }
beside = { rerank = "glyphs-clip" }  # settings that are runs of other presets, which are trained too, not counted
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch_impl.experiments.record import judge, keep, small, train, write_results
from torch_impl.runs.recipe import read_document, recipe_names

__all__ = ["declared", "record"]


def declared() -> list[str]:
    """The presets whose files say what their experiment is."""
    return [name for name in recipe_names() if read_document(name).get("experiment", {}).get("evaluations")]


def record(name: str, work: Path, folder: Path, root: str | None = None) -> None:
    """Train the variants of a preset, measure each, and keep what the documentation shows; `root`: of local data."""
    experiment = read_document(name)["experiment"]
    runs = experiment.get("runs", [{}])
    results: dict[str, Any] = {"command": f"threefold train {name}"}
    where: dict[str, Any] = {} if root is None else {"root": root}
    beside: dict[str, str] = {}
    seconds = cpu = 0.0
    for run in runs:
        trained = train(small(name, **_frozen(run.get("changes", {})), **where), work / run.get("name", "run"))
        seconds, cpu = seconds + trained.seconds, cpu + trained.cpu_seconds
        found: dict[str, Any] = {}
        for asked in experiment["evaluations"]:
            place = found.setdefault(asked["name"], {}) if "name" in asked else found
            judged = replace(trained, out=trained.out / asked["stage"]) if "stage" in asked else trained
            for other in asked.get("beside", {}).values():
                if other not in beside:
                    beside[other] = str(train(small(other, **where), work / "beside" / other).out)
            given: dict[str, Any] = {setting: beside[other] for setting, other in asked.get("beside", {}).items()}
            place.update(judge(judged, asked["metrics"], **asked.get("settings", {}), **given, **where))
        if "name" in run:
            results.setdefault("variants", {})[run["name"]] = {**trained.cost(), **found}
        else:
            results |= found
        keep(trained, folder, {}, prefix=f"{run['name']}-" if "name" in run else "")
    write_results(folder, {**results, "seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1)})


def _frozen(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
