"""The symmetric contrastive loss (Radford et al. 2021, figure 3): of a batch of pairs, which belong together."""

from __future__ import annotations

from torch import Tensor

__all__ = ["contrastive_loss"]


def contrastive_loss(one: Tensor, other: Tensor, scale: Tensor | float) -> Tensor:
    """Half the cross-entropy of the right column in each row of `scale * one @ other.T`, half that in each column.

    Nats, mean over the N pairs; log N where nothing is told apart (`clip.loss.symmetric`).

    Args:
        one, other: unit vectors (N, space); row i of both belongs together.
        scale: of their products, above 0.
    """
    scores = scale * (one @ other.T)
    surprise = (scores.logsumexp(1) + scores.logsumexp(0)) / 2 - scores.diagonal()
    return surprise.mean()
