"""An encoder of captions: words and places as vectors, then transformer blocks in which every word sees every word."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["TextEncoder", "averaged", "check_tokens"]


class TextEncoder(nn.Module):
    """Numbers of words (batch, length), 0 where there is none, to vectors (batch, length, width) and which are words.

    Args:
        words: how many numbers there are, 0 among them.
        length: of a caption.
        width: of a vector; `heads` divides it.
        depth: blocks.
    """

    def __init__(self, words: int, length: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"{heads} heads do not divide the {width} numbers of a word; choose a divisor")
        self.words, self.length = words, length
        self.embedding = nn.Embedding(words, width)
        self.places = nn.Parameter(torch.zeros(length, width))
        nn.init.normal_(self.embedding.weight, std=0.3)
        nn.init.normal_(self.places, std=0.1)
        self.blocks = nn.ModuleList(TextBlock(width, heads) for _ in range(depth))
        self.norm_out = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        check_tokens(tokens, self.words, self.length)
        there = tokens != 0
        h: Tensor = self.embedding(tokens) + self.places
        for block in self.blocks:
            h = block(h, there)
        return self.norm_out(h), there


def averaged(words: Tensor, there: Tensor) -> Tensor:
    """The mean of the vectors that are words, (batch, width)."""
    weight = there.to(words.dtype).unsqueeze(2)
    return (words * weight).sum(1) / weight.sum(1)


class TextBlock(nn.Module):
    """h + attention(norm(h)), then h + mlp(norm(h)); places without a word are seen by none."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, h: Tensor, there: Tensor) -> Tensor:
        n, length, width = h.shape
        parts = self.qkv(self.norm_1(h)).view(n, length, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)  # each (batch, heads, length, width / heads)
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=there[:, None, None])
        h = h + self.out(seen.transpose(1, 2).reshape(n, length, width))
        out: Tensor = h + self.mlp(self.norm_2(h))
        return out


def check_tokens(tokens: Tensor, words: int, length: int) -> None:
    """Raise ValueError unless these are captions of this length, of numbers below `words`; values on the CPU only."""
    if tokens.ndim != 2 or tokens.shape[1] != length or tokens.is_floating_point():
        raise ValueError(
            f"the captions have shape {tuple(tokens.shape)} and dtype {tokens.dtype}; they must be integers "
            f"(batch, {length})"
        )
    if tokens.device.type != "cpu" or torch.compiler.is_compiling() or tokens.numel() == 0:
        return
    if int(tokens.min()) < 0 or int(tokens.max()) >= words:
        raise ValueError(
            f"the words run from {int(tokens.min())} to {int(tokens.max())}; this network knows 0 to {words - 1}"
        )
