"""A run's whole state, out to a checkpoint and back: weights, averages, optimizer, step, data position, generators.

Every process takes part: each writes its own generators (and, sharded, its own shards), the first writes the rest.
What a checkpoint says is checked in full before the first tensor of a run is changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from torch_impl.random.state import capture_rng, restore_rng
from torch_impl.training.checkpoint import CheckpointDamaged, CheckpointStore, CheckpointUnwritable, StoredCheckpoint
from torch_impl.training.ema import EMA, PowerFunction
from torch_impl.training.processes import Processes
from torch_impl.training.state import (
    load_optimizer,
    load_state_tensors,
    optimizer_tensors,
    refuse_other_optimizer,
    refuse_other_part,
    save_shards,
    state_tensors,
)

__all__ = [
    "Progress",
    "RunParts",
    "averages_store",
    "ema_part",
    "of_same_examples",
    "refuse_other_run",
    "restore_run",
    "save_run",
]


def averages_store(out: Path) -> CheckpointStore:
    """Where a run keeps every power-function average it ever had at a checkpoint, for reconstruction after training."""
    return CheckpointStore(out / "averages", keep_last=10**9)


def ema_part(i: int) -> str:
    """Name of the i-th moving average among the parts of a checkpoint."""
    return "ema" if i == 0 else f"ema-{i}"


# -- what there is to keep --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunParts:
    """The live modules of a run, which a checkpoint is written from and read into."""

    system: nn.Module
    emas: Sequence[EMA]
    optimizer: torch.optim.Optimizer
    parameters: Mapping[str, nn.Parameter]
    processes: Processes
    sharded: bool

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Tensors by part and name."""
        parts = {"model": state_tensors(self.system)}
        for i, ema in enumerate(self.emas):
            parts[ema_part(i)] = state_tensors(ema.module)
        parts["optimizer"] = optimizer_tensors(self.optimizer, self.parameters)
        return parts

    def power_averages(self) -> dict[int, tuple[EMA, PowerFunction]]:
        """The averages that can be reconstructed at other widths, by their place."""
        return {i: (ema, ema.profile) for i, ema in enumerate(self.emas) if isinstance(ema.profile, PowerFunction)}


@dataclass(frozen=True)
class Progress:
    """Where a run is, as JSON data: what a checkpoint keeps beside tensors and generators.

    Attributes:
        step: of the optimizer.
        data: the data stream's own state.
        ema_updates: updates behind each moving average.
        open_means: metrics since the last line of the log.
        skipped: steps passed over as not finite.
        validation: the last validation loss, with the step whose weights it is of.
        validation_unlogged: whether no line of the log has it yet.
        world, threads: processes, and processor threads of the first, of the run that wrote it.
    """

    step: int
    data: dict[str, Any]
    ema_updates: list[int]
    open_means: dict[str, Any]
    skipped: int = 0
    validation: tuple[int, float] | None = None
    validation_unlogged: bool = False
    world: int = 1
    threads: int = 1

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, checkpoint: StoredCheckpoint, averages: int) -> Self:
        """What a checkpoint says, for a run with so many moving averages.

        Raises:
            CheckpointDamaged: a value is missing, or cannot be.
        """
        state = checkpoint.state
        found: dict[str, Any] = {name: state[name] for name in cls.__dataclass_fields__ if name in state}
        wrong = next((name for name in cls.__dataclass_fields__ if not _plausible(name, found, averages)), None)
        if wrong is None and found["step"] != checkpoint.step:
            wrong = "step"
        if wrong is not None:
            what = f"its {wrong} is {str(found.get(wrong))[:60]}, which no run writes"
            raise CheckpointDamaged(checkpoint.path / "state.json", what)
        if found.get("validation") is not None:
            found["validation"] = (found["validation"][0], float(found["validation"][1]))
        return cls(**found)


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _number(value: Any) -> bool:
    return isinstance(value, float) or (type(value) is int and abs(value) < 2**1023)


