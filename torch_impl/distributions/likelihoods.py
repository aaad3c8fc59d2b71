"""What the output of a decoder says about its data: log p(x | z) in nats."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl.distributions.gaussian import LOG_2PI, sum_dims
from torch_impl.ops.checks import check_range, check_same_shape


class Likelihood(Protocol):
    """What a decoder's output says about x."""

    def log_prob(self, x: Tensor, output: Tensor) -> Tensor:
        """log p(x | z) in nats, summed over all dimensions but the first: shape (batch,)."""
        ...


@dataclass(frozen=True)
class BernoulliLikelihood:
    """Binary data; the decoder returns logits; log p is minus the cross-entropy.

    Claims `vae.decoder.bernoulli`, `planned:vae.decoder.bernoulli.bce_sign`.
    For x strictly between 0 and 1 the value is minus the usual cross-entropy but not a log-density
    (`planned:vae.decoder.bernoulli.support`); outside [0, 1] it would be no probability, and is refused: ValueError.
    """

    def log_prob(self, x: Tensor, output: Tensor) -> Tensor:
        check_same_shape(x, output)
        check_range(x, 0, 1, "x", "a Bernoulli law is on {0, 1}: scale x to [0, 1], (x + 1) / 2 for images in [-1, 1]")
        return -sum_dims(F.binary_cross_entropy_with_logits(output, x, reduction="none"))

    def mean(self, output: Tensor) -> Tensor:
        """E[x | z]."""
        return torch.sigmoid(output)


@dataclass(frozen=True)
class GaussianLikelihood:
    """Real data; the decoder returns the mean, the standard deviation sigma is fixed (`vae.decoder.gaussian`)."""

    sigma: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.sigma < math.inf:
            raise ValueError(f"sigma = {self.sigma!r}, but a standard deviation is positive and finite")

    def log_prob(self, x: Tensor, output: Tensor) -> Tensor:
        check_same_shape(x, output)
        d = x[0].numel() if x.shape[0] else 0
        return -0.5 * sum_dims((x - output).square()) / self.sigma**2 - d * (math.log(self.sigma) + 0.5 * LOG_2PI)

    def mean(self, output: Tensor) -> Tensor:
        """E[x | z]."""
        return output
