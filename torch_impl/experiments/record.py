"""One experiment: a run trained, judged, and what is kept of it, with its seed, its configuration and its cost."""

from __future__ import annotations

import dataclasses
import json
import platform
import resource
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from torch_impl.evaluation import Figure, Settings, evaluate
from torch_impl.runs.open import compressor_preset, load_model, open_run
from torch_impl.runs.portraits import write_portraits
from torch_impl.runs.presets import Preset, override, preset
from torch_impl.runs.report import write_summary
from torch_impl.training.checkpoint import StoredCheckpoint, find_checkpoint, write_atomically
from torch_impl.training.metrics import read_metrics
from torch_impl.training.progress import TerminalObserver

__all__ = ["Trained", "judge", "keep", "small", "train", "value", "write_results"]

Figures = dict[str, list[dict[str, Any]]]


# -- one run ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Trained:
    """A finished run in its folder, and what it cost."""

    out: Path
    seconds: float
    cpu_seconds: float

    def cost(self) -> dict[str, float]:
        return {"seconds": round(self.seconds, 1), "cpu_seconds": round(self.cpu_seconds, 1)}


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def train(chosen: Preset, out: Path, compressor: StoredCheckpoint | None = None) -> Trained:
    """Train a preset to its end, first stage included, or go on with a run that was stopped."""
    start, cpu = time.perf_counter(), _cpu_seconds()
    if chosen.system.first_stage() and compressor is None:
        train(compressor_preset(chosen), out / chosen.system.stage)
        compressor = find_checkpoint(out / chosen.system.stage)
    trainer = open_run(chosen, out, observer=TerminalObserver(), compressor=compressor)
    if trainer.last_checkpoint() is not None:
        trainer.restore()
    trainer.fit()
    trained = Trained(out, time.perf_counter() - start, _cpu_seconds() - cpu)
    if trainer.out is not None:
        system = trainer.averaged.eval()
        classes = trainer.description["data"]["classes"]
        write_portraits(system, trainer.held_out_batch(), out / "portraits", classes=classes)
    return trained


def judge(trained: Trained, metrics: Sequence[str], best: bool = False, **settings: Any) -> Figures:
    """Figures of a run's averaged model, as JSON data; taken on a GPU where there is one.

    `best`: of the checkpoint with the least loss on the validation split, not of the last one.
    """
    model = load_model(
        trained.out / "best" if best else trained.out, device="cuda" if torch.cuda.is_available() else "cpu"
    )
    figures = evaluate(model, list(metrics), Settings(**settings), started=print)
    return {name: [_rounded(figure) for figure in rows] for name, rows in figures.items()}


def _rounded(figure: Figure) -> dict[str, Any]:
    data = dataclasses.asdict(figure)
    return {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in data.items() if v is not None}


def value(figures: Figures, metric: str, key: str) -> float:
    """The figure of a metric by its key."""
    return float(next(row["value"] for row in figures[metric] if row["key"] == key))


def machine() -> dict[str, Any]:
    """What the figures of time were taken on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    gpu = {"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}
    return {
        **gpu,
        "cpu": model,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


# -- what is kept -----------------------------------------------------------------------------------------------------


def keep(trained: Trained, folder: Path, results: Mapping[str, Any], prefix: str = "", lines: int = 200) -> None:
    """Copy a run's configuration, thinned metrics and pictures, and write its results."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(trained.out / "config.json", folder / f"{prefix}config.json")
    metrics = list(read_metrics(trained.out / "metrics.jsonl"))
    kept = metrics[:: max(1, len(metrics) // lines)]
    if metrics and kept[-1] is not metrics[-1]:
        kept.append(metrics[-1])
    text = "".join(json.dumps({k: _short(v) for k, v in line.items()}) + "\n" for line in kept)
    write_atomically(folder / f"{prefix}metrics.jsonl", text.encode())
    shutil.copy(write_summary(trained.out), folder / f"{prefix}summary.png")
    for path in sorted((trained.out / "portraits").glob("*.png")):
        shutil.copy(path, folder / f"{prefix}{path.name}")
    if results:
        write_results(folder, results)


def _short(number: Any) -> Any:
    return float(f"{number:.6g}") if isinstance(number, float) else number


def write_results(folder: Path, results: Mapping[str, Any]) -> None:
    document = {"machine": machine(), **results}
    write_atomically(folder / "results.json", (json.dumps(document, indent=1) + "\n").encode())


def small(name: str, **changes: Any) -> Preset:
    """A preset whose networks are too small to gain from bf16 or compilation, should there be a GPU."""
    return override(preset(name), {"precision": "fp32", "compile": "off", **changes})
