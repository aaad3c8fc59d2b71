"""One network under every view: VP, sub-VP, VE, EDM, cosine and flow lead from one noise to one picture.

Claim `path.change_of_variables`.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from torch_impl.networks import UNet, UNetConfig
from torch_impl.process.conversion import carried, matched_time, time_of
from torch_impl.process.paths import CosinePath, CosineRate, GeometricRate, LevelPath, LinearRate, Path, StraightPath
from torch_impl.samplers.continuous import flow_field
from torch_impl.samplers.edm import heun_with_churn
from torch_impl.samplers.runge_kutta import integrate, solver

VIEWS: dict[str, Path] = {
    "vp": LinearRate().path("vp"),
    "subvp": LinearRate().path("sub_vp"),
    "ve": GeometricRate(0.01, 50.0).path("ve"),
    "edm": LevelPath(80.0),
    "cosine rate": CosineRate().path("vp"),
    "cosine path": CosinePath(),
    "flow": StraightPath(),
}
HOME = VIEWS["vp"]
"""The view that the network belongs to."""
LAM = torch.linspace(-1.2, 2.0, 41, dtype=torch.float64)
"""log(alpha / sigma) of the times that are visited, the same in every view."""


@pytest.fixture(scope="module")
def network():
    """(x, t) -> noise at times of the home view: a U-Net with attention and random weights, in float64."""
    torch.manual_seed(0)
    unet = UNet(UNetConfig(8, 1, (8, 16), 1, (4,), head_channels=8)).double().eval()
    for name, parameter in unet.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.08)
        elif "bias" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return lambda x, t: 0.5 * x + unet(x, 30 * t)


def picture(network, view: Path, noise: Tensor) -> Tensor:
    """x / alpha at the end of the view's probability flow, from sigma / alpha times the noise at its beginning."""
    model = carried(network, HOME, view)
    times = time_of(view, LAM)
    first, last = view.at(times[0]), view.at(times[-1])
    x = float(first.sigma) * noise
    with torch.no_grad():
        return integrate(flow_field(model, view), x, times.tolist(), solver("rk4")) / float(last.alpha)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("view", [name for name in VIEWS if name != "vp"])
def test_one_network_draws_the_same_picture_under_every_view(network, view: str) -> None:
    noise = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    home = picture(network, HOME, noise)
    torch.testing.assert_close(picture(network, VIEWS[view], noise), home, rtol=0, atol=1e-5)
    assert float((home - float(torch.exp(-LAM[0])) * noise).abs().max()) > 0.1, "the flow goes somewhere"


def test_a_network_asked_at_the_times_of_another_view_draws_another_picture(network) -> None:
    noise = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    flow = VIEWS["flow"]
    times = time_of(flow, LAM)
    with torch.no_grad():
        x = integrate(flow_field(network, flow), float(flow.at(times[0]).sigma) * noise, times.tolist(), solver("rk4"))
    wrong = x / float(flow.at(times[-1]).alpha)
    assert float((wrong - picture(network, HOME, noise)).abs().max()) > 1e-2


@pytest.mark.sampled(2)
def test_the_sampler_of_edm_draws_it_too(network) -> None:
    """Heun's method in the noise level, of second order: ten times the steps, the same picture."""
    noise = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    model = carried(network, HOME, VIEWS["edm"])
    sigmas = torch.exp(-torch.linspace(float(LAM[0]), float(LAM[-1]), 401, dtype=torch.float64)).tolist()

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        return x - sigma.view(-1, 1, 1, 1) * model(x, sigma)

    with torch.no_grad():
        drawn = heun_with_churn(denoise, sigmas[0] * noise, sigmas, lambda shape, i: noise)
    torch.testing.assert_close(drawn, picture(network, HOME, noise), rtol=0, atol=1e-5)


def test_at_equal_times_of_two_views_the_points_are_the_same_in_other_units() -> None:
    for view in VIEWS.values():
        times = time_of(view, LAM)
        when, scale = matched_time(HOME, view, times)
        here, there = HOME.at(when), view.at(times)
        torch.testing.assert_close(scale * there.alpha, here.alpha, rtol=1e-9, atol=0)
        torch.testing.assert_close(scale * there.sigma, here.sigma, rtol=1e-9, atol=0)
        assert all(a > b for a, b in pairwise(times.tolist()))
