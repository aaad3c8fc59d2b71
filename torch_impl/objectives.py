"""Objectives of variational autoencoders: likelihoods, the reparameterised draw, ELBO, importance-weighted bound.

Everything is in nats, summed over dimensions, one value per example: shape (batch,). Average over the batch last;
a mean over pixels instead of the sum would silently multiply the weight of the KL by their number
(`planned:vae.loss.reduction_scale`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl.gaussian import LOG_2PI, gaussian_log_prob, sum_dims
from torch_impl.tables import check_range


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
        _same_shape(x, output)
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
        _same_shape(x, output)
        d = x[0].numel() if x.shape[0] else 0
        return -0.5 * sum_dims((x - output).square()) / self.sigma**2 - d * (math.log(self.sigma) + 0.5 * LOG_2PI)

    def mean(self, output: Tensor) -> Tensor:
        """E[x | z]."""
        return output


class ELBO(NamedTuple):
    """The two terms of the bound (`vae.elbo.definition`), nats, shape (batch,)."""

    log_likelihood: Tensor
    """E_q log p(x | z), one or more draws averaged."""
    kl: Tensor
    """KL(q(z | x) || N(0, I)), exact."""

    @property
    def value(self) -> Tensor:
        return self.log_likelihood - self.kl

    def beta(self, beta: float) -> Tensor:
        """The beta-VAE objective, a lower bound only for beta >= 1.

        Claims `planned:vae.beta.objective`, `planned:vae.beta.bound`.
        """
        if not beta >= 0:
            raise ValueError(f"beta = {beta!r}, but the weight of the KL is not negative")
        return self.log_likelihood - beta * self.kl


def reparameterize(
    mean: Tensor, logvar: Tensor, noise: Tensor | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """z = mean + e^(logvar/2) noise, differentiable in mean and logvar.

    Claims `vae.reparameterization.location_scale`, `planned:vae.reparameterization.dz_dphi`.
    """
    _same_shape(mean, logvar)
    if noise is None:
        noise = torch.randn(mean.shape, dtype=mean.dtype, device=mean.device, generator=generator)
    return mean + torch.exp(0.5 * logvar) * noise


def standard_normal_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, e^logvar) || N(0, I)) in nats, shape (batch,) (`gaussian.kl.diagonal_to_standard`)."""
    return sum_dims(0.5 * (torch.expm1(logvar) - logvar + mean.square()))


def elbo(
    x: Tensor,
    mean: Tensor,
    logvar: Tensor,
    decode: Callable[[Tensor], Tensor],
    likelihood: Likelihood,
    *,
    samples: int = 1,
    noise: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> ELBO:
    """The ELBO of q(z|x) = N(mean, e^logvar) and prior N(0, I), with `samples` draws of z (`vae.elbo.gaussian`).

    noise: given draws, shape (samples, *mean.shape). The expectation is an unbiased average; the KL is exact.
    """
    draws = _draws(mean, samples, noise, generator)
    terms = [likelihood.log_prob(x, decode(reparameterize(mean, logvar, eps))) for eps in draws]
    average = terms[0] if len(terms) == 1 else torch.stack(terms).mean(0)
    return ELBO(average, standard_normal_kl(mean, logvar))


def importance_weighted_bound(
    x: Tensor,
    mean: Tensor,
    logvar: Tensor,
    decode: Callable[[Tensor], Tensor],
    likelihood: Likelihood,
    *,
    samples: int = 500,
    noise: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """log 1/K sum_k p(x, z_k) / q(z_k | x), nats, shape (batch,) (Burda et al. 2016, eq. 8).

    In expectation between the ELBO (K = 1) and log p(x), growing with K. Weights are summed by a running log-sum-exp,
    one decoder call at a time, so that K costs time but no memory.
    """
    total: Tensor | None = None
    for eps in _draws(mean, samples, noise, generator):
        z = reparameterize(mean, logvar, eps)
        log_weight = (
            likelihood.log_prob(x, decode(z))
            + sum_dims(gaussian_log_prob(z, 0.0, 0.0))
            - sum_dims(gaussian_log_prob(z, mean, logvar))
        )
        total = log_weight if total is None else torch.logaddexp(total, log_weight)
    assert total is not None
    return total - math.log(samples)


def _draws(
    mean: Tensor, samples: int, noise: Tensor | None, generator: torch.Generator | None
) -> list[Tensor | None] | Tensor:
    if samples < 1:
        raise ValueError(f"samples = {samples}, but at least one draw is needed")
    if noise is not None:
        if noise.shape != (samples, *mean.shape):
            raise ValueError(
                f"noise has shape {tuple(noise.shape)}; {samples} draws of shape {tuple(mean.shape)} are needed"
            )
        return noise
    if generator is None:
        return [None] * samples
    return torch.randn((samples, *mean.shape), dtype=mean.dtype, device=mean.device, generator=generator)


def _same_shape(x: Tensor, y: Tensor) -> None:
    if x.shape != y.shape:
        raise ValueError(f"shapes {tuple(x.shape)} and {tuple(y.shape)} differ; they must be equal")
