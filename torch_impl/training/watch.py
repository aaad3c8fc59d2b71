"""NaN and infinity: seen on the device without waiting for it, the bad update withheld, the culprit named.

A step whose loss or any gradient is not finite changes nothing: its optimizer update is skipped inside the fused
kernel. With the policy `stop` all later updates are withheld too until the flag is read, so that the weights are
still those of the bad step; the trainer then runs that step again under `diagnose`, which names the tensor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["NonFiniteError", "NonFiniteWatch", "describe", "diagnose"]


class NonFiniteError(RuntimeError):
    """Loss or gradient was NaN or infinite.

    Attributes:
        step: the step at which it happened (1-based).
        tensor: name of the first tensor found not finite.
        statistics: its size, NaNs, infinities, and the range of what is finite.
    """

    def __init__(self, step: int, tensor: str, statistics: str, checkpoint: str | None) -> None:
        self.step, self.tensor, self.statistics, self.checkpoint = step, tensor, statistics, checkpoint
        good = f"the last good checkpoint is {checkpoint}" if checkpoint else "no checkpoint had been written yet"
        super().__init__(
            f"step {step}: {tensor} is not finite ({statistics}); {good}. "
            "Lower --lr, clip gradients with --clip, use --precision fp32, or go on past such steps with "
            "--on-nonfinite skip"
        )


def describe(tensor: Tensor) -> str:
    """Shape, dtype, NaN and infinity counts, and the range of the finite elements, in one line."""
    values = tensor.detach()
    finite = values[values.isfinite()]
    reach = (
        f"finite values in [{finite.min().item():.4g}, {finite.max().item():.4g}]"
        if finite.numel()
        else "no finite value"
    )
    return (
        f"shape {tuple(values.shape)}, {str(values.dtype).removeprefix('torch.')}, "
        f"{int(values.isnan().sum())} NaN, {int(values.isinf().sum())} infinite of {values.numel()}, {reach}"
    )


class NonFiniteWatch:
    """Whether and when a step was bad: kept on the device, or in plain numbers on the CPU, where nothing is waited for.

    Args:
        latch: withhold every update after the first bad step, until read (policy `stop`).
    """

    def __init__(self, device: torch.device | str, latch: bool) -> None:
        self.latch, self.device = latch, torch.device(device)
        self._withhold = torch.zeros((), dtype=torch.float32, device=device)
        self._first = torch.full((), -1, dtype=torch.int64, device=device)
        self._skipped = torch.zeros((), dtype=torch.int64, device=device)
        self._host_first, self._host_skipped = -1, 0

    @torch.no_grad()
    def check(self, step: int | Tensor, loss: Tensor, norm: Tensor) -> Tensor | bool:
        """Judge one step by its loss and gradient norm; its number may be a scalar on the device.

        Returns whether its update is to be withheld: on a GPU as a float32 scalar there, for the fused optimizer.
        """
        several = torch.distributed.is_available() and torch.distributed.is_initialized()
        if self.device.type == "cpu" and not several:
            bad_here = not (math.isfinite(loss.item()) and math.isfinite(norm.item()))
            if bad_here and self._host_first < 0:
                self._host_first = int(step)
            bad_here = bad_here or (self.latch and self._host_first >= 0)
            self._host_skipped += bad_here
            return bad_here
        bad = ~torch.stack([loss.detach().float().reshape(()), norm.float().reshape(())]).isfinite().all()
        if several:
            anywhere = bad.float()  # every process must take or withhold the same step
            torch.distributed.all_reduce(anywhere, op=torch.distributed.ReduceOp.MAX)
            bad = anywhere > 0
        fresh = bad & (self._first < 0)
        self._first.copy_(torch.where(fresh, step, self._first))
        if self.latch:
            bad = bad | (self._first >= 0)
        self._skipped.add_(bad)
        self._withhold.copy_(bad)
        return self._withhold

    def read(self) -> tuple[int, int]:
        """(first bad step since the last read or -1, updates withheld since the last read).  Waits for the device."""
        if self.device.type == "cpu" and self._host_first < 0 and int(self._first) < 0:
            return -1, 0
        first, skipped = torch.stack([self._first, self._skipped]).tolist()
        first = max(first, self._host_first)
        skipped += self._host_skipped
        self._host_first, self._host_skipped = -1, 0
        self._first.fill_(-1)
        self._skipped.zero_()
        return first, skipped


@contextmanager
def _watch_outputs(module: nn.Module, found: list[tuple[str, str]]) -> Iterator[None]:
    """Note the first submodule whose output is not finite."""

    def hook_for(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            for tensor in _tensors(output):
                if not found and tensor.is_floating_point() and not tensor.isfinite().all():
                    found.append((f"output of {name or 'the model'}", describe(tensor)))

        return hook

    handles = [child.register_forward_hook(hook_for(name)) for name, child in module.named_modules() if name]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)


def diagnose(module: nn.Module, inputs: dict[str, Tensor], run_step: Any) -> tuple[str, str]:
    """Name the first tensor of a step that is not finite: input, weight, layer's output, loss term or gradient.

    Args:
        module: whose weights and layers are looked at.
        inputs: the batch's tensors by name.
        run_step: computes the loss terms (a dict) and, with backward, leaves gradients in `module`; called once.
    """
    for name, tensor in inputs.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            return f"input {name}", describe(tensor)
    for name, parameter in module.named_parameters():
        if not parameter.isfinite().all():
            return f"weight {name}", describe(parameter)
    found: list[tuple[str, str]] = []
    with _watch_outputs(module, found):
        terms = run_step()
    if found:
        return found[0]
    for name, term in terms.items():
        if not term.isfinite().all():
            return f"loss term {name!r}", describe(term)
    for name, parameter in module.named_parameters():
        if parameter.grad is not None and not parameter.grad.isfinite().all():
            return f"gradient of {name}", describe(parameter.grad)
    return "gradient norm", "every single tensor is finite, their norm overflows"
