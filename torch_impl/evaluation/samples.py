"""Samples, judged by their distances to training images and to the truth."""

from __future__ import annotations

import torch

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


METRICS = (
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
