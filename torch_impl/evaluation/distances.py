"""How near samples are to real images in the features of a network: Fréchet distance, KID, precision and recall.

The features are those of a classifier that is trained here on the data's own training images (of their classes; where
there are none, of the four turns by right angles), so that figures compare models of one data set only; they are never
called FID.  The FID itself needs the weights of its Inception network, which the user has to have.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "FeatureClassifier",
    "InceptionFeatures",
    "frechet_distance",
    "frechet_interval",
    "kernel_distance",
    "precision_recall",
    "reads",
    "wilson",
]

Interval = tuple[float, float]


# -- features ---------------------------------------------------------------------------------------------------------


class FeatureClassifier:
    """A small convolutional network that tells classes, or turns, of real images; its last hidden layer are features.

    `accuracy` is its share of right answers on real images that it has not seen, `chance` what guessing would have.

    Args:
        images: real ones, (n, channels, h, w) in [-1, 1].
        labels: (n,), or None to tell how an image is turned.
        held_out: images and labels of another split.
        steps, batch: of its training.
        say: told in words how far the training is.
    """

    DIM = 64

    def __init__(
        self,
        images: Tensor,
        labels: Tensor | None,
        held_out: tuple[Tensor, Tensor | None],
        *,
        steps: int = 400,
        batch: int = 64,
        side: int = 32,
        device: torch.device | str = "cpu",
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        self.by_turn, self.device = labels is None, torch.device(device)
        self.side = min(side, images.shape[-1])
        self.classes = 4 if labels is None else int(labels.max()) + 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._body, self._head = self._made(images.shape[1])
        optimizer = torch.optim.AdamW([*self._body.parameters(), *self._head.parameters()], lr=2e-3, weight_decay=1e-2)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
        order = torch.Generator().manual_seed(0)
        for step in range(steps):
            if step % 20 == 0:
                say(f"training the network of the features on real images, step {step:,} of {steps:,}")
            rows = torch.randint(len(images), (batch,), generator=order)
            x, y = self._task(images[rows], None if labels is None else labels[rows])
            loss = F.cross_entropy(self._head(self._body(self._seen(x))), y.to(self.device))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            optimizer.step()
            rate.step()
        self._body.eval()
        self.accuracy, self.chance = self._judged(*held_out)

    def _made(self, channels: int) -> tuple[nn.Sequential, nn.Linear]:
        layers: list[nn.Module] = []
        widths = (channels, 32, 64, 128)
        for c_in, c_out in pairwise(widths):
            layers += [nn.Conv2d(c_in, c_out, 3, padding=1), nn.GroupNorm(8, c_out), nn.SiLU()]
            layers += [nn.MaxPool2d(2, ceil_mode=True)]
        layers += [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * widths[-1], self.DIM), nn.SiLU()]
        return nn.Sequential(*layers).to(self.device), nn.Linear(self.DIM, self.classes).to(self.device)

    def _task(self, images: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Images and what is to be told of them: their labels, or by how many right angles each was turned."""
        if labels is not None:
            return images, labels
        turns = torch.arange(len(images)) % 4
        turned = torch.stack([torch.rot90(image, int(k), (1, 2)) for image, k in zip(images, turns, strict=True)])
        return turned, turns

    def _seen(self, images: Tensor) -> Tensor:
        images = images.to(self.device).float()
        return images if images.shape[-1] == self.side else F.adaptive_avg_pool2d(images, self.side)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Features (n, 64) of images (n, channels, h, w) in [-1, 1], float64 on the CPU."""
        parts = [self._body(self._seen(part)).double().cpu() for part in torch.split(images, 500)]
        return torch.cat(parts)

    @torch.no_grad()
    def scores(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, channels, h, w) in [-1, 1], on the CPU."""
        return torch.cat([self._head(self._body(self._seen(part))).cpu() for part in torch.split(images, 500)])

    def predict(self, images: Tensor) -> np.ndarray:
        """Classes of images."""
        return np.asarray(self.scores(images).argmax(1).numpy())

    def margin(self, images: Tensor) -> np.ndarray:
        """How far the best class is ahead of the second, for each image."""
        best = self.scores(images).topk(2, dim=1).values
        return np.asarray((best[:, 0] - best[:, 1]).numpy())

    def _judged(self, images: Tensor, labels: Tensor | None) -> tuple[float, float]:
        x, y = self._task(images, None if self.by_turn else labels)
        most = float(torch.bincount(y.cpu()).max()) / len(y)
        return float((self.scores(x).argmax(1) == y.cpu()).float().mean()), most

    @property
    def reads_images(self) -> bool:
        """Whether it tells real images apart."""
        return reads(self.accuracy, self.chance)


