"""What a denoiser is told besides the image: the time, and the class with its null class for guidance."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Conditioning", "drop_labels", "sinusoidal_embedding"]


def sinusoidal_embedding(t: Tensor, dim: int, max_period: float = 10_000.0) -> Tensor:
    """Sines, then cosines, of t at dim/2 geometric frequencies.

        tau(t) = (sin(w_0 t), ..., sin(w_{h-1} t), cos(w_0 t), ..., cos(w_{h-1} t)),  w_i = max_period^{-i/h}, h = dim/2

    These are the Transformer's frequencies 10000^{-2i/dim} (Vaswani et al. 2017, section 3.5) in the order that DDPM
    code uses; some of that code has w_i = max_period^{-i/(h-1)} instead, which ends at 1/max_period.
    Claims `planned:unet.time_embedding.sinusoidal` and `unet.time_embedding.relative`.

    Args:
        t: shape (batch,), integer or floating.
        dim: length of the embedding, even.

    Returns:
        shape (batch, dim); float64 where t is float64, float32 otherwise.
    """
    if dim < 2 or dim % 2:
        raise ValueError(
            f"the embedding has {dim} entries; it needs an even number, at least 2 (a sine and a cosine each)"
        )
    half = dim // 2
    dtype = torch.float64 if t.dtype == torch.float64 else torch.float32
    frequencies = torch.exp(-math.log(max_period) / half * torch.arange(half, dtype=dtype, device=t.device))
    angles = t.to(dtype)[:, None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), dim=1)


def drop_labels(y: Tensor, probability: float, null_label: int, uniform: Tensor) -> Tensor:
    """Labels with each one replaced by the null class with the given probability (Ho & Salimans 2022, algorithm 1).

    Args:
        y: labels, shape (batch,), int64.
        probability: of dropping, in [0, 1].
        null_label: the number of classes, which the networks here embed as "no class".
        uniform: numbers uniform in [0, 1), shape (batch,), drawn by the caller.
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"the probability of dropping a label is {probability}; it must be in [0, 1]")
    if uniform.shape != y.shape:
        raise ValueError(
            f"{tuple(uniform.shape)} uniform numbers for labels of shape {tuple(y.shape)}; the shapes must agree"
        )
    return torch.where(uniform < probability, null_label, y)


class Conditioning(nn.Module):
    """Time, and class if there are classes, as one vector: an MLP over the sinusoidal embedding, plus a learned row.

        e(t, y) = W_2 silu(W_1 tau(t) + b_1) + b_2 + E[y],     y = num_classes being the null class

    Args:
        dim: entries of the sinusoidal embedding.
        width: length of the vector.
        num_classes: None for an unconditional network.
    """

    def __init__(self, dim: int, width: int, num_classes: int | None = None) -> None:
        super().__init__()
        if num_classes is not None and num_classes < 1:
            raise ValueError(f"num_classes is {num_classes}; give at least 1, or None for an unconditional network")
        self.dim, self.num_classes = dim, num_classes
        self.linear_1 = nn.Linear(dim, width)
        self.linear_2 = nn.Linear(width, width)
        if num_classes is not None:
            self.classes = nn.Embedding(num_classes + 1, width)
            nn.init.normal_(self.classes.weight, std=0.02)

    def forward(self, t: Tensor, y: Tensor | None = None) -> Tensor:
        """Shapes (batch,) and (batch,) to (batch, width)."""
        tau = sinusoidal_embedding(t, self.dim).to(self.linear_1.weight.dtype)
        e: Tensor = self.linear_2(F.silu(self.linear_1(tau)))
        if self.num_classes is None:
            if y is not None:
                raise ValueError(
                    "labels were given to an unconditional network; build it with num_classes or leave y out"
                )
            return e
        check_labels(y, t.shape[0], self.num_classes)
        e = e + self.classes(y)
        return e


def check_labels(y: Tensor | None, batch: int, num_classes: int) -> None:
    """Raise ValueError unless y holds `batch` labels in 0..num_classes, the last one being the null class.

    Values are looked at on the CPU only: a GPU would have to wait, and its embedding has an assertion of its own.
    """
    if y is None:
        raise ValueError(
            f"this network is conditional on {num_classes} classes and needs labels y; "
            f"{num_classes} (its null_label) asks for the unconditional prediction"
        )
    if y.shape != (batch,) or y.is_floating_point():
        raise ValueError(f"the labels have shape {tuple(y.shape)} and dtype {y.dtype}; they must be {batch} integers")
    if y.device.type == "cpu" and not torch.compiler.is_compiling() and bool(((y < 0) | (y > num_classes)).any()):
        raise ValueError(
            f"the labels run from {int(y.min())} to {int(y.max())}; "
            f"this network knows 0 to {num_classes - 1}, and {num_classes} for no class"
        )
