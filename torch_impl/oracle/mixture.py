"""Gaussian mixtures: everything in closed form but the best loss, which is an integral."""

import math

import torch
from torch import Tensor

from torch_impl.distributions.gaussian import LOG_2PI
from torch_impl.oracle.law import Numbers, Oracle, finite, working_dtype
from torch_impl.process.schedule import NoiseSchedule
from torch_impl.process.tables import Time


class GaussianMixture(Oracle):
    """sum_k w_k N(m_k, diag v_k). weights (K,), means (K, *event), variances: one number, (K,) or (K, *event), all > 0.

    Weights must sum to 1 (to 1e-6; they are then normalised exactly). Noising keeps the family:
    q_t = sum_k w_k N(a m_k, a^2 v_k + s^2).
    """

    def __init__(
        self, weights: Numbers, means: Numbers, variances: Numbers, schedule: NoiseSchedule | None = None
    ) -> None:
        self.weights, self.means = finite(weights, "weights"), finite(means, "means")
        if self.weights.ndim != 1 or not (self.weights > 0).all() or abs(float(self.weights.sum()) - 1) > 1e-6:
            raise ValueError(f"weights = {self.weights.tolist()} must be a vector of positive numbers that sum to 1")
        self.weights = self.weights / self.weights.sum()
        k = self.weights.numel()
        if self.means.ndim < 2 or self.means.shape[0] != k:
            raise ValueError(f"means has shape {tuple(self.means.shape)}; with {k} weights it must be ({k}, *event)")
        variance = finite(variances, "variances")
        if variance.ndim == 1 and variance.shape[0] == k:
            variance = variance.view(-1, *(1,) * (self.means.ndim - 1))
        elif variance.ndim and variance.shape != self.means.shape:
            raise ValueError(
                f"variances has shape {tuple(variance.shape)}; a number, ({k},) or {tuple(self.means.shape)} is needed"
            )
        if not (variance > 0).all():
            smallest = float(variance.min())
            raise ValueError(
                f"the smallest variance is {smallest!r}, but variances are positive; use FiniteData for points"
            )
        self.variances = variance.expand(self.means.shape).clone()
        self.event = self.means.shape[1:]
        self.schedule = schedule
        self._held: dict[tuple[int, torch.device], Tensor] = {}  # one copy of each parameter per device

    def under(self, schedule: NoiseSchedule) -> "GaussianMixture":
        return GaussianMixture(self.weights, self.means, self.variances, schedule)

    def log_prob(self, x: Tensor, t: Time | None = None) -> Tensor:
        self.check(x)
        joint, *_ = self._joint(x, t)
        return torch.logsumexp(joint, dim=1).to(x.dtype)

    def score(self, x_t: Tensor, t: Time) -> Tensor:
        """grad log q_t(x_t); also at t = 0, the score of the data law."""
        self.check(x_t)
        joint, residual, variance, *_ = self._joint(x_t, t)
        return self._average(joint, -residual / variance, x_t)

    def denoiser(self, x_t: Tensor, t: Time) -> Tensor:
        self.check(x_t)
        joint, residual, variance, a, _ = self._joint(x_t, t)
        return self._average(
            joint, self._at(x_t, self.means) + a * self._at(x_t, self.variances) * residual / variance, x_t
        )

    def noise(self, x_t: Tensor, t: Time) -> Tensor:
        self.check(x_t)
        joint, residual, variance, _, s = self._joint(x_t, t)
        return self._average(joint, s * residual / variance, x_t)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        which = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn((n, *self.event), dtype=torch.float64, generator=generator)
        return self.means[which] + self.variances[which].sqrt() * noise

    def moments(self, t: int = 0) -> tuple[Tensor, Tensor]:
        """Mean (d,) and covariance (d, d) of q_t over the flattened event, float64 (`ddpm.forward.covariance`)."""
        means = self.means.flatten(1)
        mean = self.weights @ means
        centred = means - mean
        covariance = torch.einsum("k,ki,kj->ij", self.weights, centred, centred) + torch.diag(
            self.weights @ self.variances.flatten(1)
        )
        if t:
            a, noise = self.require_schedule().signal(t), self.require_schedule().one_minus_alpha_bar(t)
            return a * mean, a**2 * covariance + noise * torch.eye(mean.numel(), dtype=torch.float64)
        return mean, covariance

    def denoising_error(self, t: int) -> tuple[float, float]:
        """Within-component variance exactly, between-component variance by quadrature (d <= 2) or 2^15 fixed draws.

        E tr Cov[x_0|x_t] = sum_k w_k tr Cov_k + E sum_k r_k ||mu_k - mu||^2, r_k the responsibilities given x_t. One
        component is exact. Quadrature: the trapezoidal rule around each component.
        """
        a, s = self.levels(t, self.means)
        noised = a**2 * self.variances + s**2
        within = float((self.weights @ (self.variances * s**2 / noised).flatten(1)).sum())
        if self.weights.numel() == 1:
            return within, 0.0
        if self.event.numel() <= 2:
            points, mass = _normal_grid(self.event.numel())
            total = 0.0
            for k, weight in enumerate(self.weights.tolist()):
                x = a * self.means[k].flatten() + noised[k].flatten().sqrt() * points
                total += weight * float(mass @ self._between(x.view(-1, *self.event), t))
            return within + total, 0.0
        generator = torch.Generator().manual_seed(0)
        x = a * self.sample(1 << 15, generator) + s * torch.randn(
            (1 << 15, *self.event), dtype=torch.float64, generator=generator
        )
        between = torch.cat([self._between(part, t) for part in torch.split(x, 4096)])
        return within + float(between.mean()), float(between.std()) / math.sqrt(between.numel())

    def _between(self, x: Tensor, t: int) -> Tensor:
        """sum_k r_k ||mu_k(x) - mu(x)||^2: how far the components disagree about x_0."""
        joint, residual, variance, a, _ = self._joint(x, t)
        posterior = (self.means + a * self.variances * residual / variance).flatten(2)
        shares = torch.softmax(joint, dim=1).unsqueeze(-1)
        centre = (shares * posterior).sum(1, keepdim=True)
        return (shares * (posterior - centre).square()).sum((1, 2))

    def _joint(self, x: Tensor, t: Time | None) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """log w_k N(x; a m_k, a^2 v_k + s^2), residuals x - a m_k and variances a^2 v_k + s^2, and a, s.

        Shapes (batch, K), (batch, K, *event), and broadcastable to the latter.
        """
        a, s = (level.unsqueeze(1) if level.ndim else level for level in self.levels(t, x))
        residual = x.to(a.dtype).unsqueeze(1) - a * self._at(x, self.means)
        variance = a**2 * self._at(x, self.variances) + s**2
        log_density = -0.5 * (residual.square() / variance + variance.log() + LOG_2PI)
        return self._at(x, self.weights).log() + log_density.flatten(2).sum(2), residual, variance, a, s

    def _at(self, x: Tensor, values: Tensor) -> Tensor:
        key = (id(values), x.device)
        if key not in self._held:
            self._held[key] = values.to(x.device, working_dtype(x.device))
        return self._held[key]

    def _average(self, joint: Tensor, values: Tensor, like: Tensor) -> Tensor:
        shares = torch.softmax(joint, dim=1)
        return (shares.view(*shares.shape, *(1,) * len(self.event)) * values).sum(1).to(like.dtype)


def _normal_grid(d: int) -> tuple[Tensor, Tensor]:
    """Nodes (n, d) and weights of a standard normal by the trapezoidal rule on [-8, 8]^d, d <= 2.

    The rule is exponentially accurate for analytic integrands, and finer than the width of a responsibility's slope
    wherever two components still overlap noticeably.
    """
    line = torch.linspace(-8, 8, 1025 if d == 1 else 65, dtype=torch.float64)
    mass = torch.exp(-0.5 * line.square())
    mass = mass / mass.sum()
    grid = torch.cartesian_prod(*[line] * d).view(-1, d)
    return grid, torch.cartesian_prod(*[mass] * d).view(-1, d).prod(1)
