"""Models as programs of `torch.export`: files that run wherever PyTorch is, without this package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from torch_impl.files import write_atomically
from torch_impl.training.system import System

__all__ = ["Program", "programs", "to_program"]


class Program(NamedTuple):
    """A function of a model: the module that computes it, inputs to trace it with, and words for both ends."""

    module: nn.Module
    inputs: tuple[Tensor, ...]
    takes: tuple[str, ...]
    gives: str


class _Encoder(nn.Module):
    def __init__(self, vae: nn.Module) -> None:
        super().__init__()
        self.vae: Any = vae

    def forward(self, x: Tensor) -> Any:
        return self.vae.encode(x)


class _Decoder(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> Any:
        model: Any = self.model
        return model.image(model.decode(z)) if hasattr(model, "image") else model.decode(z)


def programs(system: System) -> dict[str, Program]:
    """The functions of a model that other programs want, by name.

    A diffusion model has its `denoiser` (what it is trained to predict, of x_t and t = 1..T and, where it is
    conditional, labels of which the last is no class), a latent one its `decoder` besides; a VAE and a VQ-VAE have
    `encoder` and `decoder`.  Images are (batch, channels, height, width) in [-1, 1].

    Raises:
        ValueError: a system of another make; use `torch.export` on its network.
    """
    model: Any = getattr(system, "model", None)
    config: Any = getattr(system, "config", None)
    if not isinstance(model, nn.Module) or config is None:
        raise ValueError(f"a {type(system).__name__} has no network called `model`; use torch.export on your own")
    if hasattr(system, "diffusion"):
        return _of_diffusion(system, config)
    if not (hasattr(model, "encode") and hasattr(model, "decode")):
        raise ValueError(f"a {type(system).__name__} is none of the models here; use torch.export on your own")
    image, codes = _image(config), hasattr(model, "code_shape")
    latent: tuple[int, ...] = (*(getattr(model, "code_shape" if codes else "latent_shape")),)
    z = torch.zeros(2, *latent, dtype=torch.int64 if codes else torch.float32)
    x = f"images, float32 (batch, {_listed(image)}) in [-1, 1]"
    inner = f"codes, int64 (batch, {_listed(latent)})" if codes else f"latents, float32 (batch, {_listed(latent)})"
    given = inner if codes else "mean and log-variance of the latents"
    return {
        "encoder": Program(_Encoder(model), (torch.zeros(2, *image),), (x,), given),
        "decoder": Program(_Decoder(model), (z,), (inner,), "images, float32, in [-1, 1]"),
    }


def _of_diffusion(system: Any, config: Any) -> dict[str, Program]:
    shape: tuple[int, ...] = tuple(system.shape()) if hasattr(system, "shape") else _image(config)
    x_t = f"x_t, float32 (batch, {_listed(shape)})"
    inputs = [torch.zeros(2, *shape), torch.ones(2, dtype=torch.int64)]
    takes = [x_t, "t, int64 (batch,), 1..T"]
    if getattr(config, "conditional", False):
        inputs.append(torch.zeros(2, dtype=torch.int64))
        takes.append(f"labels, int64 (batch,), 0..{config.classes}, the last for no class")
    gives = f"{system.diffusion.prediction}, float32 (batch, {_listed(shape)})"
    found = {"denoiser": Program(system.model, tuple(inputs), tuple(takes), gives)}
    if hasattr(system, "compressor"):
        z, latents = torch.zeros(2, *shape), x_t.replace("x_t", "latents")
        found["decoder"] = Program(_Decoder(system.compressor), (z,), (latents,), "images, float32, in [-1, 1]")
    return found


def _image(config: Any) -> tuple[int, ...]:
    return (config.channels, config.image_size, config.image_size)


def _listed(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def to_program(system: System, folder: Path) -> None:
    """Write each of a model's functions as `NAME.pt2`, and `programs.json` that says what they take and give.

    `torch.export.load("NAME.pt2").module()` is the function, for any batch size, on a machine without this package.

    Raises:
        ValueError: as `programs`; nothing is written.
    """
    found = programs(system)
    folder.mkdir(parents=True, exist_ok=True)
    for name, program in found.items():
        batch = torch.export.Dim("batch", min=1, max=2**16)
        shapes = tuple({0: batch} for _ in program.inputs)
        with torch.no_grad():
            exported = torch.export.export(program.module.cpu().eval(), program.inputs, dynamic_shapes=shapes)
        torch.export.save(exported, folder / f"{name}.pt2")
    described = {name: {"takes": one.takes, "gives": one.gives} for name, one in found.items()}
    write_atomically(folder / "programs.json", (json.dumps(described, indent=2) + "\n").encode())
