"""Random numbers as a pure function of (key, index): the same on every device, in every batch, in every process.

A counter-based generator: two rounds of the 64-bit finaliser of SplitMix64 (Steele, Lea & Flood 2014), the key added
around each.  Good for data that must not depend on who asks for it; slower than `torch.randn` for noise in bulk.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

__all__ = ["bits", "key", "normal", "uniform"]


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


_GOLDEN, _MIX_1, _MIX_2 = (_signed(v) for v in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def key(*parts: int | str) -> int:
    """A 64-bit signed key from integers and words; different tuples give unrelated keys."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return _signed(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def _shift_right(x: Tensor, count: int) -> Tensor:
    return torch.bitwise_and(
        x >> count, 2 ** (64 - count) - 1
    )  # int64 shifts carry the sign; the mask makes it logical


def bits(key: int, index: Tensor) -> Tensor:
    """64 random bits for each index, as int64 of the same shape."""
    x = index * _GOLDEN + key
    for _ in range(2):
        x = (x ^ _shift_right(x, 30)) * _MIX_1
        x = (x ^ _shift_right(x, 27)) * _MIX_2
        x = (x ^ _shift_right(x, 31)) + key
    return x


def uniform(key: int, index: Tensor) -> Tensor:
    """Uniform numbers in [0, 1), float64 with 53 random bits, one for each index."""
    return _shift_right(bits(key, index), 11).to(torch.float64) * 2.0**-53


def normal(key: int, index: Tensor) -> Tensor:
    """Standard normal numbers, float64, one for each index (Box and Muller)."""
    radius = torch.sqrt(-2.0 * torch.log1p(-uniform(key, 2 * index)))
    return radius * torch.cos(2.0 * math.pi * uniform(key, 2 * index + 1))
