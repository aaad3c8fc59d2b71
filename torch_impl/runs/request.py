"""What `threefold train` was asked for, and the preset that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch_impl.runs.config_file import configured, read_config
from torch_impl.runs.load import read_description
from torch_impl.runs.open import begun_description, begun_preset
from torch_impl.runs.presets import Preset, override, preset, read_field
from torch_impl.training import CheckpointStore, StoredCheckpoint
from torch_impl.training.progress import TensorBoardObserver

__all__ = ["Begun", "Request", "begun_run", "chosen_folder", "located", "named_preset", "requested_preset"]


@dataclass(frozen=True)
class Request:
    """What `threefold train` was asked for."""

    preset: str | None
    config: Path | None
    data: str | None
    out: Path | None
    resume: bool
    resume_from: Path | None
    compressor: Path | None
    device: str
    changes: Mapping[str, Any]
    settings: tuple[str, ...]
    dry_run: bool
    skip_bad: bool
    accept_changed_data: bool
    lr_restart: bool
    pictures: bool
    tensorboard: bool

    def __post_init__(self) -> None:
        if self.tensorboard and not TensorBoardObserver.available():
            raise ValueError("--tensorboard: TensorBoard is not installed; pip install tensorboard, or leave it out")

    def document(self) -> dict[str, Any]:
        """What the configuration file says; nothing without one."""
        return {} if self.config is None else read_config(self.config)


@dataclass(frozen=True)
class Begun:
    """What there is of a run to go on with: its checkpoint, verified, and what it was begun with."""

    checkpoint: StoredCheckpoint | None = None
    description: Mapping[str, Any] | None = None


def begun_run(out: Path, request: Request) -> Begun:
    """What is to be gone on with in a folder; nothing, for a run from the start.

    Raises:
        ValueError: the folder holds a run and `--resume` was not given, or the other way round, or it holds something
            else that a run would replace.
    """
    store = CheckpointStore(out / "checkpoints")
    description = None if store.all() else begun_description(out)
    if not request.resume:
        if store.all():
            raise ValueError(
                f"{out} already holds a run (latest checkpoint: step {store.all()[-1].step}); "
                "go on with --resume, or choose another folder with --out"
            )
        return Begun()
    store.best()  # a mark that cannot be read is found now, not at the next checkpoint
    if request.resume_from is not None:
        from_there = StoredCheckpoint(request.resume_from)
        checkpoint = CheckpointStore(from_there.path.parent).verified(from_there)
    elif store.all() or description is None:
        checkpoint = store.latest()
    else:
        return Begun(None, description)
    return Begun(checkpoint, read_description(checkpoint, needs_data=True))


# -- the preset -------------------------------------------------------------------------------------------------------


def named_preset(request: Request, document: Mapping[str, Any]) -> str:
    """The preset's name, from the command line or the configuration.

    Raises:
        ValueError: neither says it, or they say different ones.
    """
    said = document.get("preset")
    if said is not None and not isinstance(said, str):
        raise ValueError(f"--config {request.config}: preset is {said!r}; it must be a name")
    if request.preset is None and said is None:
        raise ValueError("which PRESET to train? Name one, or give a --config FILE that does; --help lists them")
    if request.preset is not None and said is not None and said != request.preset:
        raise ValueError(f"--config {request.config} is of {said}, not of {request.preset}; leave out one of the two")
    return request.preset or str(said)


def chosen_folder(request: Request, name: str, data: Path | None) -> Path:
    """Where the run goes: `runs/NAME`, beside the data where that would lie inside them.

    Raises:
        ValueError: `--out` lies inside the data, or these inside what the run writes.
    """
    out = request.out or Path("runs") / name
    if data is None or not data.is_dir():
        return out
    home = data.resolve()
    if request.out is None and out.resolve().is_relative_to(home):
        return home.parent / "runs" / name
    there = out.resolve()
    if there.is_relative_to(home):
        raise ValueError(
            f"--out {out} lies inside --data {data}, so that what the run writes would be among its data; choose a "
            f"folder beside it, such as --out {home.parent / 'runs' / name}"
        )
    own = (
        "checkpoints",
        "samples",
        "portraits",
        "averages",
        "compressor",
        "teacher",
        "base",
        "abandoned",
        "tensorboard",
    )
    if any(home.is_relative_to(there / part) for part in own):
        raise ValueError(f"--data {data} lies inside --out {out}, among what a run writes; choose another --out")
    return out


def requested_preset(request: Request, name: str, document: Mapping[str, Any], begun: Begun) -> Preset:
    """The preset, or what it was in the run that is gone on with, with every override in place."""
    settings = _settings(request)
    chosen = preset(name)
    size = _side(chosen, request, settings, document)
    if size is not None:
        chosen = preset(name, size)
    if begun.description is not None:
        chosen = begun_preset(chosen, begun.description)
    chosen = configured(chosen, document)
    changes = dict(request.changes)
    for field, value in settings.items():
        changes[field] = read_field(chosen, field, value)
    if request.data is not None:
        changes |= _data_changes(chosen, request.data)
    if changes.get("label_drop") and not changes.get("conditional", getattr(chosen.system, "conditional", True)):
        raise ValueError(
            f"label_drop is {changes['label_drop']}, but the model is unconditional and has no class to hide; leave "
            "out --label-drop, or train with --conditional"
        )
    said = {*changes, *document.get("trainer", {})}
    steps = changes.get("steps", chosen.trainer.steps)
    if "warmup" not in said and isinstance(steps, int) and 0 < steps - chosen.trainer.lr_start < chosen.trainer.warmup:
        changes["warmup"] = (steps - chosen.trainer.lr_start) // 10
    return override(chosen, changes)


def located(request: Request, name: str, document: Mapping[str, Any]) -> Preset:
    """The preset with its data where they are, before anything else is looked at."""
    chosen = preset(name)
    given = document.get("data", {}).get("root")
    if request.data is not None:
        return override(chosen, _data_changes(chosen, request.data))
    if chosen.data.is_local and isinstance(given, str):
        return override(chosen, {"root": given})
    return chosen


def _settings(request: Request) -> dict[str, str]:
    """What `--set` gives, by field, as text."""
    found = {}
    for setting in request.settings:
        name, separator, value = setting.partition("=")
        if not separator or not name:
            raise ValueError(f"--set takes FIELD=VALUE, for example --set widths=64,128; got {setting!r}")
        found[name.replace("-", "_")] = value
    return found


def _side(chosen: Preset, request: Request, settings: Mapping[str, str], document: Mapping[str, Any]) -> int | None:
    """The side that was asked for, where the data can be had in several; the networks are chosen by it."""
    if chosen.data.image_size is None:
        return None
    said = [document.get(part, {}).get("image_size") for part in ("system", "data")]
    text = settings.get("image_size")
    asked = [request.changes.get("image_size"), int(text) if text and text.isdigit() else None, *said]
    size = next((value for value in asked if isinstance(value, int)), None)
    if size is not None and not 1 <= size <= 2**14:
        raise ValueError(f"image_size is {size}; it must lie in 1..{2**14}, for example 64")
    return size


def _data_changes(chosen: Preset, data: str) -> dict[str, Any]:
    if not data:
        raise ValueError("--data is empty; name a folder or a file, or leave it out")
    if chosen.data.is_local:
        return {"root": data}
    if laws := chosen.system.laws:
        return {"name": data if data.startswith(laws) else laws + data}
    raise ValueError(
        f"{chosen.name} brings its own data, so --data {data} has no meaning; for your own images use a folder- preset"
    )
