"""A network's shape as data: frozen dataclasses that go to JSON and come back as the same network.

Every network has a config class of its own, registered here under the network's name.  `config_to_dict` writes plain
JSON values plus the key `"network"`; `config_from_dict` checks every field and `build` makes the module.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import Tensor, nn

__all__ = ["NetworkConfig", "build", "check_image", "config_from_dict", "config_to_dict", "network"]


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Base of all network configs; each checks itself in `__post_init__`; its ValueErrors name the remedy."""

    def require_positive(self, *fields: str) -> None:
        """Each field is a positive integer, or a non-empty tuple of positive integers."""
        for field in fields:
            value = getattr(self, field)
            values = value if isinstance(value, tuple) else (value,)
            if not values or not all(isinstance(v, int) and not isinstance(v, bool) and v >= 1 for v in values):
                raise ValueError(f"{field} = {value!r}; it must be made of integers of at least 1")

    def require_not_negative(self, field: str) -> None:
        """The field is at least 0."""
        value = getattr(self, field)
        if value < 0:
            raise ValueError(f"{field} = {value}; it must not be negative")

    def require_probability(self, field: str) -> None:
        """The field is in [0, 1)."""
        value = getattr(self, field)
        if not 0.0 <= value < 1.0:
            raise ValueError(f"{field} = {value!r}; it must be in [0, 1)")

    @staticmethod
    def require_halvings(image_size: int, halvings: int) -> None:
        """The side can be halved that many times."""
        if image_size % 2**halvings:
            possible = (image_size & -image_size).bit_length() - 1
            raise ValueError(
                f"image_size = {image_size} is not divisible by {2**halvings} (halved {halvings} times); "
                f"use at most {possible} halvings, or another image size"
            )

    @staticmethod
    def require_groups(groups: int, channels: tuple[int, ...]) -> None:
        """`groups` divides every width."""
        for width in channels:
            if width % groups:
                raise ValueError(
                    f"groups = {groups} does not divide {width} channels of {channels}; choose widths that are "
                    f"multiples of {groups}, or other groups"
                )


def check_image(x: Tensor, channels: int, divisor: int = 1) -> None:
    """Raise ValueError unless x is (batch, channels, h, w) with sides that the divisor divides."""
    if x.ndim != 4 or x.shape[1] != channels:
        raise ValueError(
            f"the images have shape {tuple(x.shape)}; the network takes (batch, {channels}, height, width)"
        )
    if x.shape[2] % divisor or x.shape[3] % divisor:
        raise ValueError(
            f"the images are {x.shape[2]} by {x.shape[3]} pixels; both sides must be divisible by {divisor}"
        )


C = TypeVar("C", bound=NetworkConfig)
M = TypeVar("M", bound=type[nn.Module])

_networks: dict[str, tuple[type[NetworkConfig], type[nn.Module]]] = {}


def network(config: type[NetworkConfig]) -> Callable[[M], M]:
    """Class decorator: register a module class under its own name together with its config class."""

    def register(module: M) -> M:
        _networks[module.__name__] = (config, module)
        return module

    return register


def _lookup(name: object) -> tuple[type[NetworkConfig], type[nn.Module]]:
    import torch_impl.networks as package

    package.load_all()
    if not isinstance(name, str) or name not in _networks:
        near = difflib.get_close_matches(str(name), _networks, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown network {name!r}{hint}; known: {', '.join(sorted(_networks))}")
    return _networks[name]


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _frozen(value: object) -> object:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def config_to_dict(config: NetworkConfig) -> dict[str, Any]:
    """JSON-ready description of a network: `{"network": name, field: value, ...}`."""
    for name, (config_class, _) in _networks.items():
        if type(config) is config_class:
            fields = {field.name: _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}
            return {"network": name, **fields}
    raise TypeError(f"{type(config).__name__} is not the config of a registered network")


def config_from_dict(description: Mapping[str, Any]) -> NetworkConfig:
    """The config that `config_to_dict` described.

    Raises ValueError for an unknown network, an unknown field or a value that the config refuses.
    """
    if "network" not in description:
        raise ValueError('the description of a network needs the key "network" with its name')
    config_class, _ = _lookup(description["network"])
    known = {field.name for field in dataclasses.fields(config_class)}
    fields = {key: _frozen(value) for key, value in description.items() if key != "network"}
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ValueError(
            f"{description['network']} has no field {', '.join(map(repr, unknown))}; "
            f"its fields: {', '.join(sorted(known))}"
        )
    try:
        return config_class(**fields)
    except TypeError as error:
        raise ValueError(f"the description of {description['network']} cannot be used: {error}") from error


def build(config: NetworkConfig | Mapping[str, Any]) -> nn.Module:
    """The network of a config, or of a description read from JSON, with fresh parameters."""
    if isinstance(config, Mapping):
        config = config_from_dict(config)
    _, module = _lookup(config_to_dict(config)["network"])
    made: nn.Module = module(config)
    return made
