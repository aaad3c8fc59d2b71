"""A folder of image files, and the CelebA layout with its attribute file; files are decoded when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from torch_impl.data.dataset import BadData, DataNotFound, DataSet, fingerprint
from torch_impl.data.images import split_indices

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["FaceFolder", "ImageFolder", "celeba", "folder", "read_image"]

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}


def read_image(path: Path, image_size: int, channels: int, crop: int | None = None) -> np.ndarray:
    """The central square of an image file, scaled to (channels, image_size, image_size), uint8.

    `crop` is the side of that square before scaling; by default the shorter side of the image.  What is transparent
    is laid on white; grey levels of 16 bits become the nearest of 8.
    BadData, naming the file, if it cannot be decoded, or has pixels of another kind.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            pixels = _eight_bits(image, path).convert("L" if channels == 1 else "RGB")
    except BadData:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadData(f"{path} cannot be decoded as an image ({error}); repair or remove it") from error
    side = min(*pixels.size, crop or max(pixels.size))
    left, top = (pixels.width - side) // 2, (pixels.height - side) // 2
    small = pixels.resize(
        (image_size, image_size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side), reducing_gap=3.0
    )
    return np.atleast_3d(np.asarray(small)).transpose(2, 0, 1)


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """An image of 8 bits a channel without transparency, from any that says what its pixel values mean."""
    from PIL import Image

    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        levels = np.asarray(image).astype(np.float64) * (255 / 65535)
        return Image.fromarray(np.rint(levels).clip(0, 255).astype(np.uint8))
    if image.mode in ("I", "F"):
        kind = "32-bit integers" if image.mode == "I" else "floating-point numbers"
        raise BadData(
            f"{path} has pixels that are {kind}, whose white is unknown; convert it to 8 or 16 bits a channel"
        )
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        colours = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
    return image


