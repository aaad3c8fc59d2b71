"""Progress on a terminal (step, loss, images/s, time left, gap to the best loss), or in plain lines elsewhere."""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from torch_impl.training.checkpoint import StoredCheckpoint
from torch_impl.training.trainer import Observer, Trainer, TrainResult

__all__ = ["Observers", "TensorBoardObserver", "TerminalObserver"]


class TensorBoardObserver(Observer):
    """Scalars to TensorBoard, where it is installed; `available` says whether."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder))

    @staticmethod
    def available() -> bool:
        return importlib.util.find_spec("tensorboard") is not None

    def logged(self, line: Mapping[str, float]) -> None:
        for name, value in line.items():
            if name != "step" and math.isfinite(value):
                self._writer.add_scalar(name, value, int(line["step"]))

    def finished(self, result: TrainResult) -> None:
        self._writer.close()


class Observers(Observer):
    """Several observers told in turn."""

    def __init__(self, *observers: Observer) -> None:
        self.observers = observers

    def started(self, trainer: Trainer) -> None:
        for observer in self.observers:
            observer.started(trainer)

    def set_aside(self, folder: Path) -> None:
        for observer in self.observers:
            observer.set_aside(folder)

    def logged(self, line: Mapping[str, float]) -> None:
        for observer in self.observers:
            observer.logged(line)

    def saved(self, checkpoint: StoredCheckpoint) -> None:
        for observer in self.observers:
            observer.saved(checkpoint)

    def finished(self, result: TrainResult) -> None:
        for observer in self.observers:
            observer.finished(result)


class TerminalObserver(Observer):
    """Shows a live line on a terminal; elsewhere prints one line at most every `interval` seconds."""

    def __init__(self, console: Console | None = None, unit: str = "images", interval: float = 10.0) -> None:
        self.console = console or Console(stderr=True)
        self.unit, self.interval = unit, interval
        self._progress: Progress | None = None
        self._printed = -math.inf

    def set_aside(self, folder: Path) -> None:
        words = f"later checkpoints, of the run that is left here, are now in {folder}"
        self.console.print(words, highlight=False, soft_wrap=True)

    def started(self, trainer: Trainer) -> None:
        self._steps = trainer.config.steps
        if not self.console.is_terminal:
            return
        self._progress = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            refresh_per_second=4,
        )
        self._task = self._progress.add_task("train", total=self._steps, completed=trainer.step, figures="")
        self._progress.start()

    def logged(self, line: Mapping[str, float]) -> None:
        figures = self.figures(line)
        step = int(line["step"])
        if self._progress is not None:
            self._progress.update(self._task, completed=step, figures=figures)
        elif time.monotonic() - self._printed >= self.interval or step == self._steps:
            self._printed = time.monotonic()
            self.console.print(f"step {step}/{self._steps}  {figures}", highlight=False)

    def figures(self, line: Mapping[str, float]) -> str:
        parts = [f"loss {line['loss']:.5g}"]
        if "gap" in line:
            parts.append(f"gap {100 * line['gap'] / max(abs(line['best_loss']), 1e-12):+.2f} %")
        if "training_set_floor" in line:
            parts.append(f"(floor of this training set {line['training_set_floor']:.4g})")
        if "validation_loss" in line:
            parts.append(f"validation {line['validation_loss']:.5g}")
        if "skipped" in line:
            parts.append(f"skipped {int(line['skipped'])}")
        parts.append(f"{line['examples_per_second']:,.0f} {self.unit}/s")
        return "  ".join(parts)

    def saved(self, checkpoint: StoredCheckpoint) -> None:
        if self._progress is None:
            self.console.print(f"checkpoint {checkpoint.path}", highlight=False)

    def finished(self, result: TrainResult) -> None:
        self.close()

    def close(self) -> None:
        """Stop drawing; also after an error."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
