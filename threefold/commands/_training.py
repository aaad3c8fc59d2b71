"""What the command train does; itself it only says which options there are."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console

from threefold.commands._afterwards import write_pictures
from threefold.commands._data import RECORD, Inspected, changed_since, data_folder, inspected
from threefold.commands._endings import RunFailed, RunStopped, pasted, plain_console, unusable_input
from threefold.commands._preflight import Needs, estimated
from threefold.commands._request import (
    Begun,
    TrainRequest,
    begun_run,
    chosen_folder,
    located,
    named_preset,
    requested_preset,
)
from threefold.commands._resumed import said_of_changes, with_rate
from threefold.errors import Unusable
from torch_impl.data import BadData, Batches
from torch_impl.data.record import record_bytes
from torch_impl.training import (
    CheckpointDamaged,
    CheckpointStore,
    CheckpointUnwritable,
    Interrupted,
    NonFiniteError,
    Observer,
    Processes,
    StoredCheckpoint,
    Trainer,
    find_checkpoint,
)
from torch_impl.training.checkpoint import write_atomically
from torch_impl.training.config_file import to_toml
from torch_impl.training.lock import FolderLock
from torch_impl.training.presets import Preset, preset, preset_names
from torch_impl.training.progress import Observers, TensorBoardObserver, TerminalObserver, duration
from torch_impl.training.runs import (
    begun_description,
    compressor_preset,
    fit_to_data,
    load_split,
    open_run,
    refuse_other_compressor,
)

__all__ = ["TrainRequest", "run_training"]


@dataclass(frozen=True)
class Plan:
    """A request, checked: what is trained, where, on which data, from where on."""

    request: TrainRequest
    chosen: Preset
    out: Path
    begun: Begun
    processes: Processes
    console: Console
    data: Inspected
    compressor: StoredCheckpoint | None = None


def run_training(request: TrainRequest) -> None:
    """Check everything, then train; the first stage of latent diffusion too."""
    console = plain_console()
    with ExitStack() as stack:
        with unusable_input():
            document = request.document()
            name = named_preset(request, document)
            out = chosen_folder(request, name, data_folder(located(request, name, document)))
            processes = Processes.start(request.device)
            if not request.dry_run:
                _locked(stack, out, processes)
            plan = _planned(request, name, document, out, processes, console)
        if request.dry_run:
            return
        _train(plan)


def _locked(stack: ExitStack, out: Path, processes: Processes) -> None:
    """Lock the run's folder by the first process; all fail if it fails."""
    problem = None
    if processes.is_main:
        try:
            stack.enter_context(FolderLock(out))
        except OSError as error:
            problem = f"cannot write {out}: {error.strerror or error}; choose another folder with --out"
        except ValueError as error:
            problem = str(error)
    problem = processes.failure(problem)
    if problem is not None:
        raise ValueError(problem)


# -- before the first step --------------------------------------------------------------------------------------------


def _planned(
    request: TrainRequest,
    name: str,
    document: Mapping[str, Any],
    out: Path,
    processes: Processes,
    console: Console,
) -> Plan:
    """Everything that can be checked is; a dry run prints what it comes to."""
    begun = begun_run(out, request) if request.resume or not request.dry_run else Begun()
    chosen = with_rate(request, requested_preset(request, name, document, begun), begun)
    if request.compressor is not None and not chosen.system.first_stage():
        raise ValueError(f"{chosen.name} takes no --compressor; it belongs to the presets that end in -latent")
    chosen.trainer.blocks_for(processes.world)
    compressor = find_checkpoint(request.compressor) if request.compressor is not None else None
    data = inspected(chosen, processes, console, request.skip_bad)
    step = begun.checkpoint.step if begun.checkpoint is not None else 0
    train = load_split(data.chosen.data, "train")
    fitted = fit_to_data(data.chosen, train)
    need = estimated(fitted, train, processes, out, step)
    if processes.is_main:
        console.print(_summary(fitted, data, need, processes))
        for remark in (*data.remarks, *_shortened(begun, chosen), *need.remarks):
            console.print(remark)
    plan = Plan(request, data.chosen, out, begun, processes, console, data, compressor)
    changed = changed_since(out, data.files) if begun.description is not None else None
    for line in said_of_changes(chosen, begun, changed, request.accept_changed_data):
        if processes.is_main:
            console.print(line)
    if request.dry_run:
        _check_first_batch(plan, train)
        click.echo(json.dumps(data.chosen.to_json(), indent=1))
    return plan


