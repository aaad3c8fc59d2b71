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
from threefold.errors import Unusable
from torch_impl.data import BadData, Batches
from torch_impl.data.record import Changes, record_bytes
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
from torch_impl.training.presets import Preset, preset
from torch_impl.training.progress import Observers, TensorBoardObserver, TerminalObserver, duration
from torch_impl.training.runs import (
    begun_description,
    begun_preset,
    compressor_preset,
    fit_to_data,
    load_split,
    open_run,
    refuse_other_compressor,
)
from torch_impl.training.systems.latent import LatentConfig
from torch_impl.training.systems.mixture import MixtureConfig
from torch_impl.training.trainer_config import TrainerConfig

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
    chosen = _with_rate(request, requested_preset(request, name, document, begun), begun)
    if request.compressor is not None and not isinstance(chosen.system, LatentConfig):
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
        for remark in (*data.remarks, *need.remarks):
            console.print(remark)
    plan = Plan(request, data.chosen, out, begun, processes, console, data, compressor)
    if request.dry_run:
        _check_first_batch(plan, train)
        click.echo(json.dumps(data.chosen.to_json(), indent=1))
    elif begun.description is not None:
        _tell_changes(plan)
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


def _with_rate(request: TrainRequest, chosen: Preset, begun: Begun) -> Preset:
    """The preset whose learning rate begins anew at the checkpoint, if that was asked for."""
    if not request.lr_restart:
        return chosen
    if begun.checkpoint is None or begun.description is None:
        raise ValueError(
            "--lr-restart belongs to a run that is gone on with: give --resume, and --steps beyond its end"
        )
    before = TrainerConfig.from_json(begun.description["trainer"])
    step = begun.checkpoint.step
    rate = before.learning_rate().at(step) if step else 0.0
    anew = dataclasses.replace(chosen.trainer, lr_start=step, lr_start_rate=rate)
    return dataclasses.replace(chosen, trainer=anew)


def _tell_changes(plan: Plan) -> None:
    """Say what is different from here on: options, the rate, the machine, the data.

    Raises:
        ValueError: the data are others, and that was not accepted.
    """
    assert plan.begun.description is not None
    before = begun_preset(preset(plan.chosen.name), plan.begun.description)
    lines = [*_changed_fields(before, plan.chosen), *_changed_rate(before, plan)]
    if plan.begun.checkpoint is not None:
        lines += _changed_machine(plan.begun.checkpoint)
    changed = changed_since(plan.out, plan.data.files)
    if changed:
        lines.append(_accepted(plan, changed))
    if plan.processes.is_main:
        for line in lines:
            plan.console.print(line)


def _changed_fields(before: Preset, now: Preset) -> Iterator[str]:
    """A line for each field of the trainer that changed."""
    old, new = before.trainer.to_json(), now.trainer.to_json()
    for name in new:
        if old[name] != new[name]:
            yield f"from here on {name} is {new[name]}; it was {old[name]}"


def _changed_rate(before: Preset, plan: Plan) -> Iterator[str]:
    """What becomes of the learning rate where it jumps."""
    checkpoint = plan.begun.checkpoint
    if checkpoint is None or checkpoint.step >= plan.chosen.trainer.steps:
        return
    step, old, new = checkpoint.step, before.trainer.learning_rate(), plan.chosen.trainer.learning_rate()
    last, following = old.at(step), new.at(step + 1)
    expected = old.at(step + 1) if step < old.steps else last
    if abs(following - expected) > 0.02 * new.peak + 0.02 * expected:
        yield (
            f"the learning rate jumps: at step {step} it was {last:.3g}, at step {step + 1} it is {following:.3g}, "
            f"since its {new.shape} now reaches over {new.steps:,} steps. --lr-restart instead warms up from "
            f"{last:.3g} over --warmup {new.warmup} steps, with --lr as the new peak"
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


def _accepted(plan: Plan, changed: Changes) -> str:
    """A line on data that changed, if it is accepted.

    Raises:
        ValueError: it is not.
    """
    if not plan.request.accept_changed_data:
        raise ValueError(
            f"the data are not those that the run began with: {changed.in_words()}; put them back, go on with them as "
            "they are by --accept-changed-data, or begin a new run with another --out"
        )
    words = f"the data changed since the run began, which is accepted: {changed.in_words()}"
    return f"{words}; their order is another from here on"


# -- training ---------------------------------------------------------------------------------------------------------


def _train(plan: Plan) -> None:
    request, chosen, processes, console = plan.request, plan.chosen, plan.processes, plan.console
    if isinstance(chosen.system, LatentConfig) and plan.compressor is None and plan.begun.checkpoint is None:
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
        text = to_toml(plan.chosen).encode("utf-8", "backslashreplace")
        write_atomically(plan.out / "config.toml", text)
        if plan.data.files:
            write_atomically(plan.out / RECORD, record_bytes(plan.data.files, plan.chosen.data.without))


def _opened(plan: Plan) -> Trainer:
    """The run's trainer, put back to the checkpoint to go on from."""
    chosen, out, begun, console = plan.chosen, plan.out, plan.begun, plan.console
    terminal = TerminalObserver(console, "points" if isinstance(chosen.system, MixtureConfig) else "images")
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
        except KeyboardInterrupt:
            words = f"stopped at once by a second signal, after {duration(time.monotonic() - begun)}"
            raise RunStopped(f"{words}; {_go_on(trainer, 'go on')}", 2) from None


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
