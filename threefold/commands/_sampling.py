"""What the command sample does; itself it only says which options there are."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from threefold.commands._endings import pasted, plain_console, unusable_input
from threefold.errors import nearest
from torch_impl.evaluation import draw_samples, takes
from torch_impl.pictures.images import image_grid, png_bytes, scatter
from torch_impl.runs.estimate import words
from torch_impl.runs.guides import Guide, load_guide
from torch_impl.runs.open import Model, load_model
from torch_impl.runs.rerank import Ranker, load_ranker
from torch_impl.runs.sample_files import write_arrays, write_single_files
from torch_impl.training import Processes
from torch_impl.training.capabilities import KnowsLaw, Labels, TakesCaptions
from torch_impl.training.checkpoint import write_atomically

__all__ = ["SAMPLING", "SampleRequest", "refuse_foreign", "refuse_guidance", "refuse_sampler", "run_sampling"]

_IN_ONE_PICTURE = 10_000
"""More samples than so many are no picture."""


@dataclass(frozen=True)
class SampleRequest:
    """What `threefold sample` was asked for."""

    checkpoint: Path
    out: Path
    n: int
    sampler: str | None
    steps: int | None
    guidance: float | None
    classifier: Path | None
    label: str | None
    caption: tuple[str, ...]
    rerank: str | None
    candidates: int | None
    sampler_options: dict[str, Any]
    prior: str | None
    clip: bool | None
    columns: int | None
    seed: int
    weights: str
    ema_width: float | None
    device: str


def run_sampling(request: SampleRequest) -> None:
    """Draw samples and write them as one picture, as arrays, or as single files."""
    with unusable_input():
        if request.n < 1:
            raise ValueError(f"--n is {request.n}; at least one sample is needed")
        _refuse_unwritable(request)
        device = Processes.start(request.device).device
        model = load_model(request.checkpoint, weights=request.weights, ema_width=request.ema_width, device=device)
        options = _sampling_options(request, model, device)
        if request.candidates is not None and request.rerank is None:
            raise ValueError(f"--candidates is {request.candidates}, and nothing ranks them; give --rerank RUN too")
        ranker = None if request.rerank is None else load_ranker(request.rerank, model, request.candidates)
        _refuse_full_disk(request, model)
        generator = torch.Generator(device).manual_seed(request.seed)
        read = model.system.tokenizer.decode if isinstance(model.system, TakesCaptions) else None
        with _told(request.n) as told:
            parts = _drawn(model, request, generator, options, told, ranker)
            if request.out.suffix.lower() == ".png":
                _write_picture(request, model, torch.cat([part for part, _ in parts]))
            elif request.out.suffix.lower() == ".npz":
                write_arrays(request.out, parts, request.n, read)
            else:
                write_single_files(request.out, parts, model.description["data"].get("classes"), read)
    plain_console().print(f"{request.n} samples in {request.out}")


def _drawn(
    model: Model,
    request: SampleRequest,
    generator: torch.Generator,
    options: Mapping[str, Any],
    told: Callable[[float], None],
    ranker: Ranker | None,
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Samples in parts of a size that only the model decides, so that the first ones do not depend on their number."""
    config: Any = model.system.config
    values = config.image_size**2 * config.channels
    size = 5000 if isinstance(model.system, KnowsLaw) else max(8, min(500, 2**19 // values // 8 * 8))
    size = size if ranker is None else max(1, size // ranker.candidates)
    labels: Tensor | None = options.get("labels")
    for start in range(0, request.n, size):
        count = min(size, request.n - start)
        part = dict(options)
        if labels is not None:
            part["labels"] = labels[start : start + count]
        if "steps" in takes(model.system):
            step, steps = itertools.count(1), request.steps or min(getattr(config, "timesteps", 50), 50)
            part["callback"] = lambda *_, step=step, of=steps, at=start, n=count: told(at + n * min(1, next(step) / of))

        def draw(captions: Tensor | None, part: dict[str, Any] = part, count: int = count) -> Tensor:
            asked = {} if captions is None else {"labels": captions}
            return draw_samples(model.system, count if captions is None else len(captions), generator, **part | asked)

        captions = part.get("labels")
        drawn = (draw(None) if ranker is None or captions is None else ranker.best(draw, captions)).cpu()
        told(start + count)
        yield drawn, None if labels is None else labels[start : start + count].cpu()


@contextmanager
def _told(n: int) -> Iterator[Callable[[float], None]]:
    """How far the drawing is: a bar on a terminal, elsewhere a line every ten seconds."""
    console = plain_console()
    if not console.is_terminal:
        last = [time.monotonic()]

        def line(done: float) -> None:
            if time.monotonic() - last[0] > 10:
                last[0] = time.monotonic()
                console.print(f"drawing samples, {int(done):,} of {n:,}")

        yield line
        return
    columns = (
        TextColumn("drawing samples"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=n)
        yield lambda done: progress.update(task, completed=done)


def _write_picture(request: SampleRequest, model: Model, drawn: Tensor) -> None:
    if isinstance(model.system, KnowsLaw):
        truth = model.system.oracle.sample(request.n, torch.Generator().manual_seed(request.seed))
        scatter(request.out, drawn, truth)
    else:
        write_atomically(request.out, png_bytes(image_grid(drawn, request.columns)))


# -- what cannot work --------------------------------------------------------------------------------------------------


def _refuse_unwritable(request: SampleRequest) -> None:
    """Find out before the work whether the samples can be written."""
    path, kind = request.out, request.out.suffix.lower()
    if kind not in (".png", ".npz", ""):
        raise ValueError(
            f"--out is {path}; its name must end in .png for one picture, or in .npz for arrays, or have no suffix for "
            "a folder of single pictures"
        )
    if kind and path.is_dir():
        raise ValueError(f"--out {path} is a folder; name a file in it")
    if not kind and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(
            f"--out {path} is there already and not an empty folder; name a new one, or a .png or .npz file"
        )
    if kind != ".png" and request.columns is not None:
        raise ValueError("--columns are those of one picture; leave it out, or give an --out that ends in .png")
    if kind == ".png" and request.n > _IN_ONE_PICTURE:
        more = pasted("--out", path.with_suffix(".npz"))
        raise ValueError(f"--n is {request.n}; one picture shows at most {_IN_ONE_PICTURE:,}; write arrays: {more}")
    if not path.parent.is_dir():
        raise ValueError(f"--out {path}: there is no folder {path.parent}; make it first, or choose another place")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"--out {path}: the folder {path.parent} cannot be written to; choose another place")


def _refuse_full_disk(request: SampleRequest, model: Model) -> None:
    config: Any = model.system.config
    if not request.out.suffix and isinstance(model.system, KnowsLaw):
        raise ValueError("samples of a mixture are points, no pictures: give an --out that ends in .png or .npz")
    need, free = request.n * config.image_size**2 * config.channels, shutil.disk_usage(request.out.parent).free
    if request.out.suffix.lower() != ".png" and need > free:
        raise ValueError(
            f"--n {request.n:,} samples need {words(need)}, and {request.out.parent} has {words(free)} free; draw "
            "fewer, or choose another --out"
        )


_ASKS = ("label", "caption")
SAMPLING = ("sampler", "steps", "guidance")


def refuse_foreign(model: Model, given: Mapping[str, Any]) -> None:
    """Refuse options that only other kinds of model have, instead of ignoring them; None is an option not given."""
    allowed = takes(model.system)
    for name, value in given.items():
        if value is not None and name not in allowed:
            kind = model.description["system"]["kind"]
            raise ValueError(f"--{name.replace('_', '-')} has no meaning for a model of kind {kind}; leave it out")


def refuse_sampler(model: Model, name: str | None) -> None:
    """Refuse a sampler that is made for models of another kind."""
    from torch_impl.samplers.registry import METHODS

    offered = getattr(model.system, "samplers", METHODS)
    if name is not None and name not in offered:
        kind = model.description["system"]["kind"]
        raise ValueError(f"--sampler is {name!r}, but a model of kind {kind} is sampled by {', '.join(offered)}")


def refuse_guidance(model: Model, guidance: float | None) -> None:
    """Refuse guidance for a model that never learned one of the two predictions that it needs.

    Raises:
        ValueError: the class was never hidden in training (`--label-drop 0`), or always (`--label-drop 1`).
    """
    config: Any = model.system.config
    if guidance is None or not getattr(config, "conditional", False):
        return
    drop, what = getattr(config, "label_drop", None), "caption" if isinstance(model.system, TakesCaptions) else "class"
    if drop == 0 and guidance != 1:
        raise ValueError(
            f"--guidance is {guidance:g}, but this model was trained with --label-drop 0 and never learned to do "
            f"without the {what}; leave it out (1), or train with --label-drop 0.1"
        )
    if drop == 1 and guidance != 0:
        raise ValueError(
            f"--guidance is {guidance:g}, but this model was trained with --label-drop 1 and never saw a {what}; give "
            "--guidance 0, or train with --label-drop 0.1"
        )


def _sampling_options(request: SampleRequest, model: Model, device: torch.device) -> dict[str, Any]:
    """The options of this system's `sample`; options of other systems are refused, not ignored."""
    system = model.system
    given = {
        "sampler": request.sampler,
        "steps": request.steps,
        "guidance": request.guidance,
        "classifier": request.classifier,
        "clip": request.clip,
        "prior": request.prior,
        "label": request.label,
        "caption": request.caption or None,
    }
    others = {} if "sampler" in takes(system) else request.sampler_options
    refuse_foreign(model, {**given, "columns": request.columns, **others})
    guide = None
    if request.classifier is None:
        refuse_guidance(model, request.guidance)
    else:
        guide = load_guide(request.classifier, model, device)
    refuse_sampler(model, request.sampler)
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None and name not in _ASKS}
    options |= request.sampler_options
    if isinstance(system, TakesCaptions) and request.caption:
        said = system.tokenizer.encode(request.caption).to(device)
        options["labels"] = said[torch.arange(request.n, device=device) % len(said)]
    elif isinstance(system, Labels):
        options["labels"] = _labels(request, model, device, guide)
    if guide is not None:
        options["classifier"] = guide.logits
    return options


def _labels(request: SampleRequest, model: Model, device: torch.device, guide: Guide | None) -> Tensor | None:
    """Classes asked for by number or name, used in turn; all classes in turn where none was asked for."""
    system = model.system
    assert isinstance(system, Labels)
    if request.label is None:
        return (
            system.sample_labels(request.n) if guide is None else torch.arange(request.n, device=device) % guide.classes
        )
    if guide is None and not getattr(model.system.config, "conditional", False):
        raise ValueError("this model is unconditional, so --label has no meaning; train with --conditional")
    names = list(model.description["data"]["classes"])
    wanted = [_class_index(word.strip(), names) for word in _names(request.label, names)]
    return torch.tensor(wanted, device=device).repeat(-(-request.n // len(wanted)))[: request.n]


def _names(text: str, names: list[str]) -> list[str]:
    """The classes that a text names: itself, if there is a class of that name, else what its commas part."""
    return [text] if text.strip() in names else text.split(",")


def _class_index(word: str, names: list[str]) -> int:
    if word in names:
        return names.index(word)
    if word.isdigit() and int(word) < len(names):
        return int(word)
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    raise ValueError(
        f"there is no class {word!r}{nearest(word, names)} classes are {shown} (or numbers 0..{len(names) - 1})"
    )
