"""Images from .npy and .npz files; pickled objects are refused, large .npy files stay on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from torch_impl import files
from torch_impl.data.dataset import BadData, DataNotFound
from torch_impl.data.images import ImageArray, split_indices
from torch_impl.data.row import DataRow

__all__ = ["DATA", "array", "as_channels_first", "read_npy", "read_npz"]

MEMORY_MAP_ABOVE = 2**30
"""A .npy file larger than this many bytes is memory-mapped instead of read."""


def read_npy(path: Path, memory_map: bool = False) -> np.ndarray:
    """The array of a .npy file; BadData, naming the file, if it is damaged or holds Python objects."""
    try:
        return files.read_npy(path, memory_map)
    except (ValueError, OSError) as error:
        raise BadData(f"{path} cannot be read as a .npy file without pickled objects: {_what(error)}") from error


def read_npz(path: Path, names: tuple[str, ...], optional: tuple[str, ...] = ()) -> list[np.ndarray]:
    """Named arrays of a .npz file, then those of the optional ones that are there.

    BadData, naming the file, if an array is missing, damaged or made of Python objects.
    """
    try:
        found = files.read_npz_members(path, (*names, *optional))
    except (ValueError, OSError) as error:
        raise BadData(f"{path} cannot be read as a .npz file without pickled objects: {_what(error)}") from error
    missing = [name for name in names if name not in found]
    if missing:
        there = ", ".join(files.read_npz_members(path)) or "none"
        raise BadData(f"{path} has no array {missing[0]!r}; it has {there}")
    return [found[name] for name in (*names, *(name for name in optional if name in found))]


def _what(error: Exception) -> str:
    return error.what if isinstance(error, files.UnusableFile) else str(error)


def as_channels_first(images: np.ndarray, path: Path) -> np.ndarray:
    """Images as (n, c, h, w) from (n, h, w), (n, h, w, c) or (n, c, h, w), c being 1 or 3; a view, not a copy."""
    if images.dtype != np.uint8:
        raise BadData(
            f"{path} holds images of type {images.dtype}; uint8 from 0 to 255 is needed, so convert them first"
        )
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4 and images.shape[1] in (1, 3):
        return images
    if images.ndim == 4 and images.shape[3] in (1, 3):
        return images.transpose(0, 3, 1, 2)
    raise BadData(
        f"{path} holds images of shape {images.shape}; (n, h, w), (n, h, w, c) or (n, c, h, w) with c 1 or 3 is needed"
    )


def _labels(labels: np.ndarray, path: Path) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Labels as places among the values that there are, and those values: 0, 100 and 10^9 are three classes."""
    if labels.ndim != 1 or labels.dtype.kind not in "ui":
        raise BadData(
            f"{path} holds labels of type {labels.dtype} and shape {labels.shape}; integers of shape (n,) are needed"
        )
    values, places = np.unique(labels, return_inverse=True)
    return torch.from_numpy(places.astype(np.int64).reshape(-1)), tuple(str(value) for value in values)


def array(
    path: Path, split: str = "train", seed: int = 0, image_size: int | None = None, channels: int | None = None
) -> ImageArray:
    """Images of a .npy file, or of a .npz file with `images` and perhaps `labels`.

    Labels of `faces.npy` are looked for in `faces.labels.npy`; the values that there are, whichever, are the
    classes.  Splits are drawn by a fixed seed: 70, 10, 20 %.
    Arrays are taken as they are: BadData if they do not have the `image_size` or the `channels` asked for.
    """
    if not path.is_file():
        raise DataNotFound(
            f"array: there is no file {path}. Give --data a .npy file of uint8 images, or a .npz with images, labels"
        )
    labels: torch.Tensor | None = None
    classes: tuple[str, ...] | None = None
    if path.suffix == ".npz":
        raw, *found = read_npz(path, ("images",), optional=("labels",))
        labels, classes = _labels(found[0], path) if found else (None, None)
    elif path.suffix == ".npy":
        raw = read_npy(path, memory_map=path.stat().st_size > MEMORY_MAP_ABOVE)
        beside = path.with_suffix(".labels.npy")
        labels, classes = _labels(read_npy(beside), beside) if beside.is_file() else (None, None)
    else:
        raise BadData(f"{path} is neither a .npy nor a .npz file")
    images: Any = as_channels_first(raw, path)
    found_channels, height, _ = images.shape[1:]
    if image_size not in (None, height) or channels not in (None, found_channels):
        raise BadData(
            f"{path} has images of {height} pixels a side and {found_channels} channels, and arrays are not scaled; "
            f"give --image-size {height} --set channels={found_channels}"
        )
    if labels is not None and len(labels) != len(images):
        raise BadData(f"{path} has {len(images)} images, but there are {len(labels)} labels")
    data = ImageArray(
        name="array",
        split=split,
        images=images if isinstance(raw, np.memmap) else torch.from_numpy(np.ascontiguousarray(images)),
        labels=labels,
        classes=classes,
        rows=split_indices(len(images), split, None if labels is None else labels.numpy(), seed),
        origin=(path.name, seed),
    )
    beside = path.with_suffix(".labels.npy")
    data.files = (path, beside) if path.suffix == ".npy" and labels is not None else (path,)
    return data


DATA = DataRow(
    "array",
    "images of a .npy or .npz file",
    lambda asked: array(asked.folder, asked.split, asked.seed, asked.image_size, asked.channels),
    takes=("root",),
    packed=("",),  # any: it says itself which it reads
)
