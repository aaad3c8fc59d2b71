"""Paths from data to noise: t -> (alpha, sigma, lambda) and their rates, in one object.

x_t = alpha(t) x_0 + sigma(t) noise. With a noise rate beta(t) and B(t) = int_0^t beta: `VP` has alpha = e^{-B/2},
sigma^2 = 1 - e^{-B}; `SubVP` the same alpha, sigma = 1 - e^{-B}; `VE` is VP divided by its alpha, alpha = 1,
sigma^2 = e^B - 1 (Song et al. 2021b, section 3.4). `StraightPath` has alpha = 1 - t, sigma = t (Lipman et al. 2023, Liu
et al. 2023), `CosinePath` alpha = cos(pi t/2), sigma = sin(pi t/2). Each hands out alpha, sigma, lambda =
log(alpha/sigma) and their derivatives in t together, and from
them the SDE dx = f x dt + g dw whose marginals they are: f = alpha'/alpha, g^2 = -2 sigma^2 lambda' (claims
`planned:sde.forward.vp`, `sde.family`). float64 throughout.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from torch_impl.process.schedule import NoiseSchedule

Family = Literal["vp", "sub_vp", "ve"]


class Coefficients(NamedTuple):
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


class Path(ABC):
    """Where noise meets data on 0 <= t <= T: alpha falls, sigma grows, lambda falls from +inf."""

    T: float

    def at(self, t: Tensor | float) -> Coefficients:
        """Everything at times t in 0..T of any shape, float64.

        At t = 0, sigma is 0, lambda +inf and its derivative -inf. ValueError for t outside 0..T.
        """
        t = torch.as_tensor(t, dtype=torch.float64)
        if not torch.compiler.is_compiling() and not ((t >= 0) & (t <= self.T)).all():
            raise ValueError(f"t runs from {float(t.min()):g} to {float(t.max()):g}, but times here are 0..{self.T:g}")
        return self.coefficients(t)

    @abstractmethod
    def coefficients(self, t: Tensor) -> Coefficients:
        """The values at float64 times that have been checked."""


class Rate(ABC):
    """A noise rate beta(t) >= 0 on 0 <= t <= T with its integral."""

    T: float

    @abstractmethod
    def beta(self, t: Tensor) -> Tensor:
        """beta(t), float64."""

    @abstractmethod
    def integral(self, t: Tensor) -> Tensor:
        """B(t) = int_0^t beta, float64; e^{-B} is alpha_bar."""

    def path(self, family: Family = "vp") -> "Path":
        """The path of this rate in a family; ValueError for an unknown one."""
        if family not in _FAMILIES:
            raise ValueError(f"family = {family!r} is not one of {', '.join(map(repr, _FAMILIES))}")
        return _FAMILIES[family](self)

    def at(self, t: Tensor | float, family: Family = "vp") -> Coefficients:
        """`self.path(family).at(t)`."""
        return self.path(family).at(t)

    def discretized(self, T: int) -> NoiseSchedule:
        """The chain seen at T even times: beta_i = 1 - e^{-(B_i - B_{i-1})}, alpha_bar_i = e^{-B_i} exactly."""
        if T < 1:
            raise ValueError(f"T = {T}, but a schedule has at least one step")
        total = self.integral(torch.linspace(0, self.T, T + 1, dtype=torch.float64))
        return NoiseSchedule.from_betas(-torch.expm1(-total.diff()))


@dataclass(frozen=True)
class _OfRate(Path):
    """A path that a noise rate draws."""

    rate: Rate

    @property
    def T(self) -> float:  # type: ignore[override]  # the rate owns it
        return self.rate.T


class VP(_OfRate):
    """Variance preserving: alpha^2 + sigma^2 = 1, the limit of the chain of DDPM."""

    def coefficients(self, t: Tensor) -> Coefficients:
        total, beta = self.rate.integral(t), self.rate.beta(t)
        noise, alpha = -torch.expm1(-total), torch.exp(-0.5 * total)
        sigma = noise.sqrt()
        d_sigma = 0.5 * beta * torch.exp(-total) / sigma
        return Coefficients(alpha, sigma, -0.5 * total - sigma.log(), -0.5 * beta * alpha, d_sigma, -0.5 * beta / noise)


class SubVP(_OfRate):
    """Less noise than VP at every time: sigma = 1 - alpha^2."""

    def coefficients(self, t: Tensor) -> Coefficients:
        total, beta = self.rate.integral(t), self.rate.beta(t)
        sigma, alpha = -torch.expm1(-total), torch.exp(-0.5 * total)
        d_sigma = beta * torch.exp(-total)
        d_lam = -0.5 * beta - d_sigma / sigma
        return Coefficients(alpha, sigma, -0.5 * total - sigma.log(), -0.5 * beta * alpha, d_sigma, d_lam)


class VE(_OfRate):
    """Variance exploding: the data stay as they are under growing noise."""

    def coefficients(self, t: Tensor) -> Coefficients:
        total, beta = self.rate.integral(t), self.rate.beta(t)
        sigma, one = torch.expm1(total).sqrt(), torch.ones_like(total)
        d_sigma, d_lam = 0.5 * beta * torch.exp(total) / sigma, -0.5 * beta / -torch.expm1(-total)
        return Coefficients(one, sigma, -sigma.log(), 0 * one, d_sigma, d_lam)


_FAMILIES: dict[str, type[_OfRate]] = {"vp": VP, "sub_vp": SubVP, "ve": VE}


@dataclass(frozen=True)
class StraightPath(Path):
    """The straight path x_t = (1 - t) x_0 + t noise; the velocity of a pair is noise - x_0 at every time.

    At t = 1 nothing of the data is left: lambda is -inf and the drift infinite.
    """

    T: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.T <= 1:
            raise ValueError(f"T = {self.T!r}, but the straight path is defined on 0 < T <= 1")

    def coefficients(self, t: Tensor) -> Coefficients:
        one = torch.ones_like(t)
        return Coefficients(1 - t, t, torch.log1p(-t) - t.log(), -one, one, -1 / (t * (1 - t)))


@dataclass(frozen=True)
class CosinePath(Path):
    """x_t = cos(pi t/2) x_0 + sin(pi t/2) noise; its velocity is pi/2 times the v of DDPM (`path.velocity_views`)."""

    T: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.T <= 1:
            raise ValueError(f"T = {self.T!r}, but the cosine path is defined on 0 < T <= 1")

    def coefficients(self, t: Tensor) -> Coefficients:
        quarter = 0.5 * math.pi
        alpha, sigma = (quarter * (1 - t)).sin(), (quarter * t).sin()  # no cancellation where alpha vanishes
        return Coefficients(
            alpha, sigma, alpha.log() - sigma.log(), -quarter * sigma, quarter * alpha, -quarter / (alpha * sigma)
        )


@dataclass(frozen=True)
class LevelPath(Path):
    """x_t = x_0 + t noise: the noise level is the time, as in EDM (Karras et al. 2022); `edm.units`."""

    T: float = 80.0

    def __post_init__(self) -> None:
        if not 0 < self.T < math.inf:
            raise ValueError(f"T = {self.T!r}, but the largest noise level is positive and finite")

    def coefficients(self, t: Tensor) -> Coefficients:
        one = torch.ones_like(t)
        return Coefficients(one, t, -t.log(), 0 * one, one, -1 / t)


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


@dataclass(frozen=True)
class GeometricRate(Rate):
    """The rate whose VE path has noise that grows geometrically: sigma(t)^2 = s^2 (r^{2t} - 1), r = sigma_max / s.

    s = sigma_min is the noise from which it counts (Song et al. 2021b, eq. 30, less the noise that is there at t = 0).
    """

    sigma_min: float = 0.01
    sigma_max: float = 50.0
    T: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.sigma_min < self.sigma_max < math.inf and 0 < self.T < math.inf):
            raise ValueError(f"{self} needs 0 < sigma_min < sigma_max and T > 0, all finite")

    def _grown(self, t: Tensor) -> Tensor:
        """sigma(t)^2 of the VE path."""
        return self.sigma_min**2 * torch.expm1(2 * math.log(self.sigma_max / self.sigma_min) * t / self.T)

    def beta(self, t: Tensor) -> Tensor:
        grown, pace = self._grown(t), 2 * math.log(self.sigma_max / self.sigma_min) / self.T
        return pace * (grown + self.sigma_min**2) / (1 + grown)

    def integral(self, t: Tensor) -> Tensor:
        return torch.log1p(self._grown(t))


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
