"""A run's whole state, out to a checkpoint and back: weights, averages, optimizer, step, data position, generators.

Every process takes part: each writes its own generators (and, sharded, its own shards), the first writes the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from torch_impl.training.checkpoint import CheckpointMissing, CheckpointStore, CheckpointUnwritable, StoredCheckpoint
from torch_impl.training.ema import PowerFunction
from torch_impl.training.rng import capture_rng, restore_rng
from torch_impl.training.state import (
    load_state_tensors,
    optimizer_tensors,
    put_optimizer_tensors,
    save_shards,
    state_tensors,
)

if TYPE_CHECKING:
    from torch_impl.training.trainer import Trainer

__all__ = ["averages_store", "refuse_other_run", "restore_run", "save_run"]


def averages_store(out: Path) -> CheckpointStore:
    """Where a run keeps every power-function average it ever had at a checkpoint, for reconstruction after training."""
    return CheckpointStore(out / "averages", keep_last=10**9)


def _ema_part(i: int) -> str:
    return "ema" if i == 0 else f"ema-{i}"


# -- out ---------------------------------------------------------------------------------------------------------------


def save_run(trainer: Trainer, figure: float | None) -> Path | None:
    """Write a checkpoint of the trainer's present step; called by every process.

    Raises:
        CheckpointUnwritable: on every process, when any of them could not write; earlier checkpoints are intact.
    """
    store, main = trainer.store, trainer.processes.is_main
    if store is None or trainer.out is None:
        return None
    state = _training_state(trainer)
    _together(trainer, lambda: store.begin(trainer.step) if main else None)
    _together(trainer, lambda: _write_own_part(trainer, store))
    _together(trainer, lambda: _commit(trainer, store, state, figure) if main else None)
    if not trainer.sharded and any(isinstance(ema.profile, PowerFunction) for ema in trainer.emas):
        _together(trainer, lambda: _keep_averages(trainer) if main else None)
    return store.folder / f"step-{trainer.step:08d}"


def _together(trainer: Trainer, action: Callable[[], object]) -> None:
    """Do something on every process and fail everywhere if it fails anywhere."""
    problem: CheckpointUnwritable | None = None
    try:
        action()
    except CheckpointUnwritable as error:
        problem = error
    reason = trainer.processes.failure(problem.reason if problem is not None else None)
    if reason is not None:
        assert trainer.store is not None
        if trainer.processes.is_main:
            trainer.store.abandon(trainer.step)
        raise problem or CheckpointUnwritable(trainer.store.folder, reason, trainer.last_checkpoint())


def _write_own_part(trainer: Trainer, store: CheckpointStore) -> None:
    folder = store.unfinished(trainer.step)
    try:
        (folder / f"rng-{trainer.processes.rank:05d}.json").write_text(json.dumps(capture_rng()), encoding="utf-8")
        if trainer.sharded:
            save_shards(folder / "shards", _parts(trainer))
    except OSError as error:
        reason = f"{error.strerror or error} (errno {error.errno})"
        raise CheckpointUnwritable(folder, reason, trainer.last_checkpoint()) from None


def _commit(trainer: Trainer, store: CheckpointStore, state: dict[str, Any], figure: float | None) -> None:
    files: dict[str, dict[str, Tensor]] = {}
    if not trainer.sharded:
        files = {f"{part}.safetensors": tensors for part, tensors in _parts(trainer).items()}
    documents = {"config.json": trainer.full_description(), "state.json": state}
    trainer.observer.saved(store.commit(trainer.step, json_files=documents, tensor_files=files, figure=figure))


def _keep_averages(trainer: Trainer) -> None:
    assert trainer.out is not None
    store = averages_store(trainer.out)
    kept = {i: ema for i, ema in enumerate(trainer.emas) if isinstance(ema.profile, PowerFunction)}
    about = {
        f"{_ema_part(i)}.safetensors": {"updates": ema.updates, "sigma_rel": ema.profile.sigma_rel}
        for i, ema in kept.items()
        if isinstance(ema.profile, PowerFunction)
    }
    files = {f"{_ema_part(i)}.safetensors": state_tensors(ema.module) for i, ema in kept.items()}
    store.begin(trainer.step)
    store.commit(trainer.step, json_files={"averages.json": about}, tensor_files=files)


def _parts(trainer: Trainer) -> dict[str, dict[str, Tensor]]:
    parts = {"model": state_tensors(trainer.system)}
    for i, ema in enumerate(trainer.emas):
        parts[_ema_part(i)] = state_tensors(ema.module)
    parts["optimizer"] = optimizer_tensors(trainer.optimizer, trainer.parameters)
    return parts


def _training_state(trainer: Trainer) -> dict[str, Any]:
    return {
        "step": trainer.step,
        "data": trainer.batches.state_dict(),
        "ema_updates": [ema.updates for ema in trainer.emas],
        "open_means": trainer.means.state(),
        "skipped": trainer.skipped,
        "validation": trainer.validation,
        "validation_unlogged": trainer.validation_unlogged,
        "world": trainer.processes.world,
        "threads": torch.get_num_threads(),
    }


# -- back --------------------------------------------------------------------------------------------------------------


def restore_run(trainer: Trainer, checkpoint: StoredCheckpoint | Path | None) -> int:
    """Put the trainer back to a checkpoint (by default the latest of its run), exactly; returns its step.

    Raises:
        CheckpointMissing, CheckpointDamaged: as `CheckpointStore.latest`.
        ValueError: the checkpoint is of another system, data set, seed, batch size or average.
    """
    if checkpoint is None:
        if trainer.store is None:
            raise CheckpointMissing("this trainer has no output folder, so there is nothing to resume; give it out=")
        checkpoint = trainer.store.latest()
    elif isinstance(checkpoint, Path):
        checkpoint = CheckpointStore(checkpoint.parent).verified(StoredCheckpoint(checkpoint))
    refuse_other_run(checkpoint, trainer.full_description())
    state = checkpoint.state
    trainer.use_blocks(int(checkpoint.config["trainer"]["draw_blocks"]))
    load_state_tensors(checkpoint, "model", trainer.system)
    for i, ema in enumerate(trainer.emas):
        load_state_tensors(checkpoint, _ema_part(i), ema.module)
        ema.updates = int(state["ema_updates"][i])
    put_optimizer_tensors(checkpoint, trainer.optimizer, trainer.parameters)
    trainer.batches.load_state_dict(state["data"])
    trainer.means.load_state(state["open_means"], owner=trainer.processes.is_main)
    trainer.skipped, trainer.step = int(state["skipped"]), int(state["step"])
    validation = state.get("validation")
    trainer.validation = None if validation is None else (int(validation[0]), float(validation[1]))
    trainer.validation_unlogged = bool(state.get("validation_unlogged", False))
    own = f"rng-{trainer.processes.rank:05d}.json"
    if checkpoint.has(own):
        restore_rng(checkpoint.document(own))
    return trainer.step


def refuse_other_run(checkpoint: StoredCheckpoint, mine: Mapping[str, Any]) -> None:
    """Refuse a checkpoint from which a run of this description (system, data, trainer, as in JSON) cannot go on.

    Raises:
        ValueError: it is of another system, data set, seed, batch size or average.
    """
    theirs = checkpoint.config
    pairs = [(name, theirs.get(name), mine.get(name)) for name in ("system", "data")]
    fixed = ("batch_size", "seed", "ema")
    pairs += [(name, theirs["trainer"].get(name), mine["trainer"].get(name)) for name in fixed]
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
