"""A request becomes one checked plan before anything opens; from then on nobody asks again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from torch_impl.data import Batches
from torch_impl.runs.inspection import Inspected, changed_since, data_folder, inspected
from torch_impl.runs.open import fit_to_data, load_split, open_run
from torch_impl.runs.preflight import Needs, estimated
from torch_impl.runs.presets import Preset, preset
from torch_impl.runs.request import (
    Begun,
    Request,
    begun_run,
    chosen_folder,
    located,
    named_preset,
    requested_preset,
)
from torch_impl.runs.resumed import said_of_changes, with_rate
from torch_impl.training import Processes, StoredCheckpoint, find_checkpoint
from torch_impl.training.progress import duration

__all__ = ["Placed", "Plan", "placed", "planned"]


@dataclass(frozen=True)
class Placed:
    """What a request names: its preset, its configuration file as read, and the folder of the run."""

    preset: str
    document: Mapping[str, Any]
    out: Path


@dataclass(frozen=True)
class Plan:
    """A request, checked: what is trained, where, on which data, from where on.

    Attributes:
        chosen: the preset with every override in place, and without the images that are left out.
        fitted: the same with side, channels and classes of the data that were found.
        out: the folder of the run.
        begun: the run that is gone on with.
        data: the data as they were looked at.
        needs: what the run takes.
        compressor: a first stage that was given.
        remarks: what a person should know before it begins, a line each.
    """

    request: Request
    chosen: Preset
    fitted: Preset
    out: Path
    begun: Begun
    processes: Processes
    data: Inspected
    needs: Needs
    compressor: StoredCheckpoint | None
    remarks: tuple[str, ...]


def placed(request: Request) -> Placed:
    """Read the configuration, name the preset, choose the folder; nothing is made or written.

    Raises:
        ValueError: no preset is named, or the folder lies inside the data.
    """
    document = request.document()
    name = named_preset(request, document)
    return Placed(name, document, chosen_folder(request, name, data_folder(located(request, name, document))))


def planned(
    request: Request,
    place: Placed,
    processes: Processes,
    looking: Callable[[int], AbstractContextManager[Callable[[int], None]]] | None = None,
) -> Plan:
    """Check everything that can be checked without training.

    Args:
        looking: given how many images there are, what is told how many were looked at.

    Raises:
        ValueError, OSError: what cannot work, with the remedy; nothing was written.
    """
    out = place.out
    begun = begun_run(out, request) if request.resume or not request.dry_run else Begun()
    chosen = with_rate(request, requested_preset(request, place.preset, place.document, begun), begun)
    if request.compressor is not None and not chosen.system.first_stage():
        raise ValueError(f"{chosen.name} has no earlier stage; leave out --from")
    chosen.trainer.blocks_for(processes.world)
    compressor = find_checkpoint(request.compressor) if request.compressor is not None else None
    data = inspected(chosen, processes, request.skip_bad, *(() if looking is None else (looking,)))
    train = load_split(data.chosen.data, "train")
    fitted = fit_to_data(data.chosen, train)
    needs = estimated(fitted, train, processes, out, 0 if begun.checkpoint is None else begun.checkpoint.step)
    changed = changed_since(out, data.files) if begun.description is not None else None
    remarks = (
        _summary(fitted, data, needs, processes),
        *data.remarks,
        *_shortened(begun, chosen),
        *needs.remarks,
        *said_of_changes(chosen, begun, changed, request.accept_changed_data),
    )
    plan = Plan(request, data.chosen, fitted, out, begun, processes, data, needs, compressor, remarks)
    if request.dry_run:
        _check_first_batch(plan, train)
    return plan


def _summary(fitted: Preset, data: Inspected, needs: Needs, processes: Processes) -> str:
    """One line: the data, the model, the device."""
    threads = torch.get_num_threads()
    where = f"{processes.device}"
    if processes.device.type == "cpu":
        where += f" with {threads} thread{'s' if threads != 1 else ''}"
    if processes.world > 1:
        where += f", {processes.world} processes"
    count = needs.parameters
    size = f"{count / 1e6:.3g} million" if count >= 1e6 else f"{count:,}"
    takes = ""
    if needs.step is not None:
        steps = fitted.trainer.steps
        takes = f", about {duration(needs.step * steps)} for {steps:,} step{'s' if steps != 1 else ''}"
    return f"{data.words}; model: {fitted.name}, {size} parameters, on {where}{takes}"


def _shortened(begun: Begun, chosen: Preset) -> Iterator[str]:
    """That the warm-up of a preset was cut to a short run."""
    usual, steps, warmup = preset(chosen.name).trainer.warmup, chosen.trainer.steps, chosen.trainer.warmup
    if begun.description is None and steps < usual and warmup == steps // 10:
        yield f"the warm-up is {warmup} steps: the usual {usual} are more than the run has (--warmup)"


def _check_first_batch(plan: Plan, train: Any) -> None:
    """Read the first batch as the run would; the compressor too, as far as it is there."""
    config = plan.chosen.trainer
    batches = Batches(train, config.batch_size // config.accumulate, seed=config.seed, flip=plan.chosen.data.flip)
    batch = batches.at(0)
    if not bool(batch.x.isfinite().all()):
        raise ValueError(f"the first batch of {plan.chosen.data.name} has values that are not finite")
    if plan.compressor is not None:
        open_run(plan.chosen, None, processes=plan.processes, compressor=plan.compressor)
    if plan.out.exists() and not plan.request.resume:
        begun_run(plan.out, plan.request)
