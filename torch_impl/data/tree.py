"""Which files under a folder are its images, which folders are its classes, and what is neither.

Hidden files and folders, what programs leave behind (`__MACOSX`, `Thumbs.db`, `.ipynb_checkpoints`), and folders
of runs are not data.  Links are followed; a link to a folder that it lies in is refused.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from torch_impl.data.dataset import BadData

__all__ = ["SUFFIXES", "Tree", "find_images"]

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}

_LEFT_BEHIND = {
    *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found"),
    *("system volume information", "__pycache__"),
}
_FEW = 0.1
"""At most this share of the images may lie beside the class folders and be left out; else there are no classes."""


@dataclass
class Tree:
    """The images of a folder.

    Attributes:
        home: the folder that was given, or the one in it in which everything lies.
        paths: of the images, sorted.
        classes: names of the class folders, sorted; None where there are none.
        labels: the class of each image, by its place in `classes`.
        skipped: why something is not data, and how many files (or folders) that is true of.
        remarks: what a person should know about the folder, in sentences without an end.
    """

    home: Path
    paths: list[Path] = field(default_factory=list)
    classes: tuple[str, ...] | None = None
    labels: list[int] | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)


def find_images(root: Path) -> Tree:
    """The images under a folder and its classes: the names of the folders directly in it.

    Raises:
        BadData: a link leads back to a folder that it lies in.
    """
    tree = Tree(_unwrapped(root))
    home = Path(os.path.realpath(tree.home))
    tops = _walk(tree.home, tree.paths, tree.skipped, (str(home), *map(str, home.parents)))
    if tree.home != root:
        tree.remarks.append(f"everything lies in the folder {tree.home.name}, whose folders are the classes")
    tree.paths.sort()
    _find_classes(tree, tops)
    return tree


def _unwrapped(root: Path) -> Path:
    """The folder itself, or the one it is wrapped around: its only entry, with folders of images in it."""
    home = root
    while True:
        entries = [entry for entry in os.scandir(home) if not _why_not(entry)]
        if len(entries) != 1 or not entries[0].is_dir():
            return home
        inside = [entry for entry in os.scandir(entries[0].path) if not _why_not(entry)]
        if len([entry for entry in inside if entry.is_dir()]) < 2 or not all(entry.is_dir() for entry in inside):
            return home
        home = Path(entries[0].path)


def _why_not(entry: os.DirEntry[str]) -> str | None:
    """Why a file or folder is no data, by its name and what a run leaves in its folder; None if it may be."""
    name = entry.name.lower()
    if name in _LEFT_BEHIND:
        return "left behind by a program (__MACOSX, Thumbs.db)"
    if name.startswith("."):
        return "hidden"
    if entry.is_dir():
        there = Path(entry.path)
        if (there / "config.json").is_file() and ((there / "checkpoints").is_dir() or (there / "samples").is_dir()):
            return "folder of a run"
    return None


def _walk(folder: Path, paths: list[Path], skipped: Counter[str], above: tuple[str, ...]) -> list[str]:
    """Collect the images in and under a folder; the names of the folders directly in it."""
    folders = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = folder / entry.name
        reason = _why_not(entry)
        if reason is None and entry.is_dir():
            folders.append(entry.name)
            real = os.path.realpath(path)
            if real in above:
                raise BadData(f"{path} is a link to {real}, a folder that it lies in; remove the link")
            _walk(path, paths, skipped, (*above, real))
            continue
        suffix = path.suffix.lower()
        if reason is None and suffix not in SUFFIXES:
            reason = f"no image ({suffix or 'no suffix'})"
        elif reason is None and not entry.is_file():
            reason = "broken link" if entry.is_symlink() else "no regular file"
        if reason is None:
            paths.append(path)
        else:
            skipped[reason] += 1
    return folders


def _find_classes(tree: Tree, tops: list[str]) -> None:
    """Take the folders directly in the tree's home as classes, if nearly all images lie in them."""
    where = [path.relative_to(tree.home).parts for path in tree.paths]
    inside = Counter(parts[0] for parts in where if len(parts) > 1)
    strays = len(where) - inside.total()
    empty = [name for name in tops if name not in inside]
    if empty and inside:
        tree.remarks.append(f"no image in {_named(empty)}, so no class of that name")
    if not inside:
        return
    if strays and (len(inside) < 2 or strays > max(1, _FEW * len(where))):
        tree.remarks.append(
            f"{strays} images lie beside the folders {_named(sorted(inside))}, so these are taken as no classes; "
            "move them into class folders if they are"
        )
        return
    if strays:
        tree.skipped["beside the class folders, so without a class"] += strays
        tree.paths = [path for path, parts in zip(tree.paths, where, strict=True) if len(parts) > 1]
        where = [parts for parts in where if len(parts) > 1]
    tree.classes = tuple(sorted(inside))
    place = {name: i for i, name in enumerate(tree.classes)}
    tree.labels = [place[parts[0]] for parts in where]
    if {name.lower() for name in inside} <= {"train", "val", "valid", "validation", "test"}:
        tree.remarks.append(
            f"the classes are {_named(tree.classes)}; if these are splits, give one of them, such as "
            f"{tree.home / tree.classes[0]}"
        )


def _named(names: list[str] | tuple[str, ...], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
