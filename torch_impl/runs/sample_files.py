"""Samples as files: arrays written part by part, and single pictures, however many there are."""

from __future__ import annotations

import contextlib
import csv
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from torch_impl.pictures.images import png_bytes, to_uint8

__all__ = ["write_arrays", "write_single_files"]

Parts = Iterable[tuple[Tensor, Tensor | None]]
Read = Callable[[Tensor], list[str]]
"""Captions as numbers of words (n, length) to text."""


def write_arrays(path: Path, parts: Parts, n: int, read: Read | None = None) -> None:
    """A .npz file with `images`, uint8 (n, h, w, c), or `points`, float32 (n, dim); and `labels`, int64, if there are.

    Where these are captions, `captions` has them in words, by `read`.

    Whole or not at all, with no more than one part in memory at a time; it can be given as `--data` and as any .npz.
    """
    temporary = path.with_name(f".{path.name}.part")
    labels: list[np.ndarray] = []
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            _stream(archive, parts, n, labels)
            if labels:
                name, found = "labels", np.concatenate(labels)
                if read is not None:
                    name, found = "captions", np.array(read(torch.from_numpy(found)))
                with archive.open(f"{name}.npy", "w") as file:
                    np.lib.format.write_array(file, found, allow_pickle=False)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _stream(archive: zipfile.ZipFile, parts: Parts, n: int, labels: list[np.ndarray]) -> None:
    """Write the parts as one array of the archive; collect their labels."""
    file: IO[bytes] | None = None
    for samples, y in parts:
        array = samples.float().numpy() if samples.ndim == 2 else _pixels(samples)
        if file is None:
            name = "points.npy" if samples.ndim == 2 else "images.npy"
            file = archive.open(name, "w", force_zip64=True)
            about = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False}
            np.lib.format.write_array_header_1_0(file, {**about, "shape": (n, *array.shape[1:])})
        file.write(np.ascontiguousarray(array).tobytes())
        if y is not None:
            labels.append(y.numpy())
    if file is not None:
        file.close()


def _pixels(images: Tensor) -> np.ndarray:
    """Images in [-1, 1] as uint8 (n, h, w, c), c being 1 or 3."""
    pixels = to_uint8(images)
    return pixels[..., :1] if images.shape[1] == 1 else pixels


def write_single_files(folder: Path, parts: Parts, classes: Sequence[str] | None, read: Read | None = None) -> None:
    """Pictures 000000.png, 000001.png, ... in a folder, and labels.csv with the class of each where there are any.

    Where labels are captions, captions.csv has them in words, by `read`.
    """
    folder.mkdir(exist_ok=True)
    rows: list[list[Any]] = []
    number = 0
    for samples, y in parts:
        for i, pixels in enumerate(to_uint8(samples)):
            name = f"{number:06d}.png"
            (folder / name).write_bytes(png_bytes(pixels))
            if y is not None and read is not None:
                rows.append([name, *read(y[i : i + 1])])
            elif y is not None:
                label = int(y[i])
                rows.append([name, label, classes[label] if classes is not None else label])
            number += 1
    if rows:
        title, head = ("labels", ["file", "label", "class"]) if read is None else ("captions", ["file", "caption"])
        with (folder / f"{title}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([head, *rows])
