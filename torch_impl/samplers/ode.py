"""Solvers of the probability-flow ODE in (x / signal, sigma / signal), where it reads d x_bar / d sigma_bar = eps.

Claims `ode.probability_flow`, `ddim.ode_limit` (Song et al. 2021b, eq. 13; Karras et al. 2022,
algorithm 1).
"""

from collections.abc import Sequence

from torch import Tensor

from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.ops.combine import combine
from torch_impl.samplers.ddim import ddim
from torch_impl.samplers.noise import Noise
from torch_impl.samplers.row import Sampler
from torch_impl.samplers.times import Callback, check_timesteps, pairs


def euler(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], noise: Noise, callback: Callback | None = None
) -> Tensor:
    """Explicit Euler, first order: the deterministic DDIM step, seen as an ODE solver (`ddim.ode_limit`)."""
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
        x = combine(x0, eps, to.signal, to.sigma)  # 0A4J
        if s and at.signal:
            width = to.sigma - to.signal * at.sigma / at.signal  # signal_s times the step in sigma_bar
            x = x + 0.5 * width * (denoiser(x, s)[1] - eps)  # 0B03
        if callback:
            callback(s, x)
    return x


SAMPLERS = (
    Sampler(euler, "probability-flow ODE", order=1),
    Sampler(heun, "probability-flow ODE", order=2, evaluations=lambda steps: 2 * steps - 1),
)
