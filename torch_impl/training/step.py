"""One optimizer step: gradients over micro-batches, clipping, AdamW, moving averages; nothing in it waits for a GPU.

A step is a function of (weights, optimizer state, seed, step): the batches come from the data order, every draw from
`Draws`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from torch_impl.random.draws import Draws
from torch_impl.training.assembly import Assembly
from torch_impl.training.processes import (
    Processes,
    average_whole_gradients,
    total_gradient_norm,
    without_gradient_exchange,
)
from torch_impl.training.system import Batch
from torch_impl.training.trainer_config import TrainerConfig
from torch_impl.training.watch import NonFiniteWatch

__all__ = ["BatchStream", "OptimizerStep"]


class BatchStream(Protocol):
    """An endless stream of batches whose order is a function of (seed, position)."""

    def __next__(self) -> Any: ...
    def at(self, position: int) -> Any: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class OptimizerStep:
    """What one step of a run does to its modules.

    Attributes:
        micro: examples of a micro-batch over all processes.
        share: those of this process.
        draws: of the run; chosen anew where it goes on with other blocks.
    """

    def __init__(
        self,
        made: Assembly,
        config: TrainerConfig,
        processes: Processes,
        watch: NonFiniteWatch,
        *,
        draws: Draws,
        bf16: bool,
    ) -> None:
        self.made, self.config, self.processes, self.watch = made, config, processes, watch
        self.draws, self.bf16 = draws, bf16
        self.micro = config.batch_size // config.accumulate
        self.share = self.micro // processes.world
        self.device = processes.device
        self.number = 0
        self.on_device: Tensor | None = None
        """The number of the step where a recorded step reads it; beside it the learning rates are tensors too."""

    def keep_on_device(self) -> None:
        """Keep the number of the step and its learning rate where a recording finds them at each replay."""
        self.on_device = torch.zeros((), dtype=torch.int64, device=self.device)
        for group in self.made.optimizer.param_groups:
            group["lr"] = torch.tensor(float(group["lr"]), dtype=torch.float32, device=self.device)
            group["capturable"] = True

    def precision(self) -> AbstractContextManager[object]:
        """bf16 autocast, where the run computes in it."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else nullcontext()

    def backward(self, step: int, micro_batches: Iterable[Any]) -> dict[str, Tensor]:
        """Gradients of one step, and its loss terms (means over the micro-batches)."""
        accumulate, run = self.config.accumulate, self.made.run
        total: dict[str, Tensor] = {}
        for number, batch in enumerate(micro_batches):
            self._refuse_other_size(batch)
            draws = self.draws.at(step, number * self.micro + self.processes.rank * self.share, self.share)
            with without_gradient_exchange(run, last=number == accumulate - 1):
                with self.precision():
                    terms: dict[str, Tensor] = run(Batch(batch.x, batch.y), draws)
                loss = terms["loss"]
                torch.autograd.backward(loss / accumulate if accumulate > 1 else loss)
            for name, term in terms.items():
                part = term.detach() / accumulate if accumulate > 1 else term.detach()
                total[name] = total[name] + part if name in total else part
        return total

    def _refuse_other_size(self, batch: Any) -> None:
        if len(batch.x) != self.share:
            raise ValueError(
                f"the data stream gave {len(batch.x)} examples, this process needs {self.share} "
                f"(batch size {self.config.batch_size} / {self.config.accumulate} micro-batches / "
                f"{self.processes.world} processes)"
            )

    def __call__(self, step: int, rate: float, micro_batches: Iterable[Any]) -> dict[str, Tensor]:
        """Take the step at a learning rate; its loss terms and the gradient norm, on the device."""
        self.set(step, rate)
        terms = self.work(micro_batches)
        self.average()
        return terms

    def set(self, step: int, rate: float) -> None:
        """Say which step is next, and its learning rate; in place where both live on the device."""
        self.number = step
        if self.on_device is None:
            for group in self.made.optimizer.param_groups:
                group["lr"] = rate
            return
        self.on_device.fill_(step)
        for group in self.made.optimizer.param_groups:
            group["lr"].fill_(rate)

    def seed(self, step: int) -> None:
        """Seed the draws of a step of one micro-batch."""
        self.draws.at(step, self.processes.rank * self.share, self.share)
        self.draws.shared()

    def work(self, micro_batches: Iterable[Any]) -> dict[str, Tensor]:
        """All of the step that happens on the device but for the moving averages."""
        made, number = self.made, self.number
        kept = [b.clone() for b in made.system.stateful_buffers()] if self.config.nonfinite == "skip" else []
        terms = self.backward(number, micro_batches)
        if made.sharded:
            average_whole_gradients(made.parameters.values())
        norm = total_gradient_norm([p.grad for p in made.parameters.values() if p.grad is not None])
        withhold = self.watch.check(number if self.on_device is None else self.on_device, terms["loss"], norm)
        made.system.after_backward()
        if kept:
            bad = torch.as_tensor(withhold, device=self.device) > 0
            for buffer, before in zip(made.system.stateful_buffers(), kept, strict=True):
                buffer.copy_(torch.where(bad, before, buffer))
        self._update(norm, withhold)
        made.optimizer.zero_grad(set_to_none=True)
        return {**terms, "gradient_norm": norm}

    def average(self) -> None:
        """Bring the moving averages up to the weights."""
        for ema in self.made.emas:
            ema.update(self.made.system)

    def _update(self, norm: Tensor, withhold: Tensor | bool) -> None:
        """AdamW on gradients clipped to `clip`, or no change at all where `withhold` is 1."""
        clip, optimizer = self.config.clip, self.made.optimizer
        if self.device.type == "cuda":
            # Decided on the device: the fused kernel divides gradients by grad_scale and does nothing when found_inf is
            # 1, so that clipping and withholding cost no pass over the gradients and no wait.
            optimizer.found_inf = withhold  # type: ignore[attr-defined]  # read by the fused kernel
            optimizer.grad_scale = (norm.float() / clip).clamp(min=1.0) if clip else None  # type: ignore[attr-defined]  # likewise
            optimizer.step()
        elif not bool(withhold):
            too_long = clip is not None and float(norm) > clip
            if bool(optimizer.defaults["fused"]):
                optimizer.grad_scale = norm.float() / clip if too_long and clip else None  # type: ignore[attr-defined]  # likewise
            elif too_long and clip:
                nn.utils.clip_grads_with_norm_(self.made.parameters.values(), clip, norm)
            optimizer.step()
