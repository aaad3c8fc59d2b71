"""Values for the fields of a dataclass: read from text, and checked against the type that the field declares."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = ["check_value", "declared_types", "read_value"]


_declared: dict[str, Mapping[str, Any]] = {}


def declared_types(cls: type) -> Mapping[str, Any]:
    """The type that each field of a class declares; worked out once, since that runs the class's own annotations."""
    name = f"{cls.__module__}.{cls.__qualname__}.{id(cls)}"
    if name not in _declared:
        _declared[name] = get_type_hints(cls)
    return _declared[name]


def read_value(name: str, text: str, declared: Any) -> Any:
    """The value that `text` writes for a field: `0.1` and `learned` for `float | Literal["learned"]`.

    Tuples are written with commas, nothing for the empty one; None is `none`, truth `true` or `false`.

    Raises:
        ValueError: the text writes no value of the declared type.
    """
    for kind in _alternatives(declared):
        try:
            return _read(text.strip(), kind)
        except ValueError:
            continue
    raise ValueError(_complaint(name, text, declared))


def check_value(name: str, value: Any, declared: Any) -> None:
    """Raise ValueError unless the value is of the declared type; numbers must be finite."""
    if not _fits(value, declared):
        raise ValueError(_complaint(name, value, declared))


def _alternatives(declared: Any) -> list[Any]:
    """The members of a union, None first, since any text is also a `str`."""
    if get_origin(declared) in (Union, types.UnionType):
        return sorted(get_args(declared), key=lambda kind: kind is not types.NoneType)
    return [declared]


def _read(text: str, kind: Any) -> Any:
    if get_origin(kind) is tuple:
        parts = [part for part in text.split(",") if part.strip()]
        return tuple(read_value("", part, item) for part, item in zip(parts, _items(kind, len(parts)), strict=True))
    if kind in (int, float, str):
        value = kind(text)
    else:
        value = _WORDS.get(kind, {word: word for word in get_args(kind)}).get(text.lower(), text)
    if not _fits(value, kind):
        raise ValueError(text)
    return value


_WORDS: dict[Any, dict[str, Any]] = {types.NoneType: {"none": None}, bool: {"true": True, "false": False}}


def _fits(value: Any, declared: Any) -> bool:
    return any(_fits_one(value, kind) for kind in _alternatives(declared))


def _fits_one(value: Any, kind: Any) -> bool:
    if get_origin(kind) is tuple:
        items = _items(kind, len(value)) if isinstance(value, tuple) else []
        return isinstance(value, tuple) and len(items) == len(value) and all(map(_fits, value, items))
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _items(kind: Any, length: int) -> list[Any]:
    """The types of a tuple's items: `tuple[int, ...]` has as many as there are, `tuple[float, float]` two."""
    items = list(get_args(kind))
    return items[:1] * length if items[-1] is Ellipsis else items


# -- words ------------------------------------------------------------------------------------------------------------


def _complaint(name: str, value: Any, declared: Any) -> str:
    verb = "choose" if get_origin(declared) is Literal else "it must be"
    return f"{name} is {value!r}; {verb} {_described(declared)}"


def _described(declared: Any) -> str:
    return _one_of([_described_one(kind) for kind in reversed(_alternatives(declared))])


def _described_one(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return _one_of([str(word) for word in get_args(kind)])
    if get_origin(kind) is tuple:
        items = get_args(kind)
        count = "" if items[-1] is Ellipsis else f"{len(items)} "
        return f"{count}{_described(items[0]).removeprefix('a ')}s separated by commas"
    names = {int: "a whole number", float: "a finite number", bool: "true or false", types.NoneType: "none"}
    return names.get(kind, "text" if kind is str else kind.__name__)


def _one_of(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
