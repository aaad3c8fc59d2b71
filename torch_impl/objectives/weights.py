"""Weights of the squared error over time, right for each prediction.

A weight is first written for the error of x_0 and then carried to what the network predicts by
    ||x0_hat - x_0||^2 = ||eps_hat - eps||^2 / SNR = (1 - alpha_bar) ||v_hat - v||^2
                       = (1 - alpha_bar) / SNR ||score_hat - score||^2
(`ddpm.loss.eps_x0_equivalence`, `ddpm.parameterization.v_loss`, `score.lsimple_dsm`).
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from torch_impl.process.gaussian import GaussianProcess, from_one
from torch_impl.process.parameterization import Prediction
from torch_impl.process.schedule import NoiseSchedule
from torch_impl.process.tables import Time


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


def weights(process: GaussianProcess, weighting: Weighting = "simple") -> Tensor:
    """The weights of t = 0..T, float64, shape (T+1,); entry 0 is NaN (nothing is predicted there)."""
    return process.tables.exact(_table(process, weighting))[:, 0]


def weight_at(process: GaussianProcess, weighting: Weighting, t: Time, like: Tensor) -> Tensor | float:
    """The weight of time t, broadcastable against `like`; ValueError for a weighting that is infinite somewhere."""
    name = _table(process, weighting)
    if process.tables.worst(name) == math.inf:
        raise ValueError(
            f"weighting = {weighting!r} is infinite at some t for prediction = {process.prediction!r} under this "
            "schedule; choose another weighting"
        )
    return process.lookup(name, t, like)[0]


def _table(process: GaussianProcess, weighting: Weighting) -> str:
    """The name of the table of a weighting, computed at first use."""
    name = f"weight {weighting}"
    if name not in process.tables:
        if torch.compiler.is_compiling():
            raise RuntimeError(f"call diffusion.weight({weighting!r}) once before compiling, to build its table")
        reverse = process.tables.exact("log_variance")[1:, 0]
        process.tables.add(name, from_one(log_weights(process.schedule, process.prediction, weighting, reverse).exp()))
    return name
