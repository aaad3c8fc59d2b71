"""Metrics that never make the device wait: summed where they are computed, read every N steps, kept as JSON lines."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

__all__ = ["MeanAccumulator", "MetricsFile", "read_metrics"]


class MeanAccumulator:
    """Means over a window of steps of named scalars.

    On a GPU the scalars stay there until `read`; on the CPU, where nothing is waited for, they are plain floats.
    Sums are float64 (float32 where the device has no float64).  A scalar that is not finite would spoil its window's
    mean, so it is left out of the sum and of the count; the watch on non-finite values reports it.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.dtype = torch.float32 if self.device.type == "mps" else torch.float64
        self.names: tuple[str, ...] = ()
        self._totals = torch.zeros(2, 0, dtype=self.dtype, device=self.device)  # sums, counts
        self._host: list[list[float]] = [[], []]

    @torch.no_grad()
    def add(self, scalars: Mapping[str, Tensor]) -> None:
        """Add one step's scalars; the names must be those of the first step."""
        names = tuple(scalars)
        if names != self.names:
            if self.names:
                raise ValueError(
                    f"metrics are now {names}, they were {self.names}; return the same names at every step"
                )
            self.names = names
            self._restart()
        if self.device.type == "cpu":
            sums, counts = self._host
            for i, scalar in enumerate(scalars.values()):
                value = scalar.item()
                if math.isfinite(value):
                    sums[i] += value
                    counts[i] += 1
            return
        values = torch.stack([scalar.detach().to(self.dtype) for scalar in scalars.values()])
        finite = values.isfinite()
        self._totals.add_(torch.stack([torch.where(finite, values, 0.0), finite.to(self.dtype)]))

    def _restart(self) -> None:
        self._host = [[0.0] * len(self.names), [0.0] * len(self.names)]
        self._totals = torch.zeros(2, len(self.names), dtype=self.dtype, device=self.device)

    def _over_processes(self) -> list[list[float]]:
        """Sums and counts over all processes."""
        if self.device.type == "cpu":
            self._totals = torch.tensor(self._host, dtype=self.dtype)
        totals = self._totals.clone()
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(totals)
        sums_and_counts: list[list[float]] = totals.tolist()
        return sums_and_counts

    def read(self) -> dict[str, float]:
        """The means since the last read (NaN where there was no finite value), then anew.  Waits for the device."""
        sums, counts = self._over_processes()
        self._restart()
        return {n: s / c if c else math.nan for n, s, c in zip(self.names, sums, counts, strict=True)}

    def state(self) -> dict[str, Any]:
        """The open window over all processes, exactly, as JSON data; to be called by every process."""
        sums, counts = self._over_processes()
        return {"names": list(self.names), "sum": sums, "count": counts}

    def load_state(self, state: Mapping[str, Any], owner: bool = True) -> None:
        """Go on with a stored window; of several processes one (the `owner`) takes its sums."""
        self.names = tuple(state["names"])
        self._restart()
        if owner:
            self._host = [list(state["sum"]), list(state["count"])]
            self._totals = torch.tensor(self._host, dtype=self.dtype, device=self.device)


class MetricsFile:
    """One JSON object a line, appended and flushed; `step` never goes back.

    Resuming at step n drops the lines after n, which the resumed run writes again, and a last line cut short by a kill.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def resume_at(self, step: int) -> None:
        if not self.path.exists():
            return
        kept = [line for line in read_metrics(self.path) if line["step"] <= step]
        temporary = self.path.with_name(self.path.name + ".part")
        with temporary.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in kept)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def write(self, line: Mapping[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_plain(line)) + "\n")


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    """NaN and infinities are not JSON: they become null."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in line.items()}


def read_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a metrics file, without those (a last one cut short, say) that are no JSON object with a step."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            with contextlib.suppress(ValueError, RecursionError):  # no JSON; a number too long; nested too deep
                line = json.loads(text)
                if isinstance(line, dict) and isinstance(line.get("step"), int):
                    yield line
