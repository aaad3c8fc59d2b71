"""Samplers that walk the chain itself: ancestral sampling, DDIM and its inversion."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torch_impl.samplers.denoiser import Callback, Denoiser, Noise, check_timesteps, pairs
from torch_impl.tables import combine


def ancestral_step(denoiser: Denoiser, x: Tensor, t: int, s: int, noise: Noise, index: int) -> Tensor:
    """One reverse step t -> s of the respaced chain, beta' = 1 - alpha_bar_t / alpha_bar_s.

    Claim `planned:ddpm.sampling.respaced`. Mean mu~(x_t, x_0_hat) and the diffusion's variance for beta'
    (`ddpm.mean.x0_form`); no noise at s = 0.
    """
    at, to = denoiser.level(t), denoiser.level(s)
    output = denoiser.output(x, t)
    x0 = denoiser.split(x, t, output)[0]
    if s == 0:
        return x0
    beta = -math.expm1(at.log_alpha_bar - to.log_alpha_bar)
    noise_t, noise_s = at.sigma**2, to.sigma**2
    from_x0 = to.signal * beta / noise_t
    from_xt = math.exp(0.5 * (at.log_alpha_bar - to.log_alpha_bar)) * noise_s / noise_t
    std = _reverse_std(denoiser, output, x, beta, beta * noise_s / noise_t)
    x = combine(x0, x, from_x0, from_xt)
    return x.addcmul_(std, noise(x, index)) if isinstance(std, Tensor) else x.add_(noise(x, index), alpha=std)


def ddpm(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], noise: Noise, callback: Callback | None = None
) -> Tensor:
    """Ancestral sampling along any times (`planned:ddpm.sampling.ancestral`; Ho et al. 2020, algorithm 2)."""
    for i, t, s in pairs(check_timesteps(timesteps, denoiser.diffusion.T)):
        x = ancestral_step(denoiser, x, t, s, noise, i)
        if callback:
            callback(s, x)
    return x


def _reverse_std(denoiser: Denoiser, output: Tensor, x: Tensor, beta: float, beta_tilde: float) -> Tensor | float:
    """Standard deviation of a respaced reverse step: of beta-tilde', of beta', or learned between the two."""
    if denoiser.diffusion.variance == "posterior":
        return math.sqrt(beta_tilde)
    if denoiser.diffusion.variance == "beta":
        return math.sqrt(beta)
    fraction = (output[:, x.shape[1] :] + 1) / 2
    return torch.exp(0.5 * (fraction * math.log(beta) + (1 - fraction) * math.log(beta_tilde))).to(x.dtype)


def ddim_step(
    denoiser: Denoiser, x: Tensor, output: Tensor, t: int, s: int, sigma: float = 0.0, out: Tensor | None = None
) -> Tensor:
    """The mean of DDIM's step from t to s for a network output, noise of std `sigma` to be added by the caller.

    sqrt(abar_s) x_0_hat + sqrt(1 - abar_s - sigma^2) eps_hat (`planned:ddim.update`; Song et al. 2021, eq. 12). Without
    clipping it is A x + B output with two numbers known beforehand: two passes over memory, none allocated if `out`
    is given (out may be x).
    """
    to = denoiser.level(s)
    along = math.sqrt(max(to.sigma**2 - sigma**2, 0.0))
    if denoiser.clip is False:
        if denoiser.diffusion.variance == "learned":
            output = output[:, : x.shape[1]]
        return combine(x, output, *denoiser.linear(t, to.signal, along), out=out)
    x0, eps = denoiser.split(x, t, output)
    return combine(x0, eps, to.signal, along, out=out)


def ddim_sigma(denoiser: Denoiser, t: int, s: int, eta: float) -> float:
    """eta sqrt((1 - abar_s) / (1 - abar_t)) sqrt(1 - abar_t / abar_s) (Song et al. 2021, eq. 16)."""
    at, to = denoiser.level(t), denoiser.level(s)
    sigma = eta * to.sigma / at.sigma * math.sqrt(-math.expm1(at.log_alpha_bar - to.log_alpha_bar))
    if sigma > to.sigma * (1 + 1e-12):
        raise ValueError(
            f"eta = {eta!r} asks for noise of std {sigma:.6g} at t = {s}, "
            f"more than sqrt(1 - alpha_bar) = {to.sigma:.6g}; lower eta"
        )
    return sigma


def ddim(
    denoiser: Denoiser,
    x: Tensor,
    timesteps: Sequence[int],
    noise: Noise,
    eta: float = 0.0,
    callback: Callback | None = None,
) -> Tensor:
    """DDIM for any eta >= 0: 0 is deterministic, 1 is ancestral with beta-tilde (`planned:ddim.ddpm_recovery`).

    No noise is drawn where sigma = 0, so never for eta = 0 nor in the step to s = 0 (`planned:ddim.subsequence`).
    """
    if not 0 <= eta < math.inf:
        raise ValueError(f"eta = {eta!r}, but DDIM needs a finite eta >= 0")
    for i, t, s in pairs(check_timesteps(timesteps, denoiser.diffusion.T)):
        sigma = ddim_sigma(denoiser, t, s, eta) if s and eta else 0.0
        x = ddim_step(denoiser, x, denoiser.output(x, t), t, s, sigma)
        if sigma:
            x.add_(noise(x, i), alpha=sigma)
        if callback:
            callback(s, x)
    return x
