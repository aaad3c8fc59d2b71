"""Diffusion on pixels that reads captions, by attention to their words and with classifier-free guidance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl.data.words import Tokenizer
from torch_impl.networks import build
from torch_impl.networks.cross_unet import CrossUNetConfig
from torch_impl.random.draws import Draws
from torch_impl.systems.captioned import WithCaptions
from torch_impl.systems.ddpm import DiffusionConfig, DiffusionSystem
from torch_impl.systems.levels import unet_levels
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, listed

__all__ = ["CaptionConfig", "CaptionSystem"]


@dataclass(frozen=True)
class CaptionConfig(WithCaptions, DiffusionConfig, kind="caption"):
    """A U-Net on squares of pixels, and a transformer that reads the caption for it."""

    prediction: Literal["eps", "x0", "v", "score"] = option("v", "What the network predicts.", group="Diffusion")
    conditional: bool = True
    label_drop: float = option(0.1, "Probability of hiding the caption, for guidance.", least=0, most=1)
    patch: int = option(2, "Side of the squares of pixels that the U-Net takes for one.", least=1)
    widths: tuple[int, ...] = option((64, 96), "Widths of the U-Net, a level each.")
    blocks: int = option(1, "Its residual blocks a level.")
    attention: tuple[int, ...] = option((8, 4), "Sides, in squares, at which it sees the picture and the words.")
    head_channels: int = option(32, "Channels of a head of its attention.")
    dropout: float = option(0.0, "Dropout.")
    text_width: int = option(64, "Width of the captions' transformer.")
    text_depth: int = option(2, "Its blocks.")
    text_heads: int = option(4, "Its heads.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.conditional:
            raise ValueError(
                "conditional is False, and this model is told captions; choose another preset without them"
            )
        if self.variance == "learned":
            raise ValueError("variance 'learned' is not to be had with captions; choose posterior or beta")
        if self.image_size % self.patch:
            raise ValueError(
                f"patch is {self.patch}, which does not divide the side of the images, {self.image_size}; choose a "
                "divisor"
            )
        self.network_config()

    def network_config(self) -> CrossUNetConfig:
        return CrossUNetConfig(
            image_size=self.image_size // self.patch,
            in_channels=self.channels * self.patch**2,
            channels=self.widths,
            blocks_per_level=self.blocks,
            attention=self.attention,
            head_channels=self.head_channels,
            dropout=self.dropout,
            words=self.tokenizer.size,
            length=self.caption_length,
            text_width=self.text_width,
            text_depth=self.text_depth,
            text_heads=self.text_heads,
        )

    def at_side(self, size: int) -> CaptionConfig:
        widths, attention = unet_levels(size // self.patch)
        return replace(self, image_size=size, widths=widths, attention=attention)

    @classmethod
    def small(cls) -> CaptionConfig:
        return cls(
            image_size=16,
            channels=3,
            timesteps=20,
            widths=(8,),
            attention=(8,),
            head_channels=8,
            text_width=8,
            text_depth=1,
            text_heads=2,
        )

    def build(self) -> CaptionSystem:
        return CaptionSystem(self)


class CaptionSystem(DiffusionSystem):
    """Diffusion on pixels in [-1, 1], told a caption of each: numbers of words in the place of labels.

    The chain has the pixels of a square as channels, which is a permutation: noise and errors are those of the pixels.
    """

    config: CaptionConfig
    pictured = "captions"
    takes: tuple[str, ...] = ("sampler", "steps", "guidance", "clip", "caption", "columns")

    def __init__(self, config: CaptionConfig) -> None:
        super().__init__(config, build(config.network_config()))

    def shape(self) -> tuple[int, ...]:
        config = self.config
        side = config.image_size // config.patch
        return (config.channels * config.patch**2, side, side)

    def data(self, x: Tensor, draws: Draws) -> Tensor:
        return F.pixel_unshuffle(x, self.config.patch)

    def decode(self, x0: Tensor) -> Tensor:
        return F.pixel_shuffle(x0, self.config.patch)

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the captions that it reads."""
        return self.config.tokenizer

    def hidden(self, y: Tensor, uniform: Tensor) -> Tensor:
        return torch.where(uniform[:, None] < self.config.label_drop, self.untold(y), y)

    def untold(self, like: Tensor) -> Tensor:
        """No caption, as often as `like` has examples."""
        return self.tokenizer.nothing(len(like), like.device)

    def sample_labels(self, n: int) -> Tensor | None:
        """Captions of the training data in turn, for pictures."""
        said = self.tokenizer.encode(self.config.examples or ("",)).to(next(self.parameters()).device)
        return said[torch.arange(n, device=said.device) % len(said)]

    def functions(self) -> dict[str, Function]:
        """The denoiser, for other programs."""
        config, shape = self.config, self.shape()
        inputs = (torch.zeros(2, *shape), torch.ones(2, dtype=torch.int64), config.example_labels(2, torch.Generator()))
        takes = (
            f"x_t, float32 (batch, {listed(shape)})",
            "t, int64 (batch,), 1..T",
            f"words, int64 (batch, {config.caption_length}), of the vocabulary in the configuration",
        )
        gives = f"{self.diffusion.prediction}, float32 (batch, {listed(shape)})"
        return {"denoiser": Function(self.model, (self.model,), inputs, takes, gives)}
