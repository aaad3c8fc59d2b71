"""A trained model as a folder for others: weights or programs, a config, and a model card in the layout of hubs."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from torch_impl.export.diffusers import to_diffusers
from torch_impl.export.program import to_program
from torch_impl.files import write_atomically
from torch_impl.runs.load import Model
from torch_impl.training.capabilities import Exports
from torch_impl.training.state import state_tensors
from torch_impl.training.tensors import save_tensors

__all__ = ["FORMATS", "Format", "export_model", "model_card", "to_plain"]

Format = Literal["plain", "program", "diffusers"]
FORMATS: tuple[Format, ...] = get_args(Format)


def to_plain(model: Model, folder: Path) -> None:
    """Write `model.safetensors` (every weight and buffer by name) and `config.json` (what the model is)."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(folder / "model.safetensors", state_tensors(model.system))
    kept = {key: model.description[key] for key in ("preset", "system", "data", "versions") if key in model.description}
    write_atomically(folder / "config.json", (json.dumps(kept, indent=2) + "\n").encode())


def export_model(model: Model, folder: Path, to: Format = "plain") -> list[Path]:
    """Write a model into a new folder, with its model card, whole or not at all; the files that were written.

    Args:
        model: as `torch_impl.load` gives it.
        folder: to be made; what exists and holds anything is left alone.
        to: "plain" (`model.safetensors` and `config.json`), "program" (`.pt2` files that run without this package) or
            "diffusers" (a folder that `UNet2DModel` and `DDPMPipeline` load).

    Raises:
        ValueError: the folder holds something, the format is unknown, or it has no counterpart of this model.
    """
    if to not in FORMATS:
        raise ValueError(f"to is {to!r}; choose one of {', '.join(FORMATS)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is not an empty folder; name a new one, nothing there is replaced")
    if not folder.parent.is_dir():
        raise ValueError(f"there is no folder {folder.parent}; make it first, or choose another place")
    unfinished = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        if to == "diffusers":
            to_diffusers(model.system, unfinished)
        elif to == "program":
            to_program(model.system, unfinished)
        else:
            to_plain(model, unfinished)
        write_atomically(unfinished / "README.md", model_card(model, to).encode())
        if folder.exists():
            folder.rmdir()
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return sorted(path for path in folder.rglob("*") if path.is_file())


# -- the model card ---------------------------------------------------------------------------------------------------

_USES = {
    "plain": """\
```python
from safetensors.torch import load_file

weights = load_file("model.safetensors")  # plain tensors by name; config.json says which network they are of
```""",
    "program": """\
```python
import torch

function = torch.export.load("{program}.pt2").module()  # programs.json says what it takes and gives
```""",
    "diffusers": """\
```python
from diffusers import DDPMScheduler, UNet2DModel

unet = UNet2DModel.from_pretrained(".", subfolder="unet")
scheduler = DDPMScheduler.from_pretrained(".", subfolder="scheduler")
```""",
}
_UNET_ALONE = """```python
from diffusers import UNet2DModel

unet = UNet2DModel.from_pretrained(".", subfolder="unet")  # its time is {time}
```"""


def model_card(model: Model, to: Format) -> str:
    """The README.md of an exported model: front matter for hubs, what it is, how it was trained, how to use it."""
    description, trainer = model.description, model.trainer
    system: Mapping[str, Any] = description.get("system") or {}
    data: Mapping[str, Any] = description.get("data") or {}
    kind, name = str(system.get("kind", type(model.system).__name__)), str(description.get("preset", "model"))
    weights = sum(math.prod(tensor.shape) for tensor in model.system.parameters())
    lines = [
        "---",
        f"library_name: {'diffusers' if to == 'diffusers' else 'pytorch'}",
        "pipeline_tag: unconditional-image-generation",
        "tags:",
        *(f"- {tag}" for tag in ("threefold", kind)),
        "---",
        "",
        f"# {_plain(name)}",
        "",
        f"A model of kind `{_plain(kind)}` with {weights:,} parameters, trained with Threefold.",
        "",
        "| | |",
        "|---|---|",
        f"| data | {_plain(data.get('name', 'not recorded'))} |",
        f"| image size | {_plain(system.get('image_size', ''))} |",
        f"| steps | {model.checkpoint.step:,} of {_plain(trainer.get('steps', '?'))} |",
        f"| batch size | {_plain(trainer.get('batch_size', '?'))} |",
        f"| learning rate | {_plain(trainer.get('lr', '?'))} |",
        f"| seed | {_plain(trainer.get('seed', '?'))} |",
        "",
        "## Use",
        "",
        _use(model, to),
        "",
        "Images are in [-1, 1]." + (_about_classes(data) if system.get("conditional") else ""),
        "",
        "## Not said here",
        "",
        "The licence of the model and of its data, and what it must not be used for: whoever publishes it adds them.",
        "",
    ]
    return "\n".join(lines)


def _use(model: Model, to: Format) -> str:
    """Code that reads what was written."""
    system = model.system
    if to == "diffusers" and not hasattr(system, "diffusion"):
        return _UNET_ALONE.replace("{time}", getattr(system, "network_time", "what it was trained with"))
    if to == "program" and isinstance(system, Exports):
        return _USES[to].replace("{program}", next(reversed(system.functions())))
    return _USES[to]


def _about_classes(data: Mapping[str, Any]) -> str:
    classes = data.get("classes")
    if not isinstance(classes, list) or not classes:
        return ""
    return f" Classes by number: {', '.join(_plain(name) for name in classes[:100])}; after the last comes no class."


def _plain(value: Any) -> str:
    """Text from a checkpoint on one line, without what Markdown, HTML or YAML would read."""
    return "".join(c for c in str(value)[:80] if c.isalnum() or c in " .,_+-:()/").strip() or "-"
