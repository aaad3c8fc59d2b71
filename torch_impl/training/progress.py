"""Progress on a terminal (step, loss, images/s, time left, gap to the best loss), or in plain lines elsewhere."""

from __future__ import annotations

import importlib.util
import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from torch_impl.training.checkpoint import StoredCheckpoint
from torch_impl.training.trainer import Observer, Trainer, TrainResult

__all__ = ["Observers", "StepRate", "TensorBoardObserver", "TerminalObserver", "duration"]


class TensorBoardObserver(Observer):
    """Scalars to TensorBoard, where it is installed; `available` says whether."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            remedy = "install it (pip install tensorboard), or do without it"
            raise ValueError(f"TensorBoard is not installed; {remedy}") from None

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

    def stepped(self, step: int) -> None:
        for observer in self.observers:
            observer.stepped(step)

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
    """Shows a live line on a terminal; elsewhere prints lines, by time and not by steps.

    Signs of life come whatever a step takes: without a terminal the first line within `first` seconds, then one every
    `interval` at the latest, also while a step is under way.  What is left is reckoned from the last half minute.
    """

    def __init__(
        self, console: Console | None = None, unit: str = "images", interval: float = 10.0, first: float = 1.0
    ) -> None:
        self.console = console or Console(stderr=True)
        self.unit, self.interval, self.first = unit, interval, first
        self._progress: Progress | None = None
        self._printed = -math.inf
        self._said = ""
        self._rate = StepRate()
        self._warned = False
        self._ended = threading.Event()

    def say(self, words: str) -> None:
        """A line of its own; nothing where the terminal is gone, since a run outlives it."""
        with suppress(OSError):
            self.console.print(words, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def set_aside(self, folder: Path) -> None:
        self.say(f"later checkpoints, of the run that is left here, are now in {folder}")

    def started(self, trainer: Trainer) -> None:
        self._steps, self._batch = trainer.config.steps, trainer.config.batch_size
        self._step = self._begun = trainer.step
        self._rate.add(self._step)
        if not self.console.is_terminal:
            threading.Thread(target=self._beat, name="signs of life", daemon=True).start()
            return
        self._progress = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left {task.fields[left]}", markup=False),
            console=self.console,
            refresh_per_second=4,
        )
        words = "the first step is under way"
        self._task = self._progress.add_task("train", total=self._steps, completed=trainer.step, figures=words, left="")
        self._progress.start()

    def _beat(self) -> None:
        """Print a line whenever nothing was printed for long."""
        wait = self.first
        while not self._ended.wait(wait):
            if time.monotonic() - self._printed >= self.interval:
                self._print()
            wait = min(1.0, max(0.1, self.interval))

    def stepped(self, step: int) -> None:
        self._step = step
        first = step == self._begun + 1
        if not self._rate.add(step, first) and not first:
            return
        if self._progress is not None:
            figures = "  ".join(part for part in (self._said, self._examples()) if part)
            self._progress.update(self._task, completed=step, figures=figures, left=self._left())
        elif first or time.monotonic() - self._printed >= self.interval:
            self._print()
        self._warn_of_days()

    def logged(self, line: Mapping[str, float]) -> None:
        self._said, self._step = self.figures(line, rate=False), int(line["step"])
        figures = self.figures(line)
        if self._progress is not None:
            self._progress.update(self._task, completed=self._step, figures=figures, left=self._left())
        elif time.monotonic() - self._printed >= self.interval or self._step == self._steps:
            self._print(figures)

    def _print(self, figures: str = "") -> None:
        """A line: the step, what was last said of it, how fast it goes now, what is left."""
        self._printed = time.monotonic()
        if self._step == self._begun and self._steps > self._begun:
            self.say(f"step {self._step}/{self._steps}  the next step is under way")
            return
        if self._step == self._steps and self._said and not figures:
            self.say(f"step {self._step}/{self._steps}  its samples and its checkpoint are under way")
            return
        left = f"left {self._left()}" if self._step < self._steps and self._left() else ""
        said = (figures,) if figures else (self._said, self._examples())
        parts = (f"step {self._step}/{self._steps}", *said, left)
        self.say("  ".join(part for part in parts if part))

    def _examples(self) -> str:
        """Examples a second by the moving rate, in words; nothing while it is not known."""
        rate = self._rate.steps_per_second()
        each = (rate or 0.0) * self._batch
        return f"{each:,.0f} {self.unit}/s" if each >= 10 else f"{each:.2g} {self.unit}/s" if rate else ""

    def _left(self) -> str:
        rate = self._rate.steps_per_second()
        return duration((self._steps - self._step) / rate) if rate else ""

    def _warn_of_days(self) -> None:
        """Say once, after a while, that the run takes days at the rate that it has."""
        rate = self._rate.steps_per_second()
        if self._warned or not rate or self._rate.elapsed() < 20 or self._steps - self._step < 86_400 * rate:
            return
        self._warned = True
        night = self._step + int(8 * 3600 * rate)
        self.say(f"at this rate the run takes {self._left()} more; in eight hours it gets to step {night:,} (--steps)")

    def figures(self, line: Mapping[str, float], rate: bool = True) -> str:
        parts = [f"loss {line['loss']:.5g}"]
        if "gap" in line:
            parts.append(f"gap {100 * line['gap'] / max(abs(line['best_loss']), 1e-12):+.2f} %")
        if "training_set_floor" in line:
            parts.append(f"(floor of this training set {line['training_set_floor']:.4g})")
        if "validation_loss" in line:
            parts.append(f"validation {line['validation_loss']:.5g}")
        if "skipped" in line:
            parts.append(f"skipped {int(line['skipped'])}")
        if rate:
            parts.append(f"{line['examples_per_second']:,.0f} {self.unit}/s")
        return "  ".join(parts)

    def saved(self, checkpoint: StoredCheckpoint) -> None:
        if self._progress is None:
            self.say(f"checkpoint {checkpoint.path}")

    def finished(self, result: TrainResult) -> None:
        self.close()

    def close(self) -> None:
        """Stop drawing; also after an error."""
        self._ended.set()
        if self._progress is not None:
            with suppress(OSError):
                self._progress.stop()
            self._progress = None


class StepRate:
    """Steps a second over the last half minute."""

    def __init__(self, window: float = 30.0, every: float = 0.1) -> None:
        self._window, self._every = window, every
        self._seen: deque[tuple[float, int]] = deque()
        self._begun = time.monotonic()

    def add(self, step: int, anyway: bool = False) -> bool:
        """Note a step; False if the last note is so fresh that this one is left out (unless `anyway`)."""
        now = time.monotonic()
        if self._seen and not anyway and now - self._seen[-1][0] < self._every:
            return False
        self._seen.append((now, step))
        while len(self._seen) > 2 and now - self._seen[1][0] > self._window:
            self._seen.popleft()
        return True

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    def steps_per_second(self) -> float | None:
        """None where two moments are not known yet."""
        (then, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - then) if now > then and last > first else None


def duration(seconds: float) -> str:
    """A time in words: under 1 s, 40 s, 1:15 min, 5 h 20 min, 12 days."""
    if seconds < 60:
        return f"{int(seconds)} s" if seconds >= 1 else "under 1 s"
    if seconds < 3600:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
    if seconds < 86_400:
        return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60:02d} min"
    return f"{seconds / 86_400:,.1f} days"
