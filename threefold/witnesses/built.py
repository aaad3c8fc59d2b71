"""Diffusions for torch witnesses, built outside the analysis of roundings: tables are float64, whatever follows."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

from torch_impl import GaussianDiffusion, NoiseSchedule


def schedule(betas: Any) -> NoiseSchedule:
    """The schedule of beta_1..beta_T."""
    with _disable_current_modes():
        return NoiseSchedule.from_betas(torch.tensor(np.asarray(betas), dtype=torch.float64))


def diffusion(betas: Any, prediction: str = "x0", **options: Any) -> GaussianDiffusion:
    """The diffusion of beta_1..beta_T with what its network predicts, and other options of GaussianDiffusion."""
    with _disable_current_modes():
        return GaussianDiffusion(schedule(betas), prediction, **options)


def from_levels(levels: Any, prediction: str = "eps", **options: Any) -> GaussianDiffusion:
    """The diffusion of abar_1..abar_T."""
    with _disable_current_modes():
        bars = torch.tensor(np.asarray(levels, dtype=np.float64), dtype=torch.float64)
        return GaussianDiffusion(NoiseSchedule.from_alpha_bars(bars), prediction, **options)
