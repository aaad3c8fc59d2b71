"""Samples, judged: by a classifier, by their distances to training images and to the truth."""

from __future__ import annotations

import torch

from torch_impl.training.capabilities import KnowsTruth, Samples
from torch_impl.training.evaluation.context import Evaluation
from torch_impl.training.evaluation.figure import Figure, mean_figure
from torch_impl.training.evaluation.metric import Metric
from torch_impl.training.judge import (
    EndlessClassifier,
    ImageClassifier,
    copy_check,
    sliced_wasserstein,
    wasserstein_to_truth,
)
from torch_impl.training.runs import first_examples

__all__ = ["METRICS"]


def classifier_metric(e: Evaluation) -> list[Figure]:
    """How often a classifier trained on real images only sees in a sample the class that was asked for."""
    x, labels = e.samples()
    test = e.real("test", 2000)
    classifier: ImageClassifier | EndlessClassifier
    if e.split("train").size is None:
        short = {"steps": 200, "batch": 128, "side": 16} if e.device.type == "cpu" else {}  # a minute, not twenty
        classifier = EndlessClassifier(e.split("train").to(e.device), test, say=e.say, **short)
    else:
        e.say("fitting a classifier to real images")
        classifier = ImageClassifier(e.real("train", 6000), test)
    figures = [Figure("classifier on held-out real images", 100 * classifier.held_out_accuracy, "%", "its own check")]
    if labels is not None:
        right = torch.from_numpy(classifier.predict(x)) == labels
        figures.append(mean_figure(100.0 * right, "samples labelled as intended", "%", f"{len(x)} samples"))
    else:
        clear = float(torch.tensor(classifier.margin(test[0])).quantile(0.05))
        share = torch.tensor(classifier.margin(x) > clear)
        counts = torch.bincount(torch.from_numpy(classifier.predict(x)).long(), minlength=len(e.split("train").classes))
        p = counts.double() / counts.sum()
        figures.append(mean_figure(100.0 * share, "samples as clear as 95 % of real images", "%", f"{len(x)} samples"))
        entropy = float(torch.exp(-torch.special.xlogy(p, p).sum()))
        figures.append(Figure("classes among the samples (perplexity)", entropy, f"of {len(p)}", f"{len(x)} samples"))
    return figures


def copies_metric(e: Evaluation) -> list[Figure]:
    """Whether samples are copies of training images."""
    e.say("distances to training images")
    train = first_examples(e.split("train"), 20_000).x
    check = copy_check(e.samples()[0], train, first_examples(e.split("test"), 2000).x)
    over = f"{e.settings.samples} samples"
    return [
        Figure("median distance of a sample to its nearest training image", check.sample_median, "", over),
        Figure("the same for held-out real images", check.real_median, "", "held-out images"),
        Figure("samples nearer than 99 % of held-out images are", 100 * check.copies, "%", over),
    ]


def wasserstein_metric(e: Evaluation) -> list[Figure]:
    """Sliced 2-Wasserstein distance from samples to true ones, beside that of two true sets of the same size."""
    system, n = e.system, e.settings.samples
    if isinstance(system, KnowsTruth):
        seeds = torch.Generator().manual_seed(e.settings.seed + 17)
        truth = [system.oracle.sample(n, seeds) for _ in range(8)]
        drawn = [e.samples()[0], *(e.draw(20 + i)[0] for i in range(7))]
        mine, theirs = wasserstein_to_truth(drawn, truth)
        return [
            Figure("sliced Wasserstein distance to true samples", mine, "", f"{n} points, mean of 64 pairs of sets"),
            Figure("the same between two true sets", theirs, "", f"{n} points, mean of 28 pairs of sets"),
            Figure("ratio", mine / theirs, "", ""),
        ]
    test = first_examples(e.split("test"), 10_000).x
    train = first_examples(e.split("train"), len(test)).x
    count = min(len(test), len(train), n)
    x = e.samples()[0][:count]
    mine, theirs = sliced_wasserstein(x, train[:count]), sliced_wasserstein(test[:count], train[:count])
    return [
        Figure("sliced Wasserstein distance to training images", mine, "", f"{count} samples"),
        Figure("the same for held-out real images", theirs, "", f"{count} images"),
    ]


METRICS = (
    Metric(
        "classifier",
        classifier_metric,
        "share of samples that an independent classifier labels as intended, beside its own accuracy",
        "%",
        "more",
        needs=(Samples,),
        without=(KnowsTruth,),
        labels=True,
    ),
    Metric(
        "copies",
        copies_metric,
        "distance of samples to training images, beside that of fresh real images",
        needs=(Samples,),
        without=(KnowsTruth,),
    ),
    Metric(
        "wasserstein",
        wasserstein_metric,
        "sliced Wasserstein distance of samples to real data",
        better="less",
        needs=(Samples,),
    ),
)
