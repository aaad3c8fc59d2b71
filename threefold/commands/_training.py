"""What the commands train, sample and evaluate do; they themselves only say which options there are."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from threefold.errors import Unusable, nearest
from threefold.output import output
from torch_impl.data import BadData
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
from torch_impl.training.evaluation import Figure, Settings, check_metrics, draw_samples, evaluate
from torch_impl.training.pictures import image_grid, png_bytes, scatter
from torch_impl.training.portraits import write_portraits
from torch_impl.training.presets import Preset, override, preset, read_field
from torch_impl.training.progress import Observers, TensorBoardObserver, TerminalObserver
from torch_impl.training.report import write_report
from torch_impl.training.runs import (
    Model,
    begun_description,
    begun_preset,
    compressor_preset,
    fit_to_data,
    load_model,
    load_split,
    open_run,
    refuse_other_compressor,
)
from torch_impl.training.systems.ddpm import DiffusionSystem
from torch_impl.training.systems.latent import LatentConfig
from torch_impl.training.systems.mixture import MixtureConfig, MixtureSystem
from torch_impl.training.systems.onestep import OneStepSystem
from torch_impl.training.systems.vae import VAESystem
from torch_impl.training.systems.vqvae import VQVAESystem

# -- endings ----------------------------------------------------------------------------------------------------------


class RunFailed(click.ClickException):
    """A run that went wrong."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(f"threefold: {self.format_message()}", file=file, err=file is None)


class RunInterrupted(RunFailed):
    """Stopped by SIGINT, after its checkpoint: 128 + the signal's number, as shells have it."""

    exit_code = 130


class RunTerminated(RunFailed):
    """Stopped by SIGTERM, likewise."""

    exit_code = 143


