"""The loss on held-out examples, with the same draws whenever it is taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch

from torch_impl.random.draws import Draws
from torch_impl.training.system import Batch, System

__all__ = ["held_out_loss", "joined"]


@torch.no_grad()
def held_out_loss(
    system: System,
    held_out: Sequence[Batch],
    seed: int,
    device: torch.device,
    precision: Callable[[], AbstractContextManager[object]],
) -> float:
    """Mean loss of a system, in eval mode, on batches; NaN where there are none."""
    if not held_out:
        return math.nan
    total, count = 0.0, 0
    was_training = system.training
    system.eval()
    for i, batch in enumerate(held_out):
        draws = Draws(seed, len(batch.x), 1, device, stream="validate").at(i)
        here = Batch(batch.x.to(device), None if batch.y is None else batch.y.to(device))
        with precision():
            terms = system(here, draws)
        total += float(terms["loss"]) * len(batch.x)
        count += len(batch.x)
    system.train(was_training)
    return total / count


def joined(held_out: Sequence[Batch], largest: int) -> Batch | None:
    """The first held-out examples in one batch, for pictures; None where there are none."""
    if not held_out:
        return None
    x = torch.cat([batch.x for batch in held_out])[:largest]
    labels = [batch.y for batch in held_out if batch.y is not None]
    return Batch(x, torch.cat(labels)[:largest] if len(labels) == len(held_out) else None)
