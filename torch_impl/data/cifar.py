"""CIFAR-10 from its binary files, loose or in their .tar.gz, or from one npz; the pickled version is never opened."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from torch_impl.data.arrays import as_channels_first, read_npz
from torch_impl.data.dataset import BadData, DataNotFound
from torch_impl.data.images import ImageArray
from torch_impl.data.row import DataRow

__all__ = ["DATA", "cifar10"]

_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_RECORD = 1 + 3 * 32 * 32
Records = list[tuple[np.ndarray, np.ndarray]]


def _records(path: Path, content: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, 32, 32) and labels (n,) of a file of records: one byte label, 3,072 bytes red, green, blue."""
    if len(content) == 0 or len(content) % _RECORD:
        raise BadData(
            f"{path} has {len(content)} bytes; a CIFAR-10 binary file is a multiple of {_RECORD} bytes; copy it again"
        )
    records = content.reshape(-1, _RECORD)
    if records[:, 0].max() > 9:
        row = int(records[:, 0].argmax())
        raise BadData(f"{path}: record {row} has the label {records[row, 0]}; CIFAR-10 has 0 to 9 (is this CIFAR-100?)")
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _from_files(paths: tuple[Path, ...]) -> Records:
    return [_records(path, np.fromfile(path, dtype=np.uint8)) for path in paths]


def _from_archive(archive: Path, names: list[str]) -> Records:
    """The records of files in a .tar.gz, which is read and not unpacked; of each no more than such a file can have."""
    found: dict[str, np.ndarray] = {}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = Path(member.name).name
                if name in names and member.isreg():
                    if member.size > _LARGEST:
                        raise BadData(f"{archive}: {member.name} has {member.size} bytes; {_LARGEST} is the most")
                    file = tar.extractfile(member)
                    assert file is not None
                    found[name] = np.frombuffer(file.read(_LARGEST), np.uint8)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        reason = f"{error}".strip().partition("\n")[0].rstrip(":")
        raise BadData(f"{archive} is not a whole .tar.gz file ({reason}); copy it again") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise BadData(f"{archive} has no file {missing[0]}; {_NEEDED}")
    return [_records(archive / name, found[name]) for name in names]


_SIGNS = (
    *("cifar-10-batches-bin", "cifar-10-binary.tar.gz", "data_batch_1.bin"),
    *("cifar-10-batches-py", "cifar-10-python.tar.gz"),
)
_LARGEST = 60_000 * _RECORD
_NEEDED = "the binary version is needed, cifar-10-binary.tar.gz"


def _source(folder: Path, names: list[str]) -> tuple[tuple[Path, ...], Callable[[], Records]] | None:
    """The binary files, wherever they are, and what reads them; None where they are not."""
    for home in (folder / "cifar-10-batches-bin", folder):
        if all((home / name).is_file() for name in names):
            paths = tuple(home / name for name in names)
            return paths, partial(_from_files, paths)
    archive = folder if folder.is_file() else folder / "cifar-10-binary.tar.gz"
    if archive.is_file() and not archive.name.startswith("cifar-10-python"):
        return (archive,), partial(_from_archive, archive, names)
    return None


def _what_is_missing(folder: Path, names: list[str]) -> str:
    inner = folder / "cifar-10-batches-bin"
    home = inner if inner.is_dir() else folder
    for pickled in ("cifar-10-python.tar.gz", "cifar-10-batches-py"):
        if folder.name == pickled or (folder / pickled).exists():
            return (
                f"cifar10: {folder if folder.name == pickled else folder / pickled} is the Python version, pickled "
                f"objects, which are never opened here; {_NEEDED}: put it into "
                f"{folder.parent if folder.name == pickled else folder}, packed as it is"
            )
    missing = next((name for name in names if not (home / name).is_file()), names[0])
    return (
        f"cifar10: {home / missing} is missing. Put the binary version (data_batch_1.bin to data_batch_5.bin, "
        f"test_batch.bin, or cifar-10-binary.tar.gz as it is) into {folder}, or a file {folder / 'cifar10.npz'} with "
        "x_train, y_train, x_test, y_test"
    )


def cifar10(folder: Path, split: str = "train") -> ImageArray:
    """ "train" (the first nine tenths of the training images), "val" (the rest) or "test"; (3, 32, 32).

    The folder has the files data_batch_1.bin to data_batch_5.bin and test_batch.bin, or cifar-10-binary.tar.gz, or a
    file cifar10.npz with the arrays x_train, y_train, x_test, y_test; `folder` may be one of these two files itself.
    """
    if split not in ("train", "val", "test"):
        raise ValueError(f"split {split!r} is not one of 'train', 'val', 'test'")
    names = ["test_batch.bin"] if split == "test" else [f"data_batch_{i}.bin" for i in range(1, 6)]
    source, packed = _source(folder, names), folder if folder.suffix == ".npz" else folder / "cifar10.npz"
    files: tuple[Path, ...] = (packed,)
    if source is not None:
        files, read = source
        images, labels = (np.concatenate(arrays) for arrays in zip(*read(), strict=True))
    elif packed.is_file():
        suffix = "test" if split == "test" else "train"
        found = read_npz(packed, (f"x_{suffix}", f"y_{suffix}"))
        images, labels = as_channels_first(found[0], packed), found[1].reshape(-1)
    else:
        raise DataNotFound(_what_is_missing(folder, names))
    if images.shape[1:] != (3, 32, 32):
        raise BadData(f"cifar10 in {folder} has images of shape {images.shape[1:]}; (3, 32, 32) is needed")
    edge = len(images) * 9 // 10
    rows = {"train": np.arange(edge), "val": np.arange(edge, len(images)), "test": np.arange(len(images))}[split]
    data = ImageArray(
        name="cifar10",
        split=split,
        images=torch.from_numpy(np.ascontiguousarray(images)),
        labels=torch.from_numpy(labels.astype(np.int64)),
        classes=_CLASSES,
        rows=rows,
    )
    data.files = files
    return data


DATA = DataRow(
    "cifar10",
    "CIFAR-10 from local files, 32x32",
    lambda asked: cifar10(asked.folder, asked.split),
    takes=("root",),
    fixed={"image_size": 32, "channels": 3},
    shape=(32, 3, 10),
    flip=True,
    workers=2,
    packed=(".npz", ".tar.gz", ".tgz", ".tar"),
    lies_in=lambda folder: any((folder / name).exists() for name in _SIGNS),
)