@contextmanager
def unusable_input() -> Iterator[None]:
    """Whatever is wrong before work starts ends with status 2 and its remedy."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        raise Unusable(str(error)) from error


# -- train ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrainRequest:
    """What `threefold train` was asked for."""

    preset: str
    data: str | None
    out: Path
    resume: bool
    resume_from: Path | None
    compressor: Path | None
    device: str
    changes: Mapping[str, Any]
    settings: tuple[str, ...]
    dry_run: bool


def run_training(request: TrainRequest) -> None:
    """Check everything, then train; the first stage of latent diffusion too."""
    with unusable_input():
        begun = _begun(request.out, request) if request.resume or not request.dry_run else Begun()
        chosen = requested_preset(request, begun)
        if request.dry_run:
            chosen.trainer.blocks_for(1)
            click.echo(json.dumps(chosen.to_json(), indent=1))
            return
        if request.compressor is not None and not isinstance(chosen.system, LatentConfig):
            raise ValueError(f"{chosen.name} takes no --compressor; it belongs to the presets that end in -latent")
        processes = Processes.start(request.device)
        compressor = find_checkpoint(request.compressor) if request.compressor is not None else None
    console = Console(stderr=True)
    if processes.is_main and begun.description is not None and request.resume:
        for change in _changes(begun_preset(chosen, begun.description), chosen):
            console.print(change, highlight=False)
    if isinstance(chosen.system, LatentConfig) and compressor is None and begun.checkpoint is None:
        compressor = _first_stage(chosen, request, processes, console)
    with unusable_input():
        trainer = _opened(chosen, request.out, begun, processes, console, compressor)
    _fit(trainer, console)
    processes.finish()
    if processes.is_main:
        console.print(f"[bold]{chosen.name}[/bold] is trained. Next:")
        for command in ("sample", "evaluate"):
            rest = " --out samples.png" if command == "sample" else ""
            console.print(f"  threefold {command} {request.out}{rest}", highlight=False)


@dataclass(frozen=True)
class Begun:
    """What there is of a run to go on with: its checkpoint, verified, and what it was begun with."""

    checkpoint: StoredCheckpoint | None = None
    description: Mapping[str, Any] | None = None


def _begun(out: Path, request: TrainRequest) -> Begun:
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
    return Begun(checkpoint, checkpoint.config)


def _changes(before: Preset, now: Preset) -> Iterator[str]:
    """What is trained differently from here on, a line for each field of the trainer."""
    old, new = before.trainer.to_json(), now.trainer.to_json()
    for name in new:
        if old[name] != new[name]:
            yield f"from here on {name} is {new[name]}; it was {old[name]}"


def requested_preset(request: TrainRequest, begun: Begun) -> Preset:
    """The preset, or what it was in the run that is gone on with, with every override in place."""
    chosen = preset(request.preset)
    if begun.description is not None:
        chosen = begun_preset(chosen, begun.description)
    changes = dict(request.changes)
    for setting in request.settings:
        name, separator, value = setting.partition("=")
        if not separator or not name:
            raise ValueError(f"--set takes FIELD=VALUE, for example --set widths=64,128; got {setting!r}")
        name = name.replace("-", "_")
        changes[name] = read_field(chosen, name, value)
    if request.data is not None:
        changes |= _data_changes(chosen, request.data)
    return override(chosen, changes)


def _data_changes(chosen: Preset, data: str) -> dict[str, Any]:
    if chosen.data.is_local:
        return {"root": data}
    if isinstance(chosen.system, MixtureConfig):
        return {"name": data if data.startswith("mixture:") else f"mixture:{data}"}
    raise ValueError(
        f"{chosen.name} brings its own data, so --data {data} has no meaning; for your own images use a folder- preset"
    )


def _first_stage(chosen: Preset, request: TrainRequest, processes: Processes, console: Console) -> StoredCheckpoint:
    """Train the compressor in a folder of its own, or go on with it, or take it as it is."""
    folder = request.out / "compressor"
    with unusable_input():
        stage = compressor_preset(chosen)
        store = CheckpointStore(folder / "checkpoints")
        if store.all() and store.latest().step >= stage.trainer.steps:
            refuse_other_compressor(stage, store.latest())
            trainer = None
        else:
            if processes.is_main:
                console.print(f"first stage: {stage.name}, {stage.trainer.steps} steps", highlight=False)
            fit_to_data(chosen, load_split(chosen.data, "train"))  # what cannot work is said before the first stage
            resume = request.resume and (bool(store.all()) or begun_description(folder) is not None)
            begun = _begun(folder, dataclasses.replace(request, resume=resume, resume_from=None))
            trainer = _opened(stage, folder, begun, processes, console, None)
            if processes.is_main:  # so that a run stopped in its first stage is gone on with as it was begun
                request.out.mkdir(parents=True, exist_ok=True)
                _write_description(chosen, request.out)
    if trainer is not None:
        _fit(trainer, console)
    processes.barrier()
    with unusable_input():
        return store.latest()


def _write_description(chosen: Preset, out: Path) -> None:
    description = chosen.to_json()
    description["data"].pop("root")  # where files lie is not part of what is trained
    write_atomically(out / "config.json", (json.dumps(description, indent=1) + "\n").encode())


def _opened(
    chosen: Preset,
    out: Path,
    begun: Begun,
    processes: Processes,
    console: Console,
    compressor: StoredCheckpoint | None,
) -> Trainer:
    """The run's trainer, put back to the checkpoint to go on from."""
    terminal = TerminalObserver(console, "points" if isinstance(chosen.system, MixtureConfig) else "images")
    observer: Observer = terminal
    if TensorBoardObserver.available() and processes.is_main:
        observer = Observers(terminal, TensorBoardObserver(out / "tensorboard"))
    trainer = open_run(
        chosen,
        out,
        processes=processes,
        observer=observer,
        compressor=compressor,
        to_restore=begun.checkpoint is not None,
    )
    if begun.checkpoint is not None:
        step = trainer.restore(begun.checkpoint)
        if processes.is_main:
            console.print(f"resumed at step {step}", highlight=False)
    elif begun.description is not None and processes.is_main:
        console.print(f"{out} was stopped before its first checkpoint: from the start", highlight=False)
    return trainer


def _terminal(observer: Observer) -> TerminalObserver | None:
    """The one that draws on the terminal, wherever it is."""
    if isinstance(observer, Observers):
        return next((one for one in observer.observers if isinstance(one, TerminalObserver)), None)
    return observer if isinstance(observer, TerminalObserver) else None


