"""What is different in a run that is gone on with, and how its learning rate may begin anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from torch_impl.data.record import Changes
from torch_impl.runs.open import begun_preset
from torch_impl.runs.presets import Preset, preset
from torch_impl.runs.request import Begun, Request
from torch_impl.training import StoredCheckpoint
from torch_impl.training.trainer_config import TrainerConfig

__all__ = ["said_of_changes", "with_rate"]


def with_rate(request: Request, chosen: Preset, begun: Begun) -> Preset:
    """The preset whose learning rate begins anew at the checkpoint, if that was asked for."""
    if not request.lr_restart:
        return chosen
    if begun.checkpoint is None or begun.description is None:
        raise ValueError(
            "--lr-restart belongs to a run that is gone on with: give --resume, and --steps beyond its end"
        )
    before = TrainerConfig.from_json(begun.description["trainer"])
    step = begun.checkpoint.step
    rate, left = before.learning_rate().at(step) if step else 0.0, chosen.trainer.steps - step
    if left < 1:
        raise ValueError(f"--lr-restart: the run is at step {step} and ends there; give --steps beyond it")
    warmup = chosen.trainer.warmup
    if "warmup" not in request.changes:
        warmup = max(1, min(warmup, left // 10))
    anew = dataclasses.replace(chosen.trainer, lr_start=step, lr_start_rate=rate, warmup=warmup)
    return dataclasses.replace(chosen, trainer=anew)


def said_of_changes(chosen: Preset, begun: Begun, changed: Changes | None, accepted: bool) -> list[str]:
    """What is different from here on: options, the rate, the machine, the data; a line each.

    Raises:
        ValueError: the data are others, and that was not accepted.
    """
    if begun.description is None:
        return []
    before = begun_preset(preset(chosen.name), begun.description)
    lines = [*_changed_fields(before, chosen), *_changed_rate(before, chosen, begun)]
    if begun.checkpoint is not None:
        lines += _changed_machine(begun.checkpoint)
    if changed:
        lines.append(_accepted(changed, accepted))
    return lines


def _changed_fields(before: Preset, now: Preset) -> Iterator[str]:
    """A line for each field of the trainer that changed."""
    old, new = before.trainer.to_json(), now.trainer.to_json()
    for name in new:
        if old[name] != new[name]:
            yield f"from here on {name} is {new[name]}; it was {old[name]}"


def _changed_rate(before: Preset, now: Preset, begun: Begun) -> Iterator[str]:
    """What becomes of the learning rate where it jumps."""
    checkpoint = begun.checkpoint
    if checkpoint is None or checkpoint.step >= now.trainer.steps:
        return
    step, old, new = checkpoint.step, before.trainer.learning_rate(), now.trainer.learning_rate()
    last, following = old.at(step), new.at(step + 1)
    expected = old.at(step + 1) if step < old.steps else last
    if abs(following - expected) > 0.02 * new.peak + 0.02 * expected:
        yield (
            f"the learning rate jumps: at step {step} it was {last:.3g}, at step {step + 1} it is {following:.3g}, "
            f"since its {new.shape} now reaches over {new.steps:,} steps. --lr-restart instead warms up from "
            f"{last:.3g} (--warmup), with --lr as the new peak"
        )


def _changed_machine(checkpoint: StoredCheckpoint) -> Iterator[str]:
    """Where a run goes on that is not, bit for bit, the one that never stopped."""
    state, versions = checkpoint.state, checkpoint.config.get("versions", {})
    threads = state.get("threads")
    if isinstance(threads, int) and threads != torch.get_num_threads():
        yield (
            f"not bit for bit as if never stopped: the run had {threads} threads, now there are "
            f"{torch.get_num_threads()}; OMP_NUM_THREADS={threads} makes it so"
        )
    if versions.get("torch", torch.__version__) != torch.__version__:
        yield f"not bit for bit as if never stopped: torch was {versions['torch']}, now it is {torch.__version__}"


def _accepted(changed: Changes, accepted: bool) -> str:
    """A line on data that changed, if it is accepted.

    Raises:
        ValueError: it is not.
    """
    if not accepted:
        raise ValueError(
            f"the data are not those that the run began with: {changed.in_words()}; put them back, go on with them as "
            "they are by --accept-changed-data, or begin a new run with another --out"
        )
    words = f"the data changed since the run began, which is accepted: {changed.in_words()}"
    return f"{words}; their order is another from here on"
