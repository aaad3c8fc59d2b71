"""Systems as data: frozen dataclasses that go to JSON and come back as the same system."""

from __future__ import annotations

import dataclasses
import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from torch_impl.training.fields import check_limits, check_value, declared_types
from torch_impl.training.system import System

__all__ = ["FirstStage", "SystemConfig", "build_system", "config_from_json", "load_all", "system_kinds"]


class FirstStage(NamedTuple):
    """A system that another one needs to have been trained, and for how many steps.

    `trainer` is what is other in its training.
    """

    config: SystemConfig
    steps: int
    trainer: Mapping[str, Any] = {}


_KINDS: dict[str, type[SystemConfig]] = {}


@dataclasses.dataclass(frozen=True)
class SystemConfig:
    """What is needed to build a system anew; `kind` names it in JSON.

    `image_size` and `channels` are those of the data, `classes` its number of classes or None.
    """

    kind: ClassVar[str]
    unit: ClassVar[str] = "images"
    """What an example is, in words."""
    laws: ClassVar[str] = ""
    """Where examples are drawn from a law that the config holds: how the names of such data begin."""
    stage: ClassVar[str] = ""
    """What a system that is trained before it is to it, for some values at least; empty where there is none."""

    captions: ClassVar[bool] = False
    """Whether each example must come with a caption."""

    image_size: int = 8
    channels: int = 1
    classes: int | None = None

    def __post_init__(self) -> None:
        check_limits(self)

    def __init_subclass__(cls, kind: str = "", **rest: Any) -> None:
        """A class without a kind is what others share, and no system."""
        super().__init_subclass__(**rest)
        if kind:
            cls.kind = kind
            _KINDS[kind] = cls

    def build(self) -> System:
        """The system with fresh weights.

        Raises:
            ValueError: a combination of values that cannot work; the message names the remedy.
        """
        raise NotImplementedError

    def at_side(self, size: int) -> SystemConfig:
        """The config for images of another side, with the levels that suit it.

        Raises:
            ValueError: no network here takes that side; the message names one that does.
        """
        return dataclasses.replace(self, image_size=size)

    @classmethod
    def small(cls) -> SystemConfig:
        """One that is built and trained in a moment, for tests."""
        raise NotImplementedError

    def fitted(self, data: Any) -> SystemConfig:
        """The config with side, channels and classes of the data that was found.

        Raises:
            ValueError: the data cannot be used with this system.
        """
        channels, height, width = data.shape
        if height != width:
            raise ValueError(
                f"the images are {height} x {width}; the networks here take square images: crop or pad them"
            )
        classes = None if data.classes is None else len(data.classes)
        found = dataclasses.replace(self, image_size=height, channels=channels, classes=classes)
        found.check_labels()
        return found

    def first_stage(self) -> FirstStage | None:
        """What is to be trained before it; None for a system of one stage."""
        return None

    def unused(self) -> Mapping[str, str]:
        """The fields that the value of another leaves without meaning, each with that value in words."""
        return {}

    def check_labels(self) -> None:
        """ValueError if the model is to be told classes that its data do not have."""
        if self.classes is None and getattr(self, "conditional", False):
            raise ValueError("a conditional model needs labels, and this data has none; train with --unconditional")

    def example_labels(self, n: int, generator: torch.Generator) -> Tensor | None:
        """What batches may have in the place of labels, (n, ...); None where there is nothing."""
        return None if self.classes is None else torch.randint(0, self.classes, (n,), generator=generator)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **dataclasses.asdict(self)}


def system_kinds() -> Mapping[str, type[SystemConfig]]:
    """Every kind of system by name."""
    load_all()
    return _KINDS


def load_all() -> None:
    """Import every module of this package, so that every kind of system is known."""
    package = import_module(__name__.rpartition(".")[0])
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")


def config_from_json(data: Mapping[str, Any]) -> SystemConfig:
    """The config that `to_json` wrote.

    Raises:
        ValueError: unknown kind or field, or a value that the config refuses.
    """
    fields = dict(data)
    kind = fields.pop("kind", None)
    kinds = system_kinds()
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"system kind is {kind!r}; known kinds are {', '.join(sorted(kinds))}")
    known = {field.name for field in dataclasses.fields(kinds[kind])}
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ValueError(f"system {kind} has no field {unknown[0]!r}; its fields are {', '.join(sorted(known))}")
    frozen = {name: _frozen(value) for name, value in fields.items()}
    hints = declared_types(kinds[kind])
    for name, value in frozen.items():
        check_value(name, value, hints[name])
        if name in _LARGEST and isinstance(value, int) and not 1 <= value <= _LARGEST[name]:
            raise ValueError(f"{name} is {value}; it must lie in 1..{_LARGEST[name]}")
    return kinds[kind](**frozen)


_LARGEST = {"image_size": 8192, "channels": 4096, "classes": 10**7}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def build_system(data: Mapping[str, Any]) -> System:
    """The system of a JSON description, with fresh weights."""
    return config_from_json(data).build()
