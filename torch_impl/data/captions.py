"""Letters that come with a caption: what is said of a picture, and what it is drawn by, are the same six attributes.

"a small bold red letter A, turned left, on blue".  A plain style and an upright letter go without saying.  Each letter
lacks one colour in the training split: those pairs, in all their sizes, turns, styles and grounds, are the split
"unseen", so that who draws them has put together what was never seen together.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import NamedTuple, Self

import torch
from torch import Tensor

from torch_impl.data import counter
from torch_impl.data.dataset import DataSet, fingerprint
from torch_impl.data.glyphs import FONTS, atlas, inked
from torch_impl.data.row import DataRow
from torch_impl.data.words import Tokenizer

__all__ = ["ATTRIBUTES", "DATA", "SPLITS", "Attribute", "CaptionSet", "caption", "captions", "tokenizer"]


class Attribute(NamedTuple):
    """What a picture may be told by: its name and its values, in words."""

    name: str
    values: tuple[str, ...]


_COLOURS = {
    "red": (0.85, 0.10, 0.12),
    "green": (0.10, 0.62, 0.20),
    "blue": (0.14, 0.25, 0.88),
    "yellow": (0.95, 0.85, 0.12),
    "white": (0.95, 0.95, 0.95),
    "black": (0.05, 0.05, 0.05),
}
_SIZES = {"small": 0.75, "medium": 1.0, "large": 1.3}
_TURNS = {"upright": 0.0, "left": 0.5, "right": -0.5}
"""Radians against the clock."""
_STYLES = {"plain": "DejaVuSans", "bold": "DejaVuSans-Bold", "slanted": "DejaVuSans-Oblique", "serif": "DejaVuSerif"}

ATTRIBUTES = (
    Attribute("character", tuple("ABCDEFGHJKLM")),
    Attribute("colour", tuple(_COLOURS)),
    Attribute("ground", tuple(_COLOURS)),
    Attribute("size", tuple(_SIZES)),
    Attribute("turn", tuple(_TURNS)),
    Attribute("style", tuple(_STYLES)),
)
SPLITS = ("train", "val", "test", "unseen", "all")
"""The first three have the same combinations, "unseen" the others, "all" both, for whoever learns to read pictures."""

_DRAWS = 16  # numbers per example
_LENGTH = 10  # words of the longest caption


def caption(values: tuple[str, ...]) -> str:
    """The caption of the six attributes' values, in the order of `ATTRIBUTES`."""
    character, colour, ground, size, turn, style = values
    drawn = [size, *([] if style == "plain" else [style]), colour]
    turned = "" if turn == "upright" else f", turned {turn}"
    return f"a {' '.join(drawn)} letter {character}{turned}, on {ground}"


@cache
def tokenizer() -> Tokenizer:
    """The words of all captions."""
    said = [attribute.values for attribute in ATTRIBUTES if attribute.name != "ground"]
    words = ["a", "letter", "turned", "on", *(word for values in reversed(said) for word in values)]
    return Tokenizer(tuple(word for word in words if word not in ("plain", "upright")), _LENGTH)


@cache
def _all_captions() -> Tensor:
    """Every caption as numbers, one dimension for each attribute, then the words."""
    rows = tokenizer().encode(map(caption, product(*(attribute.values for attribute in ATTRIBUTES))))
    return rows.view(*(len(attribute.values) for attribute in ATTRIBUTES), _LENGTH)


