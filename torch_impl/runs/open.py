"""From a preset to a run (data loaded, system built and fitted, trainer ready); from a checkpoint to a model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from torch_impl.data import Batches, load
from torch_impl.files import read_json
from torch_impl.networks import keep_heap
from torch_impl.runs.load import Model, data_fields, load_model
from torch_impl.runs.presets import DataChoice, Preset
from torch_impl.systems import config_from_json
from torch_impl.training.checkpoint import StoredCheckpoint
from torch_impl.training.processes import Processes
from torch_impl.training.run_state import refuse_other_run
from torch_impl.training.system import Batch, TrainedStage
from torch_impl.training.trainer import Observer, Trainer
from torch_impl.training.trainer_config import TrainerConfig

__all__ = [
    "Model",
    "begun_description",
    "begun_preset",
    "compressor_preset",
    "fit_to_data",
    "load_model",
    "load_split",
    "open_run",
    "refuse_other_compressor",
]


# -- data -------------------------------------------------------------------------------------------------------------


def load_split(choice: DataChoice, split: str) -> Any:
    """One split of the data of a choice; the splits do not depend on the seed of a run.

    Raises:
        torch_impl.data.DataNotFound, torch_impl.data.BadData, ValueError: with the remedy.
    """
    options: dict[str, Any] = {}
    for name in ("image_size", "channels", "root", "label"):
        value = getattr(choice, name)
        if value is not None:
            options[name] = value
    if choice.without:
        options["without"] = choice.without
    return load(choice.name, split, **options)


def fit_to_data(chosen: Preset, data: Any) -> Preset:
    """The preset with side, channels and classes of the data that was found, and for a mixture its law.

    Raises:
        ValueError: the data cannot be used with this system.
    """
    return dataclasses.replace(chosen, system=chosen.system.fitted(data))


def first_examples(data: Any, n: int, device: torch.device | str = "cpu") -> Batch:
    """The first n examples (or all) of a split."""
    count = n if data.size is None else min(n, data.size)
    x, y = data.fetch(torch.arange(count))
    return Batch(x.to(device), None if y is None else y.to(device))


# -- runs -------------------------------------------------------------------------------------------------------------


def describe(chosen: Preset, data: Any) -> dict[str, Any]:
    """What a checkpoint keeps so that model and data can be had again."""
    known = {"fingerprint": data.fingerprint, "classes": None if data.classes is None else list(data.classes)}
    levels = getattr(data, "levels", None)
    choice = {**dataclasses.asdict(chosen.data), **known, "levels": levels}
    for name in (*_PLACES, *(() if chosen.data.without else ("without",))):
        choice.pop(name)
    return {"preset": chosen.name, "data": choice, "system": chosen.system.to_json()}


_PLACES = ("root", "workers")  # where files lie and how they are read is not part of what is trained


_FOLDERS = ("samples", "portraits", "averages", "tensorboard", "abandoned")  # of a run, besides its checkpoints


def begun_description(out: Path) -> dict[str, Any] | None:
    """What a run that was stopped before its first checkpoint was begun with; None where no run was begun.

    Its folder says so since before the first step.

    Raises:
        ValueError: the folder has files that a run would replace, and they are not those of a run so stopped.
    """
    try:
        description = read_json(out / "config.json")
    except (FileNotFoundError, ValueError):
        description = None
    parts = ("data", "system", "trainer")
    begun = isinstance(description, dict) and all(isinstance(description.get(part), dict) for part in parts)
    at_the_end = ("report.html", "summary.png")
    written = at_the_end if begun else ("config.json", "config.toml", "data.json", "metrics.jsonl", *at_the_end)
    there = [name for name in written if (out / name).exists()]
    if not begun:
        there += [f"{name}/" for name in _FOLDERS if (out / name).is_dir() and any((out / name).iterdir())]
    if there:
        raise ValueError(
            f"{out} has {', '.join(there)}, which a run would replace, and no checkpoint to go on from; choose another "
            "folder with --out, or move this away"
        )
    return description if begun else None


def begun_preset(chosen: Preset, description: Mapping[str, Any]) -> Preset:
    """The preset as it was changed for a run that was begun; where local files lie is as in `chosen`.

    Raises:
        ValueError: the run is of another preset.
    """
    if description.get("preset") != chosen.name:
        raise ValueError(
            f"this run was begun with preset {description.get('preset')}, not {chosen.name}; go on with that one, or "
            "choose another folder with --out"
        )
    stored = {name: value for name, value in data_fields(description["data"]).items() if name not in _PLACES}
    trainer = {name: value for name, value in description["trainer"].items() if name != "draw_blocks"}
    return dataclasses.replace(
        chosen,
        data=dataclasses.replace(chosen.data, **stored),
        system=config_from_json(description["system"]),
        trainer=TrainerConfig.from_json(chosen.trainer.to_json() | trainer),
    )


def open_run(
    chosen: Preset,
    out: Path | None,
    *,
    processes: Processes | None = None,
    observer: Observer | None = None,
    compressor: StoredCheckpoint | None = None,
    to_restore: bool = False,
) -> Trainer:
    """A trainer for a preset, at step 0: data loaded and checked, system built with the weights of the seed.

    Args:
        compressor: the trained stage before it, of a system of several.
        to_restore: the trainer will be put back to a checkpoint, whose weights have the first stage among them.

    Raises:
        ValueError (and the data's own errors): anything that cannot work, before the first step.
    """
    processes = processes or Processes.start()
    config = chosen.trainer
    config.blocks_for(processes.world)
    data = load_split(chosen.data, "train")
    chosen = fit_to_data(chosen, data)
    torch.manual_seed(config.seed)
    system = chosen.system.build()
    held_out = [] if chosen.system.laws else _held_out(chosen.data)
    if not (to_restore and chosen.system.first_stage()):
        system.prepare(data, None if compressor is None else _trained_stage(compressor, chosen, data))
    if processes.device.type == "cpu":
        keep_heap()
    batches = Batches(
        data,
        batch_size=config.batch_size // config.accumulate,
        seed=config.seed,
        rank=processes.rank,
        world=processes.world,
        device=processes.device,
        workers=chosen.data.workers,
        flip=chosen.data.flip,
    )
    return Trainer(
        system,
        batches,
        config,
        out=out,
        description=describe(chosen, data),
        held_out=held_out,
        processes=processes,
        observer=observer,
    )


def _trained_stage(checkpoint: StoredCheckpoint, chosen: Preset, data: Any) -> TrainedStage:
    """An earlier stage, averaged.

    Raises:
        ValueError: it was trained on other data.
    """
    found = load_model(checkpoint)
    theirs = found.description.get("data", {})
    if theirs.get("name") != chosen.data.name or theirs.get("fingerprint", data.fingerprint) != data.fingerprint:
        raise ValueError(
            f"{checkpoint.path} was trained on {theirs.get('name')} (fingerprint {theirs.get('fingerprint')}), and "
            f"{chosen.name} is trained on {chosen.data.name} ({data.fingerprint}); give a stage of the same data"
        )
    return TrainedStage(found.system, checkpoint.path)


def _held_out(choice: DataChoice, largest: int = 1000) -> list[Batch]:
    x, y = first_examples(load_split(choice, "val"), largest)
    size = 250
    return [Batch(x[i : i + size], None if y is None else y[i : i + size]) for i in range(0, len(x), size)]


# -- systems of several stages ----------------------------------------------------------------------------------------


def compressor_preset(chosen: Preset) -> Preset:
    """The stage before a preset of several as a preset of its own."""
    stage = chosen.system.first_stage()
    if stage is None:
        raise ValueError(f"{chosen.name} has no earlier stage")
    changed = {"steps": stage.steps, "warmup": min(100, stage.steps), "lr_start": 0, "lr_start_rate": 0.0}
    trainer = dataclasses.replace(chosen.trainer, **{**changed, **stage.trainer})
    name = f"{chosen.name} ({chosen.system.stage})"
    return dataclasses.replace(chosen, name=name, system=stage.config, trainer=trainer)


def refuse_other_compressor(stage: Preset, checkpoint: StoredCheckpoint) -> None:
    """Refuse a trained first stage that is not the one that was asked for.

    Raises:
        ValueError: it is of another system, data set, seed, batch size or average, or was trained for longer.
    """
    data = load_split(stage.data, "train")
    asked = {**describe(fit_to_data(stage, data), data), "trainer": stage.trainer.to_json()}
    refuse_other_run(checkpoint, json.loads(json.dumps(asked)))
    if checkpoint.step > stage.trainer.steps:
        raise ValueError(
            f"{checkpoint.path} was trained for {checkpoint.step} steps, and {stage.trainer.steps} are asked for now; "
            f"ask for {checkpoint.step} steps of it (--help shows the option), or start anew in another --out folder"
        )
