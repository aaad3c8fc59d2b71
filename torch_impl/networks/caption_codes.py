"""One transformer over a caption's words and then an image's codes, each told by those before it (DALL·E)."""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.networks.config import NetworkConfig, network
from torch_impl.networks.text import check_tokens
from torch_impl.random.draws import SampleDraws

__all__ = ["CaptionCodes", "CaptionCodesConfig"]

Seen = tuple[Tensor, Tensor]
"""Keys and values of the places that a block has seen, each (batch, heads, places, width / heads)."""


@dataclasses.dataclass(frozen=True)
class CaptionCodesConfig(NetworkConfig):
    """Shape of the transformer.

    Attributes:
        words: numbers of words, that of no word among them.
        length: words of the longest caption.
        codes: how many codes there are.
        places: codes of an image.
        width, depth, heads: of the transformer.
    """

    words: int = 2
    length: int = 8
    codes: int = 128
    places: int = 16
    width: int = 128
    depth: int = 4
    heads: int = 4

    def __post_init__(self) -> None:
        self.require_positive("words", "length", "codes", "places", "width", "depth", "heads")
        if self.width % self.heads:
            raise ValueError(f"heads = {self.heads} does not divide width = {self.width}; choose a divisor")


@network(CaptionCodesConfig)
class CaptionCodes(nn.Module):
    """p(words) p(codes | words), a factor for each word and then for each code in reading order.

    `forward(tokens, codes)` gives the logits of both, (batch, length, words) and (batch, places, codes). A place
    without a word is told as well: it is the word 0.
    """

    def __init__(self, config: CaptionCodesConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CaptionCodesConfig()
        self.start = nn.Parameter(torch.randn(config.width) * 0.1)
        self.word, self.code = nn.Embedding(config.words, config.width), nn.Embedding(config.codes, config.width)
        for embedding in (self.word, self.code):
            nn.init.normal_(embedding.weight, std=0.3)
        self.position = nn.Parameter(torch.randn(config.length + config.places, config.width) * 0.1)
        self.blocks = nn.ModuleList(_CausalBlock(config.width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        self.to_word, self.to_code = nn.Linear(config.width, config.words), nn.Linear(config.width, config.codes)

    def forward(self, tokens: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        config = self.config
        check_tokens(tokens, config.words, config.length)
        if codes.ndim != 2 or codes.shape[1] != config.places:
            raise ValueError(f"the codes have shape {tuple(codes.shape)}; they must be (batch, {config.places})")
        h, _ = self._through(self._told(tokens, codes[:, :-1]), None)
        return self.to_word(h[:, : config.length]), self.to_code(h[:, config.length :])

    def _told(self, tokens: Tensor, codes: Tensor) -> Tensor:
        """What stands at the first places: the start, the words, and as many codes as there are."""
        start = self.start.expand(tokens.shape[0], 1, -1)
        h = torch.cat([start, self.word(tokens), self.code(codes)], dim=1)
        return h + self.position[: h.shape[1]]

    def _through(self, h: Tensor, seen: list[Seen] | None) -> tuple[Tensor, list[Seen]]:
        """The places through all blocks, which saw others before; and what they have seen now."""
        now: list[Seen] = []
        for i, block in enumerate(self.blocks):
            h, kept = block(h, None if seen is None else seen[i])
            now.append(kept)
        return self.norm(h), now

    def begin(self, tokens: Tensor) -> tuple[Tensor, list[Seen]]:
        """The logits (batch, codes) of the first code of a caption, and what was seen until there."""
        check_tokens(tokens, self.config.words, self.config.length)
        h, seen = self._through(self._told(tokens, tokens[:, :0]), None)
        return self.to_code(h[:, -1]), seen

    def go_on(self, code: Tensor, place: int, seen: list[Seen]) -> tuple[Tensor, list[Seen]]:
        """The logits of the code after that at a place (from 0), (batch,), of which keys and values alone are new."""
        h = self.code(code)[:, None] + self.position[self.config.length + 1 + place]
        h, seen = self._through(h, seen)
        return self.to_code(h[:, 0]), seen

    @torch.no_grad()
    def sample(self, tokens: Tensor, generator: torch.Generator) -> Tensor:
        """Codes (batch, places) for captions, one after another; the first ones are the same whatever the batch."""
        draws = SampleDraws(generator, len(tokens))
        logits, seen = self.begin(tokens)
        codes: list[Tensor] = []
        for place in range(self.config.places):
            codes.append(draws.choice(logits.float().softmax(-1)).to(tokens.device))
            if place + 1 < self.config.places:
                logits, seen = self.go_on(codes[-1], place, seen)
        return torch.stack(codes, dim=1)


class _CausalBlock(nn.Module):
    """h + attention(norm(h)), then h + mlp(norm(h)); a place sees itself and those before it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, h: Tensor, seen: Seen | None) -> tuple[Tensor, Seen]:
        """All places from the first, or the one place after those that were seen."""
        n, places, width = h.shape
        parts = self.qkv(self.norm_1(h)).view(n, places, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        if seen is not None:
            k, v = torch.cat([seen[0], k], dim=2), torch.cat([seen[1], v], dim=2)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=seen is None)
        h = h + self.out(mixed.transpose(1, 2).reshape(n, places, width))
        h = h + self.down(F.gelu(self.up(self.norm_2(h))))
        return h, (k, v)
