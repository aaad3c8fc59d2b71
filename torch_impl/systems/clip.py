"""A dual encoder of pictures and captions, trained to tell which of a batch belong together (Radford et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from torch_impl.data.words import Tokenizer
from torch_impl.networks.clip import DualEncoder, DualEncoderConfig
from torch_impl.objectives.contrastive import contrastive_loss
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import new_figure, save_figure
from torch_impl.random.draws import Draws
from torch_impl.systems.captioned import WithCaptions
from torch_impl.systems.levels import unet_levels
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, listed
from torch_impl.training.system import Batch, System

__all__ = ["ClipConfig", "ClipSystem"]


@dataclass(frozen=True)
class ClipConfig(WithCaptions, kind="clip"):
    """Two encoders into one space."""

    space: int = option(64, "Dimension of the common space.", least=1)
    widths: tuple[int, ...] = option((32, 64, 128), "Widths of the pictures' encoder, a level each.")
    blocks: int = option(1, "Its residual blocks a level.")
    text_width: int = option(64, "Width of the captions' transformer.")
    text_depth: int = option(2, "Its blocks.")
    text_heads: int = option(4, "Its heads.")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.network_config()

    def network_config(self) -> DualEncoderConfig:
        return DualEncoderConfig(
            image_size=self.image_size,
            in_channels=self.channels,
            words=self.tokenizer.size,
            length=self.caption_length,
            space=self.space,
            channels=self.widths,
            blocks_per_level=self.blocks,
            text_width=self.text_width,
            text_depth=self.text_depth,
            text_heads=self.text_heads,
        )

    def at_side(self, size: int) -> ClipConfig:
        return replace(self, image_size=size, widths=unet_levels(size)[0])

    @classmethod
    def small(cls) -> ClipConfig:
        return cls(image_size=16, channels=3, space=8, widths=(8,), text_width=8, text_depth=1, text_heads=2)

    def build(self) -> ClipSystem:
        return ClipSystem(self)


class ClipSystem(System):
    """loss = the symmetric contrastive loss of a batch, nats.

    The pairs of a process are told apart from each other only: processes and accumulation, which cut the batch, change
    what is learned, for fewer pairs are an easier question.
    """

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config, self.model = config, DualEncoder(config.network_config())

    def networks(self) -> Sequence[nn.Module]:
        return [self.model]

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the captions that it reads."""
        return self.config.tokenizer

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        if batch.y is None:
            raise ValueError("the batch has no captions, and a dual encoder learns from nothing else")
        pictures, captions, scale = self.model(batch.x, batch.y)
        nearest = (pictures @ captions.T).argmax(1)
        right = (nearest == torch.arange(len(nearest), device=nearest.device)).float().mean()
        return {"loss": contrastive_loss(pictures, captions, scale), "accuracy": right, "scale": scale.detach()}

    @torch.no_grad()
    def picture_vectors(self, x: Tensor) -> Tensor:
        """Unit vectors (batch, space) of pictures in [-1, 1]."""
        return self.model.pictures(x)

    @torch.no_grad()
    def caption_vectors(self, tokens: Tensor) -> Tensor:
        """Unit vectors (batch, space) of captions."""
        return self.model.captions(tokens)

    def functions(self) -> dict[str, Function]:
        """Both encoders, for other programs."""
        config, gives = self.config, f"unit vectors, float32 (batch, {self.config.space})"
        shape = (config.channels, config.image_size, config.image_size)
        takes = f"images, float32 (batch, {listed(shape)}), in [-1, 1]"
        tokens = config.example_labels(2, torch.Generator())
        words = f"words, int64 (batch, {config.caption_length}), of the vocabulary in the configuration"
        model = self.model
        return {
            "pictures": Function(model.pictures, (model,), (torch.zeros(2, *shape),), (takes,), gives),
            "captions": Function(model.captions, (model,), (tokens,), (words,), gives),
        }

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        if held_out is None or held_out.y is None:
            return
        x, tokens = held_out.x[:16], held_out.y[:16]
        products = (self.picture_vectors(x) @ self.caption_vectors(tokens).T).cpu()

        def write(path: Path) -> None:
            figure, axes = new_figure(width=8.5, height=5)
            axes.imshow(products.numpy(), vmin=-1, vmax=1, cmap="RdBu", aspect="auto")
            said = self.tokenizer.decode(tokens.cpu())
            axes.set(yticks=range(len(said)), xticks=range(len(said)), xlabel="caption, in the order of the left")
            axes.set_yticklabels(said, fontsize=7)
            axes.set_title("product of the picture of each caption with every caption", fontsize=10)
            save_figure(figure, path)

        album.draw("products", write)
