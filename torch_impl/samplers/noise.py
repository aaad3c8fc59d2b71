"""The noise that a sampler adds: injected, or drawn in loop order."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

NoiseFn = Callable[[torch.Size, int], Tensor]


@dataclass(frozen=True)
class Noise:
    """Standard normal noise in loop order: from `fn(shape, index)` where given, else from the generator."""

    fn: NoiseFn | None = None
    generator: torch.Generator | None = None

    def __call__(self, like: Tensor, index: int) -> Tensor:
        if self.fn is None:
            return torch.randn(like.shape, dtype=like.dtype, device=like.device, generator=self.generator)
        noise = self.fn(like.shape, index)
        if noise.shape != like.shape:
            raise ValueError(
                f"noise_fn returned shape {tuple(noise.shape)} for step {index}, but x has shape {tuple(like.shape)}"
            )
        return noise.to(like)