def _summary(fitted: Preset, data: Inspected, need: Needs, processes: Processes) -> str:
    """One line: the data, the model, the device."""
    threads = torch.get_num_threads()
    where = f"{processes.device}"
    if processes.device.type == "cpu":
        where += f" with {threads} thread{'s' if threads != 1 else ''}"
    if processes.world > 1:
        where += f", {processes.world} processes"
    count = need.parameters
    size = f"{count / 1e6:.3g} million" if count >= 1e6 else f"{count:,}"
    takes = (
        ""
        if need.step is None
        else f", about {duration(need.step * fitted.trainer.steps)} for {fitted.trainer.steps:,} steps"
    )
    return f"{data.words}; model: {fitted.name}, {size} parameters, on {where}{takes}"


def _shortened(begun: Begun, chosen: Preset) -> Iterator[str]:
    """That the warm-up of a preset was cut to a short run."""
    usual = preset(chosen.name).trainer.warmup
    if (
        begun.description is None
        and chosen.trainer.steps < usual
        and chosen.trainer.warmup == chosen.trainer.steps // 10
    ):
        yield f"the warm-up is {chosen.trainer.warmup} steps: the usual {usual} are more than the run has (--warmup)"


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


# -- training ---------------------------------------------------------------------------------------------------------


def _train(plan: Plan) -> None:
    request, chosen, processes, console = plan.request, plan.chosen, plan.processes, plan.console
    if chosen.system.first_stage() and plan.compressor is None and plan.begun.checkpoint is None:
        plan = dataclasses.replace(plan, compressor=_first_stage(plan))
    with unusable_input():
        trainer = _opened(plan)
    _fit(trainer, console)
    if request.pictures:
        write_pictures(trainer, console)
    processes.finish()
    if processes.is_main:
        console.print(f"{chosen.name} is trained. Next:")
        for line in _next_commands(plan):
            console.print(f"  {line}")


def _next_commands(plan: Plan) -> Iterator[str]:
    """Commands to paste."""
    yield pasted("threefold", "sample", plan.out, "--out", "samples.png")
    where = data_folder(plan.chosen)
    given = () if where is None or plan.chosen.data.root is None else ("--data", where)
    yield pasted("threefold", "evaluate", plan.out, *given)


def _first_stage(plan: Plan) -> StoredCheckpoint:
    """Train the compressor in a folder of its own, or go on with it, or take it as it is."""
    folder, processes, request = plan.out / "compressor", plan.processes, plan.request
    with unusable_input():
        stage = compressor_preset(plan.chosen)
        store = CheckpointStore(folder / "checkpoints")
        if store.all() and store.latest().step >= stage.trainer.steps:
            refuse_other_compressor(stage, store.latest())
            trainer = None
        else:
            if processes.is_main:
                plan.console.print(f"first stage: {stage.name}, {stage.trainer.steps} steps")
            resume = request.resume and (bool(store.all()) or begun_description(folder) is not None)
            asked = dataclasses.replace(request, resume=resume, resume_from=None)
            trainer = _opened(dataclasses.replace(plan, chosen=stage, out=folder, begun=begun_run(folder, asked)))
            if processes.is_main:  # so that a run stopped in its first stage is gone on with as it was begun
                plan.out.mkdir(parents=True, exist_ok=True)
                _write_beginning(plan)
    if trainer is not None:
        _fit(trainer, plan.console)
        if request.pictures:
            write_pictures(trainer, plan.console)
    processes.barrier()
    with unusable_input():
        return store.latest()


def _write_beginning(plan: Plan) -> None:
    description = plan.chosen.to_json()
    for name in ("root", *(() if plan.chosen.data.without else ("without",))):
        description["data"].pop(name)  # where files lie is not part of what is trained
    write_atomically(plan.out / "config.json", (json.dumps(description, indent=1) + "\n").encode())
    _write_request(plan)


