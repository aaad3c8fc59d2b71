"""What a data set is here: examples addressed by integers, read where they live, scaled to [-1, 1] at the end."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from torch_impl.data.words import Tokenizer

__all__ = ["BadData", "DataNotFound", "DataSet", "fingerprint", "scaled"]


class DataNotFound(FileNotFoundError):
    """Local files are missing; the message says which files to put where.  Nothing here ever downloads."""

    def __str__(self) -> str:
        return str(self.args[0])


class BadData(ValueError):
    """A file is not what it should be; the message names it, what was found and what was expected."""


def scaled(raw: Tensor, levels: int | None) -> Tensor:
    """Grey levels 0..levels - 1 as float32 in [-1, 1], both ends exact; floating-point data only as float32."""
    return raw.float() if levels is None else raw.float().div_((levels - 1) / 2).sub_(1)


def fingerprint(**facts: object) -> str:
    """Sixteen hex digits that change when any fact does."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


class DataSet(ABC):
    """Examples 0, 1, 2, ...; example i is always the same.

    Attributes:
        name, split: as given to `load`.
        size: number of examples, or None where they are made on the fly without end.
        shape: of one example, (channels, height, width) or (dim,).
        classes: names of the labels 0, 1, ..., or None for unlabelled data.
        words: the tokenizer of captions, which then stand in the place of labels, int64 (batch, length); None without.
        labels: of all examples, int64 (size,), where they are stored; None where there are none, or they are made.
        levels: number of grey levels, for the discretised likelihood; None for data that are not grey levels.
        device: where `read` returns its tensors.
        slow: reading costs processor time or disk access per example, so that workers help.
        files: local files that it was read from; none where it is made here.
        fingerprint: of what decides what example i is; a resumed run must find the same.  Arrays are looked into (all
            labels, and up to 1,024 images); a folder is known by the names of its files, so that one may be repaired.
    """

    name: str
    split: str
    size: int | None
    shape: tuple[int, ...]
    classes: tuple[str, ...] | None = None
    words: Tokenizer | None = None
    labels: Tensor | None = None
    levels: int | None = None
    device: torch.device = torch.device("cpu")
    slow: bool = False
    files: tuple[Path, ...] = ()
    fingerprint: str

    @abstractmethod
    def read(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        """Examples as stored (uint8 levels, or floats) and labels (int64), for an int64 index of shape (batch,)."""

    def fetch(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        """Examples as float32, images in [-1, 1], and labels, for an int64 index of shape (batch,)."""
        raw, labels = self.read(index)
        return scaled(raw, self.levels), labels

    def to(self, device: torch.device | str) -> Self:
        """The same examples, living on a device where they can; otherwise the set itself."""
        del device
        return self

    def all(self) -> tuple[Tensor, Tensor | None]:
        """Every example, as `fetch` gives them."""
        if self.size is None:
            raise ValueError(f"{self.name} has no end; fetch the examples you want by index")
        return self.fetch(torch.arange(self.size, device=self.device))

    def __len__(self) -> int:
        if self.size is None:
            raise TypeError(f"{self.name} has no end")
        return self.size
