"""Judging samples without the model: by a classifier, nearest neighbours, sliced Wasserstein distances."""

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
    "CopyCheck",
    "EndlessClassifier",
    "ImageClassifier",
    "copy_check",
    "sliced_wasserstein",
    "wasserstein_to_truth",
]


class ImageClassifier:
    """A support vector machine on pixels (scikit-learn), trained on real images only, of at most 16 pixels a side.

    `held_out_accuracy` is its share of right answers on real images it has not seen.
    """

    def __init__(self, train: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor], largest: int = 6000) -> None:
        from sklearn.svm import SVC

        x, y = train
        self._machine: Any = SVC(C=10.0, gamma="scale").fit(_seen(x[:largest]), y[:largest].numpy())
        self.held_out_accuracy = self.agreement(*held_out)

    def predict(self, images: Tensor) -> np.ndarray:
        """Classes of images (n, channels, h, w) in [-1, 1]."""
        return np.asarray(self._machine.predict(_seen(images)))

    def agreement(self, images: Tensor, labels: Tensor) -> float:
        """Share of images whose predicted class is the label."""
        return float((self.predict(images) == labels.cpu().numpy()).mean())

    def margin(self, images: Tensor) -> np.ndarray:
        """How far the best class is ahead of the second, for each image.

        In votes of the decision function; between two classes its absolute value.
        """
        scores = self._machine.decision_function(_seen(images))
        if scores.ndim == 1:
            return np.asarray(np.abs(scores))
        scores = np.sort(scores, axis=1)
        return np.asarray(scores[:, -1] - scores[:, -2])


class EndlessClassifier:
    """A small convolutional network for images that are made without end, trained on fresh real ones only.

    Ten thousand examples, which suffice a support vector machine for digits, say little about letters of any colour,
    size and lean.  `held_out_accuracy` is its share of right answers on real images it has not seen.

    Args:
        data: images with labels, without end; already where they are to be looked at.
        held_out: images and labels of another split.
        side: the network looks at images averaged down to this side; by default at all pixels.
        say: told in words how far the training is.
    """

    def __init__(
        self,
        data: Any,
        held_out: tuple[Tensor, Tensor],
        steps: int = 1500,
        batch: int = 256,
        side: int | None = None,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        self.side = min(side or data.shape[1], data.shape[1])
        widths = (data.shape[0], 48, 96, 192)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layers: list[nn.Module] = []
            for c_in, c_out in pairwise(widths):
                layers += [nn.Conv2d(c_in, c_out, 3, padding=1), nn.GroupNorm(8, c_out), nn.SiLU(), nn.MaxPool2d(2)]
            inside = widths[-1] * (self.side // 8) ** 2
            self._net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(inside, len(data.classes))).to(data.device)
        optimizer = torch.optim.AdamW(self._net.parameters(), lr=2e-3)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
        for step in range(steps):
            if step % 20 == 0:
                say(f"training a classifier on real images, step {step:,} of {steps:,}")
            x, y = data.fetch(torch.arange(step * batch, (step + 1) * batch))
            loss = F.cross_entropy(self._scores(x), y)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            optimizer.step()
            rate.step()
        self.held_out_accuracy = self.agreement(*held_out)

    def _scores(self, images: Tensor) -> Tensor:
        scores: Tensor = self._net(F.adaptive_avg_pool2d(images, self.side))
        return scores

    @torch.no_grad()
    def _all_scores(self, images: Tensor) -> Tensor:
        device = next(self._net.parameters()).device
        return torch.cat([self._scores(part.to(device)) for part in torch.split(images, 1000)]).cpu()

    def predict(self, images: Tensor) -> np.ndarray:
        """Classes of images (n, channels, h, w) in [-1, 1]."""
        return np.asarray(self._all_scores(images).argmax(1).numpy())

    def margin(self, images: Tensor) -> np.ndarray:
        """How far the best class is ahead of the second, in log-probability, for each image."""
        best = self._all_scores(images).topk(2, dim=1).values
        return np.asarray((best[:, 0] - best[:, 1]).numpy())

    def agreement(self, images: Tensor, labels: Tensor) -> float:
        """Share of images whose predicted class is the label."""
        return float((self.predict(images) == labels.cpu().numpy()).mean())


def _seen(images: Tensor) -> np.ndarray:
    """What a support vector machine looks at: pixels, of larger images means over blocks, at most 16 a side."""
    images = images.detach().float().cpu()
    block = math.ceil(images.shape[-1] / 16)
    return F.avg_pool2d(images, block).flatten(1).numpy().astype(np.float64)


@dataclass(frozen=True)
class CopyCheck:
    """Distances (Euclidean, per image) from samples, and from held-out real images, to their nearest training image.

    A model that copies has samples far nearer to training images than fresh real images are.
    """

    sample_median: float
    real_median: float
    copies: float
    """Share of samples nearer to a training image than all but one in a hundred held-out images are to each other's."""


def copy_check(samples: Tensor, train: Tensor, held_out: Tensor) -> CopyCheck:
    """Nearest-neighbour check of samples against the training images they might be copies of."""
    fresh, real = _nearest(samples, train), _nearest(held_out, train)
    threshold = float(np.quantile(real, 0.01))
    return CopyCheck(float(np.median(fresh)), float(np.median(real)), float((fresh < threshold).mean()))


def _nearest(a: Tensor, b: Tensor, chunk: int = 512) -> np.ndarray:
    flat_a, flat_b = a.detach().cpu().flatten(1).double(), b.detach().cpu().flatten(1).double()
    return torch.cat([torch.cdist(part, flat_b).min(1).values for part in torch.split(flat_a, chunk)]).numpy()


def sliced_wasserstein(a: Tensor, b: Tensor, directions: int = 256, seed: int = 0) -> float:
    """Root mean square over random directions of the 2-Wasserstein distance between projections.

    Both sets must have as many points, so that a projection's distance is that of sorted values.
    """
    flat_a, flat_b = a.detach().cpu().flatten(1).double(), b.detach().cpu().flatten(1).double()
    if flat_a.shape != flat_b.shape:
        raise ValueError(f"the sets have shapes {tuple(flat_a.shape)} and {tuple(flat_b.shape)}; they must be equal")
    generator = torch.Generator().manual_seed(seed)
    axes = torch.randn(flat_a.shape[1], directions, generator=generator, dtype=torch.float64)
    axes = axes / axes.norm(dim=0)
    gap = (flat_a @ axes).sort(dim=0).values - (flat_b @ axes).sort(dim=0).values
    return math.sqrt(float(gap.square().mean()))


def wasserstein_to_truth(samples: list[Tensor], truth: list[Tensor]) -> tuple[float, float]:
    """Mean sliced distance of sample sets to true sets, and the mean between the true sets themselves.

    Sets of one law already differ by what chance gives each of them, so one set of either kind would decide little.
    """
    if len(truth) < 2:
        raise ValueError("two true sets or more are needed to know how far apart true sets are")
    crossed = [(x, y) for x in samples for y in truth]
    pairs = [(truth[i], truth[j]) for i in range(len(truth)) for j in range(i)]
    mine = [sliced_wasserstein(x, y, seed=i) for i, (x, y) in enumerate(crossed)]
    theirs = [sliced_wasserstein(x, y, seed=1000 + i) for i, (x, y) in enumerate(pairs)]
    return float(np.mean(mine)), float(np.mean(theirs))
