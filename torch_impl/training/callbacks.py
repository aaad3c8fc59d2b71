"""Observers that people add to a run: a grid of samples, and any tracker that takes numbers by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from torch_impl.pictures.images import save_images
from torch_impl.training.system import System
from torch_impl.training.trainer import Observer, Trainer, TrainResult

__all__ = ["ImageGrid", "LogTo"]


class ImageGrid(Observer):
    """Writes a grid of the averaged model's samples as PNG, at the first line of the log after every so many steps.

    The same seed every time, so that the pictures of a run can be compared; training draws are not touched.

    Args:
        folder: for `step-00001000.png` and so on; made when needed.
        every: steps.
        n: samples, `columns` to a row.
        sample: (system, n, generator) -> images (n, channels, height, width) in [-1, 1]; by default
            `system.sample(n, generator)`.
        seed: of the generator.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        every: int = 1000,
        n: int = 64,
        columns: int = 8,
        sample: Callable[[Any, int, torch.Generator], Tensor] | None = None,
        seed: int = 0,
    ) -> None:
        if every < 1 or n < 1 or columns < 1:
            raise ValueError(f"every is {every}, n {n}, columns {columns}; each must be at least 1")
        self.folder, self.every, self.n, self.columns, self.seed = Path(folder), every, n, columns, seed
        self.draw = sample or (lambda system, count, generator: system.sample(count, generator))
        self._trainer: Trainer | None = None
        self._last = 0

    def started(self, trainer: Trainer) -> None:
        self._trainer, self._last = trainer, trainer.step

    def logged(self, line: Mapping[str, float]) -> None:
        step = int(line["step"])
        if self._trainer is None or step // self.every == self._last // self.every:
            return
        self._last = step
        self.folder.mkdir(parents=True, exist_ok=True)
        save_images(self.folder / f"step-{step:08d}.png", self._samples(self._trainer), self.columns)

    @torch.no_grad()
    def _samples(self, trainer: Trainer) -> Tensor:
        system: System = trainer.averaged
        was_training = system.training
        devices = [trainer.device] if trainer.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            images = self.draw(system.eval(), self.n, torch.Generator(trainer.device).manual_seed(self.seed))
        system.train(was_training)
        return images


class _Tracker(Protocol):
    """What `wandb.init()` and its like give."""

    def log(self, data: dict[str, Any], *, step: int) -> object: ...


class LogTo(Observer):
    """Hands each line of the log, its finite numbers, to a tracker's `log(numbers, step=step)`.

    `LogTo(wandb.init(project="digits"))` is all that Weights & Biases needs; `finish()`, where the tracker has it, is
    called at the end.
    """

    def __init__(self, tracker: _Tracker) -> None:
        self.tracker = tracker

    def logged(self, line: Mapping[str, float]) -> None:
        numbers = {name: value for name, value in line.items() if name != "step" and math.isfinite(value)}
        self.tracker.log(numbers, step=int(line["step"]))

    def finished(self, result: TrainResult) -> None:
        finish = getattr(self.tracker, "finish", None)
        if callable(finish):
            finish()
