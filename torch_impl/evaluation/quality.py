"""Metrics of sample quality: distances in the features of a network, the FID, and what a classifier sees in samples."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from torch_impl.evaluation.context import Evaluation
from torch_impl.evaluation.distances import (
    FeatureClassifier,
    InceptionFeatures,
    frechet_distance,
    frechet_interval,
    kernel_distance,
    precision_recall,
    reads,
    wilson,
)
from torch_impl.evaluation.figure import Figure, mean_figure
from torch_impl.evaluation.metric import Metric
from torch_impl.evaluation.readers import EndlessClassifier, ImageClassifier
from torch_impl.networks.inception import load_inception
from torch_impl.runs.open import first_examples
from torch_impl.training.capabilities import KnowsLaw, Samples, TakesCaptions

__all__ = ["METRICS"]

_SMALL = 16
"""The side up to which the support vector machine sees every pixel."""
_REAL = 5000
"""Real images that features are compared on at most."""


def _share(key: str, name: str, share: float, n: int, over: str) -> Figure:
    low, high = wilson(share, n)
    return Figure(key, name, 100 * share, "%", over, interval=(100 * low, 100 * high))


def _feature_classifier(e: Evaluation) -> FeatureClassifier:
    """The network of the features, trained on the training images.

    Raises:
        ValueError: it cannot tell real images apart.
    """
    train, held_out = first_examples(e.split("train"), _REAL), first_examples(e.split("test"), 2000)
    y, told = (part if part is not None and part.ndim == 1 else None for part in (train.y, held_out.y))
    network = FeatureClassifier(
        train.x, y, (held_out.x, told), device=e.device, say=e.say, steps=200 if e.takes_long else 400
    )
    if not network.reads_images:
        raise ValueError(_no_judge(network.accuracy, network.chance, len(held_out.x)))
    return network


def _no_judge(accuracy: float, chance: float, n: int) -> str:
    return (
        f"the classifier trained on the real images is right on {100 * accuracy:.0f} % of {n} held-out real ones, and "
        f"guessing would be on {100 * chance:.0f} %: it cannot read them, so what it says of samples means nothing; "
        "leave this metric out"
    )


def quality_metric(e: Evaluation) -> list[Figure]:
    """Fréchet and kernel distance, precision and recall in the features of a classifier trained here: not the FID."""
    network = _feature_classifier(e)
    samples = e.samples()[0]
    real, held_out = first_examples(e.split("train"), _REAL).x, first_examples(e.split("test"), 2000).x
    e.say("distances in its features")
    a, b, c = network.features(samples), network.features(real), network.features(held_out)
    what = "turns" if network.by_turn else "classes"
    over = f"{len(a)} samples against {len(b)} training images"
    kernel, error = kernel_distance(a, b[torch.randperm(len(b), generator=torch.Generator().manual_seed(0))])
    precision, recall = precision_recall(b, a)
    words = f"classifier of {what}, right on held-out real images"
    return [
        Figure(
            "frechet", "Fréchet distance in features", frechet_distance(a, b), "", over, interval=frechet_interval(a, b)
        ),
        _share("reader", words, network.accuracy, len(c), "the network of the features"),
        Figure(
            "frechet_real",
            "the same distance for held-out real images",
            frechet_distance(c, b),
            "",
            f"{len(c)} images against the same",
        ),
        Figure("kernel", "kernel distance in the features", kernel, "", over, error),
        _share("precision", "precision: samples within the reach of real images", precision, len(a), over),
        _share("recall", "recall: real images within the reach of samples", recall, len(b), over),
    ]


def fid_metric(e: Evaluation) -> list[Figure]:
    """The FID, by the weights of its Inception network that were given.

    Raises:
        ValueError: no weights were given, or the file does not hold them.
    """
    if e.settings.inception is None:
        raise ValueError(
            "the FID needs the weights of its Inception network: give --inception FILE, or take quality, which is "
            "measured in the features of a classifier trained here"
        )
    network = InceptionFeatures(load_inception(Path(e.settings.inception)).to(e.device))
    samples = e.samples()[0]
    a = network.features(samples, e.say)
    b = network.features(first_examples(e.split("train"), 50_000).x, e.say)
    over = f"{len(a)} samples against {len(b)} training images"
    kernel, error = kernel_distance(a, b[torch.randperm(len(b), generator=torch.Generator().manual_seed(0))])
    few = "" if min(len(a), len(b)) > 2 * a.shape[1] else "; fewer than twice its 2,048 features: far too large"
    return [
        Figure("fid", "FID", frechet_distance(a, b), "", over + few),
        Figure("kid", "KID", kernel, "", over, error),
    ]


# -- a classifier's word ----------------------------------------------------------------------------------------------


def _judge(e: Evaluation, test: tuple[Tensor, Tensor]) -> ImageClassifier | EndlessClassifier | FeatureClassifier:
    """The first of the classifiers that can read real images.

    Raises:
        ValueError: none can.
    """
    if e.split("train").size is None:
        short = {"steps": 200, "batch": 128, "side": 16} if e.device.type == "cpu" else {}  # a minute, not twenty
        endless = EndlessClassifier(e.split("train").to(e.device), test, say=e.say, **short)
        _refuse_blind(endless.held_out_accuracy, test[1])
        return endless
    e.say("fitting a classifier to real images")
    machine = ImageClassifier(e.real("train", 6000), test)
    chance = _chance(test[1])
    large = test[0].shape[-1] > _SMALL  # then the machine sees averages of blocks, and a network may read better
    if reads(machine.held_out_accuracy, chance) and not large:
        return machine
    train = first_examples(e.split("train"), 10_000 if large else _REAL)
    steps = {"steps": 1500} if large and not e.takes_long else {}
    network = FeatureClassifier(train.x, train.y, test, device=e.device, say=e.say, **steps)
    if machine.held_out_accuracy > max(network.accuracy, (1 + chance) / 2):
        return machine
    _refuse_blind(max(machine.held_out_accuracy, network.accuracy), test[1])
    return network


def _chance(labels: Tensor) -> float:
    """The share of right answers that guessing the commonest class has."""
    return float(torch.bincount(labels.cpu()).max()) / len(labels)


def _refuse_blind(accuracy: float, labels: Tensor) -> None:
    if not reads(accuracy, _chance(labels)):
        raise ValueError(_no_judge(accuracy, _chance(labels), len(labels)))


def classifier_metric(e: Evaluation) -> list[Figure]:
    """How often an independent classifier, trained on real images only, sees the class that a sample was asked for.

    Raises:
        ValueError: no classifier can read real images.
    """
    test = e.real("test", 2000)
    classifier = _judge(e, test)
    x, labels = e.samples()
    accuracy = classifier.accuracy if isinstance(classifier, FeatureClassifier) else classifier.held_out_accuracy
    figures = [_share("reader", "classifier on held-out real images", accuracy, len(test[1]), "its own check")]
    over = f"{len(x)} samples"
    if labels is not None:
        right = torch.from_numpy(classifier.predict(x)) == labels
        figures.append(mean_figure(100.0 * right, "intended", "samples labelled as intended", "%", over))
        return figures
    clear = float(torch.tensor(classifier.margin(test[0])).quantile(0.05))
    share = torch.tensor(classifier.margin(x) > clear)
    counts = torch.bincount(torch.from_numpy(classifier.predict(x)).long(), minlength=len(e.split("train").classes))
    p = counts.double() / counts.sum()
    entropy = float(torch.exp(-torch.special.xlogy(p, p).sum()))
    return [
        *figures,
        mean_figure(100.0 * share, "clear", "samples as clear as 95 % of real images", "%", over),
        Figure("classes", "classes among the samples (perplexity)", entropy, f"of {len(p)}", over),
    ]


METRICS = (
    Metric(
        "classifier",
        classifier_metric,
        "share of samples that an independent classifier labels as intended, beside its own accuracy",
        "%",
        "more",
        needs=(Samples,),
        without=(KnowsLaw, TakesCaptions),
        labels=True,
    ),
    Metric(
        "quality",
        quality_metric,
        "Fréchet and kernel distance, precision and recall, in the features of a classifier trained here (not the FID)",
        better="less",
        needs=(Samples,),
        without=(KnowsLaw,),
    ),
    Metric(
        "fid",
        fid_metric,
        "FID and KID, by the weights of the Inception network that --inception gives",
        better="less",
        needs=(Samples,),
        without=(KnowsLaw,),
        asks="inception",
    ),
)
