"""Solvers of the probability-flow ODE in (x / signal, sigma / signal), where it reads d x_bar / d sigma_bar = eps.

Claims `planned:ode.probability_flow`, `planned:ddim.ode_limit` (Song et al. 2021b, eq. 13; Karras et al. 2022,
algorithm 1).
"""

from collections.abc import Sequence

from torch import Tensor

from torch_impl.samplers.ancestral import ddim
from torch_impl.samplers.denoiser import Callback, Denoiser, Noise, check_timesteps, pairs
from torch_impl.tables import combine


def euler(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], noise: Noise, callback: Callback | None = None
) -> Tensor:
    """Explicit Euler, first order: the deterministic DDIM step, seen as an ODE solver (`planned:ddim.ode_limit`)."""
    return ddim(denoiser, x, timesteps, noise, 0.0, callback)


def heun(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], noise: Noise, callback: Callback | None = None
) -> Tensor:
    """Heun's rule, second order, two evaluations a step; Euler where it is not defined.

    That is the step to s = 0, where the network is not asked, and a start at alpha_bar = 0, where sigma_bar is
    infinite.
    """
    for _, t, s in pairs(check_timesteps(timesteps, denoiser.diffusion.T)):
        at, to = denoiser.level(t), denoiser.level(s)
        x0, eps = denoiser(x, t)
        x = combine(x0, eps, to.signal, to.sigma)
        if s and at.signal:
            width = to.sigma - to.signal * at.sigma / at.signal  # signal_s times the step in sigma_bar
            x = x + 0.5 * width * (denoiser(x, s)[1] - eps)
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