def _plausible(name: str, state: Mapping[str, Any], averages: int) -> bool:
    """Whether one entry of a state is there, where it must be, and of its kind."""
    if name not in state:
        return name not in ("step", "data", "ema_updates", "open_means")
    value = state[name]
    if name in ("step", "skipped", "world", "threads"):
        return _count(value)
    if name == "data":
        return isinstance(value, dict) and _count(value.get("position", 0))
    if name == "ema_updates":
        return isinstance(value, list) and len(value) == averages and all(map(_count, value))
    if name == "validation":
        pair = isinstance(value, list) and len(value) == 2
        return value is None or (pair and _count(value[0]) and _number(value[1]))
    if name == "open_means":
        lists = [value.get(key) for key in ("names", "sum", "count")] if isinstance(value, dict) else [None]
        if not all(isinstance(one, list) and len(one) == len(lists[0] or []) for one in lists):
            return False
        names, *numbers = (one or [] for one in lists)
        return all(isinstance(one, str) for one in names) and all(_number(x) for one in numbers for x in one)
    return isinstance(value, bool)


# -- out --------------------------------------------------------------------------------------------------------------


def save_run(
    parts: RunParts,
    out: Path,
    store: CheckpointStore,
    *,
    progress: Progress,
    description: Mapping[str, Any],
    figure: float | None = None,
    saved: Callable[[StoredCheckpoint], None] | None = None,
) -> Path:
    """Write a checkpoint; called by every process, and its folder returned to each.

    Args:
        parts: the run's modules.
        out: the run's folder, which has the snapshots of power-function averages.
        store: the run's checkpoints.
        progress: where the run is.
        description: JSON data from which the model is rebuilt.
        figure: of merit, lower is better; the lowest so far is marked best.
        saved: told of the checkpoint in the first process, before the averages are written.

    Raises:
        CheckpointUnwritable: on every process, when any of them could not write; earlier checkpoints are intact.
    """
    step, main = progress.step, parts.processes.is_main

    def commit() -> None:
        files: dict[str, dict[str, Tensor]] = {}
        if not parts.sharded:
            files = {f"{part}.safetensors": tensors for part, tensors in parts.tensors().items()}
        documents = {"config.json": dict(description), "state.json": progress.to_json()}
        written = store.commit(step, json_files=documents, tensor_files=files, figure=figure)
        if saved is not None:
            saved(written)

    together = _Together(parts.processes, store, step)
    together.do(lambda: store.begin(step) if main else None)
    together.do(lambda: _write_own_part(parts, store, step))
    together.do(lambda: commit() if main else None)
    if not parts.sharded and parts.power_averages():
        together.do(lambda: keep_averages(parts, out, step) if main else None)
    return store.folder / f"step-{step:08d}"


@dataclass(frozen=True)
class _Together:
    """Does something on every process and fails everywhere if it fails anywhere."""

    processes: Processes
    store: CheckpointStore
    step: int

    def do(self, action: Callable[[], object]) -> None:
        problem: CheckpointUnwritable | None = None
        try:
            action()
        except CheckpointUnwritable as error:
            problem = error
        reason = self.processes.failure(problem.reason if problem is not None else None)
        if reason is not None:
            if self.processes.is_main:
                self.store.abandon(self.step)
            raise problem or CheckpointUnwritable(self.store.folder, reason, self.store.last_path())


def _write_own_part(parts: RunParts, store: CheckpointStore, step: int) -> None:
    folder = store.unfinished(step)
    try:
        (folder / _own_generators(parts)).write_text(json.dumps(capture_rng()), encoding="utf-8")
        if parts.sharded:
            save_shards(folder / "shards", parts.tensors())
    except OSError as error:
        reason = f"{error.strerror or error} (errno {error.errno})"
        raise CheckpointUnwritable(folder, reason, store.last_path()) from None


def _own_generators(parts: RunParts) -> str:
    return f"rng-{parts.processes.rank:05d}.json"


def keep_averages(parts: RunParts, out: Path, step: int) -> None:
    """Write the power-function averages of a step where they are kept for reconstruction."""
    store, kept = averages_store(out), parts.power_averages()
    about = {
        f"{ema_part(i)}.safetensors": {"updates": ema.updates, "sigma_rel": profile.sigma_rel}
        for i, (ema, profile) in kept.items()
    }
    files = {f"{ema_part(i)}.safetensors": state_tensors(ema.module) for i, (ema, _) in kept.items()}
    store.begin(step)
    store.commit(step, json_files={"averages.json": about}, tensor_files=files)


