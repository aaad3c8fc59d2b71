"""EDM against a Gaussian, whose denoiser and flow are known: scales, order, churn, the same flow elsewhere."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from torch_impl.denoiser.preconditioning import Preconditioning
from torch_impl.objectives.edm import edm_loss, log_normal_levels
from torch_impl.oracle.on_path import MixtureOnPath
from torch_impl.process.conversion import from_velocity
from torch_impl.process.paths import StraightPath
from torch_impl.samplers.edm import heun_with_churn, noise_levels
from torch_impl.samplers.runge_kutta import integrate, solver
from torch_impl.systems.edm import EDMConfig

VARIANCE = 0.36


def denoise(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """E[x_0 | x] for N(0, VARIANCE)."""
    return VARIANCE / (VARIANCE + sigma.view(-1, 1).square()) * x


def draws(seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    return lambda shape, i: torch.randn(shape, generator=generator, dtype=torch.float64)


def test_levels_begin_and_end_where_they_are_asked_to() -> None:
    levels = noise_levels(18, 0.002, 80.0)
    assert (
        levels[0] == pytest.approx(80) and levels[-2] == pytest.approx(0.002) and levels[-1] == 0 and len(levels) == 19
    )
    roots = [level ** (1 / 7) for level in levels[:-1]]
    assert all(a - b == pytest.approx(roots[0] - roots[1], rel=1e-9) for a, b in pairwise(roots))


def test_the_deterministic_flow_has_order_two() -> None:
    """x / sqrt(VARIANCE + sigma^2) does not change along the exact flow."""
    x = torch.tensor([[3.0], [-70.0]], dtype=torch.float64)
    errors = []
    for steps in (40, 80):
        sigmas = noise_levels(steps, 0.05, 40.0)[:-1]
        end = heun_with_churn(denoise, x, sigmas, draws())
        exact = x * math.sqrt((VARIANCE + sigmas[-1] ** 2) / (VARIANCE + sigmas[0] ** 2))
        errors.append(float(((end - exact) / exact).abs().max()))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("churn", [0.0, 10.0, 60.0])
def test_the_law_is_the_same_with_and_without_churn(churn: float) -> None:
    x = 40.0 * draws(1)((20_000, 1), 0)
    end = heun_with_churn(denoise, x, noise_levels(160, 0.01, 40.0), draws(2), churn=churn)
    assert float(end.var()) == pytest.approx(VARIANCE, rel=0.04)
    if churn:
        still = heun_with_churn(denoise, x, noise_levels(160, 0.01, 40.0), draws(2))
        assert not torch.allclose(end, still, atol=0.05)


def test_noise_of_the_wrong_size_changes_the_law() -> None:
    x = 40.0 * draws(1)((20_000, 1), 0)
    loud = lambda shape, i: 1.5 * draws(i + 5)(shape, i)  # noqa: E731
    end = heun_with_churn(denoise, x, noise_levels(160, 0.01, 40.0), loud, churn=60.0)
    assert abs(float(end.var()) / VARIANCE - 1) > 0.1


def test_the_loss_is_that_of_x0_in_units_of_c_out() -> None:
    scales, generator = Preconditioning(0.6), torch.Generator().manual_seed(0)
    x0, noise = torch.randn(64, 3, generator=generator), torch.randn(64, 3, generator=generator)
    sigma = log_normal_levels((torch.arange(64, dtype=torch.float64) + 0.5) / 64, -1.2, 1.2)
    network = lambda x, clock: torch.tanh(x) * clock.view(-1, 1)  # noqa: E731
    level = sigma.float().view(-1, 1)
    predicted = scales.denoiser(lambda x, clock: network(x, clock.flatten()))(x0 + level * noise, level)
    weighted = (scales.weight(level) * (predicted - x0).square()).mean()
    assert float(edm_loss(network, scales, x0, sigma, noise)) == pytest.approx(float(weighted), rel=1e-5)


def test_input_and_target_have_unit_variance_at_every_level() -> None:
    scales, generator = Preconditioning(0.6), torch.Generator().manual_seed(0)
    x0 = 0.6 * torch.randn(200_000, generator=generator, dtype=torch.float64)
    noise = torch.randn(200_000, generator=generator, dtype=torch.float64)
    for value in (0.01, 0.5, 20.0):
        sigma = torch.tensor(value, dtype=torch.float64)
        assert float((scales.into(sigma) * (x0 + sigma * noise)).var()) == pytest.approx(1, rel=0.02)
        assert float(scales.target(x0, noise, sigma).var()) == pytest.approx(1, rel=0.02)


def test_levels_in_training_are_log_normal() -> None:
    sigma = log_normal_levels((torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000, -1.2, 1.2)
    assert float(sigma.log().mean()) == pytest.approx(-1.2, abs=1e-6)
    assert float(sigma.log().std()) == pytest.approx(1.2, rel=1e-2)


@pytest.mark.sampled(2)
def test_the_flow_in_the_noise_level_is_the_straight_flow_in_other_units() -> None:
    """x_sigma = x_t / (1 - t) at sigma = t / (1 - t): the same picture from the same noise, to 1e-5."""
    law = ([0.3, 0.7], [(-1.0, 0.0), (1.0, 0.5)], [(0.1, 0.2), (0.2, 0.1)])
    oracle, path = MixtureOnPath(*law, StraightPath()), StraightPath()
    x = torch.randn(20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    start, end = 0.97, 0.02

    def predicted(points: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        t = (sigma / (1 + sigma)).view(-1)
        scaled = points * (1 - t).view(-1, 1)
        at = path.at(t)
        columns = type(at)(*(part.view(-1, 1) for part in at))
        return from_velocity(columns, scaled, oracle.field(scaled, t))[0]

    times = [start + (end - start) * i / 800 for i in range(801)]
    straight = integrate(oracle.field, x, times, solver("rk4")) / (1 - end)
    sigmas = [t / (1 - t) for t in (start + (end - start) * i / 6000 for i in range(6001))]
    other = heun_with_churn(predicted, x / (1 - start), sigmas, draws())
    assert torch.allclose(straight, other, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: EDMConfig(sigma_min=3, sigma_max=2), "must be less than sigma_max"),
        (lambda: EDMConfig(sigma_data=0.0), "it must be positive"),
        (lambda: EDMConfig.small().build().sample(2, torch.Generator(), steps=1), "at least two"),
        (lambda: EDMConfig.small().build().sample(2, torch.Generator(), churn=-1.0), "not negative"),
        (lambda: EDMConfig.small().build().sample(2, torch.Generator(), sampler="heun"), "sampled by edm_heun"),
        (lambda: EDMConfig.small().build().sample(2, torch.Generator(), guidance=2.0), "leave out --label"),
    ],
)
def test_what_cannot_be_is_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
