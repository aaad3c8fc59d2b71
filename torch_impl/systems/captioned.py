"""What the configs of systems share whose data come with captions: their words, which travel in every checkpoint."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from torch_impl.data.words import NOTHING, PAD, Tokenizer
from torch_impl.systems.config import SystemConfig

__all__ = ["WithCaptions"]

_EXAMPLES = 40


@dataclass(frozen=True)
class WithCaptions(SystemConfig):
    """Words, the length of the longest caption, and some captions for pictures; all of them come from the data."""

    captions: ClassVar[bool] = True

    vocabulary: tuple[str, ...] = ()
    caption_length: int = 8
    examples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tokenizer.encode(self.examples)

    @property
    def tokenizer(self) -> Tokenizer:
        """Captions to numbers of words and back."""
        return Tokenizer(self.vocabulary, self.caption_length)

    def fitted(self, data: Any) -> Self:
        """The config with the words of the data.

        Raises:
            ValueError: the data have no captions.
        """
        words: Tokenizer | None = getattr(data, "words", None)
        if words is None:
            raise ValueError(f"{data.name} has no captions, which a model of kind {self.kind} learns from")
        found = super().fitted(data)
        _, said = data.read(torch.arange(_EXAMPLES))
        return dataclasses.replace(
            self,
            image_size=found.image_size,
            channels=found.channels,
            vocabulary=words.vocabulary,
            caption_length=words.length,
            examples=tuple(words.decode(said)),
        )

    def check_labels(self) -> None:
        """Captions stand in place of labels."""

    def example_labels(self, n: int, generator: torch.Generator) -> Tensor:
        tokens = torch.full((n, self.caption_length), PAD)
        tokens[:, 0] = NOTHING
        return tokens
