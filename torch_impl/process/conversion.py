"""Between paths: at equal signal-to-noise ratio two paths hold the same points in other units.

Where lambda agrees, x on one path is x on the other times a number, and x_0 and the noise of a pair are the same. So a
network that was trained on one path works along every other: ask it at the matched time, about the rescaled point.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from torch_impl.process.paths import Coefficients, Path

__all__ = ["carried", "from_velocity", "matched_time", "time_of", "velocity"]

ContinuousModel = Callable[[Tensor, Tensor], Tensor]
"""(x, t) -> predicted x_0 or noise at real times t of shape (batch,)."""


def time_of(path: Path, lam: Tensor) -> Tensor:
    """The time at which the path has lambda = log(alpha / sigma), float64, shape of lam; +inf is time 0.

    By bisection, to the last digit of the time. ValueError for NaN and for less than the path reaches at its end.
    """
    lam = torch.as_tensor(lam, dtype=torch.float64)
    end = path.at(path.T).lam
    if not (lam >= end).all():
        raise ValueError(f"lambda = {float(lam.min()):g}, but the path ends at t = {path.T:g} with {float(end):g}")
    low, high = torch.zeros_like(lam), torch.full_like(lam, path.T)
    for _ in range(1100):  # enough for the smallest positive number; far fewer are taken
        middle = 0.5 * (low + high)
        if bool(((middle == low) | (middle == high)).all()):
            break
        early = path.at(middle).lam > lam
        low, high = torch.where(early, middle, low), torch.where(early, high, middle)
    return torch.where(lam == math.inf, torch.zeros_like(lam), high)


def matched_time(source: Path, target: Path, t: Tensor) -> tuple[Tensor, Tensor]:
    """The source's time of equal lambda, and the factor that takes x at the target's time t to the source's units."""
    there = target.at(t)
    when = time_of(source, there.lam)
    here = source.at(when)
    # sigma vanishes at one end and alpha at the other; their sum does at neither
    return when, (here.alpha + here.sigma) / (there.alpha + there.sigma)


def carried(model: ContinuousModel, source: Path, target: Path) -> ContinuousModel:
    """A model of the target's points from one of the source's that predicts x_0 or the noise."""

    def there(x: Tensor, t: Tensor) -> Tensor:
        when, scale = matched_time(source, target, t)
        return model(x * scale.to(x).view(*scale.shape, *(1,) * (x.ndim - scale.ndim)), when)

    return there


def velocity(at: Coefficients, x0: Tensor, noise: Tensor) -> Tensor:
    """dx/dt of a pair, alpha' x_0 + sigma' noise; noise - x_0 on `StraightPath`. `at` broadcasts against the data."""
    return at.d_alpha * x0 + at.d_sigma * noise


def from_velocity(at: Coefficients, x: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """x_0 and noise from x and its velocity: the two linear equations, whose determinant is -alpha sigma lambda'."""
    determinant = at.alpha * at.d_sigma - at.sigma * at.d_alpha
    return (at.d_sigma * x - at.sigma * rate) / determinant, (at.alpha * rate - at.d_alpha * x) / determinant
