"""Captions as numbers: a tokenizer of words, which is no more than its list of words and the longest caption."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["NOTHING", "PAD", "Tokenizer"]

PAD = 0
"""Fills up a caption that is shorter than the longest."""
NOTHING = 1
"""Says, alone, that there is no caption."""
_FIRST = 2
_LONGEST = 1024
_BETWEEN = re.compile(r"[\s,.;:!?]+")


@dataclass(frozen=True)
class Tokenizer:
    """Words to numbers and back.

    Attributes:
        vocabulary: the words, each once; word i has number i + 2, after `PAD` and `NOTHING`.
        length: numbers of a caption, the longest one has no `PAD`.
    """

    vocabulary: tuple[str, ...]
    length: int

    def __post_init__(self) -> None:
        if not 1 <= self.length <= _LONGEST:
            raise ValueError(f"captions of {self.length} words; they have 1 to {_LONGEST}")
        wrong = [word for word in self.vocabulary if not word or _BETWEEN.search(word)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no word: a vocabulary has words without spaces and punctuation")
        if len(set(self.vocabulary)) < len(self.vocabulary):
            raise ValueError("a word of the vocabulary is there twice; name each once")

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: _FIRST + i for i, word in enumerate(self.vocabulary)}

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return _FIRST + len(self.vocabulary)

    def encode(self, captions: Iterable[str]) -> Tensor:
        """Captions as int64 (n, length); an empty caption says nothing.

        A word is looked for as it is written, then in small letters, then in capitals.

        Raises:
            ValueError: a word that is not in the vocabulary, or a caption of too many words.
        """
        rows = [self._row(caption) for caption in captions]
        return torch.tensor(rows, dtype=torch.int64).view(-1, self.length)

    def _row(self, caption: str) -> list[int]:
        words = [word for word in _BETWEEN.split(caption) if word]
        if len(words) > self.length:
            raise ValueError(
                f"the caption {caption!r} has {len(words)} words, and this model reads at most {self.length}; "
                "shorten it"
            )
        found = [self._number(word, caption) for word in words] or [NOTHING]
        return found + [PAD] * (self.length - len(found))

    def _number(self, word: str, caption: str) -> int:
        for form in (word, word.lower(), word.upper()):
            if form in self._numbers:
                return self._numbers[form]
        near = difflib.get_close_matches(word.lower()[:40], self.vocabulary[:5000], n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"the caption {caption!r} has the word {word!r}, which this model never read; {hint}it knows "
            f"{', '.join(self.vocabulary[:60])}{', ...' if len(self.vocabulary) > 60 else ''}"
        )

    def decode(self, numbers: Tensor) -> list[str]:
        """The words of captions (n, length), parted by spaces."""
        return [" ".join(self.words(row)) for row in numbers.tolist()]

    def words(self, row: Sequence[int]) -> list[str]:
        """The words of one caption."""
        return [self.vocabulary[number - _FIRST] for number in row if number >= _FIRST]

    def nothing(self, n: int, device: torch.device | str = "cpu") -> Tensor:
        """No caption, n times."""
        return torch.tensor([NOTHING] + [PAD] * (self.length - 1), device=device).expand(n, -1)
