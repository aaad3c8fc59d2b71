"""Continuous time: one noise rate beta(t), seen as a VP, a sub-VP or a VE process (Song et al. 2021b, section 3.4).

With B(t) = int_0^t beta: VP has alpha = e^{-B/2}, sigma^2 = 1 - e^{-B}; sub-VP the same alpha, sigma = 1 - e^{-B};
VE is VP divided by its alpha, alpha = 1, sigma^2 = e^B - 1. Each view hands out alpha, sigma, lambda = log(alpha/sigma)
and their derivatives in t together, and from them the SDE dx = f x dt + g dw whose marginals they are:
f = alpha'/alpha, g^2 = -2 sigma^2 lambda' (claims `planned:sde.forward.vp`, `planned:sde.family`). float64 throughout.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from torch_impl.process.schedule import NoiseSchedule

ViewName = Literal["vp", "sub_vp", "ve"]


class Path(NamedTuple):
    """x_t = alpha x_0 + sigma noise at the times asked, and the derivatives in t; lam = log(alpha / sigma)."""

    alpha: Tensor
    sigma: Tensor
    lam: Tensor
    d_alpha: Tensor
    d_sigma: Tensor
    d_lam: Tensor

    @property
    def drift(self) -> Tensor:
        """f of dx = f x dt + g dw."""
        return self.d_alpha / self.alpha

    @property
    def diffusion_sq(self) -> Tensor:
        """g^2 of dx = f x dt + g dw."""
        return -2 * self.sigma.square() * self.d_lam


class Rate(ABC):
    """A noise rate beta(t) >= 0 on 0 <= t <= T with its integral."""

    T: float

    @abstractmethod
    def beta(self, t: Tensor) -> Tensor:
        """beta(t), float64."""

    @abstractmethod
    def integral(self, t: Tensor) -> Tensor:
        """B(t) = int_0^t beta, float64; e^{-B} is alpha_bar."""

    def at(self, t: Tensor | float, view: ViewName = "vp") -> Path:
        """(alpha, sigma, lambda) and derivatives at times t in 0..T of any shape.

        At t = 0, sigma is 0, lambda +inf and its derivative -inf. ValueError for t outside 0..T or an unknown view.
        """
        t = torch.as_tensor(t, dtype=torch.float64)
        if not ((t >= 0) & (t <= self.T)).all():
            raise ValueError(f"t runs from {float(t.min()):g} to {float(t.max()):g}, but times here are 0..{self.T:g}")
        total, beta = self.integral(t), self.beta(t)
        bar, noise = torch.exp(-total), -torch.expm1(-total)
        alpha = torch.exp(-0.5 * total)
        if view == "vp":
            sigma = noise.sqrt()
            return Path(
                alpha,
                sigma,
                -0.5 * total - sigma.log(),
                -0.5 * beta * alpha,
                0.5 * beta * bar / sigma,
                -0.5 * beta / noise,
            )
        if view == "sub_vp":
            d_lam = -0.5 * beta - beta * bar / noise
            return Path(alpha, noise, -0.5 * total - noise.log(), -0.5 * beta * alpha, beta * bar, d_lam)
        if view == "ve":
            sigma = torch.expm1(total).sqrt()
            one = torch.ones_like(total)
            return Path(one, sigma, -sigma.log(), 0 * one, 0.5 * beta * torch.exp(total) / sigma, -0.5 * beta / noise)
        raise ValueError(f"view = {view!r} is not one of 'vp', 'sub_vp', 've'")

    def discretized(self, T: int) -> NoiseSchedule:
        """The chain seen at T even times: beta_i = 1 - e^{-(B_i - B_{i-1})}, alpha_bar_i = e^{-B_i} exactly."""
        if T < 1:
            raise ValueError(f"T = {T}, but a schedule has at least one step")
        total = self.integral(torch.linspace(0, self.T, T + 1, dtype=torch.float64))
        return NoiseSchedule.from_betas(-torch.expm1(-total.diff()))


@dataclass(frozen=True)
class LinearRate(Rate):
    """beta(t) from beta_min at 0 to beta_max at T, linearly (Song et al. 2021b, eq. 32)."""

    beta_min: float = 0.1
    beta_max: float = 20.0
    T: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.beta_min <= self.beta_max < math.inf and 0 < self.T < math.inf):
            raise ValueError(f"{self} needs 0 <= beta_min <= beta_max and T > 0, all finite")

    def beta(self, t: Tensor) -> Tensor:
        return self.beta_min + (self.beta_max - self.beta_min) * t / self.T

    def integral(self, t: Tensor) -> Tensor:
        return self.beta_min * t + 0.5 * (self.beta_max - self.beta_min) * t.square() / self.T


@dataclass(frozen=True)
class CosineRate(Rate):
    """alpha_bar(t) = cos^2(angle(t)) / cos^2(angle(0)), angle(t) = (t + s)/(1 + s) pi/2, up to T < 1."""

    s: float = 0.008
    T: float = 0.9946

    def __post_init__(self) -> None:
        if not (self.s > 0 and 0 < self.T < 1):
            raise ValueError(f"{self} needs s > 0 and 0 < T < 1; at 1 alpha_bar is 0 and the rate infinite")

    def _angle(self, t: Tensor) -> Tensor:
        return (t + self.s) / (1 + self.s) * (math.pi / 2)

    def beta(self, t: Tensor) -> Tensor:
        return self._angle(t).tan() * math.pi / (1 + self.s)

    def integral(self, t: Tensor) -> Tensor:
        start = self._angle(torch.zeros((), dtype=torch.float64))
        # log(cos(start) / cos(angle)) through the ratio's distance from one, which does not cancel near t = 0
        step = self._angle(t) - start
        gap = 2 * (0.5 * step).sin() * (start + 0.5 * step).sin() / start.cos()
        return -2 * torch.log1p(-gap)


class ChainRate(Rate):
    """The rate of a discrete schedule: constant within each step, so that the marginals at t = 0..T are the chain's.

    beta(t) = -log alpha_t on (t-1, t]. ValueError for a zero terminal SNR, whose last rate is infinite.
    """

    def __init__(self, schedule: NoiseSchedule) -> None:
        if schedule.has_zero_terminal_snr:
            raise ValueError("alpha_bar_T = 0 needs an infinite rate; use schedule.respaced(range(1, T)) for the rest")
        self.T = float(schedule.T)
        self._total = -schedule.log_alpha_bar(torch.arange(schedule.T + 1))
        self._beta = -torch.log1p(-schedule.betas)

    def beta(self, t: Tensor) -> Tensor:
        return self._beta[self._step(t)]

    def integral(self, t: Tensor) -> Tensor:
        step = self._step(t)
        return self._total[step] + (t - step) * self._beta[step]

    def _step(self, t: Tensor) -> Tensor:
        """i such that t is in (i, i+1], 0 for t = 0."""
        return (t.ceil().long() - 1).clamp_min(0)
