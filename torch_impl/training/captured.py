"""A whole optimizer step as one CUDA graph, so that the device never waits for the host to launch a kernel.

Forward, backward, the norm, clipping, AdamW and the watch on non-finite values are recorded once and replayed after;
the batch is copied into memory of its own, draws come from generators that are seeded anew before each replay. Where a
step cannot be recorded (on a CPU, with several processes or micro-batches, where it looks at values on the host) it is
taken as ever: recording is never needed, only faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor

from torch_impl.training.step import OptimizerStep
from torch_impl.training.system import Batch

__all__ = ["CapturedStep", "StepGraph", "StepRecorder"]

Terms = dict[str, Tensor]


class StepRecorder(Protocol):
    """What records a step and takes it again on the same memory."""

    def record(self, call: Callable[[], Terms], generators: Iterable[torch.Generator]) -> Terms:
        """Record the call, which is not made; what it will have written. RuntimeError where it cannot be."""

    def replay(self) -> None:
        """Make the recorded call."""


class StepGraph:
    """`StepRecorder` on a CUDA device."""

    def __init__(self) -> None:
        self.graph = torch.cuda.CUDAGraph()

    def record(self, call: Callable[[], Terms], generators: Iterable[torch.Generator]) -> Terms:
        for generator in generators:
            self.graph.register_generator_state(generator)
        with torch.cuda.graph(self.graph):
            return call()

    def replay(self) -> None:
        self.graph.replay()


class CapturedStep:
    """Takes the steps of a run as `OptimizerStep` does, to the bit; after `warmup` of them of one shape by a recording.

    Args:
        step: how a step is taken.
        warmup: steps taken as ever, in which libraries choose their kernels.
        recorder: makes a `StepRecorder`; another than `StepGraph` for tests.

    Attributes:
        refused: why steps are not recorded, in words; empty while they are, or may be.
    """

    def __init__(
        self, step: OptimizerStep, *, warmup: int = 11, recorder: Callable[[], StepRecorder] | None = None
    ) -> None:
        self.step, self.warmup = step, warmup
        self.refused = "" if recorder is not None else _unsuited(step)
        self._recorder: Callable[[], StepRecorder] = recorder or StepGraph
        self._shape: object = None
        self._taken = 0
        self._recorded: tuple[StepRecorder, Batch, Terms] | None = None
        if not self.refused and step.device.type == "cuda":
            step.keep_on_device()

    def __call__(self, number: int, rate: float, micro_batches: Iterable[Any]) -> Terms:
        """Take the step; its loss terms and the gradient norm, on the device."""
        if self.refused:
            return self.step(number, rate, micro_batches)
        (batch,) = micro_batches
        shape = _shape_of(batch)
        if shape != self._shape:  # another shape is recorded anew, if it stays
            self._shape, self._taken, self._recorded = shape, 0, None
        self._taken += 1
        if self._taken <= self.warmup:
            return self.step(number, rate, [batch])
        self.step.set(number, rate)
        if self._recorded is None:
            self._record(number, batch)
        if self._recorded is None:
            return self.step(number, rate, [batch])
        recorder, mine, terms = self._recorded
        for ours, given in ((mine.x, batch.x), (mine.y, batch.y)):
            if ours is not None:
                ours.copy_(given, non_blocking=True)
        self.step.seed(number)
        recorder.replay()
        self.step.average()
        return {name: term.clone() for name, term in terms.items()}

    def _record(self, number: int, batch: Any) -> None:
        """Record the step on memory of its own; remember why, where it cannot be."""
        recorder = self._recorder()
        mine = Batch(batch.x.clone(), None if batch.y is None else batch.y.clone())
        self.step.seed(number)
        try:
            terms = recorder.record(lambda: self.step.work([mine]), self.step.draws.generators())
        except RuntimeError as error:
            self.refused = str(error).splitlines()[0] if str(error) else type(error).__name__
            self.step.made.optimizer.zero_grad(set_to_none=True)
            return
        self._recorded = recorder, mine, terms

    def forget(self) -> None:
        """Record anew: the tensors of the run are others than they were, or its draws are."""
        self._shape, self._taken, self._recorded = None, 0, None


def _shape_of(batch: Any) -> object:
    return tuple(None if part is None else (part.shape, part.dtype, part.device) for part in (batch.x, batch.y))


def _unsuited(step: OptimizerStep) -> str:
    """Why the steps of a run cannot be recorded; empty where they may be."""
    if step.config.capture == "off":
        return "it was not asked for"
    if step.device.type != "cuda":
        return f"there is no CUDA graph on {step.device.type}"
    if step.processes.world > 1:
        return "several processes train together"
    if step.config.accumulate > 1:
        return "a step has several micro-batches"
    return ""