def _fit(trainer: Trainer, console: Console) -> None:
    terminal = _terminal(trainer.observer)
    try:
        trainer.fit()
    except NonFiniteError as error:
        raise RunFailed(str(error)) from error
    except (CheckpointDamaged, CheckpointUnwritable) as error:
        raise Unusable(str(error)) from error
    except BadData as error:
        kept = trainer.last_checkpoint()
        go_on = f"then go on with --resume (latest checkpoint: {kept})" if kept else "there was no checkpoint yet"
        raise Unusable(f"{error}; {go_on}") from error
    except Interrupted as error:
        kind = RunInterrupted if error.signal_number == signal.SIGINT else RunTerminated
        raise kind(str(error)) from error
    finally:
        if terminal is not None:
            terminal.close()
    if trainer.processes.is_main and trainer.out is not None:
        try:
            if not trainer.sharded:
                batch = trainer.held_out_batch()
                classes = trainer.description.get("data", {}).get("classes")
                write_portraits(trainer.averaged.eval(), batch, trainer.out / "portraits", classes=classes)
            console.print(f"report {write_report(trainer.out)}", highlight=False)
        except Exception as error:  # the model is trained and kept, whatever becomes of its pictures
            console.print(f"pictures and report are not complete: {type(error).__name__}: {error}", markup=False)


# -- sample -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SampleRequest:
    """What `threefold sample` was asked for."""

    checkpoint: Path
    out: Path
    n: int
    sampler: str | None
    steps: int | None
    guidance: float | None
    label: str | None
    sampler_options: dict[str, Any]
    prior: str | None
    clip: bool | None
    columns: int | None
    seed: int
    weights: str
    ema_width: float | None
    device: str


def run_sampling(request: SampleRequest) -> None:
    """Draw samples and write them as one picture."""
    with unusable_input():
        if request.n < 1:
            raise ValueError(f"--n is {request.n}; at least one sample is needed")
        _refuse_unwritable(request.out)
        device = Processes.start(request.device).device
        model = load_model(request.checkpoint, weights=request.weights, ema_width=request.ema_width, device=device)
        options = _sampling_options(request, model, device)
        generator = torch.Generator(device).manual_seed(request.seed)
        drawn = draw_samples(model.system, request.n, generator, **options)
        if isinstance(model.system, MixtureSystem):
            truth = model.system.oracle.sample(request.n, torch.Generator().manual_seed(request.seed))
            scatter(request.out, drawn, truth)
        else:
            write_atomically(request.out, png_bytes(image_grid(drawn, request.columns)))
    Console(stderr=True).print(f"{request.n} samples in {request.out}", highlight=False)


