"""The 1,797 handwritten digits of 8x8 pixels and 17 grey levels, kept in this package.

E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998 (CC BY 4.0),
its test part: the set known as scikit-learn's `load_digits`.  In `digits.csv` each line is a label and 64 pixels,
one character each, 0 to 9 and then a to g for 10 to 16.
"""

from __future__ import annotations

import csv
from importlib.resources import files

import numpy as np
import torch

from torch_impl.data.images import ImageArray, split_indices
from torch_impl.data.row import DataRow

__all__ = ["DATA", "digits"]


def digits(split: str = "train", seed: int = 0) -> ImageArray:
    """The split "train" (70 % of each class), "val" (10 %), "test" (20 %) or "all"; (1, 8, 8), 17 levels."""
    with files("torch_impl.data").joinpath("digits.csv").open(encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    labels = np.array([int(row["label"]) for row in rows])
    pixels = np.array([[int(c, 17) for c in row["pixels"]] for row in rows], dtype=np.uint8)
    return ImageArray(
        name="digits",
        split=split,
        images=torch.from_numpy(pixels.reshape(-1, 1, 8, 8)),
        labels=torch.from_numpy(labels),
        classes=tuple("0123456789"),
        levels=17,
        rows=split_indices(len(rows), split, labels, seed),
        origin=seed,
    )


DATA = DataRow(
    "digits",
    "1,797 handwritten digits, 8x8, included",
    lambda asked: digits(asked.split, asked.seed),
    fixed={"image_size": 8, "channels": 1},
    shape=(8, 1, 10),
)
