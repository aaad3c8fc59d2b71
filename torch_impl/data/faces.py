"""Faces in the CelebA layout, with their attributes: as its authors, Kaggle and torchvision lay them out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from torch_impl.data.dataset import BadData, DataNotFound
from torch_impl.data.folder import ImageFolder
from torch_impl.data.images import split_indices
from torch_impl.data.row import DataRow

__all__ = ["DATA", "FaceFolder", "celeba"]


class FaceFolder(ImageFolder):
    """Faces in the CelebA layout.

    `attributes` are the names of the 0/1 attributes (`values`), of which the label is one; `lists` the files that say
    so.
    """

    crop = 148
    """Side of the central square that is kept of an image of 178 by 218 pixels."""
    attributes: tuple[str, ...]
    values: Tensor
    lists: tuple[Path, ...] = ()

    def attribute(self, name: str) -> Tensor:
        """The 0/1 values of an attribute, int64, one for each example."""
        if name not in self.attributes:
            raise ValueError(f"attribute {name!r} is not one of {', '.join(self.attributes)}")
        return self.values[:, self.attributes.index(name)].long()


def celeba(
    root: Path,
    split: str = "train",
    image_size: int = 64,
    channels: int = 3,
    label: str | None = None,
    seed: int = 0,
    without: Sequence[str] = (),
) -> FaceFolder:
    """Faces of `img_align_celeba/` with `list_attr_celeba.txt` or `.csv`; `label` is the attribute used as class.

    The files lie in `root`, or in the folders in it that Kaggle (`img_align_celeba/img_align_celeba/`), the authors
    (`Img`, `Anno`, `Eval`) or torchvision (`celeba`) put them into.  Splits are those of
    `list_eval_partition.txt` or `.csv` where it is there, else drawn by a fixed seed.  `without` names files that
    are left out.
    """
    listing, pictures = _file(root, "list_attr_celeba"), _pictures(root)
    if listing is None or pictures is None:
        raise DataNotFound(_what_is_missing(root, listing, pictures))
    names, files, values = _read_attributes(listing)
    partition = _file(root, "list_eval_partition")
    if partition is not None and split != "all":
        rows = _partition(partition, files, split)
    else:
        rows = split_indices(len(files), split, None, seed)
    left_out = frozenset(without)
    rows = np.array([i for i in rows if (pictures / files[i]).relative_to(root).as_posix() not in left_out], np.int64)
    paths = [pictures / files[i] for i in rows]
    absent = [path.name for path in paths if not path.is_file()]
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise DataNotFound(f"celeba: {listing} lists {absent[0]}{more}, but there is no {pictures / absent[0]}")
    chosen = torch.from_numpy(values[rows])
    if label is not None and label not in names:
        raise ValueError(f"attribute {label!r} is not one of {', '.join(names)}; choose one with --label")
    faces = FaceFolder(
        name="celeba",
        split=split,
        root=root,
        paths=paths,
        image_size=image_size,
        channels=channels,
        labels=None if label is None else chosen[:, names.index(label)].long(),
        classes=None if label is None else (f"not {label}", label),
        origin=seed,
    )
    faces.attributes, faces.values = names, chosen
    faces.lists = tuple(path for path in (listing, partition) if path is not None)
    return faces


# -- where the files are ----------------------------------------------------------------------------------------------


def _homes(root: Path) -> list[Path]:
    """The folder, and those in it that others put parts into."""
    return [root, *(root / name for name in ("celeba", "Anno", "Eval", "Img", "archive"))]


def _file(root: Path, stem: str) -> Path | None:
    candidates = (home / f"{stem}{suffix}" for home in _homes(root) for suffix in (".txt", ".csv"))
    return next((path for path in candidates if path.is_file()), None)


def _pictures(root: Path) -> Path | None:
    """The folder img_align_celeba, or the one of that name inside it."""
    for home in _homes(root):
        folder = home / "img_align_celeba"
        if (folder / folder.name).is_dir():
            return folder / folder.name
        if folder.is_dir():
            return folder
    return None


def _what_is_missing(root: Path, listing: Path | None, pictures: Path | None) -> str:
    archive = next((path for home in _homes(root) for path in sorted(home.glob("img_align_celeba*.zip"))), None)
    if pictures is None and archive is not None:
        return f"celeba: {archive} is not unpacked; unpack it there, so that there is {archive.parent}/img_align_celeba"
    missing = root / "list_attr_celeba.txt" if listing is None else root / "img_align_celeba"
    return (
        f"celeba: {missing} is missing. Put the aligned faces (000001.jpg, ...) into {root / 'img_align_celeba'} "
        f"and the attribute file at {root / 'list_attr_celeba.txt'} (or .csv, as Kaggle has it)"
    )


# -- the lists --------------------------------------------------------------------------------------------------------


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadData(f"{path} is not a text file ({error.reason} at byte {error.start}); copy it again") from error


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Lines of a file with their numbers, cut at commas (.csv) or spaces; empty ones left out."""
    lines = enumerate(_lines(path), start=1)
    if path.suffix == ".csv":
        return [(number, [word.strip() for word in next(csv.reader([line]))]) for number, line in lines if line.strip()]
    return [(number, line.split()) for number, line in lines if line.strip()]


