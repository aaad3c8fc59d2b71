"""Paths and networks carried from one to another: against closed forms of a mixture, and by inversion."""

import math

import pytest
import torch
from torch import Tensor

from torch_impl.denoiser.preconditioning import Preconditioning
from torch_impl.process.conversion import carried, from_velocity, matched_time, time_of, velocity
from torch_impl.process.paths import CosineRate, LinearRate, Path, StraightPath

PATHS: dict[str, Path] = {
    "vp": LinearRate().path("vp"),
    "sub_vp": LinearRate().path("sub_vp"),
    "ve": LinearRate().path("ve"),
    "cosine": CosineRate().path("vp"),
    "flow": StraightPath(),
}
MEANS, VARIANCE = torch.tensor([-1.0, 0.7], dtype=torch.float64), 0.09


def best(path: Path) -> object:
    """E[x_0 | x] of two equal Gaussians on a path, in closed form."""

    def model(x: Tensor, t: Tensor) -> Tensor:
        at = path.at(t)
        alpha, sigma = at.alpha.view(-1, 1), at.sigma.view(-1, 1)
        total = alpha**2 * VARIANCE + sigma**2
        share = (-0.5 * (x - alpha * MEANS) ** 2 / total).softmax(1)
        return (share * (MEANS + alpha * VARIANCE / total * (x - alpha * MEANS))).sum(1, keepdim=True)

    return model


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_time_of_undoes_lambda_down_to_tiny_times(path: Path) -> None:
    times = torch.tensor([1e-200, 1e-12, 1e-5, 0.1, 0.5, 0.99], dtype=torch.float64) * path.T
    lam = path.at(times).lam
    found = path.at(time_of(path, lam)).lam
    torch.testing.assert_close(found[torch.isfinite(lam)], lam[torch.isfinite(lam)], rtol=1e-12, atol=1e-12)
    assert float(time_of(path, torch.tensor(math.inf))) == 0


def test_flow_and_vp_meet_where_their_ratios_do() -> None:
    """On the straight path lambda = log((1 - t) / t), so t = sigma / (alpha + sigma) of any other path."""
    vp, s = PATHS["vp"], torch.linspace(0.01, 0.99, 7, dtype=torch.float64)
    at = vp.at(s)
    when, scale = matched_time(StraightPath(), vp, s)
    torch.testing.assert_close(when, at.sigma / (at.alpha + at.sigma), rtol=1e-13, atol=0)
    torch.testing.assert_close(scale, 1 / (at.alpha + at.sigma), rtol=1e-12, atol=0)


@pytest.mark.parametrize("source", PATHS)
@pytest.mark.parametrize("target", PATHS)
def test_a_network_of_one_path_is_right_on_every_other(source: str, target: str) -> None:
    x, s = torch.randn(6, 1, dtype=torch.float64), torch.linspace(0.02, 0.6, 6, dtype=torch.float64)
    there = carried(best(PATHS[source]), PATHS[source], PATHS[target])  # type: ignore[arg-type]
    torch.testing.assert_close(there(x, s), best(PATHS[target])(x, s), rtol=1e-9, atol=1e-10)  # type: ignore[operator]


def test_a_network_asked_at_the_same_time_of_another_path_is_wrong() -> None:
    x, s = torch.randn(6, 1, dtype=torch.float64), torch.linspace(0.1, 0.6, 6, dtype=torch.float64)
    wrong, right = best(PATHS["vp"])(x, s), best(PATHS["flow"])(x, s)  # type: ignore[operator]
    assert float((wrong - right).abs().max()) > 0.05


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_velocity_is_the_derivative_and_is_undone(path: Path) -> None:
    x0, noise = torch.randn(2, 5, dtype=torch.float64)
    t = torch.linspace(0.05, 0.9, 5, dtype=torch.float64) * path.T
    at, step = path.at(t), 1e-6 * path.T
    before, after = path.at(t - step), path.at(t + step)
    slope = ((after.alpha - before.alpha) * x0 + (after.sigma - before.sigma) * noise) / (2 * step)
    rate = velocity(at, x0, noise)
    torch.testing.assert_close(rate, slope, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(from_velocity(at, at.alpha * x0 + at.sigma * noise, rate), (x0, noise))


def test_beyond_the_end_of_a_path_is_refused() -> None:
    short = LinearRate(0.1, 0.2).path("vp")
    with pytest.raises(ValueError, match=r"lambda = -3, but the path ends at t = 1 with"):
        time_of(short, torch.tensor(-3.0))
    with pytest.raises(ValueError, match="lambda = nan"):
        time_of(short, torch.tensor(math.nan))
    with pytest.raises(ValueError, match="0 < T <= 1"):
        StraightPath(1.5)


@pytest.mark.parametrize("sigma_data", [0.3, 1.0])
def test_preconditioning_keeps_unit_variance_at_every_level(sigma_data: float) -> None:
    """Variances of input and target, exactly: x_0 has variance sigma_data^2, the noise one, independent."""
    scales, sigma = Preconditioning(sigma_data), torch.logspace(-4, 4, 9, dtype=torch.float64)
    torch.testing.assert_close(scales.into(sigma) ** 2 * (sigma_data**2 + sigma**2), torch.ones_like(sigma))
    of_x0 = scales.target(torch.ones_like(sigma), torch.zeros_like(sigma), sigma)
    of_noise = scales.target(torch.zeros_like(sigma), torch.ones_like(sigma), sigma)
    torch.testing.assert_close(of_x0**2 * sigma_data**2 + of_noise**2, torch.ones_like(sigma))
    torch.testing.assert_close(scales.weight(sigma) * scales.out(sigma) ** 2, torch.ones_like(sigma))


def test_the_skip_is_the_one_with_the_least_output_scale() -> None:
    """c_out^2 = (1 - c_skip)^2 sigma_data^2 + c_skip^2 sigma^2 grows to either side (Karras et al. 2022, eq. 131)."""
    scales, sigma = Preconditioning(0.5), torch.logspace(-2, 2, 5, dtype=torch.float64)

    def size(skip: Tensor) -> Tensor:
        return (1 - skip) ** 2 * 0.25 + skip**2 * sigma**2

    best_skip = scales.skip(sigma)
    torch.testing.assert_close(size(best_skip), scales.out(sigma) ** 2)
    assert (size(best_skip * 1.01) > size(best_skip)).all() and (size(best_skip * 0.99) > size(best_skip)).all()


def test_a_network_that_meets_its_target_denoises_exactly() -> None:
    scales, sigma = Preconditioning(0.5), torch.tensor([[0.01], [0.5], [80.0]], dtype=torch.float64)
    x0, noise = torch.randn(2, 3, 4, dtype=torch.float64)
    seen: list[Tensor] = []

    def network(x: Tensor, level: Tensor) -> Tensor:
        seen.append(level)
        torch.testing.assert_close(x, scales.into(sigma) * (x0 + sigma * noise))
        return scales.target(x0, noise, sigma)

    torch.testing.assert_close(scales.denoiser(network)(x0 + sigma * noise, sigma), x0, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(seen[0], sigma.log() / 4)
    for bad in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="sigma_data"):
            Preconditioning(bad)
