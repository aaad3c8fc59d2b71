"""A Gaussian mixture along a path in continuous time: its best velocity, and the least loss of flow matching."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from torch_impl.oracle.law import Numbers, working_dtype
from torch_impl.oracle.mixture import GaussianMixture
from torch_impl.process.paths import Path
from torch_impl.process.tables import Time

__all__ = ["MixtureOnPath"]


class MixtureOnPath(GaussianMixture):
    """`GaussianMixture` at real times 0..T of a path, where x_t = alpha(t) x_0 + sigma(t) noise."""

    def __init__(self, weights: Numbers, means: Numbers, variances: Numbers, path: Path) -> None:
        super().__init__(weights, means, variances)
        self.path = path

    def levels(self, t: Time | None, x: Tensor, lowest: int = 0) -> tuple[Tensor, Tensor]:
        if t is None:
            return super().levels(None, x)
        at = self.path.at(torch.as_tensor(t, dtype=torch.float64, device="cpu"))
        shape = (-1, *(1,) * (x.ndim - 1)) if at.alpha.ndim else ()
        dtype = working_dtype(x.device)
        return at.alpha.view(shape).to(x.device, dtype), at.sigma.view(shape).to(x.device, dtype)

    def field(self, x: Tensor, t: Tensor) -> Tensor:
        """E[alpha' x_0 + sigma' noise | x_t], the velocity that moves the whole law; shape of x, t real (batch,)."""
        at = self.path.at(t.detach().double().cpu())
        shape = (-1, *(1,) * (x.ndim - 1))
        d_alpha, d_sigma = (part.view(shape).to(x.device, working_dtype(x.device)) for part in (at.d_alpha, at.d_sigma))
        return (d_alpha * self.denoiser(x, t) + d_sigma * self.noise(x, t)).to(x.dtype)

    def least_velocity_error(self, times: np.ndarray, weights: np.ndarray) -> float:
        """The least mean squared error of a velocity, averaged over times with weights; mean over elements.

        The error of the velocity is (alpha lambda')^2 times that of x_0 (`path.velocity_views`).
        """
        total = 0.0
        for t, weight in zip(times.tolist(), weights.tolist(), strict=True):
            at = self.path.at(t)
            scale = float((at.alpha * at.d_lam).square())
            total += weight * scale * self.denoising_error(t)[0] / self.event.numel()
        return total

    def least_noise_error(self, times: np.ndarray, weights: np.ndarray) -> float:
        """The least mean squared error of the predicted noise, averaged over times with weights; mean over elements.

        It is (alpha / sigma)^2 times that of x_0 (`ddpm.loss.eps_x0_equivalence`).
        """
        total = 0.0
        for t, weight in zip(times.tolist(), weights.tolist(), strict=True):
            at = self.path.at(t)
            total += weight * float((at.alpha / at.sigma).square()) * self.denoising_error(t)[0] / self.event.numel()
        return total
