"""What the trainer trains: a module that turns a batch into loss terms."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from torch_impl.random.draws import Draws

if TYPE_CHECKING:
    from torch_impl.pictures.album import Album

__all__ = ["Batch", "System", "TrainedStage"]


class Batch(NamedTuple):
    """Examples: `x` (n, ...) float in [-1, 1] (images) or data units; `y` (n,) int64 labels or None."""

    x: Tensor
    y: Tensor | None = None


class TrainedStage(NamedTuple):
    """An earlier stage that was trained: its averaged system, and where it was read from."""

    system: System
    path: Path


class System(nn.Module):
    """A model together with its training objective; everything the trainer needs to know about either.

    Subclasses implement `forward`.  All randomness comes from `draws`, so that a step is a function of
    (weights, batch, seed, step); all terms stay on the device, so that a step never waits for it.
    """

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        """Scalar loss terms, means over the examples, of the same names at every step.

        `"loss"` is minimised, the others are logged.
        """
        raise NotImplementedError

    def prepare(self, data: Any, stage: TrainedStage | None) -> None:
        """Take from the training data, or from an earlier stage, what is needed before the first step.

        Raises:
            ValueError: the stage is missing, or is another than is needed.
        """

    def networks(self) -> Iterable[nn.Module]:
        """The modules worth compiling."""
        return [child for child in self.children() if any(p.requires_grad for p in child.parameters())]

    def stateful_buffers(self) -> list[Tensor]:
        """Buffers that the forward pass or `after_backward` writes; restored when a step is skipped as not finite."""
        return []

    def after_backward(self) -> None:
        """Called once per optimizer step, after the gradients are there (codebook averages, dead-code revival)."""

    def best_loss(self) -> float | None:
        """The least expected value of `"loss"` that any model could reach, where it is known."""
        return None

    def floor(self) -> float | None:
        """The least loss on the training examples themselves, by whoever knows them by heart, where it is known."""
        return None

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        """Put the pictures of the trained model into the album of its report; `held_out` are real examples."""

    @torch.no_grad()
    def preview(self, path: Path, seed: int) -> None:
        """Write a picture (PNG) of what the model does now; called on the averaged model, in eval mode."""
