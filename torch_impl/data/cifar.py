"""CIFAR-10 from its binary files or from one npz; the pickled version is never opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from torch_impl.data.arrays import as_channels_first, read_npz
from torch_impl.data.dataset import BadData, DataNotFound
from torch_impl.data.images import ImageArray

__all__ = ["cifar10"]

_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_RECORD = 1 + 3 * 32 * 32


def _read_binary(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, 32, 32) and labels (n,) of a file of records: one byte label, 3,072 bytes red, green, blue."""
    content = np.fromfile(path, dtype=np.uint8)
    if len(content) == 0 or len(content) % _RECORD:
        raise BadData(
            f"{path} has {len(content)} bytes; a CIFAR-10 binary file is a multiple of {_RECORD} bytes; copy it again"
        )
    records = content.reshape(-1, _RECORD)
    if records[:, 0].max() > 9:
        row = int(records[:, 0].argmax())
        raise BadData(f"{path}: record {row} has the label {records[row, 0]}; CIFAR-10 has 0 to 9 (is this CIFAR-100?)")
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def cifar10(folder: Path, split: str = "train") -> ImageArray:
    """ "train" (the first nine tenths of the training images), "val" (the rest) or "test"; (3, 32, 32).

    The folder has the files data_batch_1.bin to data_batch_5.bin and test_batch.bin, or a file cifar10.npz with the
    arrays x_train, y_train, x_test, y_test.
    """
    if split not in ("train", "val", "test"):
        raise ValueError(f"split {split!r} is not one of 'train', 'val', 'test'")
    names = ["test_batch.bin"] if split == "test" else [f"data_batch_{i}.bin" for i in range(1, 6)]
    inner = folder / "cifar-10-batches-bin"
    home = inner if inner.is_dir() else folder
    if all((home / name).is_file() for name in names):
        parts = [_read_binary(home / name) for name in names]
        images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    elif (folder / "cifar10.npz").is_file():
        suffix = "test" if split == "test" else "train"
        found = read_npz(folder / "cifar10.npz", (f"x_{suffix}", f"y_{suffix}"))
        images, labels = as_channels_first(found[0], folder / "cifar10.npz"), found[1].reshape(-1)
    else:
        missing = next(name for name in names if not (home / name).is_file())
        raise DataNotFound(
            f"cifar10: {home / missing} is missing. Put the binary version (data_batch_1.bin to data_batch_5.bin, "
            f"test_batch.bin) into {folder}, or a file {folder / 'cifar10.npz'} with x_train, y_train, x_test, y_test"
        )
    if images.shape[1:] != (3, 32, 32):
        raise BadData(f"cifar10 in {folder} has images of shape {images.shape[1:]}; (3, 32, 32) is needed")
    edge = len(images) * 9 // 10
    rows = {"train": np.arange(edge), "val": np.arange(edge, len(images)), "test": np.arange(len(images))}[split]
    return ImageArray(
        name="cifar10",
        split=split,
        images=torch.from_numpy(np.ascontiguousarray(images)),
        labels=torch.from_numpy(labels.astype(np.int64)),
        classes=_CLASSES,
        rows=rows,
    )
