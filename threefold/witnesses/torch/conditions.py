"""What conditions come in by and what ends are clipped, as the code computes it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

from threefold.witnesses.cases.conditioned import (
    CosineEnd,
    CosineEnds,
    Guided,
    GuidedOutputs,
    TokenRow,
    TokenRows,
)
from threefold.witnesses.cases.cuts import Cut, SomeCuts
from threefold.witnesses.cases.linear import AxesAndProjections, PrincipalAxes
from threefold.witnesses.point import Point
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl import NoiseSchedule
from torch_impl.denoiser.denoiser import dynamic_threshold
from torch_impl.denoiser.guidance import classifier_free
from torch_impl.networks.cross_unet import CrossAttention
from torch_impl.systems.config import build_system
from torch_impl.training.capabilities import Measures


@trained(
    "schedule.cosine.clip",
    method="NoiseSchedule.cosine with and without its clip",
    cases=CosineEnds(),
    no_gradient="a table",
    excused={
        0: "about any two angles",
        3: "statement 2 has the betas",
        4: "a bound, which no code computes",
        5: "statement 2 at j = 1",
        6: "statement 2 has the betas",
    },
    dtypes=("float64",),
)
def _(s: CosineEnd, on: On) -> Iterator[Shape]:
    """The angles are rounded: their differences with them, by T u, and near a right angle cosines by u/cos(angle)."""
    whole = NoiseSchedule.cosine(s.T, s.offset, max_beta=1.0)
    clipped = NoiseSchedule.cosine(s.T, s.offset, max_beta=s.clip)
    roundings = 8 * 2.0**-53 * (s.T + 1 / np.sqrt(s.abars[:-1] * math.cos(s.first) ** 2))  # of each beta
    for part, t in ((1, s.T - s.j), (2, s.T)):
        beta = whole.beta(t).clone()
        yield Computed(part, s.point(), on.tracker.announce(beta, roundings[t - 1] * float(beta)))
    left = clipped.alpha_bar(s.T).clone()
    kept = s.abars[1:-1] / s.abars[:-2]
    lost = float(np.sum(roundings[:-1] * (1 - kept) / kept)) + s.T * 2.0**-53 + 2.0**-53 / (1 - s.clip)
    yield Computed(7, s.point(), on.tracker.announce(left, 2 * lost * float(left)))


@trained(
    "guidance.rescale",
    method="classifier_free with a share of rescaling: deviation and mean of what it returns",
    cases=GuidedOutputs(),
    no_gradient="sampling records no gradient",
    excused={0: "a factor is the shares' quotient in the code", 1: "statement 3 with the share 1"},
    dtypes=("float64",),
)
def _(s: Guided, on: On) -> Iterator[Shape]:
    outputs = torch.stack([on.fixed(s.free), on.fixed(s.conditional)])

    def network(x: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return outputs[labels]

    model = classifier_free(network, torch.tensor([1]), torch.tensor([0]), s.scale, rescale=s.share)
    answer = model(on.fixed(s.free)[None], torch.tensor([1]))[0]
    yield Computed(2, s.point(), answer.var(), side="lhs")
    yield Computed(3, s.point(), answer.mean(), side="lhs")


@trained(
    "guidance.dynamic_threshold",
    method="dynamic_threshold at the largest of two pixels",
    cases=SomeCuts(),
    no_gradient="sampling records no gradient",
    excused={
        1: "at a quantile of 1 no pixel is beyond the limit: ddpm.sampling.clip_x0 has the clip",
        2: "the same from below",
        4: "statement 1 with another place",
    },
    dtypes=("float64",),
)
def _(s: Cut, on: On) -> Iterator[Shape]:
    """A clip that leaves a pixel alone, and a quotient of two numbers of few digits: three roundings."""
    limit, place = 1 + abs(s.said), float(np.clip(s.true, -1, 1))
    numbers = {"threshold": limit, "threshold_room": s.excess, "pixel_place": place, "excess": 0, "said_pixel": place}
    for part, pixel, largest in ((0, limit * place, limit), (3, place, 1.0), (5, place, 1 + s.excess)):
        with _disable_current_modes():
            shown = dynamic_threshold(1.0)(torch.tensor([[pixel, largest]], dtype=torch.float64))[0, 0].clone()
        on.tracker.announce(shown, 3 * 2.0**-53 * abs(float(shown)))
        yield Computed(part, Point(1, numbers), on.fixed(place) - shown if part == 5 else shown, side="lhs")


@trained(
    "ldm.cross_attention",
    method="CrossAttention with one head, all its layers the identity",
    cases=TokenRows(),
    no_gradient="autograd of attention is PyTorch's own",
    excused={
        0: "the weights stay inside the kernel that mixes the values",
        1: "the same",
        2: "the same",
        3: "statement 5 over the sum of the weights",
    },
    dtypes=("float64",),
)
def _(s: TokenRow, on: On) -> Iterator[Shape]:
    """A logit is a sum of d products, a weight moves by its share of all of them, and N values are added up."""
    d, count = len(s.query), len(s.keys)
    with _disable_current_modes(), torch.no_grad():
        attention = CrossAttention(d, 2 * d, d, 1).to(torch.float64)
        for layer in ("norm", "q", "out"):
            setattr(attention, layer, torch.nn.Identity())
        attention.kv.weight.copy_(torch.eye(2 * d, dtype=torch.float64))
        attention.kv.bias.zero_()
        query, keys, values = (torch.tensor(v) for v in (s.query, s.keys, s.values))
        words = torch.cat([keys, values], dim=1)[s.turned][None]
        there = torch.ones(1, count, dtype=torch.bool)
        answer = attention(query[None, :, None, None], words, there)[0, :, 0, 0] - query
        logits, large = float((keys @ query).abs().max()), float(values.abs().max() + query.abs().max())
    on.tracker.announce(answer, 4 * 2.0**-53 * (count + d + 8) * (1 + logits) * large)
    for c in range(d):
        yield Computed(4, s.point(c), answer[c], side="rhs")


@trained(
    "ae.linear.pca",
    method="the system of PCA and its best loss, of points along the axes",
    cases=AxesAndProjections(),
    no_gradient="the least loss is known before training",
    excused={
        0: "about one datum and any decoder",
        1: "the system is trained without a projection",
        2: "a sum, taken apart",
        3: "about any projection",
        5: "two numbers",
        6: "two numbers",
    },
    dtypes=("float64",),
)
def _(s: PrincipalAxes, on: On) -> Iterator[Shape]:
    """Pairs of points on each axis have these second moments; eigenvalues move by a few roundings of the largest."""
    if len(s.variances) != 4:  # pictures of two by two
        return
    with _disable_current_modes():
        ends = torch.diag(torch.tensor(4 * s.variances, dtype=torch.float64).sqrt())
        system = build_system({"kind": "pca", "image_size": 2, "channels": 1, "latent_dim": s.rank})
        assert isinstance(system, Measures)
        system.measure(torch.cat([ends, -ends]).view(8, 1, 2, 2))
        best = torch.tensor(4 * (system.best_loss() or 0.0), dtype=torch.float64)
    on.tracker.announce(best, 256 * 2.0**-53 * float(s.variances.sum()))
    yield Computed(4, s.point(), best, side="lhs")


for _claim, _reason in {
    "unclip.text_diff": "no code edits codes of pictures by texts",
    "controlnet.zero_convolution": "no system of the package has such an adapter",
    "ode.invertible": "samplers take finitely many steps: ddim.inversion.round_trip measures how far they are from it",
    "vae.reparameterization.nondifferentiable_sampling": "the code reparameterises: vae.reparameterization.gradient",
    "ddpm.reverse.small_step_gaussian": "no code expands a log-density",
}.items():
    not_applicable(_claim, _reason, witness="torch")
