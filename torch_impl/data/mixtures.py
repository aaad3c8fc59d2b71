"""Gaussian mixtures in the plane with exactly known laws: endless points, and the numbers for the oracle."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from torch_impl.data import counter
from torch_impl.data.dataset import DataSet, fingerprint
from torch_impl.data.row import DataRow

__all__ = ["DATA", "MIXTURES", "MixtureSet", "mixture"]

Law = tuple[list[float], list[tuple[float, float]], list[tuple[float, float]]]


def _ring(k: int, radius: float, std: float) -> Law:
    angles = [2 * math.pi * i / k for i in range(k)]
    return [1 / k] * k, [(radius * math.cos(a), radius * math.sin(a)) for a in angles], [(std**2, std**2)] * k


def _grid(side: int, spacing: float, std: float) -> Law:
    ticks = [spacing * (i - (side - 1) / 2) for i in range(side)]
    return [1 / side**2] * side**2, [(x, y) for x in ticks for y in ticks], [(std**2, std**2)] * side**2


MIXTURES: dict[str, Law] = {
    "two": ([0.3, 0.7], [(-1.0, 0.0), (1.0, 0.5)], [(0.04, 0.09), (0.09, 0.04)]),
    "ring8": _ring(8, radius=1.4, std=0.15),
    "grid25": _grid(5, spacing=0.7, std=0.08),
    "unequal": (
        [0.5, 0.25, 0.15, 0.1],
        [(-1.0, -0.6), (1.1, -0.8), (0.2, 1.3), (1.4, 1.2)],
        [(0.20, 0.02), (0.01, 0.16), (0.05, 0.05), (0.01, 0.01)],
    ),
}
"""Name to weights (K), means (K, 2) and variances (K, 2); all have second moments near 1."""


class MixtureSet(DataSet):
    """Points of sum_k w_k N(mean_k, diag(variance_k)), labelled by component; example i is fixed by (seed, split, i).

    `weights` (K,), `means` (K, 2) and `variances` (K, 2) are float64 tensors, as the oracle takes them.
    """

    def __init__(self, kind: str, split: str = "train", seed: int = 0) -> None:
        if kind not in MIXTURES:
            raise ValueError(f"mixture {kind!r} is not one of {', '.join(MIXTURES)}")
        self.weights, self.means, self.variances = (torch.tensor(part, dtype=torch.float64) for part in MIXTURES[kind])
        self.name, self.split = f"mixture:{kind}", split
        self.size = None if split == "train" else 10_000
        self.shape = (2,)
        self.classes = tuple(str(k) for k in range(len(self.weights)))
        self.fingerprint = fingerprint(name=self.name, split=split, seed=seed, law=MIXTURES[kind])
        self._key = counter.key(seed, "mixture", kind, split)

    def read(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        index = index.to(self.device)
        u = counter.uniform(self._key, 3 * index)
        component = torch.searchsorted(self.weights.cumsum(0), u, right=True).clamp_(max=len(self.weights) - 1)
        normal = torch.stack([counter.normal(self._key, 3 * index + 1 + i) for i in range(2)], dim=1)
        return self.means[component] + self.variances[component].sqrt() * normal, component

    def to(self, device: torch.device | str) -> Self:
        self.weights, self.means, self.variances = (x.to(device) for x in (self.weights, self.means, self.variances))
        self.device = self.weights.device
        return self


def mixture(kind: str, split: str = "train", seed: int = 0) -> MixtureSet:
    """The mixture of that name; "train" has no end, "val" and "test" are 10,000 other points each."""
    if split not in ("train", "val", "test"):
        raise ValueError(f"split {split!r} is not one of 'train', 'val', 'test'")
    return MixtureSet(kind, split, seed)


DATA = DataRow(
    "mixture",
    "endless points of 2-D Gaussian mixtures, whose law is known",
    lambda asked: mixture(asked.name.partition(":")[2], asked.split, asked.seed),
    kinds=tuple(MIXTURES),
)
