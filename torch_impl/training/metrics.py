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
    """Means over a window of steps of named scalars that stay on the device until :meth:`read`.

    Sums are float64 (float32 where the device has no float64).  A scalar that is not finite would spoil its window's
    mean, so it is left out of the sum and of the count; the watch on non-finite values reports it.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.dtype = torch.float32 if self.device.type == "mps" else torch.float64
        self.names: tuple[str, ...] = ()
        self._sum = torch.zeros(0, dtype=self.dtype, device=self.device)
        self._count = torch.zeros(0, dtype=self.dtype, device=self.device)

    @torch.no_grad()
    def add(self, scalars: Mapping[str, Tensor]) -> None:
        """Add one step's scalars; the names must be those of the first step."""
        names = tuple(scalars)
        if not self.names:
            self.names = names
            self._sum = torch.zeros(len(names), dtype=self.dtype, device=self.device)
            self._count = torch.zeros_like(self._sum)
        elif names != self.names:
            raise ValueError(f"metrics are now {names}, they were {self.names}; return the same names at every step")
        values = torch.stack([scalar.detach().to(self.dtype) for scalar in scalars.values()])
        finite = values.isfinite()
        self._sum.add_(torch.where(finite, values, 0.0))
        self._count.add_(finite)

    def read(self) -> dict[str, float]:
        """The means since the last read (NaN where there was no finite value), then start anew.  Waits for the
        device.
        """
        sums, counts = self._totals().tolist()
        self._sum.zero_()
        self._count.zero_()
        return {n: s / c if c else math.nan for n, s, c in zip(self.names, sums, counts, strict=True)}

    def _totals(self) -> Tensor:
        """Sums and counts over all processes; shape (2, names)."""
        totals = torch.stack([self._sum, self._count])
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(totals)
        return totals

    def state(self) -> dict[str, Any]:
        """The open window over all processes, exactly, as JSON data; to be called by every process."""
        sums, counts = self._totals().tolist()
        return {"names": list(self.names), "sum": sums, "count": counts}

    def load_state(self, state: Mapping[str, Any], owner: bool = True) -> None:
        """Go on with a stored window; of several processes one (the ``owner``) takes its sums, the others start from
        zero.
        """
        self.names = tuple(state["names"])
        scale = 1.0 if owner else 0.0
        self._sum = torch.tensor(state["sum"], dtype=self.dtype, device=self.device).mul_(scale)
        self._count = torch.tensor(state["count"], dtype=self.dtype, device=self.device).mul_(scale)


class MetricsFile:
    """One JSON object a line, appended and flushed; ``step`` never goes back.

    Resuming at step n drops the lines after n, which the resumed run writes again, and a last line cut short by a kill.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def resume_at(self, step: int) -> None:
        if not self.path.exists():
            return
        kept = [line for line in read_metrics(self.path) if line.get("step", 0) <= step]
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
    """The lines of a metrics file; a last line cut short is left out."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(line)
