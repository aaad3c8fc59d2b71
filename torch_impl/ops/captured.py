"""A network's call as one CUDA graph, so that no kernel waits for the host to launch it.

It is recorded once for each shape of its input, and replayed after. Where a call cannot be recorded (on a CPU, with
gradients wanted, where it looks at values on the host) it is made as ever: recording is never needed, only faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["Captured", "CudaGraph", "Recorder"]

Call = Callable[[], Tensor]


class Recorder(Protocol):
    """What records a call and makes it again on the same memory."""

    def record(self, call: Call) -> Tensor:
        """Record the call; its result, in memory that every replay writes anew. RuntimeError where it cannot be."""

    def replay(self) -> None:
        """Make the recorded call again."""


class CudaGraph:
    """`Recorder` on a CUDA device."""

    def __init__(self) -> None:
        self.graph = torch.cuda.CUDAGraph()

    def record(self, call: Call) -> Tensor:
        with torch.cuda.graph(self.graph):
            return call()

    def replay(self) -> None:
        self.graph.replay()


def _serves(tensors: tuple[Tensor, ...]) -> bool:
    """Whether a CUDA graph can be made of a call with these tensors."""
    return all(tensor.is_cuda for tensor in tensors)


class Captured:
    """`Captured(model)(x, t)` is `model(x, t)`, to the bit.

    The first `warmup` calls of a shape are made as ever, so that libraries choose their kernels; the next is recorded.
    Each result is memory of its own: samplers keep some. At most `most` shapes are kept, each with its memory; further
    ones are called as ever. The model must be in eval mode, and its weights changed in place only.

    Args:
        model: tensors to one tensor, a pure function of their values.
        recorder: makes a `Recorder`; another than `CudaGraph` for tests.
        serves: whether a call with such tensors may be recorded.
    """

    def __init__(
        self,
        model: Callable[..., Tensor],
        *,
        warmup: int = 3,
        most: int = 4,
        recorder: Callable[[], Recorder] = CudaGraph,
        serves: Callable[[tuple[Tensor, ...]], bool] = _serves,
    ) -> None:
        if warmup < 1 or most < 1:
            raise ValueError(f"warmup = {warmup}, most = {most}; both are at least 1")
        self.model, self.warmup, self.most = model, warmup, most
        self.refused: dict[object, str] = {}
        """Shapes whose call could not be recorded, with the reason."""
        self._recorder, self._serves = recorder, serves
        self._calls: dict[object, int] = {}
        self._recorded: dict[object, tuple[Recorder, tuple[Tensor, ...], Tensor]] = {}

    def __call__(self, *tensors: Tensor) -> Tensor:
        wanted = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
        if wanted or torch.compiler.is_compiling() or not self._serves(tensors):
            return self.model(*tensors)
        key = (torch.is_autocast_enabled(), *((x.shape, x.stride(), x.dtype, x.device) for x in tensors))
        if key in self._recorded:
            recorder, inputs, output = self._recorded[key]
            for mine, given in zip(inputs, tensors, strict=True):
                mine.copy_(given, non_blocking=True)
            recorder.replay()
            return output.clone()
        self._calls[key] = self._calls.get(key, 0) + 1
        if self._calls[key] > self.warmup and key not in self.refused and len(self._recorded) < self.most:
            self._record(key, tensors)
        return self.model(*tensors)

    def _record(self, key: object, tensors: tuple[Tensor, ...]) -> None:
        """Record the call for its shapes; remember why, where it cannot be."""
        recorder, inputs = self._recorder(), tuple(tensor.clone() for tensor in tensors)
        try:
            with torch.no_grad():
                output = recorder.record(lambda: self.model(*inputs))
        except RuntimeError as error:
            self.refused[key] = str(error).splitlines()[0] if str(error) else type(error).__name__
            return
        self._recorded[key] = (recorder, inputs, output)
