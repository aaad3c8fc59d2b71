"""VQ-VAE, and beside it an autoregressive prior over its codes, so that one run gives a model that can be sampled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks import VQVAE, Dropout, VQVAEConfig
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import save_images
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.systems.config import SystemConfig
from torch_impl.systems.levels import halvings
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, listed
from torch_impl.training.system import Batch, System

__all__ = ["CodePrior", "VQVAESystem", "VQVAESystemConfig"]


@dataclass(frozen=True)
class VQVAESystemConfig(SystemConfig, kind="vqvae"):
    """A VQ-VAE with `codes` codewords of `code_dim` entries, and a causal transformer over its code map.

    `conditional`: the prior is told the class.  `prior_dropout` keeps it from learning a small set by heart.
    """

    widths: tuple[int, ...] = option((32, 64), "Widths of encoder and decoder, a level each.")
    blocks: int = option(1, "Residual blocks a level.", least=0)
    codes: int = option(64, "Codewords.")
    code_dim: int = option(8, "Entries of a codeword.")
    codebook: Literal["ema", "gradient"] = option("ema", "How the codebook learns.")
    commitment: float = option(0.25, "Weight of the commitment term.")
    conditional: bool = option(False, "Tell the prior the class, or not.", flag="--conditional/--unconditional")
    prior_width: int = option(96, "Width of the transformer.", group="Prior over codes", least=1)
    prior_depth: int = option(3, "Its blocks.", group="Prior over codes", least=1)
    prior_heads: int = option(4, "Its heads.", group="Prior over codes", least=1)
    prior_dropout: float = option(0.0, "Its dropout, for small sets.", group="Prior over codes", least=0, below=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prior_width % self.prior_heads:
            raise ValueError(
                f"prior_width is {self.prior_width}; it must be divisible by prior_heads = {self.prior_heads}"
            )
        self.network()

    def network(self) -> VQVAEConfig:
        return VQVAEConfig(
            image_size=self.image_size,
            in_channels=self.channels,
            channels=self.widths,
            blocks=self.blocks,
            codes=self.codes,
            code_dim=self.code_dim,
            codebook=self.codebook,
            commitment=self.commitment,
        )

    def at_side(self, size: int) -> VQVAESystemConfig:
        levels = halvings(size, 2 if size <= 32 else 3 if size <= 128 else 4)
        return replace(self, image_size=size, widths=(64, 128, 256, 256)[:levels])

    @classmethod
    def small(cls) -> VQVAESystemConfig:
        return cls(widths=(8,), codes=8, prior_width=8, prior_depth=1)

    def build(self) -> VQVAESystem:
        return VQVAESystem(self)


class CodePrior(nn.Module):
    """p(codes | class) = prod_i p(code_i | code_<i, class): a causal transformer over the code map in reading order.

    `forward(codes, y, beside)` gives logits (batch, length, codes); codes (batch, length) int64, y (batch,) or None,
    beside (batch, length, width) or None, what else is known at each place.
    """

    def __init__(
        self, codes: int, length: int, classes: int | None, width: int, depth: int, heads: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.codes, self.length, self.classes = codes, length, classes
        self.start = nn.Embedding((classes or 0) + 1, width)  # the class as first token; the last row is no class
        self.token = nn.Embedding(codes, width)
        self.position = nn.Parameter(torch.randn(length, width) * 0.02)
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(_CausalBlock(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, codes)

    def forward(self, codes: Tensor, y: Tensor | None = None, beside: Tensor | None = None) -> Tensor:
        if y is None:
            y = codes.new_full((codes.shape[0],), self.classes or 0)
        h = torch.cat([self.start(y)[:, None], self.token(codes[:, : self.length - 1])], dim=1)
        place = self.position[: h.shape[1]]
        h = self.dropout(h + (place if beside is None else place + beside[:, : h.shape[1]]))
        for block in self.blocks:
            h = block(h)
        logits: Tensor = self.head(self.norm(h))
        return logits

    @torch.no_grad()
    def sample(self, n: int, y: Tensor | None, generator: torch.Generator, beside: Tensor | None = None) -> Tensor:
        """Codes (n, length), one after another; the first ones are the same whatever n."""
        draws = SampleDraws(generator, n)
        codes = torch.zeros(n, 0, dtype=torch.int64, device=self.position.device)
        for i in range(self.length):
            probabilities = self(codes, y, beside)[:, i].float().softmax(-1)
            codes = torch.cat([codes, draws.choice(probabilities).to(codes.device)[:, None]], dim=1)
        return codes


class _CausalBlock(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, Dropout(dropout)
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, h: Tensor) -> Tensor:
        n, length, width = h.shape
        q, k, v = self.qkv(self.norm_1(h)).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h + self.dropout(self.out(mixed.transpose(1, 2).reshape(n, length, width)))
        result: Tensor = h + self.dropout(self.down(F.gelu(self.up(self.norm_2(h)))))
        return result


class VQVAESystem(System):
    """loss = ||x' - x||^2 + codebook and commitment terms (means over elements) + code nats per pixel.

    Claim `vqvae.loss`. The prior learns from codes, through which no gradient flows: the VQ-VAE trains as if
    the prior were not there.
    """

    def __init__(self, config: VQVAESystemConfig) -> None:
        super().__init__()
        config.check_labels()
        self.config = config
        self.model = VQVAE(config.network())
        height, width = self.model.code_shape
        classes = config.classes if config.conditional else None
        self.prior = CodePrior(
            config.codes,
            height * width,
            classes,
            config.prior_width,
            config.prior_depth,
            config.prior_heads,
            config.prior_dropout,
        )

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        output = self.model(batch.x)
        error = F.mse_loss(output.reconstruction.float(), batch.x)
        codes = output.codes.flatten(1)
        logits = self.prior(codes, batch.y if self.config.conditional else None)
        nats = F.cross_entropy(logits.float().flatten(0, 1), codes.flatten(), reduction="sum") / len(codes)
        return {
            "loss": error + self.model.regulariser(output) + nats / batch.x[0].numel(),
            "reconstruction_error": error,
            "commitment": output.commitment_loss,
            "perplexity": output.perplexity,
            "code_nats": nats,
        }

    def after_backward(self) -> None:
        self.model.quantizer.update_()

    def stateful_buffers(self) -> list[Tensor]:
        return list(self.model.quantizer.buffers())

    def functions(self) -> dict[str, Function]:
        """Encoder and decoder, for other programs."""
        model, config = self.model, self.config
        shape, place = (config.channels, config.image_size, config.image_size), model.code_shape
        x, codes = torch.zeros(2, *shape), torch.zeros(2, *place, dtype=torch.int64)
        images, inner = f"images, float32 (batch, {listed(shape)}) in [-1, 1]", f"codes, int64 (batch, {listed(place)})"
        return {
            "encoder": Function(model.encode, (model,), (x,), (images,), inner),
            "decoder": Function(model.decode, (model,), (codes,), (inner,), images),
        }

    @torch.no_grad()
    def reconstructed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The images back from their codes, clipped to [-1, 1]."""
        decoded: Tensor = self.model(x).reconstruction
        return decoded.clamp(-1, 1)

    @torch.no_grad()
    def code_use(self, x: Tensor) -> tuple[float, int, int]:
        """Of the codes of these images: perplexity, how many different ones, how many there are."""
        output = self.model(x)
        return float(output.perplexity), int(torch.unique(output.codes).numel()), self.config.codes

    takes = ("label", "columns")

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator, *, labels: Tensor | None = None) -> Tensor:
        """n images decoded from codes drawn from the prior."""
        if labels is not None and not self.config.conditional:
            raise ValueError("this model is unconditional; leave out --label, or train with --conditional")
        codes = self.prior.sample(n, labels, generator)
        return self.model.decode(codes.view(n, *self.model.code_shape)).clamp(-1, 1)

    def sample_labels(self, n: int) -> Tensor | None:
        """Classes in turn, for pictures."""
        if not self.config.conditional or self.config.classes is None:
            return None
        return torch.arange(n, device=self.prior.position.device) % self.config.classes

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        if held_out is None:
            return
        generator, x = album.generator(), held_out.x[:40]
        album.pairs("reconstructions", x, self.reconstructed(x, generator))
        album.images("samples", self.sample(80, generator, labels=self.sample_labels(80)))

    def preview(self, path: Path, seed: int) -> None:
        columns = self.config.classes if self.config.conditional and (self.config.classes or 99) <= 16 else 8
        n = 8 * (columns or 8)
        generator = torch.Generator(self.prior.position.device).manual_seed(seed)
        save_images(path, self.sample(n, generator, labels=self.sample_labels(n)), columns)
