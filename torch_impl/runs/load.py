"""From a checkpoint to a model, whoever wrote the checkpoint: everything in it is compared before it costs memory."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from torch_impl.runs.presets import DataChoice
from torch_impl.systems import build_system
from torch_impl.training.checkpoint import CheckpointDamaged, StoredCheckpoint, find_checkpoint
from torch_impl.training.ema import PowerFunction, Snapshot, profile_from_json, reconstruct
from torch_impl.training.fields import check_value, declared_types
from torch_impl.training.run_state import Progress, averages_store, ema_part
from torch_impl.training.state import load_state_tensors, part_facts, refuse_other_part, state_tensors
from torch_impl.training.system import System
from torch_impl.training.tensors import TensorFacts

__all__ = ["Model", "build_within", "data_fields", "load", "load_model", "read_description"]


@dataclass(frozen=True)
class Model:
    """A model read from a checkpoint: its system in eval mode, and what the checkpoint says about it."""

    system: System
    checkpoint: StoredCheckpoint
    description: Mapping[str, Any]

    @property
    def data(self) -> DataChoice:
        """The data it was trained on, without the place of local files."""
        return DataChoice(**data_fields(self.description.get("data", {})))

    @property
    def trainer(self) -> Mapping[str, Any]:
        trainer: Mapping[str, Any] = self.description["trainer"]
        return trainer


def load_model(
    where: Path | str | StoredCheckpoint,
    *,
    weights: str = "ema",
    ema_width: float | None = None,
    device: torch.device | str = "cpu",
    system: System | None = None,
) -> Model:
    """The model of a checkpoint, ready to sample and evaluate.  Runs no code from the checkpoint.

    Args:
        where: a run's folder (its latest checkpoint), a checkpoint's folder, or an opened checkpoint.
        weights: `ema` (the first moving average, or the raw weights of a run without one) or `raw`.
        ema_width: sigma_rel of a power-function average to reconstruct from the run's checkpoints (`--ema power` runs).
        device: where the model is put.
        system: a system of the caller's own to be filled; by default the one that the checkpoint describes is built.

    Raises:
        CheckpointMissing, CheckpointDamaged: there is no checkpoint, or a file of it is not what it should be.
        ValueError: the weights are not the system's, or an option has no meaning for this run.
    """
    checkpoint = where if isinstance(where, StoredCheckpoint) else find_checkpoint(Path(where))
    if weights not in ("ema", "raw"):
        raise ValueError(f"weights is {weights!r}; choose ema or raw")
    if weights == "raw" and ema_width is not None:
        raise ValueError(
            f"--ema-width {ema_width} asks for an average, and --weights raw for none; leave out one of the two"
        )
    description = read_description(checkpoint, needs_system=system is None)
    part = "ema" if weights == "ema" and description["trainer"]["ema"] else "model"
    if system is None:
        system = build_within(description["system"], checkpoint, part_facts(checkpoint, part))
    if ema_width is None:
        load_state_tensors(checkpoint, part, system)
    else:
        refuse_other_part(checkpoint, part, system)
        _fill_reconstructed(checkpoint, description, system, ema_width)
    return Model(system.eval().requires_grad_(False).to(device), checkpoint, description)


load = load_model


def _fill_reconstructed(
    checkpoint: StoredCheckpoint, description: Mapping[str, Any], system: System, width: float
) -> None:
    profiles = [profile_from_json(profile) for profile in description["trainer"]["ema"]]
    mine = state_tensors(system)
    wanted = {name: TensorFacts.of(tensor) for name, tensor in mine.items()}
    updates = Progress.of(checkpoint, len(profiles)).ema_updates
    snapshots = _snapshots(checkpoint, profiles, updates, wanted)
    tensors = reconstruct(snapshots, updates=updates[0] if updates else 0, sigma_rel=width)
    with torch.no_grad():
        for name, tensor in mine.items():
            tensor.copy_(tensors[name])


# -- what a checkpoint says of its run --------------------------------------------------------------------------------


def read_description(
    checkpoint: StoredCheckpoint, needs_system: bool = True, needs_data: bool = False
) -> dict[str, Any]:
    """What a run is: `system`, `data`, `trainer`, each a JSON object whose kind is right.

    Raises:
        CheckpointDamaged: one of them is missing or has a value that none writes.
    """
    path, config = checkpoint.path / "config.json", checkpoint.config
    trainer = config.get("trainer")
    if not isinstance(trainer, dict) or not isinstance(trainer.get("ema", []), list):
        raise CheckpointDamaged(path, "it does not say how the run was trained (trainer)", remedy=_ANOTHER)
    if needs_system and not isinstance(config.get("system"), dict):
        raise CheckpointDamaged(
            path, "it does not say which system it is of", remedy="build the system yourself: load(path, system=...)"
        )
    if needs_data and not isinstance(config.get("data"), dict):
        raise CheckpointDamaged(path, "it does not say which data the run was trained on (data)", remedy=_ANOTHER)
    try:
        DataChoice(**data_fields(config.get("data", {}))) if config.get("data") else None
        [profile_from_json(profile) for profile in trainer.get("ema", [])]
    except (ValueError, TypeError) as error:
        raise CheckpointDamaged(path, str(error), remedy=_ANOTHER) from None
    return {**config, "trainer": {"ema": [], **trainer}}


_ANOTHER = "restore the file from a backup, or give another checkpoint"


def data_fields(stored: Any) -> dict[str, Any]:
    """The fields of a choice of data that a description has.

    Raises:
        ValueError: a value is not of its kind.
    """
    if not isinstance(stored, Mapping):
        raise ValueError("what it says of the data is no JSON object")
    hints = declared_types(DataChoice)
    fields = {field.name for field in dataclasses.fields(DataChoice)}
    found = {name: value for name, value in stored.items() if name in fields}
    for name, value in found.items():
        value = tuple(value) if isinstance(value, list) else value
        check_value(f"data.{name}", value, hints[name])
    return found


# -- building what it describes ---------------------------------------------------------------------------------------


class _Budget(TorchFunctionMode):
    """Refuses, before it is made, a new tensor that takes what was made past so many bytes or so many tensors."""

    def __init__(self, most_bytes: int, most_tensors: int) -> None:
        super().__init__()
        self.left_bytes, self.left_tensors = most_bytes, most_tensors

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        count = _SIZES.get(func)
        if count is not None:
            dtype = kwargs.get("dtype")
            numbers = count(args, kwargs)
            self.left_bytes -= numbers * (dtype.itemsize if isinstance(dtype, torch.dtype) else 4)
            self.left_tensors -= 1
            if self.left_bytes < 0 or self.left_tensors < 0:
                raise _OverBudget
        return func(*args, **kwargs)


class _OverBudget(Exception):
    """More than the weights of a checkpoint can fill."""


def _of_shape(args: Any, kwargs: Mapping[str, Any]) -> int:
    size = kwargs.get("size", args)
    if len(size) == 1 and isinstance(size[0], tuple | list | torch.Size):
        size = size[0]
    return math.prod(int(length) for length in size)


def _of_range(args: Any, kwargs: Mapping[str, Any]) -> int:
    numbers = [float(number) for number in args]
    start, end = (0.0, numbers[0]) if len(numbers) == 1 else numbers[:2]
    return max(0, math.ceil((end - start) / (numbers[2] if len(numbers) > 2 else 1.0)))


_SIZES: dict[Callable[..., Any], Callable[[Any, Mapping[str, Any]], int]] = {
    **dict.fromkeys((torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn), _of_shape),
    torch.full: lambda args, kwargs: _of_shape((args[0],), {}),
    torch.eye: lambda args, kwargs: int(args[0]) * int(args[1] if len(args) > 1 else args[0]),
    torch.linspace: lambda args, kwargs: int(args[2] if len(args) > 2 else kwargs["steps"]),
    torch.arange: _of_range,
}
_SLACK_BYTES, _SLACK_TENSORS = 2**25, 2000  # tables of a schedule and the like, which no checkpoint has


def build_within(
    description: Mapping[str, Any], checkpoint: StoredCheckpoint, stored: Mapping[str, TensorFacts]
) -> System:
    """The system of a description, with fresh weights, if these are not more than the stored tensors can fill.

    Raises:
        CheckpointDamaged: it describes what cannot be built, or what is larger than its weights.
    """
    path, held = checkpoint.path / "config.json", sum(facts.bytes for facts in stored.values())
    try:
        with _Budget(2 * held + _SLACK_BYTES, 8 * len(stored) + _SLACK_TENSORS):
            return build_system(description)
    except _OverBudget:
        what = f"it describes a model larger than the {held} bytes of its weights"
        raise CheckpointDamaged(path, what, remedy=_ANOTHER) from None
    except (ValueError, ArithmeticError, TypeError, RuntimeError, IndexError) as error:
        raise CheckpointDamaged(path, f"its system cannot be built ({error})", remedy=_ANOTHER) from None


# -- averages of other widths -----------------------------------------------------------------------------------------


def _snapshots(
    checkpoint: StoredCheckpoint, profiles: list[Any], updates: list[int], wanted: Mapping[str, TensorFacts]
) -> list[Snapshot]:
    """Power-function averages that a run kept, up to a checkpoint.

    Those of the checkpoint itself, where a kill kept their snapshot from being written.
    """
    if checkpoint.path.parent.name != "checkpoints":
        raise ValueError(
            f"the averages of its run do not lie beside {checkpoint.path}, which was moved; give the run's folder"
        )
    found: list[Snapshot] = []
    seen: set[int] = set()
    store = averages_store(checkpoint.path.parent.parent)
    for stored in store.all():
        if stored.step <= checkpoint.step:
            seen.add(stored.step)
            found += _kept(store.verified(stored), wanted)
    if checkpoint.step not in seen:
        for i, (profile, count) in enumerate(zip(profiles, updates, strict=True)):
            if isinstance(profile, PowerFunction):
                tensors = checkpoint.tensors(f"{ema_part(i)}.safetensors", wanted)
                found.append(Snapshot(count, profile.sigma_rel, tensors))
    return found


def _kept(stored: StoredCheckpoint, wanted: Mapping[str, TensorFacts]) -> list[Snapshot]:
    path, about = stored.path / "averages.json", stored.document("averages.json")
    wrong = CheckpointDamaged(path, "it is no list of averages", remedy="restore the file, or remove its folder")
    if not isinstance(about, dict):
        raise wrong
    found = []
    for file, facts in about.items():
        count, width = (facts.get(key) if isinstance(facts, dict) else None for key in ("updates", "sigma_rel"))
        if not re.fullmatch(r"ema(-\d+)?\.safetensors", file) or type(count) is not int or not 0 < count < 2**53:
            raise wrong
        if not isinstance(width, float) or not 0 < width <= 0.2887:
            raise wrong
        found.append(Snapshot(count, width, stored.tensors(file, wanted)))
    return found
