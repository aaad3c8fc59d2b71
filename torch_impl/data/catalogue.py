"""Every data set by its name.  Nothing is ever downloaded."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from torch_impl.data.dataset import DataSet
from torch_impl.data.mixtures import MIXTURES, mixture

__all__ = ["NAMES", "load"]

NAMES = (
    "digits",
    "glyphs",
    *(f"mixture:{kind}" for kind in MIXTURES),
    "mnist",
    "fashion-mnist",
    "cifar10",
    "array",
    "folder",
    "celeba",
)


def load(
    name: str,
    split: str = "train",
    *,
    root: Path | str | None = None,
    image_size: int | None = None,
    channels: int | None = None,
    label: str | None = None,
    without: Sequence[str] = (),
    seed: int = 0,
) -> DataSet:
    """A data set.

    Args:
        name: one of `NAMES`.
        split: "train", "val" or "test"; "all" too for digits, array, folder and celeba.
        root: folder of the local files (the file itself for "array"; either for "folder", a file being .npy or .npz);
            by default `data/NAME`.
        image_size: side of the images: for glyphs (default 32), folder and celeba (default 64); 28 or 32 for mnist.
        channels: 1 or 3, for glyphs (default 1), folder and celeba (default 3).  A file of arrays must have the side
            and the channels that are given.
        label: the attribute that is the class, for celeba.
        without: files of a folder or of celeba that are left out, by their names relative to `root`.
        seed: of the split and of what is rendered or drawn; not of the order.

    Raises:
        DataNotFound: files are missing; the message says what to put where.
        BadData: a file is not what it should be; the message names it.
        ValueError: an unknown name or split, or an option that the set does not have.
    """
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown data set {name!r}{hint}; known: {', '.join(NAMES)}")
    kind = name.partition(":")[0]
    options: dict[str, object] = {"root": root, "image_size": image_size, "channels": channels, "label": label}
    if without:
        options["without"] = tuple(without)
    for option, value in options.items():
        if value is not None and kind not in _TAKES[option] and value != _FIXED.get((kind, option)):
            has = f", which has {_FIXED[kind, option]}" if (kind, option) in _FIXED else ""
            raise ValueError(f"{option} = {value!r} cannot be chosen for {name}{has}; leave it out")
    folder = Path(root) if root is not None else Path("data") / name
    if kind == "digits":
        from torch_impl.data.digits import digits

        return digits(split, seed)
    if kind == "glyphs":
        from torch_impl.data.glyphs import glyphs

        return glyphs(image_size or 32, channels or 1, split, seed)
    if kind == "mixture":
        return mixture(name.partition(":")[2], split, seed)
    if kind in ("mnist", "fashion-mnist"):
        from torch_impl.data.idx import mnist

        return mnist(folder, split, name, image_size or 28)
    if kind == "cifar10":
        from torch_impl.data.cifar import cifar10

        return cifar10(folder, split)
    if kind == "array" or (kind == "folder" and folder.suffix in (".npy", ".npz") and not folder.is_dir()):
        from torch_impl.data.arrays import array

        return array(folder, split, seed, image_size, channels)
    from torch_impl.data.faces import celeba
    from torch_impl.data.folder import folder as image_folder

    if kind == "folder":
        return image_folder(folder, split, image_size or 64, channels or 3, seed, without)
    return celeba(folder, split, image_size or 64, channels or 3, label, seed, without)


_TAKES = {
    "root": ("mnist", "fashion-mnist", "cifar10", "array", "folder", "celeba"),
    "image_size": ("glyphs", "mnist", "fashion-mnist", "folder", "celeba"),
    "channels": ("glyphs", "folder", "celeba"),
    "label": ("celeba",),
    "without": ("folder", "celeba"),
}
_FIXED = {
    ("digits", "image_size"): 8,
    ("digits", "channels"): 1,
    ("mnist", "channels"): 1,
    ("fashion-mnist", "channels"): 1,
    ("cifar10", "image_size"): 32,
    ("cifar10", "channels"): 3,
}
