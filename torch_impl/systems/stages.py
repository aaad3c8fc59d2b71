"""Whether a stage that was trained before is the one that a system needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from torch_impl.systems.config import SystemConfig
from torch_impl.training.system import TrainedStage

__all__ = ["refuse_other_stage"]

_FREE = ("log_mean", "log_spread", "label_drop", "dropout")  # how it was trained, not what it is


def refuse_other_stage(
    stage: TrainedStage, wanted: SystemConfig, role: str = "teacher", free: Collection[str] = ()
) -> None:
    """ValueError, naming the first field that differs, unless the stage is the system that is wanted.

    `free` are further fields that may differ, since they say how it was trained.
    """
    theirs = stage.system.config
    if not isinstance(theirs, type(wanted)):
        kind = getattr(theirs, "kind", type(theirs).__name__)
        raise ValueError(f"{stage.path} is a model of kind {kind}, and the {role} is one of kind {wanted.kind}")
    for field in dataclasses.fields(wanted):
        has, asked = getattr(theirs, field.name), getattr(wanted, field.name)
        if has != asked and field.name not in (*_FREE, *free):
            raise ValueError(
                f"the {role} {stage.path} has {field.name} = {has}, and this model asks for {asked}; give another "
                f"{role} with --from, or ask for the same"
            )
