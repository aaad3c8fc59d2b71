"""Characters drawn on the fly: matplotlib's fonts, a random affine map, random colours; the label is the character.

Every character of every font is drawn once, large, into an atlas.  An example is then a few numbers (which glyph, which
map, which colours, all functions of seed and index) and a bilinear look-up, for a whole batch and on its device.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl.data import counter
from torch_impl.data.dataset import DataNotFound, DataSet, fingerprint
from torch_impl.data.row import DataRow

__all__ = ["CHARACTERS", "DATA", "FONTS", "GlyphSet", "atlas", "glyphs", "inked"]

CHARACTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Digits and capitals without I and O, which some fonts draw like 1 and 0."""

FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "cmr10",
    "cmss10",
    "cmtt10",
)

_DRAWS = 16  # numbers per example


@cache
def atlas(characters: str, cell: int) -> np.ndarray:
    """Coverage of each glyph, uint8 (fonts, characters, cell, cell), centred, the larger side 3/4 of the cell."""
    from PIL import Image, ImageDraw, ImageFont

    spec = find_spec("matplotlib")
    folder = Path(spec.origin or "").parent / "mpl-data" / "fonts" / "ttf" if spec else Path()
    missing = [name for name in FONTS if not (folder / f"{name}.ttf").is_file()]
    if missing:
        raise DataNotFound(
            f"glyphs need the fonts that come with matplotlib, but {missing[0]}.ttf is not there: install matplotlib"
        )
    cells = np.zeros((len(FONTS), len(characters), cell, cell), dtype=np.uint8)
    for i, name in enumerate(FONTS):
        font = ImageFont.truetype(str(folder / f"{name}.ttf"), 2 * cell)
        for j, character in enumerate(characters):
            left, top, right, bottom = font.getbbox(character)
            large = Image.new("L", (math.ceil(right - left), math.ceil(bottom - top)))
            ImageDraw.Draw(large).text((-left, -top), character, font=font, fill=255)
            ratio = 0.75 * cell / max(large.size)
            small = large.resize((max(1, round(large.width * ratio)), max(1, round(large.height * ratio))))
            x, y = (cell - small.width) // 2, (cell - small.height) // 2
            cells[i, j, y : y + small.height, x : x + small.width] = np.asarray(small)
    return cells


def inked(cell: Tensor, right: Tensor, down: Tensor, shift: Tensor, side: int) -> Tensor:
    """Coverage (batch, 1, side, side) of an affine image of each cell (batch, s, s), averaged over 2x2 samples a pixel.

    One step to the right, and one down, of the picture lead to `right` and `down` in the cell, `shift` is where its
    middle lies; each (batch, 2), in halves of a side.
    """
    samples = 2 * side
    ticks = (torch.arange(samples, device=shift.device) + 0.5) * (2.0 / samples) - 1.0
    across = (ticks - shift[:, :1])[:, :, None] * right[:, None]
    along = (ticks - shift[:, 1:])[:, :, None] * down[:, None]
    grid = across[:, None] + along[:, :, None]
    ink = F.grid_sample(cell[:, None].float().div_(255), grid, align_corners=False)
    return F.avg_pool2d(ink, 2)


class GlyphSet(DataSet):
    """Glyphs of side `image_size` in 1 or 3 channels; example i is fixed by (seed, split, i)."""

    def __init__(self, image_size: int, channels: int, split: str, seed: int, characters: str = CHARACTERS) -> None:
        if image_size < 8:
            raise ValueError(f"image_size = {image_size}; a glyph needs at least 8 pixels, and 32 or 64 look good")
        if channels not in (1, 3):
            raise ValueError(f"channels = {channels}; glyphs are grey (1) or coloured (3)")
        if split not in ("train", "val", "test"):
            raise ValueError(f"split {split!r} is not one of 'train', 'val', 'test'")
        self.name, self.split, self.levels = "glyphs", split, 256
        self.size = None if split == "train" else 4096
        self.shape, self.classes = (channels, image_size, image_size), tuple(characters)
        self.fingerprint = fingerprint(name="glyphs", shape=self.shape, split=split, seed=seed, characters=characters)
        self._key = counter.key(seed, "glyphs", split)
        self._cells = torch.from_numpy(atlas(characters, 2 * image_size))

    def read(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        index = index.to(self.device)
        u = counter.uniform(self._key, index[:, None] * _DRAWS + torch.arange(_DRAWS, device=self.device))
        fonts, characters = self._cells.shape[:2]
        label = (u[:, 1] * characters).long()
        cell = self._cells[(u[:, 0] * fonts).long(), label]
        ink = self._warp(cell, u[:, 2:8].float())
        paper, pen = self._colours(u[:, 8:16].float())
        image = paper + (pen - paper) * ink
        return image.mul_(255).round_().to(torch.uint8), label

    def _warp(self, cell: Tensor, u: Tensor) -> Tensor:
        """Coverage (batch, 1, side, side) of a random affine image of each cell."""
        turn, lean = (u[:, 0] - 0.5) * 0.6, (u[:, 1] - 0.5) * 0.5  # radians; shear
        wide, high = 1.0 / (0.75 + 0.35 * u[:, 2]), 1.0 / (0.75 + 0.35 * u[:, 3])
        shift = (u[:, 4:6] - 0.5) * 0.3
        c, s = torch.cos(turn), torch.sin(turn)
        # where in the cell one step to the right, and one step down, of the picture leads: (batch, 2) each
        right = torch.stack(((c - lean * s) * wide, -s * high), dim=1)
        down = torch.stack(((s + lean * c) * wide, c * high), dim=1)
        return inked(cell, right, down, shift, self.shape[1])

    def _colours(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Background and foreground in [0, 1], (batch, channels, 1, 1) each, at least 0.4 apart in brightness."""
        paper = u[:, 0]
        room = torch.where(paper < 0.5, 1 - paper, -paper)
        pen = paper + torch.sign(room) * (0.4 + (room.abs() - 0.4) * u[:, 1])
        channels = self.shape[0]
        tint = (u[:, 2 : 2 + 2 * channels] - 0.5) * (0.0 if channels == 1 else 0.35)
        both = torch.stack((paper, pen), 1)[:, :, None] + tint.reshape(-1, 2, channels)
        both = both.clamp(0, 1)[..., None, None]
        return both[:, 0], both[:, 1]

    def to(self, device: torch.device | str) -> Self:
        self._cells = self._cells.to(device)
        self.device = self._cells.device
        return self


def glyphs(image_size: int = 32, channels: int = 1, split: str = "train", seed: int = 0) -> GlyphSet:
    """Rendered characters; "train" has no end, "val" and "test" are 4,096 other examples each."""
    return GlyphSet(image_size, channels, split, seed)


DATA = DataRow(
    "glyphs",
    "letters and digits drawn on the fly, 32x32 or 64x64, endless",
    lambda asked: glyphs(asked.image_size or 32, asked.channels or 1, asked.split, asked.seed),
    takes=("image_size", "channels"),
    shape=(32, 3, len(CHARACTERS)),
)
