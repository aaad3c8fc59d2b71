"""Models as programs of `torch.export`: files that run wherever PyTorch is, without this package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from torch_impl.files import write_atomically
from torch_impl.training.capabilities import Exports
from torch_impl.training.functions import Function
from torch_impl.training.system import System

__all__ = ["Program", "programs", "to_program"]


class Program(NamedTuple):
    """A function of a model: the module that computes it, inputs to trace it with, and words for both ends."""

    module: nn.Module
    inputs: tuple[Tensor, ...]
    takes: tuple[str, ...]
    gives: str


class _Called(nn.Module):
    """A function as a module that owns the modules whose weights it needs."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.owned = nn.ModuleList(function.modules)
        self.call = function.call

    def forward(self, *inputs: Tensor) -> Any:
        return self.call(*inputs)


def programs(system: System) -> dict[str, Program]:
    """The functions of a model that other programs want, by the names that its system gives them.

    A diffusion model has its `denoiser` (what it is trained to predict, of x_t and t = 1..T and, where it is
    conditional, labels of which the last is no class), a latent one its `decoder` besides, a cascade its `base` and its
    `enlarger`; a flow has its `velocity`, a score model its `noise`; autoencoders have `encoder` and `decoder`.  Images
    are (batch, channels, height, width) in [-1, 1].

    Raises:
        ValueError: a system without `functions`; use `torch.export` on its network.
    """
    if not isinstance(system, Exports):
        raise ValueError(
            f"a {type(system).__name__} does not say what its functions are: give it a method `functions` "
            "(torch_impl.training.capabilities.Exports), or use torch.export on your own"
        )
    return {name: Program(_Called(one), one.inputs, one.takes, one.gives) for name, one in system.functions().items()}


def to_program(system: System, folder: Path) -> None:
    """Write each of a model's functions as `NAME.pt2`, and `programs.json` that says what they take and give.

    `torch.export.load("NAME.pt2").module()` is the function, for any batch size, on a machine without this package.

    Raises:
        ValueError: as `programs`; nothing is written.
    """
    found = programs(system.cpu().eval())
    folder.mkdir(parents=True, exist_ok=True)
    for name, program in found.items():
        batch = torch.export.Dim("batch", min=1, max=2**16)
        shapes = (tuple({0: batch} for _ in program.inputs),)
        with torch.no_grad():
            exported = torch.export.export(program.module.eval(), program.inputs, dynamic_shapes=shapes)
        torch.export.save(exported, folder / f"{name}.pt2")
    described = {name: {"takes": one.takes, "gives": one.gives} for name, one in found.items()}
    write_atomically(folder / "programs.json", (json.dumps(described, indent=2) + "\n").encode())
