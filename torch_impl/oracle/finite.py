"""Finite data sets: the exact denoiser is a softmax average of the data."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from torch_impl.distributions.gaussian import LOG_2PI
from torch_impl.oracle.law import Numbers, Oracle, finite
from torch_impl.process.schedule import NoiseSchedule
from torch_impl.process.tables import Time


class FiniteData(Oracle):
    """The law of a finite data set: points (N, *event), equal weights or the given ones.

    q_t is a mixture of N(a x_i, s^2 I), so E[x_0 | x_t] is a softmax average of the data. Squared distances are taken
    relative to the nearest point's: right where s is tiny (they differ by little) and where x is far away (they are
    all huge). Two passes over the data in chunks: memory (batch, chunk), any N.
    At t = 0 the denoiser is x itself; at a = 0 it is the mean of the data.
    """

    def __init__(
        self, points: Numbers, weights: Numbers | None = None, schedule: NoiseSchedule | None = None, chunk: int = 4096
    ) -> None:
        self.points = finite(points, "points")
        if self.points.ndim < 2 or not self.points.shape[0]:
            raise ValueError(
                f"points has shape {tuple(self.points.shape)}; one or more points, shape (N, *event), are needed"
            )
        n = self.points.shape[0]
        self.weights = (
            finite(weights, "weights") if weights is not None else torch.full((n,), 1 / n, dtype=torch.float64)
        )
        if self.weights.shape != (n,) or not (self.weights > 0).all() or abs(float(self.weights.sum()) - 1) > 1e-6:
            raise ValueError(f"weights must be {n} positive numbers that sum to 1, one for each point")
        self.weights = self.weights / self.weights.sum()
        if chunk < 1:
            raise ValueError(f"chunk = {chunk}, but at least one point is taken at a time")
        self.event, self.schedule, self.chunk = self.points.shape[1:], schedule, chunk
        self._held: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}  # one copy per device

    def under(self, schedule: NoiseSchedule) -> "FiniteData":
        return FiniteData(self.points, self.weights, schedule, self.chunk)

    def log_prob(self, x: Tensor, t: Time | None = None) -> Tensor:
        """log q_t(x) in nats; a finite set has no density at t = 0: ValueError."""
        if t is None:
            raise ValueError("a finite data set has no density; give t in 1..T")
        total, _, nearest, s = self._softmax(x, t, lowest=1)
        d, noise = self.event.numel(), s.reshape(-1)
        return (total.log() - 0.5 * nearest / noise**2 - d * (noise.log() + 0.5 * LOG_2PI)).to(x.dtype)

    def denoiser(self, x_t: Tensor, t: Time) -> Tensor:
        if isinstance(t, int) and t == 0:
            self.check(x_t)
            return x_t.clone()
        total, average, _, s = self._softmax(x_t, t)
        mean = (average / total.unsqueeze(1)).view(x_t.shape)
        return torch.where(s > 0, mean, x_t.to(mean.dtype)).to(x_t.dtype)

    def noise(self, x_t: Tensor, t: Time) -> Tensor:
        a, s = self.levels(t, x_t, lowest=1)
        return ((x_t.to(s.dtype) - a * self.denoiser(x_t.to(s.dtype), t)) / s).to(x_t.dtype)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return self.points[torch.multinomial(self.weights, n, replacement=True, generator=generator)]

    def denoising_error(self, t: int, draws: int = 4096) -> tuple[float, float]:
        """By `draws` fixed draws of (x_0, noise), with their standard error."""
        a, s = self.levels(t, self.points)
        generator = torch.Generator().manual_seed(0)
        x0 = self.sample(draws, generator)
        x_t = a * x0 + s * torch.randn(x0.shape, dtype=torch.float64, generator=generator)
        parts = [
            (x - self.denoiser(y, t)).flatten(1).square().sum(1)
            for x, y in zip(torch.split(x0, 256), torch.split(x_t, 256), strict=True)
        ]
        errors = torch.cat(parts)
        return float(errors.mean()), float(errors.std()) / math.sqrt(draws)

    def _softmax(self, x: Tensor, t: Time, lowest: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """sum_i w_i e_i, sum_i w_i e_i x_i, the nearest squared distance D and s.

        Here e_i = exp(-(D_i - D) / (2 s^2)) <= 1, with D_i = ||x - a x_i||^2.
        """
        self.check(x)
        a, s = self.levels(t, x, lowest)
        flat = x.to(a.dtype).flatten(1)
        signal, variance = a.reshape(-1, 1), s.reshape(-1, 1).square().clamp_min(torch.finfo(flat.dtype).tiny)
        anchor = self._nearest(flat, signal)
        residual = flat - signal * anchor
        total, average = flat.new_zeros(flat.shape[0]), torch.zeros_like(flat)
        for points, weights in self._chunks(flat):
            # D_i - D = |a (x_i - anchor)|^2 - 2 (x - a anchor) . a (x_i - anchor)
            along, apart = _relative(points, anchor, residual)
            share = weights * torch.exp(-0.5 * (signal**2 * apart - 2 * signal * along).clamp_min(0) / variance)
            total += share.sum(1)
            average += share @ points
        return total, average, residual.square().sum(1), s

    def _nearest(self, x: Tensor, signal: Tensor) -> Tensor:
        """The point x_i of least ||x - a x_i|| for each x, shape of x; any point where a = 0."""
        best = x.new_full((x.shape[0],), math.inf)
        anchor = torch.zeros_like(x)
        for points, _ in self._chunks(x):
            distance, index = (signal**2 * points.square().sum(1) - 2 * signal * (x @ points.T)).min(1)
            closer = distance < best
            best, anchor = torch.where(closer, distance, best), torch.where(closer.unsqueeze(1), points[index], anchor)
        return anchor

    def _chunks(self, like: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        key = (like.device, like.dtype)
        if key not in self._held:
            self._held[key] = (self.points.flatten(1).to(like), self.weights.to(like))
        held, shares = self._held[key]
        yield from zip(torch.split(held, self.chunk), torch.split(shares, self.chunk), strict=True)


def _relative(points: Tensor, anchor: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
    """(x_i - anchor) . residual and ||x_i - anchor||^2, shape (batch, N); through matrix products in high dimension."""
    if points.shape[1] <= 8:
        step = points - anchor.unsqueeze(1)
        return (step * residual.unsqueeze(1)).sum(2), step.square().sum(2)
    along = residual @ points.T - (residual * anchor).sum(1, keepdim=True)
    apart = points.square().sum(1) + anchor.square().sum(1, keepdim=True) - 2 * anchor @ points.T
    return along, apart.clamp_min(0)