class CaptionSet(DataSet):
    """Letters in colour of side `image_size`, each with its caption in place of a label.

    Example i is fixed by (seed, split, i); the seed also says which pairs of letter and colour are unseen.
    """

    words: Tokenizer

    def __init__(self, image_size: int, split: str, seed: int) -> None:
        if image_size < 16:
            raise ValueError(f"image_size = {image_size}; a letter of three sizes and four styles needs 16 pixels")
        if split not in SPLITS:
            raise ValueError(f"split {split!r} is not one of {', '.join(map(repr, SPLITS))}")
        self.name, self.split, self.levels = "captions", split, 256
        self.size = None if split in ("train", "all") else 4096
        self.shape, self.classes, self.words = (3, image_size, image_size), None, tokenizer()
        said = [list(attribute) for attribute in ATTRIBUTES]
        self.fingerprint = fingerprint(name=self.name, shape=self.shape, split=split, seed=seed, said=said)
        self._key = counter.key(seed, "captions", split)
        fonts = torch.from_numpy(atlas("".join(ATTRIBUTES[0].values), 2 * image_size))
        self._cells = fonts[[FONTS.index(font) for font in _STYLES.values()]]
        self._pairs = torch.tensor(pairs(split, seed))
        self._captions = _all_captions()
        self._colours = torch.tensor(list(_COLOURS.values()))
        self._scales, self._turns = torch.tensor(list(_SIZES.values())), torch.tensor(list(_TURNS.values()))

    def _draws(self, index: Tensor) -> Tensor:
        index = index.to(self.device)
        return counter.uniform(self._key, index[:, None] * _DRAWS + torch.arange(_DRAWS, device=self.device))

    def attributes_at(self, index: Tensor) -> Tensor:
        """Which value each attribute has, int64 (batch, 6), for an int64 index of shape (batch,)."""
        return self._attributes(self._draws(index))

    def _attributes(self, u: Tensor) -> Tensor:
        character, colour = self._pairs[(u[:, 0] * len(self._pairs)).long()].T
        colours = len(_COLOURS)
        ground = (colour + 1 + (u[:, 1] * (colours - 1)).long()) % colours  # another one than the letter's
        rest = [(u[:, 2 + i] * len(attribute.values)).long() for i, attribute in enumerate(ATTRIBUTES[3:])]
        return torch.stack([character, colour, ground, *rest], dim=1)

    def read(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        u = self._draws(index)
        said = self._attributes(u)
        character, colour, ground, size, turn, style = said.T
        u = u[:, 5:].float()
        angle = self._turns[turn] + (u[:, 0] - 0.5) * 0.12
        scale = 1.0 / (self._scales[size] * (1.0 + (u[:, 1] - 0.5) * 0.08))
        c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
        shift = (u[:, 2:4] - 0.5) * 0.12
        cells = self._cells[style, character]
        ink = inked(cells, torch.stack((c, s), 1), torch.stack((-s, c), 1), shift, self.shape[1])
        pen = (self._colours[colour] + (u[:, 4:7] - 0.5) * 0.14).clamp(0, 1)[..., None, None]
        paper = (self._colours[ground] + (u[:, 7:10] - 0.5) * 0.14).clamp(0, 1)[..., None, None]
        image = paper + (pen - paper) * ink
        return image.mul_(255).round_().to(torch.uint8), self._captions[tuple(said.T)]

    def attributes(self, numbers: Tensor) -> Tensor:
        """What captions of this set (n, length) say: which value each attribute has, int64 (n, 6)."""
        return torch.tensor([_said(self.words.words(row)) for row in numbers.tolist()]).view(-1, len(ATTRIBUTES))

    attribute_names = tuple(attribute.name for attribute in ATTRIBUTES)
    attribute_counts = tuple(len(attribute.values) for attribute in ATTRIBUTES)

    def foils(self, numbers: Tensor, attribute: int, seed: int = 0) -> Tensor:
        """Captions that say something else of one attribute, of each of these; a ground is not the letter's colour."""
        said, draws = self.attributes(numbers), counter.uniform(counter.key(seed, "foils"), torch.arange(len(numbers)))
        for row, draw in zip(said, draws.tolist(), strict=True):
            taken = {int(row[attribute])} | ({int(row[3 - attribute])} if attribute in (1, 2) else set())
            free = [value for value in range(self.attribute_counts[attribute]) if value not in taken]
            row[attribute] = free[int(draw * len(free))]
        return _all_captions()[tuple(said.T)]

    def to(self, device: torch.device | str) -> Self:
        for name in ("_cells", "_pairs", "_captions", "_colours", "_scales", "_turns"):
            setattr(self, name, getattr(self, name).to(device))
        self.device = self._cells.device
        return self


def pairs(split: str, seed: int) -> list[tuple[int, int]]:
    """Pairs of letter and colour that a split has: each letter lacks one colour, which is then unseen."""
    letters, colours = len(ATTRIBUTES[0].values), len(_COLOURS)
    order = counter.uniform(counter.key(seed, "captions", "unseen"), torch.arange(letters)).argsort().tolist()
    unseen = {(letter, place % colours) for place, letter in enumerate(order)}
    every = list(product(range(letters), range(colours)))
    if split == "all":
        return every
    return [pair for pair in every if (pair in unseen) == (split == "unseen")]


def _said(words: list[str]) -> list[int]:
    """The places of the values that a caption names; what it leaves out is plain and upright.

    Raises:
        ValueError: it is no caption of these pictures.
    """
    text = " ".join(words)
    before, _, after = text.partition(" letter ")
    letter, _, rest = after.partition(" ")
    turned, _, ground = rest.rpartition("on ")
    named = {"character": letter, "ground": ground.strip(), "turn": turned.strip().removeprefix("turned ")}
    for attribute in ATTRIBUTES:
        if attribute.name in ("colour", "size", "style"):
            found = [word for word in before.split() if word in attribute.values]
            named[attribute.name] = found[0] if len(found) == 1 else ""
    named["turn"], named["style"] = named["turn"] or "upright", named["style"] or "plain"
    for name, values in ATTRIBUTES:
        if named[name] not in values:
            raise ValueError(f"the caption {text!r} names no {name}; write one like {caption(_LIKE)!r}")
    return [attribute.values.index(named[attribute.name]) for attribute in ATTRIBUTES]


_LIKE = ("A", "red", "blue", "small", "left", "bold")


def captions(image_size: int = 32, split: str = "train", seed: int = 0) -> CaptionSet:
    """Letters with captions; "train" and "all" have no end, the others are 4,096 examples each."""
    return CaptionSet(image_size, split, seed)


DATA = DataRow(
    "captions",
    "letters with a caption each, drawn on the fly, of any size from 16x16, endless",
    lambda asked: captions(asked.image_size or 32, asked.split, asked.seed),
    takes=("image_size",),
    fixed={"channels": 3},
)