class ImageFolder(DataSet):
    """Image files, decoded, cropped to the central square and scaled when read; workers help.

    Args:
        paths: of the files, in the order of the index.
        labels: one for each file, or None.
    """

    slow = True
    crop: int | None = None

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
        self.size, self.shape = len(paths), (channels, image_size, image_size)
        self.labels, self.classes = labels, classes
        names = [path.relative_to(root).as_posix() for path in paths]
        self.fingerprint = fingerprint(
            name=name, split=split, shape=self.shape, files=names, classes=classes, origin=origin
        )

    def read(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        channels, side, _ = self.shape
        images = np.stack([read_image(self.paths[i], side, channels, self.crop) for i in index.tolist()])
        return torch.from_numpy(images), None if self.labels is None else self.labels[index.cpu()]


def _image_files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def folder(root: Path, split: str = "train", image_size: int = 64, channels: int = 3, seed: int = 0) -> ImageFolder:
    """Images of a folder and its subfolders; where all lie in subfolders, the first subfolder's name is the class.

    Splits are drawn by a fixed seed: 70, 10, 20 % (of each class).
    """
    if not root.is_dir():
        raise DataNotFound(
            f"folder: there is no folder {root}. Give --data a folder of images, with a subfolder per class if labelled"
        )
    paths = _image_files(root)
    if not paths:
        raise DataNotFound(f"folder: {root} has no image file ({', '.join(sorted(SUFFIXES))}); put images there")
    tops = [path.relative_to(root).parts[0] if len(path.relative_to(root).parts) > 1 else None for path in paths]
    classes: tuple[str, ...] | None = None
    labels: np.ndarray | None = None
    if None not in tops:
        classes = tuple(sorted({top for top in tops if top is not None}))
        labels = np.array([classes.index(top) for top in tops if top is not None])
    rows = split_indices(len(paths), split, labels, seed)
    return ImageFolder(
        name="folder",
        split=split,
        root=root,
        paths=[paths[i] for i in rows],
        image_size=image_size,
        channels=channels,
        labels=None if labels is None else torch.from_numpy(labels[rows]),
        classes=classes,
        origin=seed,
    )


class FaceFolder(ImageFolder):
    """Faces in the CelebA layout.  `attributes` are the names of the 0/1 attributes; the label is one of them."""

    crop = 148
    """Side of the central square that is kept of an image of 178 by 218 pixels."""
    attributes: tuple[str, ...]
    values: Tensor

    def attribute(self, name: str) -> Tensor:
        """The 0/1 values of an attribute, int64, one for each example."""
        if name not in self.attributes:
            raise ValueError(f"attribute {name!r} is not one of {', '.join(self.attributes)}")
        return self.values[:, self.attributes.index(name)].long()


def _read_attributes(path: Path) -> tuple[tuple[str, ...], list[str], np.ndarray]:
    """Attribute names, file names and 0/1 values of a list_attr_celeba.txt: count, names, a line per file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) < 3 or not lines[0].strip().isdigit():
        raise BadData(
            f"{path} begins with {lines[0] if lines else ''!r}; "
            "line 1 must be the number of images, line 2 the names of the attributes"
        )
    names = tuple(lines[1].split())
    rows = [(number, line.split()) for number, line in enumerate(lines[2:], start=3) if line.strip()]
    for number, parts in rows:
        if len(parts) != 1 + len(names) or not set(parts[1:]) <= {"1", "-1"}:
            raise BadData(f"{path}, line {number}: a file name and {len(names)} values of 1 or -1 are needed")
    if len(rows) != int(lines[0]):
        raise BadData(f"{path} announces {lines[0].strip()} images and lists {len(rows)}; is it whole?")
    values = np.array([[int(value) for value in parts[1:]] for _, parts in rows])
    return names, [parts[0] for _, parts in rows], (values == 1).astype(np.uint8)


def celeba(
    root: Path, split: str = "train", image_size: int = 64, channels: int = 3, label: str | None = None, seed: int = 0
) -> FaceFolder:
    """Faces of `root/img_align_celeba/` with `root/list_attr_celeba.txt`; `label` is the attribute used as class.

    Splits are those of `root/list_eval_partition.txt` where it is there, else drawn by a fixed seed.
    """
    listing, pictures = root / "list_attr_celeba.txt", root / "img_align_celeba"
    if not listing.is_file() or not pictures.is_dir():
        missing = listing if not listing.is_file() else pictures
        raise DataNotFound(
            f"celeba: {missing} is missing. Put the aligned faces (000001.jpg, ...) into {pictures} "
            f"and the attribute file at {listing}"
        )
    names, files, values = _read_attributes(listing)
    partition = root / "list_eval_partition.txt"
    if partition.is_file() and split != "all":
        rows = _partition(partition, files, split)
    else:
        rows = split_indices(len(files), split, None, seed)
    paths = [pictures / files[i] for i in rows]
    absent = next((path for path in paths if not path.is_file()), None)
    if absent is not None:
        raise DataNotFound(f"celeba: {listing} lists {absent.name}, but there is no {absent}")
    chosen = torch.from_numpy(values[rows])
    if label is not None and label not in names:
        raise ValueError(f"attribute {label!r} is not one of {', '.join(names)}")
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
    return faces


def _partition(path: Path, files: list[str], split: str) -> np.ndarray:
    """Indices of the files that list_eval_partition.txt gives to a split (0 train, 1 val, 2 test)."""
    if split not in ("train", "val", "test"):
        raise ValueError(f"split {split!r} is not one of 'train', 'val', 'test', 'all'")
    number = str(("train", "val", "test").index(split))
    part = dict(line.split() for line in path.read_text(encoding="utf-8").splitlines() if len(line.split()) == 2)
    unknown = next((name for name in files if name not in part), None)
    if unknown is not None:
        raise BadData(f"{path} does not say to which split {unknown} belongs")
    return np.array([i for i, name in enumerate(files) if part[name] == number], dtype=np.int64)
