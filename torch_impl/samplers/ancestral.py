"""Ancestral sampling: the respaced chain, walked backwards."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.ops.combine import combine
from torch_impl.samplers.noise import Noise
from torch_impl.samplers.row import Sampler
from torch_impl.samplers.times import Callback, check_timesteps, pairs


def ancestral_step(denoiser: Denoiser, x: Tensor, t: int, s: int, noise: Noise, index: int) -> Tensor:
    """One reverse step t -> s of the respaced chain, beta' = 1 - alpha_bar_t / alpha_bar_s.

    Claim `ddpm.sampling.respaced`. Mean mu~(x_t, x_0_hat) and the diffusion's variance for beta'
    (`ddpm.mean.x0_form`); no noise at s = 0.
    """
    at, to = denoiser.level(t), denoiser.level(s)
    output = denoiser.output(x, t)
    x0 = denoiser.split(x, t, output)[0]  # 0A2E
    if s == 0:
        return x0  # 0A24
    beta = -math.expm1(at.log_alpha_bar - to.log_alpha_bar)
    noise_t, noise_s = at.sigma**2, to.sigma**2
    from_x0 = to.signal * beta / noise_t
    from_xt = math.exp(0.5 * (at.log_alpha_bar - to.log_alpha_bar)) * noise_s / noise_t
    std = _reverse_std(denoiser, output, x, beta, beta * noise_s / noise_t)
    x = combine(x0, x, from_x0, from_xt)  # 0A28
    return x.addcmul_(std, noise(x, index)) if isinstance(std, Tensor) else x.add_(noise(x, index), alpha=std)


def ddpm(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], noise: Noise, callback: Callback | None = None
) -> Tensor:
    """Ancestral sampling along any times (`ddpm.sampling.ancestral`; Ho et al. 2020, algorithm 2)."""
    for i, t, s in pairs(check_timesteps(timesteps, denoiser.diffusion.T)):
        x = ancestral_step(denoiser, x, t, s, noise, i)
        if callback:
            callback(s, x)
    return x


def _reverse_std(denoiser: Denoiser, output: Tensor, x: Tensor, beta: float, beta_tilde: float) -> Tensor | float:
    """Standard deviation of a respaced reverse step: of beta-tilde', of beta', or learned between the two."""
    if denoiser.diffusion.variance == "posterior":
        return math.sqrt(beta_tilde)  # 0A22
    if denoiser.diffusion.variance == "beta":
        return math.sqrt(beta)
    fraction = (output[:, x.shape[1] :] + 1) / 2
    return torch.exp(0.5 * (fraction * math.log(beta) + (1 - fraction) * math.log(beta_tilde))).to(x.dtype)


SAMPLERS = (Sampler(ddpm, "the respaced chain, backwards", draws=lambda steps: steps - 1),)
