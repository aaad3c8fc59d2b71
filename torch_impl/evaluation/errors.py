"""Errors: the training loss on fresh examples, and what is lost on the way through a code."""

from __future__ import annotations

import torch

from torch_impl.evaluation.context import Evaluation
from torch_impl.evaluation.figure import Figure, mean_figure
from torch_impl.evaluation.metric import Metric
from torch_impl.random.draws import Draws
from torch_impl.training.capabilities import Classifies, CodeUse, KnowsTruth, Reconstructs
from torch_impl.training.system import Batch

__all__ = ["METRICS"]


def reconstruction_metric(e: Evaluation) -> list[Figure]:
    """Mean squared error per pixel of reconstructions of held-out images, in units of the range [-1, 1]."""
    assert isinstance(e.system, Reconstructs)
    x = e.held_out().x
    over = f"{len(x)} held-out images"
    with torch.no_grad():
        decoded = e.system.reconstructed(x, e.generator(3))
        error = mean_figure(
            (decoded - x).square().flatten(1).mean(1), "error", "reconstruction error", "per pixel", over
        )
        if not isinstance(e.system, CodeUse):
            return [error]
        perplexity, used, codes = e.system.code_use(x)
    return [
        error,
        Figure("perplexity", "perplexity of the codes", perplexity, f"of {codes}", over),
        Figure("codes_used", "codes in use", used, f"of {codes}", over),
    ]


def loss_metric(e: Evaluation) -> list[Figure]:
    """The training loss on fresh examples, beside the least that any network could reach, where that is known."""
    system, best = e.system, e.system.best_loss()
    if isinstance(system, KnowsTruth) and not getattr(system.config, "conditional", False):
        points = system.oracle.sample(400 * e.settings.examples, torch.Generator().manual_seed(e.settings.seed))
        batches = [Batch(part.to(e.device)) for part in torch.split(points.float(), 4000)]
    else:
        batches = [e.held_out()] * 16
    losses, bests = [], []
    with torch.no_grad():
        for i, batch in enumerate(batches):
            draws = Draws(e.settings.seed, len(batch.x), 1, e.device, stream="evaluate").at(i)
            losses.append(system(batch, draws)["loss"])
            if isinstance(system, KnowsTruth) and best is not None:
                draws = Draws(e.settings.seed, len(batch.x), 1, e.device, stream="evaluate").at(i)
                bests.append(system.oracle_loss(batch, draws))
    figures = [mean_figure(torch.stack(losses), "loss", "loss", "", f"{len(batches)} batches of fresh examples")]
    if best is not None and isinstance(system, KnowsTruth):
        figures.append(Figure("best", "best reachable loss", best, "", "exact, by quadrature"))
        excess = (torch.stack(losses) - torch.stack(bests)).double()
        over = "paired with the exact denoiser on the same draws"
        figures.append(mean_figure(100 * excess / best, "excess", "excess over the best reachable loss", "%", over))
    return figures


def noisy_accuracy_metric(e: Evaluation) -> list[Figure]:
    """How often a classifier of noisy images is right on held-out ones: hardly noisy, half noise, over the chain."""
    assert isinstance(e.system, Classifies)
    batch, generator = e.held_out(), e.generator(10)
    schedule = e.system.diffusion.schedule
    times = sorted({1 + (schedule.T - 1) * i // 19 for i in range(20)})
    right = 100 * e.system.accuracies(batch, times, generator)
    half = min(range(len(times)), key=lambda i: abs(float(schedule.alpha_bar(times[i])) - 0.5))
    over = f"{len(batch.x)} held-out images"
    return [
        mean_figure(right[0], "clean", "told right at t = 1", "%", over),
        mean_figure(right[half], "half", f"told right at t = {times[half]}, as much noise as signal", "%", over),
        mean_figure(right.mean(0), "all", "told right, mean over the chain", "%", f"{over}, {len(times)} times"),
    ]


METRICS = (
    Metric(
        "noisy_accuracy",
        noisy_accuracy_metric,
        "how often a classifier of noisy images is right",
        "%",
        "more",
        needs=(Classifies,),
        labels=True,
    ),
    Metric("loss", loss_metric, "loss on fresh examples, beside the best reachable where known", better="less"),
    Metric(
        "reconstruction",
        reconstruction_metric,
        "squared error of reconstructions; perplexity of VQ codes",
        "per pixel",
        "less",
        needs=(Reconstructs,),
    ),
)
