"""Right at the edges: data outside a likelihood's support, chains of one step, thresholds over very many entries."""

from __future__ import annotations

import math

import pytest
import torch

from torch_impl import BernoulliLikelihood, NoiseSchedule, dynamic_threshold
from torch_impl.denoiser.denoiser import _row_quantile
from torch_impl.distributions.gaussian import discretized_gaussian_log_prob
from torch_impl.networks import VAE, VAEConfig
from torch_impl.ops.checks import check_range
from torch_impl.systems.ddpm import DDPMConfig
from torch_impl.systems.vae import VAESystemConfig
from torch_impl.training import Batch, Draws

OUTSIDE = [-0.01, 1.01, 255.0, -1.0, math.nan, math.inf]


@pytest.mark.parametrize("value", OUTSIDE)
def test_a_bernoulli_probability_outside_zero_and_one_is_refused(value: float) -> None:
    x = torch.tensor([[0.0, 1.0, 0.5], [0.2, value, 1.0]])
    with pytest.raises(ValueError, match=r"outside \[0, 1\]; a Bernoulli law is on \{0, 1\}: scale x"):
        BernoulliLikelihood().log_prob(x, torch.zeros_like(x))


def test_what_lies_within_is_not_refused_nor_what_rounding_puts_a_hair_outside() -> None:
    x = torch.tensor([[0.0, 1.0, 0.5, 1 + 1e-7, -1e-7]])
    value = BernoulliLikelihood().log_prob(x, torch.zeros_like(x))
    torch.testing.assert_close(value, torch.tensor([-5 * math.log(2)]), rtol=1e-6, atol=0)
    assert BernoulliLikelihood().log_prob(torch.zeros(0, 3), torch.zeros(0, 3)).shape == (0,)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("value", [-1.5, 255.0, math.nan])
def test_a_vae_refuses_images_outside_its_range_in_bound_and_in_training(likelihood: str, value: float) -> None:
    vae = VAE(VAEConfig(image_size=4, likelihood=likelihood, hidden=(8,)))  # type: ignore[arg-type]
    x = torch.zeros(2, 1, 4, 4)
    x[1, 0, 0, 0] = value
    with pytest.raises(ValueError, match=r"outside \[-1, 1\]; scale them: x / 127\.5 - 1 for bytes"):
        vae.target(x)
    if likelihood == "bernoulli":
        with pytest.raises(ValueError, match="the target runs from"):
            vae.log_prob((x + 1) / 2, torch.zeros_like(x))
    system = VAESystemConfig(image_size=4, likelihood=likelihood).build()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"outside \[-1, 1\]"):
        system(Batch(x), Draws(0, 2).at(0))


@pytest.mark.parametrize("x", [1.02, -1.02, 127.5, math.nan])
def test_the_discretised_gaussian_refuses_what_is_on_no_level(x: float) -> None:
    with pytest.raises(ValueError, match="a law on levels in"):
        discretized_gaussian_log_prob(torch.tensor([0.0, x]), torch.zeros(2), 0.0)
    discretized_gaussian_log_prob(torch.tensor([-1.0, 1.0]), torch.zeros(2), 0.0)


def test_integers_have_ranges_too_and_compiled_code_is_not_looked_into() -> None:
    with pytest.raises(ValueError, match=r"x runs from 0 to 3, outside \[0, 2\]; less"):
        check_range(torch.arange(4), 0, 2, "x", "less")
    torch.func.vmap(lambda row: BernoulliLikelihood().log_prob(row[None], row[None]))(torch.full((2, 3), 7.0))


def test_a_chain_of_one_step_has_the_end_of_longer_ones() -> None:
    assert NoiseSchedule.linear(1, 0.1, 0.9).beta(1).item() == 0.9
    assert NoiseSchedule.scaled_linear(1, 0.1, 0.9).beta(1).item() == pytest.approx(0.9, rel=1e-14)
    assert NoiseSchedule.linear(2, 0.1, 0.9).betas.tolist() == [0.1, 0.9]


@pytest.mark.parametrize("schedule", ["linear", "scaled_linear", "cosine", "sigmoid"])
@pytest.mark.parametrize("sigma_min", [0.0, 0.05])
def test_a_trained_chain_ends_in_noise_for_any_number_of_steps(schedule: str, sigma_min: float) -> None:
    for T in (1, 2, 3, 10):
        config = DDPMConfig(timesteps=T, schedule=schedule, sigma_min=sigma_min)  # type: ignore[arg-type]
        assert config.noise_schedule().alpha_bar(T).item() < 0.01, f"T = {T}"


@pytest.mark.sampled(2)
def test_a_quantile_over_more_entries_than_torch_takes() -> None:
    n = 2**24 + 5
    x = torch.rand(1, n, generator=torch.Generator().manual_seed(0))
    with pytest.raises(RuntimeError, match="too large"):
        x.quantile(0.995, dim=1)
    expected = x[0].sort().values[int(0.995 * (n - 1))]
    assert abs(_row_quantile(x, 0.995).item() - expected.item()) < 1e-6
    assert _row_quantile(x, 1.0).item() == x.max().item()
    clipped = dynamic_threshold(0.995)(3 * x)
    assert clipped.max().item() == pytest.approx(1.0) and clipped.shape == x.shape
    x[0, 7] = math.nan
    assert math.isnan(_row_quantile(x, 0.5).item())
