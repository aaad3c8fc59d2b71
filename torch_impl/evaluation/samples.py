"""Samples, judged by their distances to training images and to the truth."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torch_impl.evaluation.context import Evaluation
from torch_impl.evaluation.figure import Figure
from torch_impl.evaluation.metric import Metric
from torch_impl.evaluation.readers import copy_check, sliced_wasserstein, wasserstein_to_truth
from torch_impl.runs.open import first_examples
from torch_impl.training.capabilities import KnowsLaw, Samples

__all__ = ["METRICS"]


def copies_metric(e: Evaluation) -> list[Figure]:
    """Whether samples are copies of training images."""
    e.say("distances to training images")
    train = first_examples(e.split("train"), 20_000).x
    check = copy_check(e.samples()[0], train, first_examples(e.split("test"), 2000).x)
    over = f"{e.settings.samples} samples"
    return [
        Figure("samples", "median distance of a sample to its nearest training image", check.sample_median, "", over),
        Figure("real", "the same for held-out real images", check.real_median, "", "held-out images"),
        Figure("copied", "samples nearer than 99 % of held-out images are", 100 * check.copies, "%", over),
    ]


def wasserstein_metric(e: Evaluation) -> list[Figure]:
    """Sliced 2-Wasserstein distance from samples to true ones, beside that of two true sets of the same size."""
    system, n = e.system, e.settings.samples
    if isinstance(system, KnowsLaw):
        seeds = torch.Generator().manual_seed(e.settings.seed + 17)
        truth = [system.oracle.sample(n, seeds) for _ in range(8)]
        drawn = [e.samples()[0], *(e.draw(20 + i)[0] for i in range(7))]
        mine, theirs = wasserstein_to_truth(drawn, truth)
        return [
            Figure(
                "samples",
                "sliced Wasserstein distance to true samples",
                mine,
                "",
                f"{n} points, mean of 64 pairs of sets",
            ),
            Figure("truth", "the same between two true sets", theirs, "", f"{n} points, mean of 28 pairs of sets"),
            Figure("ratio", "ratio", mine / theirs, "", ""),
        ]
    test = first_examples(e.split("test"), 10_000).x
    train = first_examples(e.split("train"), len(test)).x
    count = min(len(test), len(train), n)
    x = e.samples()[0][:count]
    mine, theirs = sliced_wasserstein(x, train[:count]), sliced_wasserstein(test[:count], train[:count])
    return [
        Figure("samples", "sliced Wasserstein distance to training images", mine, "", f"{count} samples"),
        Figure("real", "the same for held-out real images", theirs, "", f"{count} images"),
    ]


def diversity_metric(e: Evaluation) -> list[Figure]:
    """How far samples of a class are from each other, beside real images of it: guidance buys its class with variety.

    Of all samples and all images, where samples were asked for by no class.
    """
    x, labels = e.samples()
    real = first_examples(e.split("train"), 5000)
    told = labels is not None and labels.ndim == 1 and real.y is not None  # captions hardly come twice
    mine = _spread_within(x, labels if told else None)
    theirs = _spread_within(real.x, real.y if told else None)
    within = "within a class" if told else "of all"
    over = f"{len(x)} samples, {'pairs of one class' if told else 'all pairs'}"
    return [
        Figure("ratio", f"spread {within}, over that of real images", mine / theirs, "", over),
        Figure("samples", f"root mean square distance of two samples, {within}", mine, "", over),
        Figure("real", "the same for real images", theirs, "", f"{len(real.x)} images"),
    ]


def _spread_within(x: Tensor, labels: Tensor | None) -> float:
    """Root mean square distance of two different members of a class, over all pairs."""
    total = pairs = 0.0
    labels = torch.zeros(len(x), dtype=torch.int64) if labels is None else labels
    for label in torch.unique(labels):
        members = x[labels == label].flatten(1).double()
        n = len(members)
        total += 2 * n * float((members - members.mean(0)).square().sum())  # the sum over ordered pairs
        pairs += n * (n - 1)
    return math.sqrt(total / pairs) if pairs else 0.0


METRICS = (
    Metric(
        "diversity",
        diversity_metric,
        "how far samples of a class are from each other, beside real images of it",
        better="more",
        needs=(Samples,),
        without=(KnowsLaw,),
    ),
    Metric(
        "copies",
        copies_metric,
        "distance of samples to training images, beside that of fresh real images",
        needs=(Samples,),
        without=(KnowsLaw,),
    ),
    Metric(
        "wasserstein",
        wasserstein_metric,
        "sliced Wasserstein distance of samples to real data",
        better="less",
        needs=(Samples,),
    ),
)
