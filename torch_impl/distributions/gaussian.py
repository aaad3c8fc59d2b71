"""Gaussian log-densities, divergences and the discretised Gaussian of 8-bit data. Everything in nats, elementwise."""

import math

import torch
from torch import Tensor

from torch_impl.ops.checks import check_range, check_same_shape

LOG_2PI = math.log(2 * math.pi)


def gaussian_kl(
    mean_p: Tensor | float, logvar_p: Tensor | float, mean_q: Tensor | float, logvar_q: Tensor | float
) -> Tensor:
    """KL(N(mean_p, e^logvar_p) || N(mean_q, e^logvar_q)) of each element, in nats; sum over dimensions yourself.

    1/2 (r - 1 - log r + (mean_p - mean_q)^2 / e^logvar_q), r = e^(logvar_p - logvar_q), with r - 1 taken by expm1 so
    that nearly equal variances keep their digits. Arguments broadcast; numbers are welcome beside tensors.
    Claims `gaussian.kl.full_covariance` (diagonal case), `gaussian.kl.diagonal_to_standard`, `gaussian.kl.gradients`.
    Raises TypeError for tensors that are not floating point.
    """
    arguments = (mean_p, logvar_p, mean_q, logvar_q)
    like = next((x for x in arguments if isinstance(x, Tensor)), torch.zeros((), dtype=torch.float64))
    if any(isinstance(x, Tensor) and not x.is_floating_point() for x in arguments):
        raise TypeError("gaussian_kl takes floating-point tensors; convert integers with .float() or .double()")
    p, log_p, q, log_q = (x if isinstance(x, Tensor) else like.new_full((), x) for x in arguments)
    log_ratio = log_p - log_q
    return 0.5 * (torch.expm1(log_ratio) - log_ratio + (p - q).square() * torch.exp(-log_q))


def gaussian_log_prob(x: Tensor, mean: Tensor | float, logvar: Tensor | float) -> Tensor:
    """log N(x; mean, e^logvar) of each element, in nats (`vae.decoder.gaussian`, one coordinate)."""
    log_variance = logvar if isinstance(logvar, Tensor) else x.new_full((), logvar)
    return -0.5 * (LOG_2PI + log_variance + (x - mean).square() * torch.exp(-log_variance))


def discretized_gaussian_log_prob(x: Tensor, mean: Tensor, logvar: Tensor | float, levels: int = 256) -> Tensor:
    """log-probability in nats of each element's bin under N(mean, e^logvar), for data on `levels` values in [-1, 1].

    The bin of x is [x - 1/(levels-1), x + 1/(levels-1)]; the first and last bin reach to infinity, so that the
    probabilities of all levels sum to 1 (Ho et al. 2020, eq. 13). Differences are taken between log cumulative
    functions in the tail where they are small, so that far-off bins get their true log-probability.
    ValueError for x beyond the bins of the first and the last level.
    """
    if levels < 2:
        raise ValueError(f"levels = {levels}, but a discretised value has at least 2")
    half = 1.0 / (levels - 1)
    check_range(x, -1 - half, 1 + half, "x", "the discretised Gaussian is a law on levels in [-1, 1]: scale x to them")
    log_variance = logvar if isinstance(logvar, Tensor) else x.new_full((), logvar)
    inverse = torch.exp(-0.5 * log_variance)
    low, high = (x - half - mean) * inverse, (x + half - mean) * inverse
    flip = low > 0  # then both ends are in the upper tail: mirror them into the lower one
    near, far = torch.where(flip, -low, high), torch.where(flip, -high, low)
    first, last = x <= -1 + half, x >= 1 - half
    log_near = torch.special.log_ndtr(near)
    gap = (torch.special.log_ndtr(far) - log_near).clamp(max=-torch.finfo(x.dtype).tiny)
    inside = log_near + torch.log(-torch.expm1(gap))
    below = torch.special.log_ndtr(high)
    above = torch.special.log_ndtr(-low)
    return torch.where(first, below, torch.where(last, above, inside))


def sum_dims(elementwise: Tensor) -> Tensor:
    """Sum over every dimension but the first: shape (batch,)."""
    return elementwise.flatten(1).sum(1) if elementwise.ndim > 1 else elementwise


def reparameterize(
    mean: Tensor, logvar: Tensor, noise: Tensor | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """z = mean + e^(logvar/2) noise, differentiable in mean and logvar.

    Claims `vae.reparameterization.location_scale`, `planned:vae.reparameterization.dz_dphi`.
    """
    check_same_shape(mean, logvar)
    if noise is None:
        noise = torch.randn(mean.shape, dtype=mean.dtype, device=mean.device, generator=generator)
    return mean + torch.exp(0.5 * logvar) * noise


def standard_normal_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, e^logvar) || N(0, I)) in nats, shape (batch,) (`gaussian.kl.diagonal_to_standard`)."""
    return sum_dims(0.5 * (torch.expm1(logvar) - logvar + mean.square()))
