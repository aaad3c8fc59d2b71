"""A classifier that guides a diffusion: another run, checked to fit before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from torch_impl.runs.load import Model, load_model
from torch_impl.training.capabilities import Classifies

__all__ = ["Guide", "load_guide"]

_SAME = ("image_size", "channels", "classes", "timesteps", "schedule", "sigma_min", "zero_terminal_snr")


@dataclass(frozen=True)
class Guide:
    """(x_t, t) -> logits, and how many classes there are."""

    logits: Callable[[Tensor, Tensor], Tensor]
    classes: int


def load_guide(where: Path | str, model: Model, device: torch.device | str = "cpu") -> Guide:
    """The classifier of a run, for the diffusion that it is to guide.

    Raises:
        ValueError: the run is no classifier, of other images, of another chain or of other data, or the diffusion
            cannot do without its class.
    """
    guide = load_model(where, device=device)
    system: Any = guide.system
    mine: Any = model.system.config
    theirs: Any = system.config
    if not isinstance(system, Classifies):
        kind = guide.description["system"]["kind"]
        raise ValueError(
            f"--classifier {where} is a model of kind {kind}; give a run of a preset such as digits-classifier"
        )
    for name in _SAME:
        here, there = getattr(mine, name, None), getattr(theirs, name, None)
        if here != there:
            raise ValueError(
                f"--classifier {where} has {name} = {there}, and this model has {here}; train the classifier with "
                f"--set {name}={here}"
            )
    data, other = model.description["data"], guide.description["data"]
    if data.get("fingerprint") != other.get("fingerprint"):
        raise ValueError(
            f"--classifier {where} was trained on {other.get('name')} ({other.get('fingerprint')}), and this model on "
            f"{data.get('name')} ({data.get('fingerprint')}); train it on the same data"
        )
    if getattr(mine, "conditional", False) and getattr(mine, "label_drop", 0) == 0:
        raise ValueError(
            "this model was trained with --label-drop 0 and never learned to do without the class, which a classifier "
            "is to guide to; leave out --classifier, or train with --label-drop 0.1"
        )
    return Guide(system.logits, theirs.classes)
