"""What is known of each preset, as plain data: its parts, what its recorded run cost and reached, a trial on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import threefold
from threefold.site.aims import aims, outcomes
from threefold.site.runs import Run, runs
from torch_impl.runs.estimate import trial
from torch_impl.runs.presets import Preset, preset
from torch_impl.training import Processes

__all__ = ["PresetEntry", "entries"]

DOCS = Path(threefold.__file__).parents[1] / "docs"
_TRIED = 32  # examples of a trial at most: what one more takes is known by then


@dataclass(frozen=True)
class PresetEntry:
    """A preset: `size` is the shape of an example, minutes are None where nobody took the time."""

    name: str
    summary: str
    data: str
    size: str
    needs_files: bool
    steps: int
    minutes_cpu: float | None
    minutes_gpu: float | None
    minutes_here: float | None
    reached: str | None
    aims: str | None


def entries(names: Sequence[str], device: str | None, advance: Callable[[str], None]) -> Iterator[PresetEntry]:
    """One entry for each name; on a device, with what its training would take there."""
    recorded = {run.name: run for run in runs(DOCS)}
    where = None if device is None else Processes.start(device).device
    for name in names:
        yield _entry(preset(name), recorded.get(name), where)
        advance(name)


def _entry(chosen: Preset, run: Run | None, device: torch.device | None) -> PresetEntry:
    system = chosen.system
    points = system.unit != "images"
    size = "points" if points else f"{system.image_size}x{system.image_size}x{system.channels}"
    seconds = 0.0 if run is None else _seconds(run.results)
    minutes = seconds / 60 if seconds else None
    on_gpu = run is not None and "gpu" in run.results.get("machine", {})
    return PresetEntry(
        name=chosen.name,
        summary=chosen.summary,
        data=chosen.data.name,
        size=size,
        needs_files=chosen.data.is_local,
        steps=chosen.trainer.steps,
        minutes_cpu=None if on_gpu else minutes,
        minutes_gpu=minutes if on_gpu else None,
        minutes_here=None if device is None else _timed(chosen, device),
        reached=None if run is None else _headline(run),
        aims=None if run is None else _count(run),
    )


def _seconds(results: Any) -> float:
    """What a run took; of one that was measured variant by variant, all of them together."""
    if not isinstance(results, Mapping):
        return 0.0
    return float(results["seconds"]) if "seconds" in results else sum(map(_seconds, results.values()))


def _headline(run: Run) -> str:
    """The figure of the first aim, by its name, as its page says it; the first of all where the run has no aims."""
    asked = aims(run.name)
    if not asked:
        judged = [figure for figure in run.figures if (figure.metric, figure.key) == ("classifier", "intended")]
        first = next(iter([*judged, *run.figures]), None)
        return "recorded" if first is None else f"{first.name} {first.shown()}"
    found = [figure for address in asked[0].figure for figure in run.at(address)]
    name = found[0].name if found else asked[0].words
    return f"{name} {outcomes(run)[0].reached.partition(';')[0]}"


def _count(run: Run) -> str | None:
    results = outcomes(run)
    met = sum(result.met is True for result in results)
    return f"{met} of {len(results)} aims" if results else None


def _timed(chosen: Preset, device: torch.device) -> float | None:
    """Minutes of all steps, from a few of them on random examples; None where the system cannot be tried alone."""
    system, generator = chosen.system, torch.Generator().manual_seed(0)
    n = min(_TRIED, chosen.trainer.batch_size // chosen.trainer.accumulate)
    shape = (2,) if system.unit != "images" else (system.channels, system.image_size, system.image_size)
    x = torch.rand(n, *shape, generator=generator) * 2 - 1
    y = system.example_labels(n, generator)
    found = trial(chosen, x, y, device)
    if found is None:
        return None
    return chosen.trainer.steps * found.seconds(chosen.trainer.batch_size) / 60
