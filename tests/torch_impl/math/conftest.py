"""What every test of the diffusion mathematics shares."""

import pytest
import torch

from torch_impl import NoiseSchedule


@pytest.fixture(autouse=True)
def _one_seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def linear() -> NoiseSchedule:
    return NoiseSchedule.linear(T=1000, beta_min=1e-4, beta_max=0.02)
