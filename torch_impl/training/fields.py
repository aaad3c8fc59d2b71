"""The fields of a dataclass as options: each is declared once, with what it means and the values that it can have.

From a declaration come the option of the command line, its help, what is refused, and what a text is read as.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = ["Declared", "check_limits", "check_value", "declared_types", "option", "option_of", "read_value"]


# -- declarations -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Declared:
    """What is true of a field beside its type and its default.

    Attributes:
        help: what it means, for people who choose it.
        group: the heading of the help that it stands under.
        least, most: the values between which it lies, themselves among them.
        above, below: those between which it lies, themselves left out.
        flag: how the command line spells it, where that is not its own name.
        example: a value that can be taken.
    """

    help: str
    group: str = ""
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    flag: str = ""
    example: object = None

    def allows(self, value: float) -> bool:
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def limits(self) -> str:
        """Where values lie, in words."""
        low, high = (self.least, self.above), (self.most, self.below)
        example = "" if self.example is None else f", for example {self.example}"
        if high == (None, None):
            words = "it must be positive" if self.above == 0 else f"it must be more than {self.above}"
            if self.least is not None:
                words = "it must not be negative" if self.least == 0 else f"it must be at least {_short(self.least)}"
            return words + example
        if low == (None, None):
            return (
                f"it must be {f'at most {self.most}' if self.most is not None else f'less than {self.below}'}{example}"
            )
        left = f"[{_short(self.least)}" if self.least is not None else f"({_short(self.above)}"
        right = f"{_short(self.most)}]" if self.most is not None else f"{_short(self.below)})"
        return f"it must lie in {left}, {right}{example}"


def _short(number: float | None) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def option(default: Any, help: str, **facts: Any) -> Any:
    """A field of a dataclass that is an option: its default, what it means, and the facts of `Declared`."""
    return dataclasses.field(default=default, metadata={"option": Declared(help, **facts)})


def option_of(field: dataclasses.Field[Any]) -> Declared | None:
    """The declaration of a field; None for one that is no option."""
    found = field.metadata.get("option")
    return found if isinstance(found, Declared) else None


def check_limits(owner: Any) -> None:
    """Raise ValueError unless each field of a dataclass, and each item of a tuple, lies within its limits."""
    for field in dataclasses.fields(owner):
        declared, value = option_of(field), getattr(owner, field.name)
        if declared is None:
            continue
        for item in value if isinstance(value, tuple) else (value,):
            number = isinstance(item, int | float) and not isinstance(item, bool)
            if number and not declared.allows(item):
                raise ValueError(f"{field.name} is {_shown(value)}; {declared.limits()}")


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


# -- values -----------------------------------------------------------------------------------------------------------


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
