"""Presets: a data set, a system and a way to train it, as plain data under one name.

`preset("digits-ddpm")` is what `threefold train digits-ddpm` trains; `override` changes fields by name, as
the command line does.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

from torch_impl.data.catalogue import ROWS, row_of
from torch_impl.data.row import DataRow
from torch_impl.runs.recipe import read_document, recipe, recipe_names
from torch_impl.systems.config import SystemConfig
from torch_impl.training.ema import ConstantDecay, PowerFunction, WarmupDecay
from torch_impl.training.fields import check_limits, check_value, option, read_value
from torch_impl.training.trainer_config import TrainerConfig

__all__ = ["DataChoice", "Preset", "override", "preset", "preset_names", "read_field", "refuse_field", "summary"]


@dataclass(frozen=True)
class DataChoice:
    """Which data: a name that `torch_impl.data.load` knows, and how to read it.

    `root` is where local files are; `label` the attribute that serves as class (faces); `flip` mirrors at random.
    `without` are files, relative to `root`, that are left out because they cannot be decoded.
    """

    name: str
    image_size: int | None = option(None, "Side of the images.", group="Data")
    channels: int | None = option(None, "1 for grey images, 3 for colour.", group="Data")
    root: str | None = None
    label: str | None = option(None, "Attribute that serves as class, such as Smiling.", group="Data")
    flip: bool = option(False, "Mirror images at random.", group="Data")
    workers: int = option(0, "Processes that read the data; 0: the main one.", group="Data", least=0)
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "without", tuple(self.without))  # a list, where it was read from JSON
        check_limits(self)

    @property
    def is_local(self) -> bool:
        """Whether it is read from files that the user has."""
        return row_of(self.name).is_local


@dataclass(frozen=True)
class Preset:
    """A data set, a system and a way to train it."""

    name: str
    summary: str
    data: DataChoice
    system: SystemConfig
    trainer: TrainerConfig

    def to_json(self) -> dict[str, Any]:
        return {
            "preset": self.name,
            "data": dataclasses.asdict(self.data),
            "system": self.system.to_json(),
            "trainer": self.trainer.to_json(),
        }


# -- the table --------------------------------------------------------------------------------------------------------

_FAMILY = "folder-"
"""The presets of a folder of images serve any images: a data set without a file of its own has the same ones."""


def _derived() -> dict[str, tuple[DataRow, str]]:
    """Presets of the data sets that have no file: by name, the row and the preset that it is made from."""
    names = recipe_names()
    without = [row for row in ROWS if row.shape is not None and not any(n.startswith(f"{row.name}-") for n in names)]
    families = [name.removeprefix(_FAMILY) for name in names if name.startswith(_FAMILY)]
    return {f"{row.name}-{family}": (row, _FAMILY + family) for row in without for family in families}


def preset_names() -> list[str]:
    """Every preset, in the order of the data sets."""
    order = [row.name for row in ROWS]
    place = {
        name: next((i for i, set_name in enumerate(order) if name.startswith(set_name)), len(order))
        for name in (*recipe_names(), *_derived())
    }
    return sorted(place, key=lambda name: (place[name], name))


def summary(name: str) -> str:
    """What a preset trains, in a line; read from its file alone."""
    if name in recipe_names():
        return str(read_document(name)["summary"])
    row, family = _derived()[name]
    return _summary_for(row, family)


def _summary_for(row: DataRow, family: str) -> str:
    return f"{summary(family).partition(';')[0]}; {row.words}"


def preset(name: str, image_size: int | None = None) -> Preset:
    """The preset of a name; where the data can be had in several sizes, with the networks that suit the given one.

    Raises:
        ValueError: unknown (the message suggests the nearest), or a size that no network can take.
    """
    if name not in preset_names():
        near = difflib.get_close_matches(name, preset_names(), n=2, cutoff=0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"unknown preset {name!r}{hint} `threefold train --help` lists them all")
    derived = _derived().get(name)
    if derived is not None:
        return _for_row(name, *derived)
    found = recipe(name)
    data, system, trainer = DataChoice(**found.data), found.system, found.trainer
    if image_size is not None and data.image_size is not None and image_size != data.image_size:
        data, system = dataclasses.replace(data, image_size=image_size), system.at_side(image_size)
        trainer = found.trainer_at(image_size)
    return Preset(name, found.summary, data, system, trainer)


def _for_row(name: str, row: DataRow, family: str) -> Preset:
    """A preset of a folder of images for another data set."""
    assert row.shape is not None
    found, (size, channels, classes) = recipe(family), row.shape
    data = DataChoice(
        row.name,
        size if "image_size" in row.takes else None,
        channels if "channels" in row.takes else None,
        flip=row.flip,
        workers=row.workers,
    )
    system = dataclasses.replace(found.system.at_side(size), channels=channels, classes=classes)
    if hasattr(system, "conditional"):
        system = dataclasses.replace(system, conditional=classes is not None)  # type: ignore[call-arg]  # just asked
    return Preset(name, _summary_for(row, family), data, system, found.trainer_at(size))


# -- overrides --------------------------------------------------------------------------------------------------------

# Written beside the fields: which average, and its decay.
_BESIDE: dict[str, Any] = {"ema": Literal["none", "constant", "warmup", "power"], "ema_decay": float}
_FROM_DATA = ("classes", "weights", "means", "variances", "vocabulary", "caption_length", "examples")


def read_field(chosen: Preset, name: str, text: str) -> Any:
    """What `name=text` means for a field of this preset, as `override` takes it.

    Raises:
        ValueError: no such field, or a text that the field cannot be.
    """
    return read_value(name, text, _declared(chosen, name))


def override(chosen: Preset, changes: Mapping[str, Any]) -> Preset:
    """The preset with fields changed by name; a name is looked up in the system, then the trainer, then the data.

    `ema` takes none, constant, warmup or power; `ema_decay` its decay.  `image_size` and `channels` change data
    and system.

    Raises:
        ValueError: no such field in this preset, or a value or combination that cannot work.
    """
    changes = dict(changes)
    for name, value in changes.items():
        check_value(name, value, _declared(chosen, name))
        _refuse_what_data_says(chosen, name, value)
    groups: dict[str, dict[str, Any]] = {"system": {}, "trainer": {}, "data": {}}
    if "ema" in changes or "ema_decay" in changes:
        groups["trainer"]["ema"] = _ema(chosen, changes.pop("ema", None), changes.pop("ema_decay", None))
    for name in ("image_size", "channels"):
        if name in changes:
            groups["data"][name] = groups["system"][name] = changes.pop(name)
    for name, value in changes.items():
        groups[_group(chosen, name)][name] = value
    if "widths" in changes and "attention" not in changes and hasattr(chosen.system, "attention"):
        groups["system"]["attention"] = _attention(chosen.system, groups["system"])
    system = dataclasses.replace(chosen.system, **groups["system"])
    for name, with_what in system.unused().items():
        if groups["system"].get(name, getattr(chosen.system, name)) != getattr(chosen.system, name):
            raise ValueError(f"{_option(name)} has no meaning with {with_what}; leave out one of the two")
    return dataclasses.replace(
        chosen,
        system=system,
        trainer=dataclasses.replace(chosen.trainer, **groups["trainer"]),
        data=dataclasses.replace(chosen.data, **groups["data"]),
    )


def _attention(system: Any, changes: Mapping[str, Any]) -> tuple[int, ...]:
    """The sides with attention, of those that are reached with other widths."""
    now = {name: changes.get(name, getattr(system, name, ())) for name in ("image_size", "compressor_widths", "widths")}
    side = now["image_size"] >> len(now["compressor_widths"])
    return tuple(at for at in system.attention if at in {side >> level for level in range(len(now["widths"]))})


def refuse_field(chosen: Preset, name: str) -> None:
    """Say why a preset does not have a field that people can choose, if it does not.

    Raises:
        ValueError: there is no such field in it, or its data say what it is.
    """
    _declared(chosen, name)
    _refuse_what_data_says(chosen, name, "")


def _group(chosen: Preset, name: str) -> str:
    """Which part of the preset has the field: system, trainer or data."""
    for group in ("system", "trainer", "data"):
        if name in {field.name for field in dataclasses.fields(getattr(chosen, group))}:
            return group
    raise ValueError(f"{chosen.name} has no {_option(name)}; {_who_has(name)}")


def _declared(chosen: Preset, name: str) -> Any:
    """The type of a field."""
    return _BESIDE[name] if name in _BESIDE else get_type_hints(type(getattr(chosen, _group(chosen, name))))[name]


def _refuse_what_data_says(chosen: Preset, name: str, value: Any) -> None:
    """Refuse a field that the data decides, so that no value is taken and then not used."""
    if name in _FROM_DATA:
        raise ValueError(f"{name} of {chosen.name} comes from its data and cannot be set; leave it out")
    if name in ("image_size", "channels") and chosen.system.unit != "images":
        raise ValueError(f"{chosen.name} is of points, not of images; leave out {_option(name)}")
    if name == "image_size" and chosen.data.image_size is None:
        raise ValueError(
            f"the images of {chosen.name} have one size only ({chosen.system.image_size}); leave out --image-size"
        )
    if name == "channels" and chosen.data.channels is None:
        raise ValueError(
            f"the channels of {chosen.name} are those of its data ({chosen.system.channels}); leave it out"
        )
    if name == "name" and not (chosen.system.laws and value.startswith(chosen.system.laws)):
        raise ValueError(
            f"{chosen.name} is trained on {chosen.data.name}, not on {value}; choose the preset of that data"
        )


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _who_has(name: str) -> str:
    having = [
        known for known in preset_names() if name in {field.name for field in dataclasses.fields(preset(known).system)}
    ]
    return f"it belongs to {', '.join(having[:6])}" if having else "no preset has it"


def _ema(chosen: Preset, kind: str | None, decay: float | None) -> tuple[Any, ...]:
    present = chosen.trainer.ema[0] if chosen.trainer.ema else WarmupDecay()
    if kind is None:
        kind = "constant" if isinstance(present, ConstantDecay) else "warmup"
    if kind == "none":
        if decay is not None:
            raise ValueError("--ema none keeps no average, so --ema-decay has no meaning; leave out one of the two")
        return ()
    if kind == "power":
        if decay is not None:
            raise ValueError("--ema power has no decay: its width is chosen after training, with sample --ema-width")
        return (PowerFunction(0.05), PowerFunction(0.10))
    beta = decay if decay is not None else getattr(present, "beta", 0.999)
    return (ConstantDecay(beta),) if kind == "constant" else (WarmupDecay(beta),)
