"""What the command train does; itself it only says which options there are."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from threefold.commands._afterwards import write_pictures
from threefold.commands._endings import RunFailed, RunStopped, pasted, plain_console, unusable_input
from threefold.errors import Unusable
from torch_impl.data import BadData
from torch_impl.data.record import record_bytes
from torch_impl.files import write_atomically
from torch_impl.runs.config_file import to_toml
from torch_impl.runs.inspection import RECORD, data_folder
from torch_impl.runs.lock import FolderLock
from torch_impl.runs.open import begun_description, compressor_preset, open_run, refuse_other_compressor
from torch_impl.runs.plan import Plan, placed, planned
from torch_impl.runs.presets import Preset, preset_names
from torch_impl.runs.request import Request, begun_run
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
)
from torch_impl.training.capabilities import Samples
from torch_impl.training.progress import Observers, TensorBoardObserver, TerminalObserver, duration

__all__ = ["looking_at", "run_training"]


def run_training(asked: Callable[[], Request]) -> None:
    """Check everything, then train; the first stage of latent diffusion too.

    Args:
        asked: makes the request, which may already be one that cannot be.
    """
    console = plain_console()
    with ExitStack() as stack:
        with unusable_input():
            request = asked()
            place = placed(request)
            processes = Processes.start(request.device)
            if not request.dry_run:
                _locked(stack, place.out, processes)
            with _still_checking(console if processes.is_main else None):
                plan = planned(request, place, processes, lambda count: looking_at(console, count))
        for remark in plan.remarks if processes.is_main else ():
            console.print(remark)
        if request.dry_run:
            click.echo(json.dumps(plan.chosen.to_json(), indent=1))
            return
        _train(plan, console)


@contextmanager
def _still_checking(console: Console | None, first: float = 1.5, interval: float = 10.0) -> Iterator[None]:
    """A line where the checks before the first step take long, and more of them while they last."""
    done, begun = threading.Event(), time.monotonic()

    def say() -> None:
        wait = first
        while console is not None and not done.wait(wait):
            passed = duration(time.monotonic() - begun)
            console.print(f"looking at the data and trying out how long a step takes ({passed})")
            wait = interval

    thread = threading.Thread(target=say, name="still checking", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def looking_at(console: Console, count: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal while images are looked at, which may take a while; elsewhere a line."""
    if not console.is_terminal:
        if count > 2000:
            console.print(f"looking at {count:,} images")
        yield lambda done: None
        return
    columns = (TextColumn("looking at images", markup=False), MofNCompleteColumn(), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=count)
        yield lambda done: progress.update(task, completed=done)


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


# -- training ---------------------------------------------------------------------------------------------------------


def _train(plan: Plan, console: Console) -> None:
    request, chosen, processes = plan.request, plan.chosen, plan.processes
    if chosen.system.first_stage() and plan.compressor is None and plan.begun.checkpoint is None:
        plan = dataclasses.replace(plan, compressor=_first_stage(plan, console))
    with unusable_input():
        trainer = _opened(plan, console)
    _fit(trainer, console)
    if request.pictures:
        write_pictures(trainer, console)
    processes.finish()
    if processes.is_main:
        console.print(f"{chosen.name} is trained. Next:")
        for line in _next_commands(plan, isinstance(trainer.averaged, Samples)):
            console.print(f"  {line}")


def _next_commands(plan: Plan, samples: bool) -> Iterator[str]:
    """Commands to paste."""
    if samples:
        yield pasted("threefold", "sample", plan.out, "--out", "samples.png")
    where = data_folder(plan.chosen)
    given = () if where is None or plan.chosen.data.root is None else ("--data", where)
    yield pasted("threefold", "evaluate", plan.out, *given)


def _first_stage(plan: Plan, console: Console) -> StoredCheckpoint:
    """Train the stage before it in a folder of its own, or go on with it, or take it as it is; its own stage first."""
    folder, processes, request = plan.out / plan.chosen.system.stage, plan.processes, plan.request
    with unusable_input():
        stage = compressor_preset(plan.chosen)
        store = CheckpointStore(folder / "checkpoints")
        if store.all() and store.latest().step >= stage.trainer.steps:
            refuse_other_compressor(stage, store.latest())
            trainer = None
        else:
            if processes.is_main:
                console.print(f"first stage: {stage.name}, {stage.trainer.steps} steps")
            resume = request.resume and (bool(store.all()) or begun_description(folder) is not None)
            asked = dataclasses.replace(request, resume=resume, resume_from=None)
            if processes.is_main:  # so that a run stopped in its first stage is gone on with as it was begun
                plan.out.mkdir(parents=True, exist_ok=True)
                _write_beginning(plan)
            part = dataclasses.replace(plan, chosen=stage, out=folder, begun=begun_run(folder, asked), request=asked)
            if stage.system.first_stage() and part.begun.checkpoint is None:
                part = dataclasses.replace(part, compressor=_first_stage(part, console))
            trainer = _opened(part, console)
    if trainer is not None:
        _fit(trainer, console)
        if request.pictures:
            write_pictures(trainer, console)
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


def _opened(plan: Plan, console: Console) -> Trainer:
    """The run's trainer, put back to the checkpoint to go on from."""
    chosen, out, begun = plan.chosen, plan.out, plan.begun
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
