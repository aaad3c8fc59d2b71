"""Solvers of the reverse SDE, and Langevin dynamics down the noise ladder.

Claims `sde.reverse`, `score.langevin`, `score.noise_ladder` (Song et al. 2021b,
algorithms 2-5; Song and Ermon 2019).
"""

import math
from collections.abc import Sequence

from torch import Tensor

from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.samplers.ancestral import ancestral_step
from torch_impl.samplers.noise import Noise
from torch_impl.samplers.row import Option, Sampler
from torch_impl.samplers.times import Callback, check_timesteps, pairs


def euler_maruyama(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], noise: Noise, callback: Callback | None = None
) -> Tensor:
    """x_s = x_t + B (x_t / 2 + score) + sqrt(B) z with B = int beta = log(alpha_bar_s / alpha_bar_t).

    Claim `sde.reverse`. A step to s = 0 adds no noise. ValueError for a start at alpha_bar = 0, where B is
    infinite.
    """
    for i, t, s in pairs(check_timesteps(timesteps, denoiser.diffusion.T)):
        at, to = denoiser.level(t), denoiser.level(s)
        if at.signal == 0:
            raise ValueError(
                f"alpha_bar = 0 at t = {t}: the SDE has run for ever there; start euler_maruyama at t <= {t - 1}, "
                "or use 'ddpm' or 'ddim'"
            )
        width = to.log_alpha_bar - at.log_alpha_bar
        x = x + width * (0.5 * x + denoiser.score(x, t))
        if s:
            x.add_(noise(x, i), alpha=math.sqrt(width))
        if callback:
            callback(s, x)
    return x


def langevin_steps(denoiser: Denoiser, x: Tensor, t: int, noise: Noise, index: int, steps: int, size: float) -> Tensor:
    """`steps` unadjusted Langevin steps on q_t with eta = size sigma_t^2: x + eta score + sqrt(2 eta) z.

    For a law no narrower than its noise, sigma_t^2, the stationary variance is off by at most 1/(1 - size/2)
    (`score.langevin`). Draws noise number index, index + 1, ...
    """
    sigma = denoiser.level(t).sigma
    for k in range(steps):
        x = x - size * sigma * denoiser(x, t)[1]  # 0A5J
        x.add_(noise(x, index + k), alpha=sigma * math.sqrt(2 * size))  # 0A4N
    return x


def langevin(
    denoiser: Denoiser,
    x: Tensor,
    timesteps: Sequence[int],
    noise: Noise,
    langevin_count: int = 2,
    langevin_size: float = 0.2,
    callback: Callback | None = None,
) -> Tensor:
    """Annealed Langevin dynamics: `langevin_count` steps at every time above 0, x / signal carried between them.

    A list that ends at 0 ends with the predicted x_0 of the last level (`score.noise_ladder`).
    """
    check_langevin(langevin_count, langevin_size)
    times = check_timesteps(timesteps, denoiser.diffusion.T)
    drawn = 0
    x = langevin_steps(denoiser, x, times[0], noise, drawn, langevin_count, langevin_size)
    for _, t, s in pairs(times):
        drawn += langevin_count
        if s == 0:
            x = denoiser(x, t)[0]
        else:
            at, to = denoiser.level(t), denoiser.level(s)
            x = x * (to.signal / at.signal) if at.signal else x
            x = langevin_steps(denoiser, x, s, noise, drawn, langevin_count, langevin_size)
        if callback:
            callback(s, x)
    return x


def predictor_corrector(
    denoiser: Denoiser,
    x: Tensor,
    timesteps: Sequence[int],
    noise: Noise,
    langevin_count: int = 1,
    langevin_size: float = 0.1,
    callback: Callback | None = None,
) -> Tensor:
    """An ancestral step down, then `langevin_count` Langevin steps at the new level; none at s = 0."""
    check_langevin(langevin_count, langevin_size)
    drawn = 0
    for _, t, s in pairs(check_timesteps(timesteps, denoiser.diffusion.T)):
        x = ancestral_step(denoiser, x, t, s, noise, drawn)
        if s:
            x = langevin_steps(denoiser, x, s, noise, drawn + 1, langevin_count, langevin_size)
            drawn += 1 + langevin_count
        if callback:
            callback(s, x)
    return x


def check_langevin(count: int, size: float) -> None:
    if count < 1:
        raise ValueError(f"langevin_count = {count}, but at least one Langevin step is taken")
    if not 0 < size < 2:
        raise ValueError(f"langevin_size = {size!r} is outside (0, 2), where Langevin steps are stable")


_COUNT = Option("langevin_count", "Langevin steps at each noise level")
_SIZE = Option("langevin_size", "their size, as a share of the level's variance, below 2")

SAMPLERS = (
    Sampler(euler_maruyama, "reverse SDE", order=1, order_note="weak", draws=lambda steps: steps - 1),
    Sampler(
        langevin,
        "each noise level in turn",
        evaluations=lambda steps, langevin_count: steps * langevin_count + 1,
        draws=lambda steps, langevin_count: steps * langevin_count,
        options=(_COUNT, _SIZE),
    ),
    Sampler(
        predictor_corrector,
        "the chain, then each level",
        evaluations=lambda steps, langevin_count: steps + (steps - 1) * langevin_count,
        draws=lambda steps, langevin_count: (steps - 1) * (1 + langevin_count),
        options=(_COUNT, _SIZE),
    ),
)