def _read_attributes(path: Path) -> tuple[tuple[str, ...], list[str], np.ndarray]:
    """Attribute names, file names and 0/1 values.

    Of a .txt with count, names, a line per file; or of a .csv whose first line is image_id and the names.
    """
    rows = _rows(path)
    first = rows[0][1] if rows else []
    if path.suffix == ".csv":
        if len(rows) < 2 or len(first) < 2:
            raise BadData(f"{path} begins with {','.join(first)!r}; line 1 must be image_id and the attributes' names")
        names, rows, announced = tuple(first[1:]), rows[1:], None
    else:
        if len(rows) < 3 or len(first) != 1 or not first[0].isdigit():
            raise BadData(
                f"{path} begins with {next(iter(_lines(path)), '')!r}; "
                "line 1 must be the number of images, line 2 the names of the attributes"
            )
        names, rows, announced = tuple(rows[1][1]), rows[2:], int(first[0])
    for number, parts in rows:
        if len(parts) != 1 + len(names) or not set(parts[1:]) <= ({"1", "-1"} if announced else {"1", "-1", "0"}):
            raise BadData(f"{path}, line {number}: a file name and {len(names)} values of 1 or -1 are needed")
    if announced not in (None, len(rows)):
        raise BadData(f"{path} announces {announced} images and lists {len(rows)}; is it whole?")
    values = np.array([[int(value) for value in parts[1:]] for _, parts in rows])
    return names, [parts[0] for _, parts in rows], (values == 1).astype(np.uint8)


def _partition(path: Path, files: list[str], split: str) -> np.ndarray:
    """Indices of the files that list_eval_partition gives to a split (0 train, 1 val, 2 test)."""
    if split not in ("train", "val", "test"):
        raise ValueError(f"split {split!r} is not one of 'train', 'val', 'test', 'all'")
    number = str(("train", "val", "test").index(split))
    part = {words[0]: words[1] for _, words in _rows(path) if len(words) == 2}
    unknown = next((name for name in files if name not in part), None)
    if unknown is not None:
        raise BadData(f"{path} does not say to which split {unknown} belongs")
    return np.array([i for i, name in enumerate(files) if part[name] == number], dtype=np.int64)


DATA = DataRow(
    "celeba",
    "CelebA's faces from local files, 64x64 or as asked",
    lambda asked: celeba(
        asked.folder, asked.split, asked.image_size or 64, asked.channels or 3, asked.label, asked.seed, asked.without
    ),
    takes=("root", "image_size", "channels", "label", "without"),
    flip=True,
    workers=2,
    lies_in=lambda folder: _file(folder, "list_attr_celeba") is not None,
)
