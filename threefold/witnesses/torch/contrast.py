"""The contrastive loss as `torch_impl` trains with it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from threefold.witnesses.cases.contrasts import Paired, SomePaired
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.objectives.contrastive import contrastive_loss


@trained("clip.loss.symmetric", method="contrastive_loss of scores as vectors", cases=SomePaired(share=2))
def _(s: Paired, on: On) -> Iterator[Shape]:
    point, unit = s.point(), np.eye(len(s.scores))
    yield Computed(0, point, contrastive_loss(on(s.scores), on.fixed(unit), 1.0))
    own = on(np.full((len(s.scores), 1), s.own))
    yield Computed(1, point, contrastive_loss(own, on.fixed(np.ones((len(s.scores), 1))), 1.0))
    right, weight = on([s.own]), on.computed([np.log(s.rest)])
    rows = torch.stack([torch.cat([right, weight]), torch.cat([weight, right])])
    (slope,) = torch.autograd.grad(contrastive_loss(rows, on.fixed(np.eye(2)), 1.0), right)
    yield Computed(2, point, slope[0], gradient=True)
