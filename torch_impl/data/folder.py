"""A folder of image files; files are decoded when they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from torch_impl.data.arrays import array
from torch_impl.data.dataset import BadData, DataNotFound, DataSet, fingerprint
from torch_impl.data.decode import read_image
from torch_impl.data.images import split_indices
from torch_impl.data.row import Asked, DataRow
from torch_impl.data.tree import SUFFIXES, find_images

__all__ = ["DATA", "ImageFolder", "folder", "read_image"]


class ImageFolder(DataSet):
    """Image files, decoded, cropped to the central square and scaled when read; workers help.

    Args:
        paths: of the files, in the order of the index.
        labels: one for each file, or None.

    Attributes:
        skipped: why files under the folder are not data, and how many that is true of.
        remarks: what a person should know about the folder.
    """

    slow = True
    crop: int | None = None
    skipped: Mapping[str, int] = MappingProxyType({})
    remarks: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        split: str,
        root: Path,
        paths: Sequence[Path],
        image_size: int,
        channels: int,
        labels: Tensor | None = None,
        classes: tuple[str, ...] | None = None,
        origin: object = None,
    ) -> None:
        if not paths:
            raise BadData(f"the {split} split of {root} is empty; at least one image is needed")
        if image_size < 1 or channels not in (1, 3):
            raise ValueError(
                f"image_size = {image_size}, channels = {channels}; a positive size and 1 or 3 channels are needed"
            )
        self.name, self.split, self.levels, self.root, self.paths = name, split, 256, root, tuple(paths)
        self.files = self.paths
        self.size, self.shape = len(paths), (channels, image_size, image_size)
        self.labels, self.classes = labels, classes
        self.names = tuple(path.relative_to(root).as_posix() for path in paths)
        self.fingerprint = fingerprint(
            name=name, split=split, shape=self.shape, files=self.names, classes=classes, origin=origin
        )

    def read(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        channels, side, _ = self.shape
        images = np.stack([read_image(self.paths[i], side, channels, self.crop) for i in index.tolist()])
        return torch.from_numpy(images), None if self.labels is None else self.labels[index.cpu()]


def folder(
    root: Path,
    split: str = "train",
    image_size: int = 64,
    channels: int = 3,
    seed: int = 0,
    without: Sequence[str] = (),
) -> ImageFolder:
    """Images of a folder and its subfolders; where all lie in subfolders, the first subfolder's name is the class.

    What counts as data and as a class is said in `torch_impl.data.tree`.  Splits are drawn by a fixed seed: 70,
    10, 20 % (of each class); `without` names files, relative to the folder, that are left out of theirs.
    """
    if not root.is_dir():
        raise DataNotFound(
            f"folder: there is no folder {root}. Give --data a folder of images, with a subfolder per class if labelled"
        )
    tree = find_images(root)
    paths = tree.paths
    if not paths:
        passed_over = "".join(f"; {count} {why}" for why, count in tree.skipped.most_common(3))
        raise DataNotFound(
            f"folder: {root} has no image file ({', '.join(sorted(SUFFIXES))}){passed_over}; put images there"
        )
    names = [path.relative_to(root).as_posix() for path in paths]
    labels = None if tree.labels is None else np.array(tree.labels)
    left_out = frozenset(without)
    rows = [i for i in split_indices(len(paths), split, labels, seed, names) if names[i] not in left_out]
    images = ImageFolder(
        name="folder",
        split=split,
        root=root,
        paths=[paths[i] for i in rows],
        image_size=image_size,
        channels=channels,
        labels=None if labels is None else torch.from_numpy(labels[rows]),
        classes=tree.classes,
        origin=seed,
    )
    images.skipped, images.remarks = tree.skipped, tuple(tree.remarks)
    return images


def _open(asked: Asked) -> DataSet:
    """A folder of images, or a file of arrays in its place."""
    if asked.folder.suffix in (".npy", ".npz") and not asked.folder.is_dir():
        return array(asked.folder, asked.split, asked.seed, asked.image_size, asked.channels)
    return folder(asked.folder, asked.split, asked.image_size or 64, asked.channels or 3, asked.seed, asked.without)


DATA = DataRow(
    "folder",
    "a folder of images, 64x64 or as asked, or a .npy or .npz file of arrays",
    _open,
    takes=("root", "image_size", "channels", "without"),
    shape=(64, 3, None),
    flip=True,
    workers=2,
    packed=(".npy", ".npz"),
    lies_in=lambda folder: folder.is_dir() and bool(find_images(folder).paths),
)
