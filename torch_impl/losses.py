"""The squared error, its weights, right for each prediction, and the ways to draw t.

A weight is first written for the error of x_0 and then carried to what the network predicts by
    ||x0_hat - x_0||^2 = ||eps_hat - eps||^2 / SNR = (1 - alpha_bar) ||v_hat - v||^2
                       = (1 - alpha_bar) / SNR ||score_hat - score||^2
(`ddpm.loss.eps_x0_equivalence`, `ddpm.parameterization.v_loss`, `planned:score.lsimple_dsm`).
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl.schedule import NoiseSchedule
from torch_impl.views import Prediction


@dataclass(frozen=True)
class MinSNR:
    """min(SNR, gamma) in units of the x_0 error (Hang et al. 2023, section 3.4).

    That is min(SNR, gamma)/SNR for eps and min(SNR, gamma)/(SNR + 1) for v.
    """

    gamma: float = 5.0

    def __post_init__(self) -> None:
        if not self.gamma > 0:
            raise ValueError(f"gamma = {self.gamma!r}, but min-SNR needs gamma > 0")


@dataclass(frozen=True)
class SNRPower:
    """SNR^power in units of the x_0 error: 0 is the plain x_0 loss, 1 the plain eps loss."""

    power: float


Weighting = Literal["simple", "vlb", "min_snr", "hybrid"] | MinSNR | SNRPower
TimeSampling = Literal["uniform", "stratified"]


def log_weights(schedule: NoiseSchedule, prediction: Prediction, weighting: Weighting, log_sigma_sq: Tensor) -> Tensor:
    """log of the weight on the squared error of `prediction`, t = 1..T, float64.

    simple: 1 on the predicted quantity itself (`ddpm.loss.simple`).
    vlb: the exact weight of the bound, the factor of ||error||^2 in nats, for reverse variances e^log_sigma_sq
        (`ddpm.loss.x0_weighted`, `ddpm.loss.eps_weighted`, `ddpm.loss.weights_snr`).
    """
    t = torch.arange(1, schedule.T + 1)
    if weighting == "hybrid":
        raise ValueError("weighting = 'hybrid' trains a learned variance; use variance='learned', or another weighting")
    if weighting == "simple":
        return torch.zeros(schedule.T, dtype=torch.float64)
    log_snr = schedule.log_snr(t)
    if weighting == "vlb":
        log_x0 = (
            2 * schedule.beta(t).log()
            + schedule.log_alpha_bar(t - 1)
            - log_sigma_sq
            - 2 * schedule.one_minus_alpha_bar(t).log()
            - math.log(2)
        )
    elif weighting == "min_snr":
        return log_weights(schedule, prediction, MinSNR(), log_sigma_sq)
    elif isinstance(weighting, MinSNR):
        log_x0 = log_snr.clamp(max=math.log(weighting.gamma))
    elif isinstance(weighting, SNRPower):
        log_x0 = weighting.power * log_snr if weighting.power else torch.zeros_like(log_snr)
    else:
        raise ValueError(
            f"weighting = {weighting!r} is not one of 'simple', 'vlb', 'min_snr', 'hybrid', MinSNR(...), SNRPower(...)"
        )
    log_noise = schedule.one_minus_alpha_bar(t).log()
    if prediction == "eps":
        return log_x0 - log_snr
    if prediction == "v":
        return log_x0 + log_noise
    if prediction == "score":
        return log_x0 - log_snr + log_noise
    return log_x0


def draw_times(
    batch: int, T: int, how: TimeSampling, device: torch.device, generator: torch.Generator | None = None
) -> Tensor:
    """Times in 1..T, shape (batch,), each uniform on 1..T.

    uniform: independent. stratified: one uniform number u shifted by i/batch and wrapped, so that a batch covers 1..T
    evenly and the loss varies less (Kingma et al. 2021, appendix I.1); a single time of it is still uniform.
    """
    if how == "uniform":
        return torch.randint(1, T + 1, (batch,), device=device, generator=generator)
    if how == "stratified":
        u = torch.rand((), device=device, generator=generator, dtype=torch.float32)
        places = torch.remainder(u + torch.arange(batch, device=device) / max(batch, 1), 1.0)
        return (places * T).long().clamp_(max=T - 1) + 1
    raise ValueError(f"t_sampling = {how!r} is not one of 'uniform', 'stratified'")


def mean_squared_error(output: Tensor, target: Tensor) -> Tensor:
    """The mean of (output - target)^2 over batch and elements, with gradients for both.

    What `torch.nn.functional.mse_loss` computes. On the CPU a new tensor of some megabytes costs more, in page faults,
    than a pass over it; there the difference is the only one made, and becomes the gradient in place.
    """
    if output.device.type != "cpu" or torch.compiler.is_compiling() or target.requires_grad:
        return F.mse_loss(output, target)
    if torch._C._are_functorch_transforms_active():  # torch.func does not see into a Function like the one below
        return F.mse_loss(output, target)
    value: Tensor = _MeanSquaredError.apply(output, target)  # type: ignore[no-untyped-call]  # torch's own
    return value


class _MeanSquaredError(torch.autograd.Function):
    """Differentiable in the output any number of times; the target is data.

    Without a `setup_context` of its own, for which torch reads the signature of `forward` anew at every call.
    """

    @staticmethod
    def forward(ctx: Any, output: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(output, target)
        ctx.error = error = output - target
        mean: Tensor = torch.linalg.vector_norm(error).square() / error.numel()
        return mean

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        output, target = ctx.saved_tensors
        error, ctx.error = ctx.error, None
        scale = gradient * (2 / output.numel())
        if error is None or torch.is_grad_enabled():  # a second backward, or derivatives of this one are wanted
            return (output - target) * scale, None
        return error.mul_(scale), None
