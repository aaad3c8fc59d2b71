"""From noise back to data along a path in continuous time, by a network that names the noise in x at time t.

The reverse SDE is dx = (f x - g^2 score) dt + g dw with score = -eps / sigma, and the probability flow has half of the
score and no noise (Song et al. 2021b, eq. 6 and 13; claims `sde.reverse`, `ode.probability_flow`).
Times fall to the first one, where what noise is left is taken away in one step; `noise_fn(shape, i)` is asked in loop
order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from torch_impl.process.conversion import time_of
from torch_impl.process.paths import Coefficients, Path

__all__ = [
    "annealed_langevin",
    "denoised",
    "even_log_snr_times",
    "flow_field",
    "predict_and_correct",
    "reverse_sde",
    "start",
]

NoiseModel = Callable[[Tensor, Tensor], Tensor]
"""(x, t) -> predicted noise, t of shape (batch,)."""
Drawn = Callable[[torch.Size, int], Tensor]
Callback = Callable[[float, Tensor], None]


def even_log_snr_times(path: Path, steps: int, sigma_min: float) -> list[float]:
    """`steps` steps from T to the time at which sigma/alpha is `sigma_min`, evenly in log(alpha/sigma).

    ValueError for no step, or for a path that never has so little noise.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; at least one is needed")
    high, low = float(path.at(path.T).lam), -math.log(sigma_min)
    if not high < low:
        raise ValueError(f"sigma_min is {sigma_min:g}, but the path ends with {math.exp(-high):g}; lower sigma_min")
    lam = torch.linspace(high, low, steps + 1, dtype=torch.float64)
    return [path.T, *time_of(path, lam[1:]).tolist()]


def start(path: Path, noise: Tensor) -> Tensor:
    """x at T from standard normal noise: N(0, sigma(T)^2), what is left of the data being neglected."""
    return float(path.at(path.T).sigma) * noise


def _asked(model: NoiseModel, x: Tensor, t: float) -> Tensor:
    return model(x, torch.full(x.shape[:1], t, device=x.device, dtype=x.dtype))


def denoised(model: NoiseModel, path: Path, x: Tensor, t: float) -> Tensor:
    """(x - sigma eps) / alpha, the predicted x_0 (`score.tweedie`)."""
    at = path.at(t)
    return (x - float(at.sigma) * _asked(model, x, t)) / float(at.alpha)  # 0A5E


def flow_field(model: NoiseModel, path: Path) -> Callable[[Tensor, Tensor], Tensor]:
    """dx/dt of the probability flow, f x + g^2 eps / (2 sigma), for any solver of `torch_impl.samplers.runge_kutta`."""

    def field(x: Tensor, t: Tensor) -> Tensor:
        at = path.at(t.double())
        shape = (-1, *(1,) * (x.ndim - 1))
        drift, pull = (part.to(x).view(shape) for part in (at.drift, at.diffusion_sq / (2 * at.sigma)))
        return drift * x + pull * model(x, t)

    return field


def reverse_sde(
    model: NoiseModel, path: Path, x: Tensor, times: Sequence[float], noise_fn: Drawn, callback: Callback | None = None
) -> Tensor:
    """Euler and Maruyama's method for the reverse SDE, with its drift and diffusion at the beginning of each step."""
    for i, (t, s) in enumerate(pairwise(times)):
        at, h = path.at(t), t - s
        drift, squared = _ends(at)
        x = x - h * (drift * x + squared / float(at.sigma) * _asked(model, x, t))  # 0C06
        x = x + math.sqrt(squared * h) * noise_fn(x.shape, i).to(x)
        if callback:
            callback(s, x)
    return denoised(model, path, x, times[-1])


def _ends(at: Coefficients) -> tuple[float, float]:
    """f and g^2; at the very end of a path that keeps nothing of the data they are infinite."""
    drift, squared = float(at.drift), float(at.diffusion_sq)
    if not (math.isfinite(drift) and math.isfinite(squared)):
        raise ValueError("the SDE has run for ever at the end of this path; begin earlier")
    return drift, squared


def predict_and_correct(
    model: NoiseModel,
    path: Path,
    x: Tensor,
    times: Sequence[float],
    noise_fn: Drawn,
    langevin_count: int = 1,
    langevin_size: float = 0.1,
    callback: Callback | None = None,
) -> Tensor:
    """An ancestral step down, then Langevin steps at the new level (Song et al. 2021b, algorithms 2-5).

    The ancestral step draws from q(x_s | x_t, x_0) at the predicted x_0: in x / alpha and b = sigma / alpha its mean is
    x - (b_t^2 - b_s^2) / b_t eps, its variance b_s^2 (1 - b_s^2 / b_t^2).
    """
    drawn = 0
    for t, s in pairwise(times):
        at, to = path.at(t), path.at(s)
        before, after = float(at.sigma / at.alpha), float(to.sigma / to.alpha)
        bar = x / float(at.alpha) - (before - after**2 / before) * _asked(model, x, t)
        bar = bar + after * math.sqrt(max(0.0, 1 - (after / before) ** 2)) * noise_fn(x.shape, drawn).to(x)
        x = float(to.alpha) * bar
        x = _langevin(model, path, x, s, noise_fn, drawn + 1, langevin_count, langevin_size)
        drawn += 1 + langevin_count
        if callback:
            callback(s, x)
    return denoised(model, path, x, times[-1])


def annealed_langevin(
    model: NoiseModel,
    path: Path,
    x: Tensor,
    times: Sequence[float],
    noise_fn: Drawn,
    langevin_count: int = 2,
    langevin_size: float = 0.2,
    callback: Callback | None = None,
) -> Tensor:
    """Langevin dynamics at each noise level in turn, x / alpha carried between them.

    Song and Ermon 2019, algorithm 1 (`score.noise_ladder`).
    """
    drawn = 0
    for i, t in enumerate(times):
        if i:
            x = x * float(path.at(t).alpha / path.at(times[i - 1]).alpha)
        x = _langevin(model, path, x, t, noise_fn, drawn, langevin_count, langevin_size)
        drawn += langevin_count
        if callback and i:
            callback(t, x)
    return denoised(model, path, x, times[-1])


def _langevin(
    model: NoiseModel, path: Path, x: Tensor, t: float, noise_fn: Drawn, index: int, count: int, size: float
) -> Tensor:
    """`count` unadjusted steps x + eta score + sqrt(2 eta) z with eta = size sigma^2 (`langevin.gaussian_bias`)."""
    if count < 1:
        raise ValueError(f"langevin_count is {count}; at least one Langevin step is taken")
    if not 0 < size < 2:
        raise ValueError(f"langevin_size is {size!r}; it must lie in (0, 2), where Langevin steps are stable")
    sigma = float(path.at(t).sigma)
    for k in range(count):
        x = x - size * sigma * _asked(model, x, t)
        x = x + sigma * math.sqrt(2 * size) * noise_fn(x.shape, index + k).to(x)
    return x
