"""One row declares a data set; names, options, refusals, presets and help are computed from rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from torch_impl.data.dataset import DataSet

__all__ = ["Asked", "DataRow", "check_rows"]


class Asked(NamedTuple):
    """What `load` was asked for; None for options that were not given."""

    name: str
    split: str
    folder: Path
    image_size: int | None
    channels: int | None
    label: str | None
    without: Sequence[str]
    seed: int


@dataclass(frozen=True)
class DataRow:
    """A data set, and what is true of it before it is read.

    Attributes:
        name: as people name it; with `kinds` it is asked for as name:kind.
        words: what it is.
        open: reads it.
        takes: the options of `load` that it has, beside split and seed; "root" for files of the user's.
        fixed: values of the others that may be stated, since they are so.
        kinds: where one name stands for several laws.
        shape: side, channels and classes that networks are made for, so that it has the presets of every family; None
            for a set without them.
        flip: whether images may be mirrored at random.
        workers: processes that read it.
        packed: how the names of files end that may stand in place of the folder.
        lies_in: whether a folder looks like it, so that who asked for another set there is told of this one.
    """

    name: str
    words: str
    open: Callable[[Asked], DataSet]
    takes: tuple[str, ...] = ()
    fixed: Mapping[str, int] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    shape: tuple[int, int, int | None] | None = None
    flip: bool = False
    workers: int = 0
    packed: tuple[str, ...] = ()
    lies_in: Callable[[Path], bool] = lambda folder: False

    @property
    def names(self) -> tuple[str, ...]:
        """All that can be asked for."""
        return tuple(f"{self.name}:{kind}" for kind in self.kinds) or (self.name,)

    @property
    def is_local(self) -> bool:
        """Whether it is read from files that the user has."""
        return "root" in self.takes


def check_rows(rows: Sequence[DataRow]) -> tuple[DataRow, ...]:
    """The rows, those that need no files first; ValueError for two of one name."""
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two data sets are called {name!r}: give one of them another name")
    return tuple(sorted(rows, key=lambda row: (row.is_local, row.name)))
