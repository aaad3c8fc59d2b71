"""Pictures of a trained model, for its report: reconstructions, interpolations, the map of its latents, guidance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from torch_impl.pictures.album import Album, latent_map
from torch_impl.training.system import Batch, System

__all__ = ["latent_map", "write_portraits"]


@torch.no_grad()
def write_portraits(
    system: System,
    held_out: Batch | None,
    folder: Path,
    *,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    told: Callable[[str, int, int], None] = lambda name, done, of: None,
) -> list[Path]:
    """Write the pictures that a system has of itself; returns their paths.

    Args:
        held_out: real examples the model has not seen; None for endless mixtures.
        classes: names of the labels.
        told: told which picture is made and, where that takes steps, how many are done of how many.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = next(system.parameters()).device
    album = Album(folder, device, seed, classes, told)
    if held_out is not None:
        held_out = Batch(held_out.x.to(device), None if held_out.y is None else held_out.y.to(device))
    system.portraits(album, held_out)
    return album.written
