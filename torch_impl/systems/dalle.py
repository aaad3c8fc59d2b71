"""DALL·E (Ramesh et al. 2021): codes of a discrete VAE, written by one transformer after the words of the caption."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl.data.words import Tokenizer
from torch_impl.networks.caption_codes import CaptionCodes, CaptionCodesConfig
from torch_impl.networks.dvae import DVAE
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import save_images
from torch_impl.random.draws import Draws
from torch_impl.systems.captioned import WithCaptions
from torch_impl.systems.config import FirstStage
from torch_impl.systems.dvae import (
    TRAINING_ONLY,
    DVAESystem,
    DVAESystemConfig,
    WithDVAE,
    code_functions,
    code_use,
)
from torch_impl.systems.stages import refuse_other_stage
from torch_impl.training.fields import option
from torch_impl.training.functions import Function
from torch_impl.training.system import Batch, System, TrainedStage

__all__ = ["DalleConfig", "DalleSystem"]


@dataclass(frozen=True)
class DalleConfig(WithCaptions, WithDVAE, kind="dalle"):
    """A transformer over the words of a caption and the codes of its picture; a discrete VAE is trained before it."""

    stage = "compressor"

    compressor_steps: int = option(1500, "Steps of the training of the codes.", group="Codes", least=1)
    compressor_lr: float = option(3e-3, "Peak learning rate of that training.", group="Codes", above=0)
    width: int = option(96, "Width of the transformer.", group="Transformer")
    depth: int = option(4, "Its blocks.", group="Transformer")
    heads: int = option(4, "Its heads.", group="Transformer")
    text_weight: float = option(
        0.125, "Weight of the words in its loss; the codes have the rest.", group="Transformer", least=0, below=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.network_config()

    def network_config(self) -> CaptionCodesConfig:
        return CaptionCodesConfig(
            words=self.tokenizer.size,
            length=self.caption_length,
            codes=self.codes,
            places=(self.image_size >> len(self.widths)) ** 2,
            width=self.width,
            depth=self.depth,
            heads=self.heads,
        )

    def compressor(self) -> DVAESystemConfig:
        """The first stage."""
        return DVAESystemConfig(**{f.name: getattr(self, f.name) for f in dataclasses.fields(DVAESystemConfig)})

    def first_stage(self) -> FirstStage:
        return FirstStage(self.compressor(), self.compressor_steps, trainer={"lr": self.compressor_lr})

    @classmethod
    def small(cls) -> DalleConfig:
        return cls(image_size=16, channels=3, widths=(8, 8), blocks=0, codes=8, code_dim=8, width=8, depth=1, heads=2)

    def build(self) -> DalleSystem:
        return DalleSystem(self)


class DalleSystem(System):
    """loss = mean nats of a word and of a code, weighted: the cross-entropy of caption and codes in one sequence.

    The frozen discrete VAE travels with it, in its state and so in every checkpoint.
    """

    takes = ("caption", "columns")

    def __init__(self, config: DalleConfig) -> None:
        super().__init__()
        self.config, self.model = config, CaptionCodes(config.network_config())
        self.compressor = DVAE(config.network()).requires_grad_(False)

    def prepare(self, data: Any, stage: TrainedStage | None) -> None:
        """Take the averaged discrete VAE.

        Raises:
            ValueError: there is none, or it is another than this one's.
        """
        if stage is None:
            raise ValueError("DALL·E needs a trained discrete VAE; train it first, or give one with --from")
        refuse_other_stage(stage, self.config.compressor(), "discrete VAE", free=TRAINING_ONLY)
        assert isinstance(stage.system, DVAESystem)
        self.compressor.load_state_dict(stage.system.model.state_dict())

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the captions that it reads."""
        return self.config.tokenizer

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        if batch.y is None:
            raise ValueError("the batch has no captions, and this model learns how pictures follow them")
        with torch.no_grad():
            codes = self.compressor.encode(batch.x).flatten(1)
        word_logits, code_logits = self.model(batch.y, codes)
        word = F.cross_entropy(word_logits.float().flatten(0, 1), batch.y.flatten())
        code = F.cross_entropy(code_logits.float().flatten(0, 1), codes.flatten())
        weight = self.config.text_weight
        return {
            "loss": weight * word + (1 - weight) * code,
            "caption_nats": word * batch.y.shape[1],
            "code_nats": code * codes.shape[1],
        }

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator, *, labels: Tensor | None = None) -> Tensor:
        """n images decoded from codes that were drawn after the words of captions (n, length), or of the data's."""
        tokens = self.sample_labels(n) if labels is None else labels
        codes = self.model.sample(tokens, generator)
        return self.compressor.decode(codes.view(n, *self.compressor.code_shape)).clamp(-1, 1)

    def sample_labels(self, n: int) -> Tensor:
        """Captions of the training data in turn, for pictures."""
        said = self.tokenizer.encode(self.config.examples or ("",)).to(self.model.position.device)
        return said[torch.arange(n, device=said.device) % len(said)]

    @torch.no_grad()
    def reconstructed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The images back from their likeliest codes, without the transformer, clipped to [-1, 1]."""
        decoded: Tensor = self.compressor(x)
        return decoded.clamp(-1, 1)

    def code_use(self, x: Tensor) -> tuple[float, int, int]:
        """Of the codes of these images: perplexity, how many different ones, how many there are."""
        return code_use(self.compressor, x)

    def functions(self) -> dict[str, Function]:
        """The transformer, and encoder and decoder of its codes, for other programs."""
        config, places = self.config, self.model.config.places
        tokens, codes = config.example_labels(2, torch.Generator()), torch.zeros(2, places, dtype=torch.int64)
        takes = (
            f"words, int64 (batch, {config.caption_length}), of the vocabulary in the configuration",
            f"codes, int64 (batch, {places}), in reading order",
        )
        gives = "logits of each word and of each code, told by what stands before it, float32"
        return {
            "transformer": Function(self.model, (self.model,), (tokens, codes), takes, gives),
            **code_functions(self.compressor),
        }

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        generator = album.generator()
        if held_out is not None:
            x = held_out.x[:40]
            album.pairs("reconstructions", x, self.reconstructed(x, generator))
        album.images("samples", self.sample(80, generator))

    def preview(self, path: Path, seed: int) -> None:
        generator = torch.Generator(self.model.position.device).manual_seed(seed)
        save_images(path, self.sample(40, generator), 10)
