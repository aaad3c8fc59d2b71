"""Gaussian diffusion as people use it: the process, with its training loss and its variational bound."""

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor

from torch_impl.objectives.bound import VLB, Decoder, variational_bound
from torch_impl.objectives.diffusion import Reduction, TimeSampling, diffusion_loss, draw_times
from torch_impl.objectives.weights import Weighting, weights
from torch_impl.ops.checks import check_float
from torch_impl.process.gaussian import GaussianProcess, Variance
from torch_impl.process.parameterization import Model, Prediction
from torch_impl.process.schedule import NoiseSchedule
from torch_impl.process.tables import Time, as_time

__all__ = ["GaussianDiffusion"]


class GaussianDiffusion(GaussianProcess):
    """`GaussianProcess`, which noises, converts predictions and walks back, with `loss` and `vlb`.

    t_sampling: how training times are drawn, "uniform" or "stratified".
    """

    def __init__(
        self,
        schedule: NoiseSchedule,
        prediction: Prediction = "eps",
        variance: Variance = "posterior",
        *,
        t_sampling: TimeSampling = "uniform",
        reconstruction_variance: float | None = None,
    ) -> None:
        super().__init__(schedule, prediction, variance, reconstruction_variance=reconstruction_variance)
        if t_sampling not in get_args(TimeSampling):
            raise ValueError(f"t_sampling = {t_sampling!r} is not one of 'uniform', 'stratified'")
        self.t_sampling: TimeSampling = t_sampling
        for weighting in ("vlb", "min_snr"):
            self.weight(weighting)  # now, so that a compiled loss finds their tables

    def sample_times(self, batch: int, device: torch.device | str, generator: torch.Generator | None = None) -> Tensor:
        """Training times in 1..T, shape (batch,), as `t_sampling` says."""
        return draw_times(batch, self.T, self.t_sampling, torch.device(device), generator)

    def loss(
        self,
        model: Model,
        x0: Tensor,
        t: Time | None = None,
        noise: Tensor | None = None,
        weighting: Weighting = "simple",
        reduction: Reduction = "mean",
        *,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Weighted squared error of the network's prediction (`ddpm.loss.simple`, `ddpm.training.noise`).

        weighting: "simple" (1), "vlb" (the exact weights of the bound in nats), "min_snr" or MinSNR(gamma),
        SNRPower(power); for variance="learned" also "hybrid" (simple + 0.001 T vlb with the mean held fixed, Nichol
        and Dhariwal 2021, eq. 16), and "vlb" is then the whole term of the bound, not only its squared error.
        reduction: "mean" over batch and elements; "none" the mean over each example's elements, shape (batch,);
        "sum" over batch and elements. T times the "sum" of "vlb" for one example estimates its bound in nats up to
        the constant that does not depend on the network.
        Half-precision errors are squared in float32. t and noise are drawn when not given.
        """
        check_float(x0, "x0")
        t = self.sample_times(x0.shape[0], x0.device, generator) if t is None else as_time(t, 1, self.T)
        if noise is None:
            noise = torch.randn(x0.shape, dtype=x0.dtype, device=x0.device, generator=generator)
        return diffusion_loss(self, model, x0, t, noise, weighting, reduction)

    def weight(self, weighting: Weighting = "simple") -> Tensor:
        """The weights of t = 0..T, float64, shape (T+1,); entry 0 is NaN (nothing is predicted there)."""
        return weights(self, weighting)

    def vlb(
        self,
        model: Model,
        x0: Tensor,
        *,
        decoder: Decoder = "gaussian",
        levels: int = 256,
        noise_fn: Callable[[torch.Size, int], Tensor] | None = None,
        generator: torch.Generator | None = None,
    ) -> VLB:
        """Every term of the bound for each example, in nats: see `torch_impl.objectives.bound.variational_bound`."""
        return variational_bound(
            self, model, x0, decoder=decoder, levels=levels, noise_fn=noise_fn, generator=generator
        )
