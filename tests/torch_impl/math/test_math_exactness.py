"""Places that nothing else looks at closely: exactness at t = 1, the ends of a learned variance, NaN, tau, guards."""

from __future__ import annotations

import math

import pytest
import torch

from reference import schedules
from torch_impl import GaussianDiffusion, NoiseSchedule, dynamic_threshold
from torch_impl.ops.combine import combine

F64 = torch.float64


@pytest.mark.parametrize("tau", [0.3, 0.9, 2.5])
def test_tau_of_the_sigmoid_schedule_is_the_width_of_its_logistic(tau: float) -> None:
    schedule = NoiseSchedule.sigmoid(10, start=-3, end=2, tau=tau, max_beta=1.0)
    exact = torch.tensor([float(v) for v in schedules.sigmoid_alpha_bars(10, -3, 2, str(tau))], dtype=F64)
    torch.testing.assert_close(schedule.alpha_bars, exact, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("first", [1e-6, 0.1, 1 / 3, 0.7, 0.999])
def test_the_posterior_at_t_1_is_x0_to_the_last_bit(first: float) -> None:
    """Claim ddpm.posterior.t1: mean x_0 and variance 0, with no rounding at all."""
    diffusion = GaussianDiffusion(NoiseSchedule.from_betas([first, 0.5]), "x0")
    x0, x_1 = (torch.randn(64, 3, dtype=F64, generator=torch.Generator().manual_seed(n)) for n in range(2))
    mean, variance = diffusion.posterior(x0, x_1, 1)
    assert torch.equal(mean, x0)
    assert float(variance) == 0.0
    assert torch.equal(diffusion.reverse(x0, x_1, 1)[0], x0)


def test_a_learned_variance_runs_between_its_two_ends_at_every_t() -> None:
    """At t >= 2 from log beta-tilde_t to log beta_t; at t = 1, where beta-tilde is 0, from log beta-tilde_2 up."""
    betas, reconstruction = [0.2, 0.3, 0.4], 0.5
    schedule = NoiseSchedule.from_betas(betas)
    diffusion = GaussianDiffusion(schedule, "eps", variance="learned", reconstruction_variance=reconstruction)
    bars = schedules.alpha_bars(betas)
    tilde = [betas[t - 1] * (1 - bars[t - 1]) / (1 - bars[t]) for t in (2, 3)]
    ends = {1: (tilde[0], reconstruction), 2: (tilde[0], betas[1]), 3: (tilde[1], betas[2])}
    x_t = torch.zeros(1, 1, dtype=F64)
    for t, (low, high) in ends.items():
        for fraction, expected in ((-1.0, low), (1.0, high), (0.0, math.sqrt(low * high))):
            output = torch.tensor([[0.0, fraction]], dtype=F64)
            assert float(diffusion.log_variance(output, x_t, t).exp()) == pytest.approx(expected, rel=1e-12), t


def test_a_learned_variance_of_one_step_has_one_value() -> None:
    diffusion = GaussianDiffusion(NoiseSchedule.from_betas([0.2]), "eps", variance="learned")
    for fraction in (-1.0, 0.3, 1.0):
        output = torch.tensor([[0.0, fraction]], dtype=F64)
        assert float(diffusion.log_variance(output, torch.zeros(1, 1, dtype=F64), 1).exp()) == pytest.approx(0.2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("factors", [(0.0, 2.0), (2.0, 0.0)])
def test_nan_times_zero_is_nan(dtype: torch.dtype, factors: tuple[float, float]) -> None:
    """A broken x does not become a clean result because its factor happens to be 0, nor a broken y."""
    good, bad = torch.ones(3, dtype=dtype), torch.tensor([1.0, math.nan, 1.0]).to(dtype)
    for x, y in ((good, bad), (bad, good)):
        result = combine(x, y, *factors)
        assert result.isnan().tolist() == [False, True, False]
        tensors = [torch.full((3,), a, dtype=torch.float64 if dtype == F64 else torch.float32) for a in factors]
        assert combine(x, y, *tensors).isnan().tolist() == [False, True, False]


@pytest.mark.parametrize("floor", [0.5, 1.0, 2.0])
def test_dynamic_threshold_rescales_to_its_floor_and_leaves_what_is_inside(floor: float) -> None:
    clip = dynamic_threshold(quantile=1.0, floor=floor)
    inside = torch.tensor([[0.1 * floor, -0.9 * floor, floor]])
    torch.testing.assert_close(clip(inside), inside)
    outside = torch.tensor([[4 * floor, -2 * floor, floor]])
    torch.testing.assert_close(clip(outside), torch.tensor([[floor, -0.5 * floor, 0.25 * floor]]))


def test_dynamic_threshold_lets_pixels_of_unit_range_alone_by_default() -> None:
    """Images lie in [-1, 1]: the floor is 1, and nothing inside is stretched (Saharia et al. 2022, section 2.3)."""
    clip = dynamic_threshold(quantile=1.0)
    torch.testing.assert_close(clip(torch.tensor([[1.2, -0.6]])), torch.tensor([[1.0, -0.5]]))
    torch.testing.assert_close(clip(torch.tensor([[1.0, -0.25]])), torch.tensor([[1.0, -0.25]]))


@pytest.mark.parametrize(
    ("levels", "share", "refused"), [(256, 0.4, False), (256, 0.6, True), (16, 0.4, False), (16, 0.6, True)]
)
def test_the_discretised_bound_refuses_data_beyond_half_a_level(levels: int, share: float, refused: bool) -> None:
    diffusion = GaussianDiffusion(NoiseSchedule.from_betas([0.5]), "x0")
    x0 = torch.full((1, 1), 1 + share / levels, dtype=F64)

    def bound() -> None:
        diffusion.vlb(lambda x, t: torch.zeros_like(x), x0, decoder="discretized", levels=levels)

    if refused:
        with pytest.raises(ValueError, match=r"is for data in \[-1, 1\]"):
            bound()
    else:
        bound()


def test_the_divergence_of_an_almost_normal_end_keeps_its_digits() -> None:
    """abar_T = 1e-14: KL = (abar (x^2 - 1) - log(1 - abar)) / 2 is 5e-15 x^2, of which none may be lost."""
    diffusion = GaussianDiffusion(NoiseSchedule.from_alpha_bars([1e-14]), "x0")
    kl = diffusion.vlb(lambda x, t: torch.zeros_like(x), torch.tensor([[2.0]], dtype=F64)).prior
    assert float(kl) == pytest.approx(0.5 * (1e-14 * 3 + 1e-14), rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "printed"),
    [
        ("linear", (1000, 1e-4, 0.02)),  # Ho et al. 2020, section 4
        ("scaled_linear", (1000, 0.00085, 0.012)),  # Rombach et al. 2022
        ("cosine", (1000, 0.008, 0.999)),  # Nichol and Dhariwal 2021, equation 17
        ("sigmoid", (1000, -3.0, 3.0, 1.0, 0.999)),  # Chen 2023, with Jabri et al. 2022
    ],
)
def test_a_schedule_has_the_numbers_of_its_paper_by_default(kind: str, printed: tuple[float, ...]) -> None:
    make = getattr(NoiseSchedule, kind)
    assert torch.equal(make().alpha_bars, make(*printed).alpha_bars)