# -- back -------------------------------------------------------------------------------------------------------------


def restore_run(
    parts: RunParts, out: Path | None, checkpoint: StoredCheckpoint, description: Mapping[str, Any]
) -> Progress:
    """Fill a run's modules from a verified checkpoint, exactly; returns where the run was.

    Snapshots of power-function averages that a kill kept from being written with the checkpoint are written now.

    Raises:
        CheckpointDamaged: something in it is not what a checkpoint holds.
        ValueError: it is of another system, data set, seed, batch size or average.
    """
    refuse_other_run(checkpoint, description)
    progress = Progress.of(checkpoint, len(parts.emas))
    modules = {"model": parts.system, **{ema_part(i): ema.module for i, ema in enumerate(parts.emas)}}
    for part, module in modules.items():
        refuse_other_part(checkpoint, part, module)
    refuse_other_optimizer(checkpoint, parts.parameters)
    own = _own_generators(parts)
    if checkpoint.has(own):
        _restore_generators(checkpoint, own)
    for part, module in modules.items():
        load_state_tensors(checkpoint, part, module)
    for ema, updates in zip(parts.emas, progress.ema_updates, strict=True):
        ema.updates = updates
    load_optimizer(checkpoint, parts.optimizer, parts.parameters)
    _make_up_averages(parts, out, progress.step)
    return progress


def _make_up_averages(parts: RunParts, out: Path | None, step: int) -> None:
    if out is None or parts.sharded or not parts.processes.is_main or not parts.power_averages():
        return
    if step not in {kept.step for kept in averages_store(out).all()}:
        keep_averages(parts, out, step)


def _restore_generators(checkpoint: StoredCheckpoint, file: str) -> None:
    try:
        restore_rng(checkpoint.document(file))
    except CheckpointDamaged:
        raise
    except (ValueError, TypeError, KeyError, RuntimeError, OverflowError, IndexError, AttributeError) as error:
        what = f"it holds no state of random number generators ({' '.join(str(error).split())[:80]})"
        raise CheckpointDamaged(checkpoint.path / file, what) from None


def of_same_examples(mine: Mapping[str, Any], checkpoint: StoredCheckpoint) -> dict[str, Any]:
    """A description of data in which which examples there are is said as a checkpoint says it."""
    theirs, which = checkpoint.config.get("data"), ("fingerprint", "without")
    kept = {name: value for name, value in mine.items() if name not in which}
    return kept | {name: theirs[name] for name in which if isinstance(theirs, dict) and name in theirs}


def refuse_other_run(checkpoint: StoredCheckpoint, mine: Mapping[str, Any]) -> None:
    """Refuse a checkpoint that another run cannot go on from, given what that run is (as JSON gives it back).

    Raises:
        ValueError: it is of another system, data set, seed, batch size or average.
    """
    theirs = checkpoint.config
    trainer = theirs.get("trainer")
    if not isinstance(trainer, dict):
        raise CheckpointDamaged(checkpoint.path / "config.json", "it does not say how the run was trained (trainer)")
    pairs = [(name, theirs.get(name), mine.get(name)) for name in ("system", "data")]
    fixed = ("batch_size", "seed", "ema")
    pairs += [(name, trainer.get(name), mine["trainer"].get(name)) for name in fixed]
    for name, was, now in pairs:
        if was != now:
            raise ValueError(
                f"checkpoint {checkpoint.path} cannot be resumed with another {name}: {_difference(was, now)}; "
                "resume with the values it was trained with, or start anew in another --out folder"
            )


def _difference(was: Any, now: Any) -> str:
    if isinstance(was, dict) and isinstance(now, dict):
        keys = [key for key in {**was, **now} if was.get(key) != now.get(key)]
        return ", ".join(f"{key} was {was.get(key)!r}, is now {now.get(key)!r}" for key in keys)
    return f"it was {was!r}, is now {now!r}"
