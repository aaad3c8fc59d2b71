"""Every data set by its name: the rows of the modules of this package.  Nothing is ever downloaded."""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from torch_impl.data.dataset import DataNotFound, DataSet
from torch_impl.data.row import Asked, DataRow, check_rows

__all__ = ["NAMES", "ROWS", "load", "load_data", "row_of", "table"]


def _collect() -> tuple[DataRow, ...]:
    package = import_module(__name__.rpartition(".")[0])
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [import_module(f"{package.__name__}.{name}") for name in names if name not in ("catalogue", "row")]
    found = [getattr(module, "DATA", ()) for module in modules]
    return check_rows([row for rows in found for row in ((rows,) if isinstance(rows, DataRow) else rows)])


_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
ROWS: tuple[DataRow, ...] = _collect()
NAMES: tuple[str, ...] = tuple(name for row in ROWS for name in row.names)


def row_of(name: str) -> DataRow:
    """The row of a name; ValueError, with the nearest name, where there is none."""
    for row in ROWS:
        if name in row.names:
            return row
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown data set {name!r}{hint}; known: {', '.join(NAMES)}")


def table() -> str:
    """All data sets as a table in Markdown."""
    lines = ["| Data | What it is | Options | Your files |", "|---|---|---|---|"]
    for row in ROWS:
        options = ", ".join(f"`{name}`" for name in row.takes if name != "root")
        name = f"{row.name}:…" if row.kinds else row.name
        lines.append(f"| `{name}` | {row.words} | {options} | {'yes' if row.is_local else 'no'} |")
    return "\n".join(lines) + "\n"


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
    row = row_of(name)
    options: dict[str, object] = {"root": root, "image_size": image_size, "channels": channels, "label": label}
    if without:
        options["without"] = tuple(without)
    for option, value in options.items():
        if value is not None and option not in row.takes and value != row.fixed.get(option):
            has = f", which has {row.fixed[option]}" if option in row.fixed else ""
            raise ValueError(f"{option} = {value!r} cannot be chosen for {name}{has}; leave it out")
    folder = Path(root) if root is not None else Path("data") / name
    if row.is_local and folder.is_file() and not folder.name.lower().endswith(row.packed):
        unpack = folder.name.lower().endswith(_ARCHIVES)
        remedy = "unpack it, and give the folder" if unpack else f"give the folder, such as {folder.parent}"
        raise DataNotFound(f"{name}: {folder} is a file, and --data names a folder here; {remedy}")
    try:
        return row.open(Asked(name, split, folder, image_size, channels, label, tuple(without), seed))
    except DataNotFound as error:
        there = next((other for other in ROWS if other is not row and other.lies_in(folder)), None)
        if there is None:
            raise
        words = f"what lies there looks like {there.words.partition(',')[0]}: take a preset {there.name}-..."
        raise DataNotFound(f"{error}. But {words}") from error


load_data = load  # the name that the package has at its top, where `load` reads a model
