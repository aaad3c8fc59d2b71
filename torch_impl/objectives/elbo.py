"""Objectives of variational autoencoders: the ELBO and the importance-weighted bound.

Everything is in nats, summed over dimensions, one value per example: shape (batch,). Average over the batch last;
a mean over pixels instead of the sum would silently multiply the weight of the KL by their number
(`vae.loss.reduction_scale`).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from torch_impl.distributions.gaussian import gaussian_log_prob, reparameterize, standard_normal_kl, sum_dims
from torch_impl.distributions.likelihoods import Likelihood


class ELBO(NamedTuple):
    """The two terms of the bound (`vae.elbo.definition`), nats, shape (batch,)."""

    log_likelihood: Tensor
    """E_q log p(x | z), one or more draws averaged."""
    kl: Tensor
    """KL(q(z | x) || N(0, I)), exact."""

    @property
    def value(self) -> Tensor:
        return self.log_likelihood - self.kl  # 0A02

    def beta(self, beta: float) -> Tensor:
        """The beta-VAE objective, a lower bound only for beta >= 1.

        Claims `vae.beta.objective`, `vae.beta.bound`.
        """
        if not beta >= 0:
            raise ValueError(f"beta = {beta!r}, but the weight of the KL is not negative")
        return self.log_likelihood - beta * self.kl


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
    terms = [likelihood.log_prob(x, decode(reparameterize(mean, logvar, eps))) for eps in draws]  # 0A11
    average = terms[0] if len(terms) == 1 else torch.stack(terms).mean(0)
    return ELBO(average, standard_normal_kl(mean, logvar))  # 0A0A


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