def reads(accuracy: float, chance: float) -> bool:
    """Whether a classifier tells real images apart: at least halfway from guessing to always right."""
    return accuracy >= (1 + chance) / 2


# -- distances --------------------------------------------------------------------------------------------------------


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    mean = features.mean(0)
    centred = features - mean
    return mean, centred.T @ centred / (len(features) - 1)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """|mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^{1/2}) of two sets of features (n, d), float64.

    The trace of the root is that of (C_a^{1/2} C_b C_a^{1/2})^{1/2}, a symmetric matrix.
    """
    (mean_a, cov_a), (mean_b, cov_b) = _moments(a.double()), _moments(b.double())
    values, vectors = torch.linalg.eigh(cov_a)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    middle = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    distance = (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * middle
    return max(0.0, float(distance))


def frechet_interval(a: Tensor, b: Tensor, resamples: int = 100, seed: int = 0) -> Interval:
    """95 % interval of the Fréchet distance by the basic bootstrap, which takes its own upward bias off again."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(resamples):
        rows_a = torch.randint(len(a), (len(a),), generator=generator)
        rows_b = torch.randint(len(b), (len(b),), generator=generator)
        found.append(frechet_distance(a[rows_a], b[rows_b]))
    low, high = (
        torch.tensor(found, dtype=torch.float64).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    )
    middle = 2 * frechet_distance(a, b)
    return max(0.0, middle - high), max(0.0, middle - low)


def kernel_distance(a: Tensor, b: Tensor, block: int = 500) -> tuple[float, float | None]:
    """KID: the unbiased squared MMD under (x.y / d + 1)^3, as a mean over disjoint blocks, and its standard error.

    Binkowski et al. 2018.  One block has no standard error (None).
    """
    size = min(block, len(a), len(b))
    blocks = min(len(a), len(b)) // size
    values = torch.tensor(
        [_squared_mmd(a[i * size : (i + 1) * size], b[i * size : (i + 1) * size]) for i in range(blocks)]
    ).double()
    error = float(values.std()) / math.sqrt(blocks) if blocks > 1 else None
    return float(values.mean()), error


def _squared_mmd(a: Tensor, b: Tensor) -> float:
    a, b = a.double(), b.double()
    n, m, d = len(a), len(b), a.shape[1]

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / d + 1) ** 3

    within_a, within_b = kernel(a, a), kernel(b, b)
    own = (within_a.sum() - within_a.trace()) / (n * (n - 1)) + (within_b.sum() - within_b.trace()) / (m * (m - 1))
    return float(own - 2 * kernel(a, b).mean())


def precision_recall(real: Tensor, samples: Tensor, k: int = 3) -> tuple[float, float]:
    """Shares of samples within the reach of real images, and of real images within the reach of samples.

    The reach of a set are the balls around its members to their k-th nearest other one (Kynkäänniemi et al. 2019).
    """
    return _share_within(samples, real, k), _share_within(real, samples, k)


def _share_within(points: Tensor, of: Tensor, k: int) -> float:
    k = min(k, len(of) - 1)
    radii = torch.cat([torch.cdist(part, of).kthvalue(k + 1, dim=1).values for part in torch.split(of, 1000)])
    within = [(torch.cdist(part, of) <= radii).any(1) for part in torch.split(points, 1000)]
    return float(torch.cat(within).double().mean())


def wilson(share: float, n: int) -> Interval:
    """95 % interval of a share of n."""
    z = 1.959964
    middle, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))


# -- the FID ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InceptionFeatures:
    """Features of the FID's own network, for images in [-1, 1] of one or three channels, rounded to 8 bits."""

    network: Any

    @torch.no_grad()
    def features(self, images: Tensor, say: Callable[[str], None] = lambda words: None) -> Tensor:
        """(n, 2048), float64 on the CPU."""
        device = next(self.network.parameters()).device
        found: list[Tensor] = []
        for part in torch.split(images, 50):
            say(f"Inception features, {50 * len(found):,} of {len(images):,}")
            levels = ((part.float().clamp(-1, 1) + 1) * 127.5).round() / 255
            found.append(self.network(levels.expand(-1, 3, -1, -1).to(device)).double().cpu())
        return torch.cat(found)
