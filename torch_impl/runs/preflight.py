"""What can be found out before the first step: whether it fits the memory and the disk, and how long it would take."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from torch_impl.runs.estimate import (
    Trial,
    checkpoint_bytes,
    refuse_large_batch,
    refuse_too_large,
    trial,
    words,
)
from torch_impl.runs.presets import Preset, override
from torch_impl.training.processes import Processes
from torch_impl.training.progress import duration

__all__ = ["Needs", "estimated"]

_LONG = 86_400.0
_NIGHT = 8 * 3600.0


@dataclass(frozen=True)
class Needs:
    """Weights of the model, what a step takes (None where it was not tried), and what a person should know of it."""

    parameters: int
    step: float | None
    remarks: tuple[str, ...]


def estimated(chosen: Preset, data: Any, processes: Processes, out: Path, step: int = 0) -> Needs:
    """Find out what a run needs; `chosen` is fitted to its data.

    Args:
        data: the training split, of which a few examples are tried.
        step: at which the run goes on.

    Raises:
        ValueError: it cannot fit the memory or the disk.
    """
    parameters = refuse_too_large(chosen, processes.device)
    _refuse_full_disk(chosen, parameters, out)
    if chosen.system.unit != "images" or processes.world > 1 or processes.device.type == "cuda":
        return Needs(parameters, None, ())
    batch = chosen.trainer.batch_size // chosen.trainer.accumulate
    x, y = data.fetch(torch.arange(min(4, batch, data.size or 4)))
    found = trial(chosen, x, y, processes.device)
    if found is None:
        return Needs(parameters, None, ())
    refuse_large_batch(chosen, found, parameters, processes.device)
    seconds = found.seconds(batch) * chosen.trainer.accumulate
    remarks: tuple[str, ...] = ()
    if seconds * (chosen.trainer.steps - step) > _LONG:
        remarks = tuple(_what_fits(chosen, found, seconds, step, processes))
    return Needs(parameters, seconds, remarks)


def _refuse_full_disk(chosen: Preset, parameters: int, out: Path) -> None:
    """Refuse a run whose checkpoint has no room: one is written whole before an older one is removed."""
    there = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    free, need = shutil.disk_usage(there).free, 2 * checkpoint_bytes(parameters, chosen.trainer)
    if need > free:
        raise ValueError(
            f"--out {out} has {words(free)} free, and two checkpoints of this model need {words(need)}; make room or "
            "choose a folder on another disk"
        )


def _what_fits(chosen: Preset, found: Trial, seconds: float, step: int, processes: Processes) -> Iterator[str]:
    """That a run takes days, and what takes a night."""
    left = chosen.trainer.steps - step
    yield (
        f"a step takes some {seconds:.2g} s on this {processes.device.type}, and {left:,} of them take "
        f"{duration(seconds * left)}. What fits in {duration(_NIGHT)}:"
    )
    yield f"  --steps {step + max(1, int(_NIGHT / seconds))}, with this model and batch"
    smaller = _smaller(chosen)
    if smaller is None:
        return
    changes, options = smaller
    x = torch.zeros(4, chosen.system.channels, chosen.system.image_size, chosen.system.image_size)
    y = chosen.system.example_labels(4, torch.Generator())
    less = trial(override(chosen, changes), x, y, processes.device)
    if less is not None:
        steps = int(_NIGHT / max(less.seconds(changes["batch_size"]), 1e-3))
        warmup = min(chosen.trainer.warmup, max(1, steps // 20))
        yield f"  {options} --steps {min(steps, chosen.trainer.steps)} --warmup {warmup}, a smaller model"
    if processes.device.type == "cpu":
        yield "  presets of digits take minutes on a processor; large images want a GPU (--device cuda)"


def _smaller(chosen: Preset) -> tuple[dict[str, Any], str] | None:
    """Changes that make a model of the kind a processor can train, and the options that say them."""
    widths = getattr(chosen.system, "widths", None)
    if not widths or max(widths) <= 64:
        return None
    small = tuple(max(32, width // 4 // 32 * 32) for width in widths)
    changes: dict[str, Any] = {"widths": small, "batch_size": min(32, chosen.trainer.batch_size), "accumulate": 1}
    options = f"--set widths={','.join(map(str, small))} --batch-size {changes['batch_size']}"
    if hasattr(chosen.system, "head_channels"):
        changes["head_channels"] = 32
        options += " --set head_channels=32"
    try:
        override(chosen, changes)
    except ValueError:
        return None
    return changes, options + ("" if chosen.trainer.accumulate == 1 else " --accumulate 1")
