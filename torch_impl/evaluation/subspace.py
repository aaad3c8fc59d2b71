"""How far the subspace of a linear model is from the principal one of its data."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from torch_impl.evaluation.context import Evaluation
from torch_impl.evaluation.figure import Figure
from torch_impl.evaluation.metric import Metric
from torch_impl.runs.open import first_examples

__all__ = ["METRICS", "Subspace", "largest_angle"]


@runtime_checkable
class Subspace(Protocol):
    """Keeps the part of an example that lies in a subspace."""

    def subspace(self) -> Tensor:
        """Columns that span it, (dim, k)."""


def largest_angle(a: Tensor, b: Tensor) -> float:
    """The largest principal angle between the spans of two matrices' columns, radians.

    By the sine, the norm of the part of one span outside the other, which small angles keep their digits in.
    """
    one, other = torch.linalg.qr(a.double()).Q, torch.linalg.qr(b.double()).Q
    sine = torch.linalg.matrix_norm(one - other @ (other.T @ one), ord=2)
    return float(torch.asin(sine.clamp(max=1.0)))


def subspace_metric(e: Evaluation) -> list[Figure]:
    """The angle between the trained subspace and those that singular values find, with and without the mean."""
    assert isinstance(e.system, Subspace)
    mine = e.system.subspace().cpu()
    train = e.split("train")
    x = first_examples(train, 10_000 if train.size is None else train.size).x.flatten(1).double()
    k = mine.shape[1]
    spans = {}
    for key, points in (("centred", x - x.mean(0)), ("uncentred", x)):
        spans[key] = torch.linalg.svd(points, full_matrices=False).Vh[:k].T
    over, between = f"{k} dimensions of {len(mine)}", largest_angle(spans["centred"], spans["uncentred"])
    words = {"centred": "the principal components", "uncentred": "the singular vectors without centring"}
    return [
        *(
            Figure(key, f"largest angle to {words[key]}", largest_angle(mine, span), "rad", over)
            for key, span in spans.items()
        ),
        Figure("between", "largest angle between these two", between, "rad", over),
    ]


METRICS = (
    Metric(
        "subspace",
        subspace_metric,
        "largest principal angle between the trained subspace and that of the singular value decomposition",
        "rad",
        "less",
        needs=(Subspace,),
    ),
)
