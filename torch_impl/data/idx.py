"""MNIST and its relatives from their IDX files, plain or gzipped."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from torch_impl import files
from torch_impl.data.dataset import BadData, DataNotFound
from torch_impl.data.images import ImageArray
from torch_impl.data.row import DataRow

__all__ = ["DATA", "mnist", "read_idx"]

_CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        *("T-shirt", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file of unsigned bytes: four bytes 0, 0, 8, rank, then the sizes (big-endian), then the data.

    A name ending in .gz is decompressed.  BadData, naming the file, for another magic number, a file that is too short
    or too long, or a broken gzip stream.
    """
    try:
        with files.read_gzip(path) if path.suffix == ".gz" else files.open_regular(path) as stream:
            packed = isinstance(stream, files.PackedFile)
            return _array(path, stream, None if packed else path.stat().st_size)
    except files.UnusableFile as error:
        raise BadData(f"{path} {error.what.removeprefix('it ')}") from error


def _array(path: Path, stream: Any, size: int | None) -> np.ndarray:
    """The array of an open IDX file of `size` bytes (None: to be found out by reading)."""
    start = stream.read(4)
    if len(start) < 4 or start[:3] != b"\x00\x00\x08" or start[3] > 32:
        raise BadData(
            f"{path} begins with {start.hex(' ') or 'nothing'}; an IDX file of bytes begins with 00 00 08 and its rank"
        )
    rank = start[3]
    header, sizes = 4 + 4 * rank, stream.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise BadData(f"{path} ends within its header, after {4 + len(sizes)} of {header} bytes; copy it again")
    shape = struct.unpack(f">{rank}I", sizes)
    count = math.prod(shape)
    if size is None or size == header + count:
        content = stream.read(count + 1)
        size = header + len(content)
    if size != header + count:
        raise BadData(f"{path} has {size} bytes, but its header says {header + count} (shape {shape}); copy it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _find(folder: Path, stem: str, name: str) -> Path:
    """The file, in the folder or where torchvision puts it (`MNIST/raw`)."""
    theirs = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}.get(name, name)
    for home in (folder, folder / "raw", folder / theirs / "raw", folder / theirs):
        for candidate in (stem, stem + ".gz", stem.replace("-idx", ".idx"), stem.replace("-idx", ".idx") + ".gz"):
            if (home / candidate).is_file():
                return home / candidate
    raise DataNotFound(
        f"{name}: {folder / stem} is missing. Put the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, "
        f"t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (plain or .gz) into {folder}"
    )


def _lies_in(folder: Path, name: str) -> bool:
    """Whether the training images are there."""
    try:
        return _find(folder, "train-images-idx3-ubyte", name).is_file()
    except DataNotFound:
        return False


def mnist(folder: Path, split: str = "train", name: str = "mnist", image_size: int = 28) -> ImageArray:
    """ "train" (all but the last 5,000 training images, or the last twelfth of a smaller set), "val" (those) or "test".

    `image_size` 32 adds a black border of two pixels.
    """
    if split not in ("train", "val", "test"):
        raise ValueError(f"split {split!r} is not one of 'train', 'val', 'test'")
    if image_size not in (28, 32):
        raise ValueError(f"image_size = {image_size}; {name} has 28 pixels, or 32 with a black border")
    part = "t10k" if split == "test" else "train"
    image_path, label_path = (_find(folder, f"{part}-{kind}-ubyte", name) for kind in ("images-idx3", "labels-idx1"))
    images, labels = read_idx(image_path), read_idx(label_path)
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise BadData(f"{image_path} holds an array of shape {images.shape}; (n, 28, 28) is needed")
    if labels.shape != images.shape[:1]:
        raise BadData(f"{label_path} holds an array of shape {labels.shape}, but there are {len(images)} images")
    held_out = min(5000, len(images) // 12)
    rows = {
        "train": np.arange(len(images) - held_out),
        "val": np.arange(len(images) - held_out, len(images)),
        "test": np.arange(len(images)),
    }[split]
    pixels = torch.from_numpy(images[:, None].copy())
    data = ImageArray(
        name=name,
        split=split,
        images=F.pad(pixels, (2, 2, 2, 2)) if image_size == 32 else pixels,
        labels=torch.from_numpy(labels.astype(np.int64)),
        classes=_CLASSES[name],
        rows=rows,
    )
    data.files = (image_path, label_path)
    return data


_TAKES = ("root", "image_size")

DATA = (
    DataRow(
        "mnist",
        "MNIST from local IDX files, 28x28",
        lambda asked: mnist(asked.folder, asked.split, asked.name, asked.image_size or 28),
        takes=_TAKES,
        fixed={"channels": 1},
        shape=(28, 1, 10),
        lies_in=lambda folder: _lies_in(folder, "mnist"),
    ),
    DataRow(
        "fashion-mnist",
        "Fashion-MNIST from local IDX files, 28x28",
        lambda asked: mnist(asked.folder, asked.split, asked.name, asked.image_size or 28),
        takes=_TAKES,
        fixed={"channels": 1},
    ),
)
