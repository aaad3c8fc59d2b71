"""Guidance: networks steered while sampling. Each function returns a model (x_t, t) -> output for any sampler.

A scale w = 1 is the plain conditional model, w = 0 the unconditional one, and w > 1 goes beyond the conditional one
(`guidance.classifier_free`). Ho and Salimans 2022 write s = w - 1: `from_paper_scale`. Guided sampling does not
draw from p(x) p(y|x)^w: noising and tilting do not commute (`guidance.classifier_free.tilted_score`).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from torch_impl.process.gaussian import GaussianProcess
from torch_impl.process.parameterization import Model, view

ConditionalNetwork = Callable[[Tensor, Tensor, Tensor], Tensor]
Classifier = Callable[[Tensor, Tensor], Tensor]
Interval = tuple[int, int]


def from_paper_scale(s: float) -> float:
    """w = 1 + s for the convention (1 + s) eps(y) - s eps() of Ho and Salimans 2022, eq. 6; s = 0 is no guidance."""
    return 1.0 + s


def classifier_free(
    network: ConditionalNetwork,
    labels: Tensor,
    null_labels: Tensor,
    scale: float,
    *,
    rescale: float = 0.0,
    interval: Interval | None = None,
) -> Model:
    """unconditional + w (conditional - unconditional) of network(x, t, labels), in one call on a doubled batch.

    Right for every prediction, since all views are affine in the output at one (x_t, t). Where the output has twice the
    channels of x, the second half (a learned variance) is the conditional one.
    rescale: share in 0..1 of the guided output scaled to the conditional one's standard deviation, per example
    (Lin et al. 2024, eq. 15-16); the examples need two elements or more. interval: times (low, high), both included,
    outside of which the conditional model runs alone, at half the cost (Kynkaanniemi et al. 2024); this looks at t[0],
    one synchronisation a step.
    """
    _check_scale(scale)
    if not 0 <= rescale <= 1:
        raise ValueError(f"rescale = {rescale!r} is outside 0..1")
    if labels.shape != null_labels.shape:
        raise ValueError(
            f"labels have shape {tuple(labels.shape)}, null labels {tuple(null_labels.shape)}; make them equal"
        )
    _check_interval(interval)

    def model(x: Tensor, t: Tensor) -> Tensor:
        if rescale and math.prod(x.shape[1:]) < 2:
            raise ValueError(
                f"rescale = {rescale}, but an example of one element has no standard deviation; use rescale=0"
            )
        if scale == 1.0 or not _inside(interval, t):
            return network(x, t, labels)
        both = network(torch.cat([x, x]), torch.cat([t, t]), torch.cat([labels, null_labels]))
        conditional, unconditional = both.chunk(2)
        rest = None
        if x.ndim > 1 and conditional.shape[1] == 2 * x.shape[1]:
            conditional, rest = conditional.chunk(2, dim=1)
            unconditional = unconditional.chunk(2, dim=1)[0]
        guided = torch.lerp(unconditional, conditional, scale)  # 0A4O
        if rescale:
            ratio = _std(conditional) / _std(guided).clamp_min(torch.finfo(guided.dtype).tiny)
            guided = guided * (1 - rescale + rescale * ratio)
        return guided if rest is None else torch.cat([guided, rest], dim=1)

    return model


def classifier_guidance(
    model: Model,
    classifier: Classifier,
    labels: Tensor,
    scale: float,
    diffusion: GaussianProcess,
    *,
    interval: Interval | None = None,
) -> Model:
    """A model whose score gains w grad log p(y | x_t) (Dhariwal and Nichol 2021, algorithm 2).

    Claim `guidance.classifier`.

    classifier(x_t, t) returns logits (batch, classes), trained on noisy x_t. For eps the shift is
    -w sqrt(1 - alpha_bar) grad, and the like for the other predictions. By Bayes' rule w = 1 is the conditional score.
    ValueError at a time with alpha_bar = 0, where the shift of x_0 and v is not determined by the gradient: leave that
    time out by `interval`, whose both ends are included.
    """
    _check_scale(scale)
    _check_interval(interval)

    def guided(x: Tensor, t: Tensor) -> Tensor:
        output = model(x, t)
        if not scale or not _inside(interval, t):
            return output
        if diffusion.schedule.has_zero_terminal_snr and int(t.max()) == diffusion.T:
            raise ValueError(
                f"alpha_bar = 0 at t = {diffusion.T}: x_t says nothing about the label there; "
                f"use interval=(1, {diffusion.T - 1})"
            )
        with torch.enable_grad():
            y = x.detach().requires_grad_()
            log_prob = classifier(y, t).log_softmax(1).gather(1, labels.view(-1, 1)).sum()
            (gradient,) = torch.autograd.grad(log_prob, y)
        signal, sigma = (torch.as_tensor(c) for c in diffusion.lookup("noising", t, x))
        per_score = view("score", diffusion.prediction, signal, sigma)[1]
        shift = (scale * per_score * gradient).to(output.dtype)  # 0A5L
        if output.shape != x.shape:  # a learned variance stays as it is
            shift = torch.cat([shift, torch.zeros_like(shift)], dim=1)
        return output + shift

    return guided


def _inside(interval: Interval | None, t: Tensor) -> bool:
    return interval is None or interval[0] <= int(t.reshape(-1)[0]) <= interval[1]


def _check_scale(scale: float) -> None:
    if not math.isfinite(scale):
        raise ValueError(f"guidance scale w = {scale!r} must be finite; 1 is the conditional model")


def _check_interval(interval: Interval | None) -> None:
    if interval is not None and not 1 <= interval[0] <= interval[1]:
        raise ValueError(f"interval = {interval} must be two times, 1 <= low <= high")


def _std(x: Tensor) -> Tensor:
    return x.flatten(1).std(1).view(-1, *(1,) * (x.ndim - 1))