def _write_request(plan: Plan) -> None:
    """The configuration as --config takes it, and which files the data are."""
    with unusable_input():
        text = to_toml(_at_home(plan.chosen)).encode("utf-8", "backslashreplace")
        if plan.chosen.name in preset_names():  # not a first stage, which is trained by its own run
            write_atomically(plan.out / "config.toml", text)
        if plan.data.files:
            write_atomically(plan.out / RECORD, record_bytes(plan.data.files, plan.chosen.data.without))


def _at_home(chosen: Preset) -> Preset:
    """The preset with its data by a path that means the same wherever one stands."""
    folder = data_folder(chosen)
    if folder is None:
        return chosen
    return dataclasses.replace(chosen, data=dataclasses.replace(chosen.data, root=str(folder.resolve())))


def _opened(plan: Plan) -> Trainer:
    """The run's trainer, put back to the checkpoint to go on from."""
    chosen, out, begun, console = plan.chosen, plan.out, plan.begun, plan.console
    terminal = TerminalObserver(console, chosen.system.unit)
    observer: Observer = terminal
    if plan.request.tensorboard and plan.processes.is_main:
        observer = Observers(terminal, TensorBoardObserver(out / "tensorboard"))
    trainer = open_run(
        chosen,
        out,
        processes=plan.processes,
        observer=observer,
        compressor=plan.compressor,
        to_restore=begun.checkpoint is not None,
    )
    if begun.checkpoint is not None:
        step = trainer.restore(begun.checkpoint, accept_data=plan.request.accept_changed_data)
        if plan.processes.is_main:
            console.print(f"resumed at step {step}")
    elif begun.description is not None and plan.processes.is_main:
        console.print(f"{out} was stopped before its first checkpoint: from the start")
    if plan.processes.is_main:
        out.mkdir(parents=True, exist_ok=True)
        _write_request(plan)
    return trainer


def _terminal(observer: Observer) -> TerminalObserver | None:
    """The one that draws on the terminal, wherever it is."""
    if isinstance(observer, Observers):
        return next((one for one in observer.observers if isinstance(one, TerminalObserver)), None)
    return observer if isinstance(observer, TerminalObserver) else None


def _fit(trainer: Trainer, console: Console) -> None:
    begun = time.monotonic()
    with _closed(_terminal(trainer.observer)):
        try:
            trainer.fit()
        except NonFiniteError as error:
            raise RunFailed(str(error)) from error
        except (CheckpointDamaged, CheckpointUnwritable) as error:
            raise Unusable(str(error)) from error
        except BadData as error:
            raise Unusable(f"{error}; {_go_on(trainer, 'then go on')}") from error
        except Interrupted as error:
            raise RunStopped(str(error), error.signal_number) from error
        except RuntimeError as error:
            remedy = _remedy(error)
            if remedy is None:
                raise
            raise RunFailed(f"{' '.join(str(error).split())[:200]}; {remedy}; {_go_on(trainer, 'go on')}") from error
        except KeyboardInterrupt:
            words = f"stopped at once by a second signal, after {duration(time.monotonic() - begun)}"
            raise RunStopped(f"{words}; {_go_on(trainer, 'go on')}", 2) from None


def _remedy(error: RuntimeError) -> str | None:
    """What helps against an error of the machine's; None for one of the program's."""
    text = str(error)
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in text or "not enough memory" in text:
        return "the memory does not suffice: choose a smaller --batch-size, or --accumulate"
    if "DataLoader worker" in text:
        return "a process that reads data was ended from outside, perhaps for memory: --set workers=0 does without"
    return None


def _go_on(trainer: Trainer, words: str) -> str:
    kept = trainer.last_checkpoint()
    return f"{words} with --resume (latest checkpoint: {kept})" if kept else "there was no checkpoint yet"


@contextmanager
def _closed(terminal: TerminalObserver | None) -> Iterator[None]:
    try:
        yield
    finally:
        if terminal is not None:
            terminal.close()
