"""Guided scores of two Gaussians, as the samplers mix them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from threefold.witnesses.cases.guided import GuidedGaussians, TwoGaussians
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.denoiser.guidance import classifier_free

CLOSED = "no code has it in closed form: samplers integrate"


@trained(
    "guidance.cfg.gaussian_law",
    method="classifier_free with the scores of both laws",
    cases=GuidedGaussians(),
    excused={1: CLOSED, 2: CLOSED, 3: CLOSED, 4: CLOSED, 6: "no code knows the tilted law"},
)
def _(s: TwoGaussians, on: On) -> Iterator[Shape]:
    x = on(s.x)

    def guided(noise: float) -> Tensor:
        precisions = on.computed([1 / (s.variance + noise), 1 / (s.variance + s.gap + noise)])

        def network(point: Tensor, _: Tensor, label: Tensor) -> Tensor:
            return -precisions[label][:, None] * point

        model = classifier_free(network, torch.tensor([0]), torch.tensor([1]), 1 + s.beyond)
        return model(x[None], torch.tensor([1]))[0]

    by = {("vectors", "state"): x}
    yield Computed(0, s.point(), guided(s.noise), by)
    yield Computed(5, s.point(), guided(0.0), by)


not_applicable(
    "guidance.classifier.exponential_tilt",
    "classifier_guidance shifts the prediction by the gradient at one point, and multiplies no densities",
    witness="torch",
)
