"""The one-pixel worked example, in rigorous rational intervals.

Claims: ddpm.example.one_pixel, ddim.example.stride.
"""

from __future__ import annotations

from dataclasses import dataclass

from reference.enclosures import Interval
from reference.validation import Exact


@dataclass(frozen=True)
class OnePixel:
    """signal sqrt(abar) x_0, noise sqrt(1-abar) eps, x_t their sum; the loss and the data estimate from eps_hat."""

    signal: Interval
    noise: Interval
    x_t: Interval
    loss: Interval
    x0_hat: Interval
    x0_error: Interval


@dataclass(frozen=True)
class Stride:
    """A deterministic DDIM move to a new noise level: kept signal, re-used noise and their sum."""

    signal: Interval
    noise: Interval
    x_s: Interval


def one_pixel(x0: Exact = 1, abar: Exact = "0.5", eps: Exact = "0.3", eps_hat: Exact = "0.25") -> OnePixel:
    """Return the example for one pixel: noising, squared noise error, and the data estimate that eps_hat implies.

    The data estimate solves sqrt(abar) x + sqrt(1-abar) eps_hat = x_t for x.
    """
    level = _level("abar", abar)
    keep, blur = level.sqrt(), (Interval.of(1) - level).sqrt()
    signal, noise = keep * x0, blur * eps
    x_t = signal + noise
    miss = Interval.of(eps) - eps_hat
    x0_hat = (x_t - blur * eps_hat) / keep
    return OnePixel(signal, noise, x_t, miss * miss, x0_hat, x0_hat - x0)


def ddim_stride(
    x0: Exact = 1, abar: Exact = "0.5", abar_next: Exact = "0.8", eps: Exact = "0.3", eps_hat: Exact = "0.25"
) -> Stride:
    """Return the deterministic DDIM move from noise level abar to abar_next with the predicted noise eps_hat."""
    start = one_pixel(x0, abar, eps, eps_hat)
    level = _level("abar_next", abar_next)
    signal, noise = level.sqrt() * start.x0_hat, (Interval.of(1) - level).sqrt() * eps_hat
    return Stride(signal, noise, signal + noise)


def _level(name: str, value: Exact) -> Interval:
    level = Interval.of(value)
    if not 0 < level.low <= 1:
        raise ValueError(f"{name} is {float(level)}, but it must lie in (0, 1]; x_0 cannot be told from pure noise")
    return level
