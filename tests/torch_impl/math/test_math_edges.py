"""Cases at which diffusion mathematics that is wrong in one place gives another answer than the right one."""

import math

import pytest
import torch

from torch_impl import NoiseSchedule
from torch_impl.objectives.weights import MinSNR
from torch_impl.oracle import FiniteData, GaussianMixture
from torch_impl.process.parameterization import view
from torch_impl.samplers.times import spaced_timesteps

SCHEDULE = NoiseSchedule.linear(50, 0.001, 0.25)


def test_schedules_are_equal_when_every_level_is() -> None:
    assert NoiseSchedule.linear(50, 0.001, 0.25) == SCHEDULE
    assert NoiseSchedule.linear(50, 0.001, 0.24) != SCHEDULE  # of one length, and yet another schedule
    assert NoiseSchedule.linear(49, 0.001, 0.25) != SCHEDULE
    assert SCHEDULE.respaced(range(1, 50)) != SCHEDULE
    assert SCHEDULE != 50


@pytest.mark.parametrize("as_tensor", [False, True])
def test_views_that_exist_without_any_signal_are_finite_there(as_tensor: bool) -> None:
    """At a = 0, s = 1: score = -eps, v = eps, and the data is what the network says it is, or -v."""
    a, s = (torch.zeros(3), torch.ones(3)) if as_tensor else (0.0, 1.0)
    expected = {
        ("eps", "score"): (0, -1),
        ("score", "eps"): (0, -1),
        ("x0", "eps"): (1, 0),
        ("x0", "score"): (-1, 0),
        ("x0", "v"): (0, -1),
        ("v", "x0"): (0, -1),
        ("v", "eps"): (1, 0),
        ("v", "score"): (-1, 0),
        **{(kind, kind): (0, 1) for kind in ("eps", "x0", "v", "score")},
    }
    for (prediction, wanted), pair in expected.items():
        for got, want in zip(view(prediction, wanted, a, s), pair, strict=True):
            assert torch.as_tensor(got).eq(want).all(), (prediction, wanted)


@pytest.mark.parametrize("spacing", ["linspace", "leading", "trailing", "log_snr"])
def test_a_chain_of_one_step_to_pure_noise_is_walked_in_one(spacing: str) -> None:
    assert spaced_timesteps(NoiseSchedule.from_betas([1.0]), 1, spacing) == [1, 0]  # type: ignore[arg-type]


def test_min_snr_may_cut_below_one() -> None:
    assert MinSNR(0.25).gamma == 0.25
    for gamma in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="gamma > 0"):
            MinSNR(gamma)


@pytest.mark.parametrize("dim", [2, 12])
def test_the_oracle_of_finite_data_is_bayes_rule_at_every_level(dim: int) -> None:
    """Far from the data as well, where the distances to the points differ by much more than the variance."""
    g = torch.Generator().manual_seed(3)
    points, x = (torch.randn(n, dim, dtype=torch.float64, generator=g) * scale for n, scale in ((30, 3.0), (8, 6.0)))
    weights = torch.rand(30, dtype=torch.float64, generator=g) + 0.1
    weights /= weights.sum()
    oracle = FiniteData(points, weights, SCHEDULE, 7)
    for t in range(1, 51):
        a, s = float(SCHEDULE.signal(t)), float(SCHEDULE.sigma(t))
        logs = weights.log() - (x.unsqueeze(1) - a * points).square().sum(2) / (2 * s * s)
        torch.testing.assert_close(oracle.denoiser(x, t), logs.softmax(1) @ points, rtol=1e-9, atol=1e-9)
        normaliser = dim * math.log(s * math.sqrt(2 * math.pi))
        torch.testing.assert_close(oracle.log_prob(x, t), logs.logsumexp(1) - normaliser, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("t", [10, 20, 35, 50])
def test_a_coordinate_that_all_components_share_adds_its_own_error_and_nothing_else(t: int) -> None:
    """In the plane too by quadrature, so without any error of sampling."""
    weights, means, variances = [0.3, 0.7], [[-1.0], [0.8]], [[0.05], [0.2]]
    line, spread = GaussianMixture(weights, means, variances, SCHEDULE).denoising_error(t)
    plane = GaussianMixture(
        weights,
        [[m, 0.4] for (m,) in means],
        torch.tensor([[v, 0.3] for (v,) in variances], dtype=torch.float64),
        SCHEDULE,
    )
    error, in_plane = plane.denoising_error(t)
    a, s = float(SCHEDULE.signal(t)), float(SCHEDULE.sigma(t))
    assert spread == in_plane == 0.0
    assert error == pytest.approx(line + 0.3 * s**2 / (a**2 * 0.3 + s**2), rel=1e-9)
