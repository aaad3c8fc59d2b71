"""DDIM for any share of noise, and the inverse of the deterministic one."""

import math
from collections.abc import Sequence

from torch import Tensor

from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.ops.combine import combine
from torch_impl.samplers.noise import Noise
from torch_impl.samplers.row import Option, Sampler
from torch_impl.samplers.times import Callback, check_timesteps, pairs


def ddim_step(
    denoiser: Denoiser, x: Tensor, output: Tensor, t: int, s: int, sigma: float = 0.0, out: Tensor | None = None
) -> Tensor:
    """The mean of DDIM's step from t to s for a network output, noise of std `sigma` to be added by the caller.

    sqrt(abar_s) x_0_hat + sqrt(1 - abar_s - sigma^2) eps_hat (`ddim.update`; Song et al. 2021, eq. 12). Without
    clipping it is A x + B output with two numbers known beforehand: two passes over memory, none allocated if `out`
    is given (out may be x).
    """
    to = denoiser.level(s)
    along = math.sqrt(max(to.sigma**2 - sigma**2, 0.0))
    if denoiser.clip is False:
        if denoiser.diffusion.variance == "learned":
            output = output[:, : x.shape[1]]
        return combine(x, output, *denoiser.linear(t, to.signal, along), out=out)
    x0, eps = denoiser.split(x, t, output)  # 0A2E
    return combine(x0, eps, to.signal, along, out=out)  # 0A4G


def ddim_sigma(denoiser: Denoiser, t: int, s: int, eta: float) -> float:
    """eta sqrt((1 - abar_s) / (1 - abar_t)) sqrt(1 - abar_t / abar_s) (Song et al. 2021, eq. 16)."""
    at, to = denoiser.level(t), denoiser.level(s)
    sigma = eta * to.sigma / at.sigma * math.sqrt(-math.expm1(at.log_alpha_bar - to.log_alpha_bar))  # 0A4H
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
    """DDIM for any eta >= 0: 0 is deterministic, 1 is ancestral with beta-tilde (`ddim.ddpm_recovery`).

    No noise is drawn where sigma = 0, so never for eta = 0 nor in the step to s = 0 (`ddim.subsequence`).
    """
    if not 0 <= eta < math.inf:
        raise ValueError(f"eta = {eta!r}, but DDIM needs a finite eta >= 0")
    for i, t, s in pairs(check_timesteps(timesteps, denoiser.diffusion.T)):
        sigma = ddim_sigma(denoiser, t, s, eta) if s and eta else 0.0
        x = ddim_step(denoiser, x, denoiser.output(x, t), t, s, sigma)
        if sigma:
            x.add_(noise(x, i), alpha=sigma)  # 0A4F
        if callback:
            callback(s, x)
    return x


def ddim_invert(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], refinements: int = 3, callback: Callback | None = None
) -> Tensor:
    """From a sample at timesteps[0] up to its noise at timesteps[-1]: the inverse of deterministic DDIM.

    timesteps increase. A step s -> t solves x_s = ddim_step(x_t, t -> s) for x_t,
        x_t = (signal_t / signal_s) x_s + signal_t (sigma_bar_t - sigma_bar_s) eps(x_t, t),
    by fixed point: first with eps(x_s, s) (at s = 0, where the network is not asked, eps(x_s, t)), then `refinements`
    more times with the latest x_t. 0 is the usual explicit inversion; each refinement brings the round trip closer by
    the step size times the Lipschitz constant of eps. ValueError for a clipped denoiser (a clipped step has no inverse)
    and for alpha_bar = 0.
    """
    if denoiser.clip is not False:
        raise ValueError("DDIM with clipped x_0 cannot be inverted: several x_t lead to one x_s; use clip_x0=False")
    if refinements < 0:
        raise ValueError(f"refinements = {refinements}, but their number is not negative")
    for _, s, t in pairs(check_timesteps(timesteps, denoiser.diffusion.T, increasing=True)):
        at, to = denoiser.level(s), denoiser.level(t)
        if to.signal == 0:
            raise ValueError(
                f"alpha_bar = 0 at t = {t}: nothing of the sample is left there; end the inversion earlier"
            )
        grow, width = to.signal / at.signal, to.sigma - to.signal * at.sigma / at.signal
        up = combine(x, denoiser(x, s or t)[1], grow, width)
        for _ in range(refinements):
            up = combine(x, denoiser(up, t)[1], grow, width)
        x = up
        if callback:
            callback(t, x)
    return x


SAMPLERS = (
    Sampler(
        ddim,
        "the DDIM family",
        order=1,
        order_note="at `eta` = 0",
        draws=lambda steps, eta: steps - 1 if eta else 0,
        options=(Option("eta", "share of noise: 0 deterministic, 1 ancestral"),),
    ),
)
