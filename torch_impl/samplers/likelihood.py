"""Exact likelihood through the probability-flow ODE, and the units it is reported in.

The bound, term by term, is `GaussianDiffusion.vlb`.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.distributions.gaussian import gaussian_log_prob, sum_dims
from torch_impl.ops.checks import check_float
from torch_impl.process.gaussian import GaussianProcess
from torch_impl.process.parameterization import Model
from torch_impl.process.schedule import NoiseSchedule
from torch_impl.samplers.times import check_timesteps, spaced_timesteps

Trace = Literal["exact", "hutchinson"]


class ODELikelihood(NamedTuple):
    """log-density of each example by the probability-flow ODE."""

    log_prob: Tensor
    """nats, summed over dimensions, shape (batch,)."""
    standard_error: Tensor
    """of log_prob, from the spread over Hutchinson probes: 0 for the exact trace, NaN for a single probe; (batch,)."""
    latent: Tensor
    """x at the last time, shape of x."""

    def bits_per_dim(self, dims: int, bin_width: float = 1.0) -> Tensor:
        return bits_per_dim(self.log_prob, dims, bin_width)


def bits_per_dim(log_prob: Tensor, dims: int, bin_width: float = 1.0) -> Tensor:
    """-(log_prob / dims + log bin_width) / log 2: nats of a density turned into bits per dimension.

    bin_width = 1 just changes units. For discrete data that was dequantised by uniform noise over bins of that width,
    log p(bin) >= E log p(x + u) + dims log bin_width, so the result bounds the code length from above; data on 256
    levels in [-1, 1] have bin_width = 2/255.
    """
    if dims < 1 or not bin_width > 0:
        raise ValueError(f"dims = {dims}, bin_width = {bin_width!r}: dims >= 1 and a positive width are needed")
    return -(log_prob / dims + math.log(bin_width)) / math.log(2)


def dequantize(x: Tensor, levels: int = 256, generator: torch.Generator | None = None) -> Tensor:
    """Data on `levels` values in [-1, 1] with uniform noise over each bin, width 2/(levels - 1)."""
    check_float(x, "x")
    noise = torch.rand(x.shape, dtype=x.dtype, device=x.device, generator=generator)
    return x + (2 * noise - 1) / (levels - 1)


def ode_log_likelihood(
    model: Model,
    diffusion: GaussianProcess,
    x: Tensor,
    *,
    timesteps: Sequence[int] | None = None,
    trace: Trace = "exact",
    probes: int = 1,
    prior: Callable[[Tensor], Tensor] | None = None,
    generator: torch.Generator | None = None,
) -> ODELikelihood:
    """log p(x) at timesteps[0] by carrying x to timesteps[-1] along the probability flow (Song et al. 2021b, eq. 39).

    In x_bar = x / signal and sigma_bar = sigma / signal the flow is d x_bar / d sigma_bar = eps, so
        log p(x_bar_start) = log p(x_bar_end) + int sigma tr(d eps / d x) d log sigma_bar.
    Times increase, 0, 1, ..., T by default; x moves by Heun's rule in sigma_bar and the integral is taken by the
    trapezoidal rule in log sigma_bar, both of second order. The first interval, from 0, uses that eps of a law with a
    density vanishes like sigma_bar there. At the end `prior`, N(0, I) by default, gives log-densities (batch,) of x.

    trace: "exact" takes one backward pass per dimension (small d); "hutchinson" averages v^T J v over `probes` random
    sign vectors, held fixed along the path, and reports the standard error. Examples must not depend on each other in
    the network. The network's weights get no gradients.
    ValueError for alpha_bar = 0 at the last time, for probes < 1 and for NaN in x.
    """
    check_float(x, "x")
    if not torch.isfinite(x).all():
        raise ValueError("x holds NaN or infinity; a likelihood is defined for finite data")
    if trace not in ("exact", "hutchinson"):
        raise ValueError(f"trace = {trace!r} is not one of 'exact', 'hutchinson'")
    if probes < 1:
        raise ValueError(f"probes = {probes}, but at least one is needed")
    times = check_timesteps(
        timesteps if timesteps is not None else range(diffusion.T + 1), diffusion.T, increasing=True
    )
    end = diffusion.schedule.level(times[-1])
    if end.signal == 0:
        raise ValueError(f"alpha_bar = 0 at t = {end.t}: nothing of x is left there; end at t <= {end.t - 1}")
    denoiser, d = Denoiser(model, diffusion), x[0].numel()
    signs = None if trace == "exact" else _signs(probes, x, generator)

    x = x.detach()
    bar = x / denoiser.level(times[0]).signal
    eps = rate = None
    total = x.new_zeros((1 if signs is None else probes, x.shape[0]))
    for s, t in pairwise(times):
        at, to = denoiser.level(s), denoiser.level(t)
        if s == 0:
            with torch.no_grad():
                half = 0.5 * to.sigma / to.signal
                bar = bar + half * denoiser(bar * to.signal, t)[1]
            eps, rate = noise_and_trace(denoiser, bar * to.signal, t, signs)
            total = total + 0.5 * rate
            continue
        if eps is None or rate is None:
            eps, rate = noise_and_trace(denoiser, bar * at.signal, s, signs)
        width = to.sigma / to.signal - at.sigma / at.signal
        with torch.no_grad():
            ahead = denoiser((bar + width * eps) * to.signal, t)[1]
            bar = bar + 0.5 * width * (eps + ahead)
        before = rate
        eps, rate = noise_and_trace(denoiser, bar * to.signal, t, signs)
        total = total + 0.5 * (before + rate) * (at.lam - to.lam)
    latent = bar * end.signal
    at_end = prior(latent) if prior is not None else sum_dims(gaussian_log_prob(latent, 0.0, 0.0))
    start = denoiser.level(times[0])
    log_prob = at_end + d * math.log(end.signal) - d * math.log(start.signal) + total.mean(0)
    if signs is None:
        error = torch.zeros_like(log_prob)
    else:
        error = total.std(0) / math.sqrt(probes) if probes > 1 else torch.full_like(log_prob, math.nan)
    return ODELikelihood(log_prob, error, latent)


def flow_times(schedule: NoiseSchedule, steps: int) -> list[int]:
    """Times from 0 to T for the probability flow; to T - 1 where x_T is pure noise, of which nothing leads back."""
    times = spaced_timesteps(schedule, min(steps, schedule.T), "log_snr")[::-1]
    if schedule.level(schedule.T).signal == 0:
        times = [*(t for t in times if t < schedule.T - 1), schedule.T - 1]
    return times


def flow_words(times: list[int], T: int) -> str:
    """The ODE and its times, in words."""
    short = "" if times[-1] == T else f" to t = {times[-1]} (x_{T} is pure noise)"
    return f"probability-flow ODE, {len(times) - 1} steps{short}"


def noise_and_trace(denoiser: Denoiser, x: Tensor, t: int, signs: Tensor | None) -> tuple[Tensor, Tensor]:
    """eps(x, t) and sigma_t tr(d eps / d x): exactly, shape (1, batch), or v^T J v for each probe, (probes, batch)."""
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        eps = denoiser(y, t)[1]
        flat = eps.flatten(1)
        if signs is None:
            trace = torch.zeros_like(flat[:, 0])
            for i in range(flat.shape[1]):
                (row,) = torch.autograd.grad(flat[:, i].sum(), y, retain_graph=i + 1 < flat.shape[1])
                trace = trace + row.flatten(1)[:, i]
            rates = trace.unsqueeze(0)
        else:
            products = []
            for k, v in enumerate(signs):
                (row,) = torch.autograd.grad((eps * v).sum(), y, retain_graph=k + 1 < len(signs))
                products.append((row * v).flatten(1).sum(1))
            rates = torch.stack(products)
    return eps.detach(), denoiser.level(t).sigma * rates.detach()


def _signs(probes: int, x: Tensor, generator: torch.Generator | None) -> Tensor:
    """Independent signs, shape (probes, *x.shape)."""
    bits = torch.randint(0, 2, (probes, *x.shape), device=x.device, generator=generator)
    return (2 * bits - 1).to(x.dtype)
