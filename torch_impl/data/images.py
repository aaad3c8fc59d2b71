"""Images held in one array: in memory (and then on whichever device), or memory-mapped where they are too large."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

from torch_impl.data import counter
from torch_impl.data.dataset import BadData, DataSet, fingerprint

__all__ = ["ImageArray", "split_indices"]


def split_indices(
    size: int,
    split: str,
    labels: np.ndarray | None = None,
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> np.ndarray:
    """Indices of a split: of each class 70 % train, 10 % val, 20 % test, chosen by a fixed seed; ascending.

    Without labels the whole set is one class.  Classes too small for an example in val are cut together, as if they
    were one, so that three examples or more leave no split empty.  `split="all"` is everything.  Where the examples
    have `names`, chance follows the names, so that those that come or go move hardly any other to another split.
    """
    if split == "all":
        return np.arange(size)
    if split not in ("train", "val", "test"):
        raise ValueError(f"split {split!r} is not one of 'train', 'val', 'test', 'all'")
    if names is None:
        draw = counter.uniform(counter.key(seed, "split"), torch.arange(size)).numpy()
    else:
        draw = np.array([_chance(seed, name) for name in names])
    least = 1 if size >= 3 else 0
    chosen = []
    for members in _groups(size, labels):
        members = members[np.argsort(draw[members])]
        test, val = round(0.2 * len(members)), round(0.1 * len(members))
        if len(members) == size:
            test, val = max(test, least), max(val, least)
        parts = {"test": members[:test], "val": members[test : test + val], "train": members[test + val :]}
        chosen.append(parts[split])
    return np.sort(np.concatenate(chosen))


def _chance(seed: int, name: str) -> float:
    """A number in [0, 1) that a name has under a seed."""
    digest = hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogateescape")).digest()
    return float(int.from_bytes(digest[:6], "big")) / 2.0**48


def _groups(size: int, labels: np.ndarray | None) -> list[np.ndarray]:
    """Indices of the examples that are cut together: those of a class, and those of all small classes."""
    if labels is None:
        return [np.arange(size)]
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    large = [members for members in classes if round(0.1 * len(members)) > 0]
    small = [members for members in classes if round(0.1 * len(members)) == 0]
    return [*large, np.sort(np.concatenate(small))] if small else large


class ImageArray(DataSet):
    """Images (n, channels, height, width) as uint8 grey levels, with or without labels.

    Args:
        images: a tensor; or a memory-mapped array, which stays on disk (`slow`).
        labels: int64 (n,), or None.
        classes: names of the labels; by default their numbers.
        rows: the examples of this split among `images` and `labels`; None for all.
        origin: whatever else decides what example i is, for the fingerprint.
    """

    def __init__(
        self,
        name: str,
        split: str,
        images: Tensor | np.ndarray,
        labels: Tensor | None = None,
        classes: tuple[str, ...] | None = None,
        levels: int = 256,
        rows: np.ndarray | None = None,
        origin: object = None,
    ) -> None:
        if images.ndim != 4 or str(images.dtype).removeprefix("torch.") != "uint8":
            raise BadData(
                f"{name} is {images.dtype} of shape {tuple(images.shape)}; "
                "it must be uint8 of shape (n, channels, height, width)"
            )
        if labels is not None and labels.shape != (len(images),):
            raise BadData(
                f"{name} has {len(images)} images, but labels of shape {tuple(labels.shape)}; one each is needed"
            )
        if len(images) == 0 or (rows is not None and len(rows) == 0):
            raise BadData(f"the {split} split of {name} is empty; at least one image is needed")
        if labels is not None:
            low, high = int(labels.min()), int(labels.max())
            classes = classes or tuple(str(i) for i in range(high + 1))
            if low < 0 or high >= len(classes):
                raise BadData(
                    f"{name} has labels from {low} to {high}; its {len(classes)} classes are 0 to {len(classes) - 1}"
                )
        self.slow = isinstance(images, np.ndarray)
        self._rows = None
        if isinstance(images, np.ndarray):
            self._rows = rows
        elif rows is not None:
            images = images[torch.from_numpy(rows)]
        if labels is not None and rows is not None:
            labels = labels[torch.from_numpy(rows)]
        self.images = images
        self.labels = None if labels is None else labels.long()
        self.name, self.split, self.levels, self.classes = name, split, levels, classes
        self.size, self.shape = len(images) if self._rows is None else len(self._rows), tuple(images.shape[1:])
        self.device = images.device if isinstance(images, Tensor) else torch.device("cpu")
        self.fingerprint = fingerprint(
            name=name,
            split=split,
            size=self.size,
            shape=self.shape,
            levels=levels,
            classes=classes,
            origin=origin,
            contents=self._contents(),
        )

    def _contents(self, largest: int = 1024) -> str:
        """A hash of the labels and of up to so many images, evenly spread: a look that large files on disk allow."""
        assert self.size is not None
        looked_at = torch.linspace(0, self.size - 1, min(self.size, largest), dtype=torch.float64).round().long()
        pixels, _ = self.read(looked_at.to(self.device))
        digest = hashlib.sha256(pixels.cpu().numpy().tobytes())
        if self.labels is not None:
            digest.update(self.labels.cpu().numpy().tobytes())
        return digest.hexdigest()

    def read(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        labels = None if self.labels is None else self.labels.index_select(0, index)
        if isinstance(self.images, Tensor):
            return self.images.index_select(0, index), labels  # copies whole images, as [index] does not
        rows = index.numpy() if self._rows is None else self._rows[index.numpy()]
        return torch.from_numpy(np.ascontiguousarray(self.images[rows])), labels

    def to(self, device: torch.device | str) -> Self:
        if isinstance(self.images, Tensor):
            self.images = self.images.to(device)
            self.labels = None if self.labels is None else self.labels.to(device)
            self.device = self.images.device
        return self