def _refuse_unwritable(path: Path) -> None:
    """Find out before the work whether the picture can be written."""
    if path.suffix.lower() != ".png":
        raise ValueError(f"--out is {path}; samples are written as PNG, so its name must end in .png")
    if path.is_dir():
        raise ValueError(f"--out {path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ValueError(f"--out {path}: there is no folder {path.parent}; make it first, or choose another place")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"--out {path}: the folder {path.parent} cannot be written to; choose another place")


def _sampling_options(request: SampleRequest, model: Model, device: torch.device) -> dict[str, Any]:
    """The options of this system's `sample`; options of other systems are refused, not ignored."""
    system = model.system
    given = {name: getattr(request, name) for name in ("sampler", "steps", "guidance", "clip", "prior", "label")}
    chosen = {} if isinstance(system, DiffusionSystem) else request.sampler_options
    _refuse_foreign(model, {**given, "columns": request.columns, **chosen})
    options: dict[str, Any] = {
        k: v for k, v in given.items() if v is not None and k != "label"
    } | request.sampler_options
    if isinstance(system, (DiffusionSystem, VQVAESystem)):
        options["labels"] = _labels(request, model, device)
    return options


_SAMPLING = ("sampler", "steps", "guidance")
# What can be chosen for each kind of model; of a class and its base, the class stands first.
_TAKES: dict[type, tuple[str, ...]] = {
    MixtureSystem: (*_SAMPLING, "clip", "label"),
    DiffusionSystem: (*_SAMPLING, "clip", "label", "columns"),
    VQVAESystem: ("label", "columns"),
    OneStepSystem: ("prior", "columns"),
    VAESystem: ("columns",),
}


def _refuse_foreign(model: Model, given: Mapping[str, Any]) -> None:
    """Refuse options that only other kinds of model have, instead of ignoring them; None is an option not given."""
    allowed = next(names for kind, names in _TAKES.items() if isinstance(model.system, kind))
    for name, value in given.items():
        if value is not None and name not in allowed:
            kind = model.description["system"]["kind"]
            raise ValueError(f"--{name.replace('_', '-')} has no meaning for a model of kind {kind}; leave it out")


def _labels(request: SampleRequest, model: Model, device: torch.device) -> Tensor | None:
    """Classes asked for by number or name, used in turn; all classes in turn where none was asked for."""
    system = model.system
    assert isinstance(system, (DiffusionSystem, VQVAESystem))
    if request.label is None:
        return system.sample_labels(request.n)
    if not system.config.conditional:
        raise ValueError("this model is unconditional, so --label has no meaning; train with --conditional")
    names = list(model.description["data"]["classes"])
    wanted = [_class_index(word.strip(), names) for word in request.label.split(",")]
    return torch.tensor([wanted[i % len(wanted)] for i in range(request.n)], device=device)


def _class_index(word: str, names: list[str]) -> int:
    if word in names:
        return names.index(word)
    if word.isdigit() and int(word) < len(names):
        return int(word)
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    raise ValueError(
        f"there is no class {word!r}{nearest(word, names)} classes are {shown} (or numbers 0..{len(names) - 1})"
    )


# -- evaluate ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EvaluateRequest:
    """What `threefold evaluate` was asked for."""

    checkpoint: Path
    metrics: str | None
    data: str | None
    json_path: str | None
    weights: str
    ema_width: float | None
    device: str
    settings: Mapping[str, Any]


def run_evaluation(request: EvaluateRequest) -> None:
    """Compute figures; print them as a table, and as JSON where asked for."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    with unusable_input():
        device = Processes.start(request.device).device
        model = load_model(request.checkpoint, weights=request.weights, ema_width=request.ema_width, device=device)
        _refuse_foreign(model, {name: request.settings[name] for name in _SAMPLING})
        settings = Settings(root=request.data, **{k: v for k, v in request.settings.items() if v is not None})
        names = [name.strip() for name in request.metrics.split(",")] if request.metrics else None
        check_metrics(model, names)
    failed: dict[str, Exception] = {}
    with output(request.json_path) if request.json_path else nullcontext() as target:
        with unusable_input(), _told() as told:
            figures = evaluate(model, names, settings, started=told, failed=failed.__setitem__)
        if figures and request.json_path != "-":
            console.print(_figures_table(figures))
        if figures and target is not None:
            target.write(json.dumps(_evaluation_json(model, settings, figures, failed), indent=1) + "\n")
    if failed:
        raise _missing(failed)


@contextmanager
def _told() -> Iterator[Callable[[str], None]]:
    """Tells on standard error what is being computed: in place on a terminal, else line by line."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda words: console.print(f"evaluating {words}", highlight=False, markup=False)
        return
    with console.status("evaluating") as status:
        yield lambda words: status.update(f"evaluating {words}")


def _missing(failed: Mapping[str, Exception]) -> click.ClickException:
    """The ending of an evaluation that lacks some metrics: status 2 if the input was to blame for all, else 1."""
    metrics: dict[str, list[str]] = {}
    for name, error in failed.items():
        metrics.setdefault(_reason(error), []).append(name)
    words = "; ".join(f"no {', '.join(names)}: {reason}" for reason, names in metrics.items())
    by_input = all(isinstance(error, (ValueError, OSError)) for error in failed.values())
    return Unusable(words) if by_input else RunFailed(words)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {error}"


def _figures_table(figures: Mapping[str, list[Figure]]) -> Table:
    table = Table("metric", "figure", "value", "over", box=None, pad_edge=False)
    for metric, rows in figures.items():
        for i, row in enumerate(rows):
            table.add_row(metric if i == 0 else "", row.name, _with_error(row), row.over)
    return table


def _with_error(figure: Figure) -> str:
    """A value to the digits that its standard error allows."""
    if figure.error is None or not figure.error > 0 or not math.isfinite(figure.error):
        return f"{figure.value:.5g} {figure.unit}".strip()
    digits = max(0, 1 - math.floor(math.log10(figure.error)))
    return f"{figure.value:.{digits}f} ± {figure.error:.{digits}f} {figure.unit}".strip()


def _evaluation_json(
    model: Model, settings: Settings, figures: Mapping[str, list[Figure]], failed: Mapping[str, Exception]
) -> dict[str, Any]:
    used = dataclasses.asdict(settings)
    used.pop("root")
    return {
        "schema": 1,
        "preset": model.description["preset"],
        "step": model.checkpoint.step,
        "settings": used,
        "figures": {name: [dataclasses.asdict(figure) for figure in rows] for name, rows in figures.items()},
        "failed": {name: _reason(error) for name, error in failed.items()},
    }
