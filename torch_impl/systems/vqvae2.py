"""VQ-VAE-2: codes on two levels, with a prior over each, the top by class and the bottom given the top."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks.vqvae2 import VQVAE2, VQVAE2Config
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import save_images
from torch_impl.random.draws import Draws
from torch_impl.systems.levels import halvings
from torch_impl.systems.vqvae import CodePrior, VQVAESystemConfig
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, listed
from torch_impl.training.system import Batch, System

__all__ = ["VQVAE2System", "VQVAE2SystemConfig"]


@dataclass(frozen=True)
class VQVAE2SystemConfig(VQVAESystemConfig, kind="vqvae2"):
    """A VQ-VAE-2; both levels have codewords of `code_dim` entries, and both priors are of one shape."""

    top_width: int = option(64, "Width of the top level.")
    top_codes: int = option(64, "Codewords of the top level.")

    def network(self) -> VQVAE2Config:
        return VQVAE2Config(
            image_size=self.image_size,
            in_channels=self.channels,
            channels=self.widths,
            blocks=self.blocks,
            codes=self.codes,
            code_dim=self.code_dim,
            codebook=self.codebook,
            commitment=self.commitment,
            top_channels=self.top_width,
            top_codes=self.top_codes,
        )

    def at_side(self, size: int) -> VQVAE2SystemConfig:
        levels = max(1, halvings(size, 2 if size <= 32 else 3 if size <= 128 else 4) - 1)
        return replace(self, image_size=size, widths=(64, 128, 256)[:levels])

    @classmethod
    def small(cls) -> VQVAE2SystemConfig:
        return cls(widths=(8,), codes=8, top_width=8, top_codes=8, prior_width=8, prior_depth=1)

    def build(self) -> VQVAE2System:  # type: ignore[override]  # another system with the same options
        return VQVAE2System(self)


class VQVAE2System(System):
    """loss = ||x' - x||^2 + codebook and commitment terms (means over elements) + code nats per pixel.

    No gradient goes from the priors to the codes.
    """

    def __init__(self, config: VQVAE2SystemConfig) -> None:
        super().__init__()
        config.check_labels()
        self.config, self.model = config, VQVAE2(config.network())
        classes = config.classes if config.conditional else None
        shape = (classes, config.prior_width, config.prior_depth, config.prior_heads, config.prior_dropout)
        top, bottom = self.model.sides
        self.top_prior = CodePrior(config.top_codes, top * top, *shape)
        self.bottom_prior = CodePrior(config.codes, bottom * bottom, *shape)
        self.given = nn.Embedding(config.top_codes, config.prior_width)

    def beside(self, top: Tensor) -> Tensor:
        """What the bottom prior is told at each of its places, (batch, length, width), of top codes (batch, h, w)."""
        each: Tensor = self.given(top).repeat_interleave(2, 1).repeat_interleave(2, 2)
        return each.flatten(1, 2)

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        output = self.model(batch.x)
        y = batch.y if self.config.conditional else None
        error = F.mse_loss(output.reconstruction.float(), batch.x)
        top, bottom = output.top.codes, output.bottom.codes
        top_nats = _nats(self.top_prior(top.flatten(1), y), top)
        bottom_nats = _nats(self.bottom_prior(bottom.flatten(1), y, self.beside(top)), bottom)
        return {
            "loss": error + self.model.regulariser(output) + (top_nats + bottom_nats) / batch.x[0].numel(),
            "reconstruction_error": error,
            "top_perplexity": output.top.perplexity,
            "bottom_perplexity": output.bottom.perplexity,
            "top_nats": top_nats,
            "bottom_nats": bottom_nats,
        }

    def after_backward(self) -> None:
        for quantizer in self.model.quantizers:
            quantizer.update_()

    def stateful_buffers(self) -> list[Tensor]:
        return [buffer for quantizer in self.model.quantizers for buffer in quantizer.buffers()]

    def functions(self) -> dict[str, Function]:
        """Encoder and decoder, for other programs."""
        model, config, (over, under) = self.model, self.config, self.model.sides
        shape = (config.channels, config.image_size, config.image_size)
        images = f"images, float32 (batch, {listed(shape)}) in [-1, 1]"
        levels = (f"top codes, int64 (batch, {over}, {over})", f"bottom codes, int64 (batch, {under}, {under})")
        codes = tuple(torch.zeros(2, side, side, dtype=torch.int64) for side in (over, under))

        def encode(x: Tensor) -> tuple[Tensor, Tensor]:
            output = model(x)
            return output.top.codes, output.bottom.codes

        return {
            "encoder": Function(encode, (model,), (torch.zeros(2, *shape),), (images,), " and ".join(levels)),
            "decoder": Function(model.decode, (model,), codes, levels, images),
        }

    @torch.no_grad()
    def reconstructed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The images back from their codes of both levels, clipped to [-1, 1]."""
        decoded: Tensor = self.model(x).reconstruction
        return decoded.clamp(-1, 1)

    @torch.no_grad()
    def from_top(self, x: Tensor) -> Tensor:
        """What the top codes of images say alone, clipped to [-1, 1]."""
        return self.model.decode(self.model(x).top.codes).clamp(-1, 1)

    @torch.no_grad()
    def code_use(self, x: Tensor) -> tuple[float, int, int]:
        """Of the bottom codes of these images: perplexity, how many different ones, how many there are."""
        bottom = self.model(x).bottom
        return float(bottom.perplexity), int(torch.unique(bottom.codes).numel()), self.config.codes

    takes = ("label", "columns")

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator, *, labels: Tensor | None = None) -> Tensor:
        """n images: top codes from their prior, bottom codes given these, decoded together."""
        if labels is not None and not self.config.conditional:
            raise ValueError("this model is unconditional; leave out --label, or train with --conditional")
        over, under = self.model.sides
        top = self.top_prior.sample(n, labels, generator).view(n, over, over)
        bottom = self.bottom_prior.sample(n, labels, generator, self.beside(top)).view(n, under, under)
        return self.model.decode(top, bottom).clamp(-1, 1)

    def sample_labels(self, n: int) -> Tensor | None:
        """Classes in turn, for pictures."""
        if not self.config.conditional or self.config.classes is None:
            return None
        return torch.arange(n, device=self.given.weight.device) % self.config.classes

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        if held_out is None:
            return
        generator, x = album.generator(), held_out.x[:20]
        album.pairs("reconstructions", x, self.reconstructed(x, generator))
        album.pairs("reconstructions-top", x, self.from_top(x))
        album.images("samples", self.sample(80, generator, labels=self.sample_labels(80)))

    def preview(self, path: Path, seed: int) -> None:
        n = 40
        generator = torch.Generator(self.given.weight.device).manual_seed(seed)
        save_images(path, self.sample(n, generator, labels=self.sample_labels(n)), 10)


def _nats(logits: Tensor, codes: Tensor) -> Tensor:
    """Mean nats of all codes of an example."""
    return F.cross_entropy(logits.float().flatten(0, 1), codes.flatten(), reduction="sum") / len(codes)
