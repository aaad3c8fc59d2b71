"""What the command evaluate does; itself it only says which options there are."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from threefold.commands._endings import RunFailed, plain_console, unusable_input
from threefold.commands._sampling import SAMPLING, refuse_foreign, refuse_guidance, refuse_sampler
from threefold.errors import Unusable
from threefold.output import output
from torch_impl.evaluation import Figure, Settings, check_metrics, evaluate, metrics_for
from torch_impl.runs.config_file import read_config
from torch_impl.runs.estimate import available_memory, words
from torch_impl.runs.guides import load_guide
from torch_impl.runs.inspection import changed_since, digests
from torch_impl.runs.lock import FolderLock
from torch_impl.runs.open import Model, load_model, load_split
from torch_impl.runs.rerank import load_ranker
from torch_impl.training import Processes

__all__ = ["EvaluateRequest", "run_evaluation"]


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
    console = plain_console(stderr=False)
    if not console.is_terminal:
        console = Console(width=140, markup=False, emoji=False, highlight=False)
    with unusable_input():
        device = Processes.start(request.device).device
        model = load_model(request.checkpoint, weights=request.weights, ema_width=request.ema_width, device=device)
        refuse_foreign(model, {name: request.settings[name] for name in (*SAMPLING, "classifier")})
        if request.settings["classifier"] is None:
            refuse_guidance(model, request.settings["guidance"])
        else:
            load_guide(request.settings["classifier"], model)
        if request.settings["rerank"] is not None:
            load_ranker(request.settings["rerank"], model)
        refuse_sampler(model, request.settings["sampler"])
        where, remarks = _data_of(request, model)
        settings = Settings(root=where, **{k: v for k, v in request.settings.items() if v is not None})
        _refuse_too_many(settings, model)
        names = None if request.metrics is None else _names(request.metrics, model)
        check_metrics(model, names, settings)
    for remark in remarks:
        plain_console().print(remark)
    failed: dict[str, Exception] = {}
    with _lock_for(request, model), output(request.json_path) if request.json_path else nullcontext() as target:
        with unusable_input(), _told() as told:
            figures = evaluate(model, names, settings, started=told, failed=failed.__setitem__)
        if figures and request.json_path != "-":
            console.print(_figures_table(figures))
        if figures and target is not None:
            target.write(json.dumps(_evaluation_json(model, settings, figures, failed, remarks), indent=1) + "\n")
    if failed:
        raise _missing(failed)


def _data_of(request: EvaluateRequest, model: Model) -> tuple[str | None, list[str]]:
    """Where the data are, and what is to be said of them.

    They are where `--data` says, or else where the run had them; said is whether they are other data than the run's.
    """
    run = model.checkpoint.path.parent.parent
    where, remarks = request.data, []
    if where == "":
        raise ValueError("--data is empty; name a folder or a file, or leave it out")
    if where is None and model.data.is_local:
        where = _recorded_root(run)
        if where is not None:
            remarks.append(f"data: {where}, where the run had them (--data)")
    choice = dataclasses.replace(model.data, root=where)
    try:
        train = load_split(choice, "train")
    except (ValueError, OSError):
        return where, remarks  # whatever needs them says so
    known = model.description["data"].get("fingerprint")
    changed = changed_since(run, digests(choice)) if choice.is_local else None
    if changed:
        remarks.append(f"the data are not those that the run was trained on: {changed.in_words()}")
    elif changed is None and known is not None and train.fingerprint != known:
        remarks.append(
            f"the data are not those that the run was trained on (fingerprint {known} then, {train.fingerprint} now): "
            "what is held out here, the model may have seen"
        )
    return where, remarks


@contextmanager
def _lock_for(request: EvaluateRequest, model: Model) -> Iterator[None]:
    """The lock of the run's folder, where something is to be written into it."""
    run = model.checkpoint.path.parent.parent.resolve()
    path = request.json_path
    if path is None or path == "-" or not Path(path).resolve().is_relative_to(run):
        yield
        return
    with ExitStack() as stack:
        with unusable_input():
            stack.enter_context(FolderLock(run))
        yield


def _recorded_root(run: Path) -> str | None:
    """Where a run's config.toml says that its data were, if they still are."""
    try:
        root = read_config(run / "config.toml").get("data", {}).get("root")
    except ValueError:
        return None
    return root if isinstance(root, str) and Path(root).exists() else None


def _refuse_too_many(settings: Settings, model: Model) -> None:
    """Refuse more samples or examples than the memory holds."""
    config: Any = model.system.config
    each, free = 4 * config.image_size**2 * config.channels, available_memory("cpu")
    for option, count in (("--n", settings.samples), ("--examples", settings.examples)):
        if free is not None and 3 * count * each > free:
            raise ValueError(
                f"{option} is {count:,}: they need at least {words(3 * count * each)} of memory, and {words(free)} are "
                f"free; {free // (3 * each):,} are possible"
            )


def _names(text: str, model: Model) -> list[str]:
    """The metrics that a text names, with commas.

    Raises:
        ValueError: it names none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ValueError(f"--metric {text!r} names none; choose among {', '.join(metrics_for(model.system))}")
    return list(dict.fromkeys(names))


@contextmanager
def _told() -> Iterator[Callable[[str], None]]:
    """Tells on standard error what is being computed: in place on a terminal, else line by line."""
    console = plain_console()
    if not console.is_terminal:
        yield lambda words: console.print(f"evaluating {words}")
        return
    with console.status(Text("evaluating")) as status:
        yield lambda words: status.update(Text(f"evaluating {words}"))


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
            table.add_row(*map(Text, (metric if i == 0 else "", row.name, _with_error(row), row.over)))
    return table


def _with_error(figure: Figure) -> str:
    """A value to the digits that its standard error allows."""
    if figure.interval is not None:
        low, high = figure.interval
        return f"{figure.value:.4g} [{low:.4g}, {high:.4g}] {figure.unit}".strip()
    if figure.error is None or not figure.error > 0 or not math.isfinite(figure.error):
        return f"{figure.value:.5g} {figure.unit}".strip()
    digits = max(0, 1 - math.floor(math.log10(figure.error)))
    return f"{figure.value:.{digits}f} ± {figure.error:.{digits}f} {figure.unit}".strip()


def _evaluation_json(
    model: Model,
    settings: Settings,
    figures: Mapping[str, list[Figure]],
    failed: Mapping[str, Exception],
    remarks: list[str],
) -> dict[str, Any]:
    used = dataclasses.asdict(settings)
    for place in ("root", "inception"):
        used.pop(place)
    return {
        "schema": 1,
        "preset": model.description["preset"],
        "step": model.checkpoint.step,
        "settings": used,
        "figures": {name: [dataclasses.asdict(figure) for figure in rows] for name, rows in figures.items()},
        "remarks": remarks,
        "failed": {name: _reason(error) for name, error in failed.items()},
    }
