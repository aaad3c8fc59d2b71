"""The variational bound of a diffusion, term by term."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from torch_impl.distributions.gaussian import discretized_gaussian_log_prob, gaussian_kl, gaussian_log_prob, sum_dims
from torch_impl.ops.checks import check_float
from torch_impl.ops.combine import coefficient_dtype
from torch_impl.ops.squared_error import mean_dims
from torch_impl.process.gaussian import GaussianProcess
from torch_impl.process.parameterization import Model
from torch_impl.process.tables import Time

Decoder = Literal["gaussian", "discretized"]


class VLB(NamedTuple):
    """The terms of the bound for each example, in nats, summed over dimensions (`ddpm.elbo.decomposition`).

    elbo = reconstruction - prior - sum of transitions; a lower bound of log p(x_0) in expectation over the noise.
    """

    prior: Tensor
    """KL(q(x_T | x_0) || N(0, I)), shape (batch,)."""
    transitions: Tensor
    """KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)) for t = 2..T in this order, shape (batch, T-1)."""
    reconstruction: Tensor
    """log p(x_0 | x_1), shape (batch,)."""

    @property
    def elbo(self) -> Tensor:
        """The evidence lower bound in nats, shape (batch,)."""
        return self.reconstruction - self.prior - self.transitions.sum(1)

    def bits_per_dim(self, dims: int) -> Tensor:
        """-elbo / (dims log 2), shape (batch,): with the discretised decoder the code length of the data in bits."""
        if dims < 1:
            raise ValueError(f"dims = {dims}, but an example has at least one dimension")
        return -self.elbo / (dims * math.log(2))


@torch.no_grad()
def variational_bound(
    process: GaussianProcess,
    model: Model,
    x0: Tensor,
    *,
    decoder: Decoder = "gaussian",
    levels: int = 256,
    noise_fn: Callable[[torch.Size, int], Tensor] | None = None,
    generator: torch.Generator | None = None,
) -> VLB:
    """Every term of the bound for each example, in nats summed over dimensions, by one noise draw per t.

    Evaluation only (no gradients; train with `loss(weighting="vlb")`): T calls of the model, t = 1..T.
    decoder: "gaussian" gives log-densities; "discretized" gives log-probabilities of data on `levels` values in
    [-1, 1], whose bits/dim are code lengths. noise_fn(shape, t) injects the noise of time t.
    Claims `ddpm.elbo.decomposition`, `ddpm.consistency.kl`, `ddpm.latent_term.closed_form`,
    `ddpm.reconstruction.gaussian`.
    ValueError if x_0 is not finite, or not in [-1, 1] for the discretised decoder.
    """
    check_float(x0, "x0")
    if not torch.isfinite(x0).all():
        raise ValueError("x0 holds NaN or infinity; the bound is defined for finite data")
    if decoder == "discretized" and x0.numel() and float(x0.abs().max()) > 1 + 0.5 / levels:
        raise ValueError(f"x0 reaches {float(x0.abs().max()):g}, but the discretised decoder is for data in [-1, 1]")
    x0 = x0.to(coefficient_dtype(x0.dtype))
    reconstruction = x0.new_zeros(x0.shape[0])
    transitions = x0.new_zeros(x0.shape[0], process.T - 1)
    for t in range(1, process.T + 1):
        if noise_fn is None:
            noise = torch.randn(x0.shape, dtype=x0.dtype, device=x0.device, generator=generator)
        else:
            noise = noise_fn(x0.shape, t).to(x0)
        x_t = process.q_sample(x0, t, noise)
        output = model(x_t, torch.full(x0.shape[:1], t, device=x0.device)).to(x0)
        if t == 1:
            reconstruction = reconstruction_log_prob(process, output, x0, x_t, decoder, levels)
        else:
            transitions[:, t - 2] = sum_dims(transition_kl(process, output, x0, x_t, t))
    return VLB(prior_kl(process, x0), transitions, reconstruction)


def prior_kl(process: GaussianProcess, x0: Tensor) -> Tensor:
    """KL(q(x_T | x_0) || N(0, I)) in nats, shape (batch,) (`ddpm.latent_term.closed_form`)."""
    end = process.schedule.level(process.T)
    kept = end.signal**2
    log_noise = math.log1p(-kept) if kept < 0.5 else 2 * math.log(end.sigma)  # of 1 - abar_T, each where it has digits
    return sum_dims(0.5 * (kept * x0.square() - kept - log_noise))


def transition_kl(process: GaussianProcess, output: Tensor, x0: Tensor, x_t: Tensor, t: Time) -> Tensor:
    """KL(q(x_{t-1}|x_t,x_0) || p(x_{t-1}|x_t)) of each element in nats, t >= 2 (`ddpm.consistency.kl`).

    The means differ by the x_0 error times the posterior's factor of x_0 (`ddpm.mean.x0_form`), so that no two nearly
    equal means are subtracted.
    """
    (log_q,) = process.lookup("posterior_log_variance", t, x0)
    from_x0, _ = process.lookup("posterior_mean", t, x0)
    shift = from_x0 * (process.to_x0(output, x_t, t) - x0)
    return gaussian_kl(shift, log_q, 0.0, process.log_variance(output, x_t, t))


def reconstruction_log_prob(
    process: GaussianProcess, output: Tensor, x0: Tensor, x_1: Tensor, decoder: Decoder, levels: int
) -> Tensor:
    """log p(x_0 | x_1) in nats, shape (batch,) (`ddpm.reconstruction.gaussian`; Ho et al. 2020, eq. 13)."""
    mean, logvar = process.to_x0(output, x_1, 1), process.log_variance(output, x_1, 1)
    if decoder == "discretized":
        return sum_dims(discretized_gaussian_log_prob(x0, mean, logvar, levels))
    if decoder == "gaussian":
        return sum_dims(gaussian_log_prob(x0, mean, logvar))
    raise ValueError(f"decoder = {decoder!r} is not one of 'gaussian', 'discretized'")


def bound_term(process: GaussianProcess, output: Tensor, x0: Tensor, x_t: Tensor, t: Time) -> Tensor:
    """The bound's term of time t in nats per dimension, shape (batch,): KL for t >= 2, -log p(x_0|x_1) at t = 1."""
    negative = -gaussian_log_prob(x0, process.to_x0(output, x_t, t), process.log_variance(output, x_t, t))
    if process.T == 1:
        return mean_dims(negative)
    if isinstance(t, int):
        return mean_dims(negative if t == 1 else transition_kl(process, output, x0, x_t, t))
    first = (t == 1).view(*t.shape, *(1,) * (x0.ndim - t.ndim))
    return mean_dims(torch.where(first, negative, transition_kl(process, output, x0, x_t, t.clamp(min=2))))
