"""The chain of noise that diffusions and classifiers of noisy images share: its length and its schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from torch_impl.process.schedule import NoiseSchedule
from torch_impl.systems.config import SystemConfig
from torch_impl.training.fields import option

__all__ = ["ChainConfig"]

ScheduleName = Literal["linear", "scaled_linear", "cosine", "sigmoid"]


@dataclass(frozen=True)
class ChainConfig(SystemConfig):
    """A chain of T steps from data to noise.

    `linear` follows Ho et al. 2020 scaled to `timesteps` (beta from 0.1/T to 20/T), so that the end of the chain is
    as noisy for any T.  `sigma_min` > 0 leaves out times with less noise than that: for data on few grey levels the
    first noise should be near half the distance between two levels, as 0.01 is for 256 levels; then neither the chain
    nor the probability flow sees the levels themselves.
    """

    timesteps: int = option(1000, "Length T of the chain.", group="Diffusion")
    schedule: ScheduleName = option("cosine", "Noise schedule.", group="Diffusion")
    sigma_min: float = option(0.0, "Least noise of the chain, for data on few grey levels.", group="Diffusion")
    zero_terminal_snr: bool = option(False, "Rescale the schedule so that x_T is pure noise.", group="Diffusion")

    def noise_schedule(self) -> NoiseSchedule:
        T = self.timesteps
        if not 1 <= T <= _MOST_TIMESTEPS:
            raise ValueError(f"timesteps is {T}; a diffusion has 1 to {_MOST_TIMESTEPS:,} steps, for example 1000")
        if not 0 <= self.sigma_min < 1:
            raise ValueError(f"sigma_min is {self.sigma_min}; it must lie in [0, 1), for example 0.05")
        schedule = _from_noise(self._named(_finer(T)), T, self.sigma_min) if self.sigma_min else self._named(T)
        return schedule.zero_terminal_snr() if self.zero_terminal_snr else schedule

    def _named(self, T: int) -> NoiseSchedule:
        """The schedule of the given name with T steps."""
        if self.schedule == "linear":
            return NoiseSchedule.linear(T, min(0.1 / T, 0.5), min(20.0 / T, 0.999))
        if self.schedule == "scaled_linear":
            return NoiseSchedule.scaled_linear(T, min(0.85 / T, 0.5), min(12.0 / T, 0.999))
        if self.schedule == "cosine":
            return NoiseSchedule.cosine(T)
        if self.schedule == "sigmoid":
            return NoiseSchedule.sigmoid(T)
        raise ValueError(f"schedule is {self.schedule!r}; choose linear, scaled_linear, cosine or sigmoid")


_MOST_TIMESTEPS = 10_000


def _finer(T: int) -> int:
    """Steps of a schedule from which T are chosen: sixteen times as many, fewer for the longest chains."""
    return 16 * T if T <= 1000 else 14_000 + 2 * T


def _from_noise(fine: NoiseSchedule, T: int, sigma_min: float) -> NoiseSchedule:
    """T times of a finer schedule, evenly from the first with at least `sigma_min` of noise to its end."""
    noisy = fine.sigma(torch.arange(1, fine.T + 1)) >= sigma_min
    first = int(noisy.nonzero()[0, 0]) + 1
    if fine.T - first + 1 < T:
        raise ValueError(f"sigma_min is {sigma_min}: fewer than {T} times have that much noise; lower sigma_min")
    if T == 1:
        return fine.respaced([fine.T])
    return fine.respaced([round(first + (fine.T - first) * i / (T - 1)) for i in range(T)])
