"""Mathematical mistakes found in widely used libraries, one statement each; those tested elsewhere are named here.

1  third-order coefficient of DPM-Solver++      test_math_solvers: orders, published coefficient, polynomial exactness
2  third-order SDE coefficient as h -> 0         test_math_solvers: exponential weights, order without noise; below
3  previous time of a respaced DDIM              test_math_chain_samplers, test_math_schedule: every spacing
4  large variance: NaN, noise on the result      test_math_chain_samplers
6  eps-prediction at zero terminal SNR           test_math_diffusion
7  min-SNR weight of v                           test_math_diffusion; below
9  KL averaged, signed or weighted by accident   test_math_objectives; below
10 bits per dimension, Hutchinson, offsets       test_math_likelihood; below
"""

import math

import pytest
import torch
from torch import Tensor

from torch_impl import GaussianDiffusion, NoiseSchedule, elbo, sample, spaced_timesteps
from torch_impl.distributions.likelihoods import BernoulliLikelihood
from torch_impl.samplers.exponential import multistep_weights


def test_2_weights_of_older_values_vanish_with_the_step() -> None:
    """A coefficient of D2 that tends to -1 would leave weights of order 1 on m_1 and m_2 however small the step."""
    for h in (1e-2, 1e-4, 1e-6):
        weights = multistep_weights(3, h, [h, h], scale=2.0)
        assert all(abs(w) < 5 * h for w in weights)
        assert sum(weights) == pytest.approx(-math.expm1(-2 * h), rel=1e-12)


def test_5_a_shift_is_applied_once() -> None:
    """Shift 3 at u = 0.001 is 0.002994; applied twice it would be 0.00893.

    Visiting four times of it changes nothing.
    """
    u = torch.arange(1, 1000, dtype=torch.float64) / 1000
    schedule = NoiseSchedule.from_alpha_bars((1 - u) ** 2 / ((1 - u) ** 2 + u**2))
    shifted = schedule.shifted(3.0)
    t = torch.arange(1, 1000)
    # alpha_bar = 1 - 1e-6 is handed over as a float64, which knows 1 - alpha_bar to 1e-10 of itself
    torch.testing.assert_close(schedule.flow_time(t), u, rtol=1e-10, atol=0)
    torch.testing.assert_close(shifted.flow_time(t), 3 * u / (1 + 2 * u), rtol=1e-10, atol=0)
    assert float(shifted.flow_time(1)) == pytest.approx(0.002994011976, rel=1e-9)
    visited: list[float] = []
    diffusion = GaussianDiffusion(shifted)

    def model(x: Tensor, t: Tensor) -> Tensor:
        visited.append(float(shifted.flow_time(int(t[0]))))
        return x

    times = spaced_timesteps(shifted, 4)
    sample(model, diffusion, torch.randn(1, 2), "euler", times)
    assert visited == [float(shifted.flow_time(s)) for s in times[:-1]]
    torch.testing.assert_close(schedule.shifted(1.5).shifted(2.0).alpha_bars, shifted.alpha_bars, rtol=1e-12, atol=0)
    torch.testing.assert_close(schedule.shifted(1.0).alpha_bars, schedule.alpha_bars, rtol=1e-13, atol=0)
    ended = NoiseSchedule.linear().zero_terminal_snr().shifted(2.0)
    assert ended.has_zero_terminal_snr and float(ended.flow_time(1000)) == 1.0 and float(ended.flow_time(0)) == 0.0
    with pytest.raises(ValueError, match="shift = 0"):
        schedule.shifted(0.0)


@pytest.mark.parametrize("prediction", ["eps", "v"])
def test_7_min_snr_weights_one_and_the_same_error(prediction: str, linear: NoiseSchedule) -> None:
    """The weighted loss of a network does not depend on how it is parametrised: eps and v give min(SNR.

    5) ||x_0 error||^2.
    """
    x0, noise, t = torch.randn(5, 3).double(), torch.randn(5, 3).double(), torch.tensor([1, 10, 300, 700, 990])
    as_x0 = GaussianDiffusion(linear, "x0")
    other = GaussianDiffusion(linear, prediction)  # type: ignore[arg-type]  # parametrised over the literals

    def network(x: Tensor, t: Tensor) -> Tensor:
        return torch.tanh(x)

    def translated(x: Tensor, t: Tensor) -> Tensor:
        return as_x0.to_eps(network(x, t), x, t) if prediction == "eps" else as_x0.to_v(network(x, t), x, t)

    for weighting in ("min_snr", "vlb"):
        losses = [d.loss(m, x0, t, noise, weighting, "none") for d, m in ((as_x0, network), (other, translated))]  # type: ignore[arg-type]
        torch.testing.assert_close(losses[0], losses[1], rtol=1e-7, atol=0)


@pytest.mark.parametrize("method", ["ddpm", "ddim"])
@pytest.mark.parametrize("times", [[1000, 999, 998], [3, 2, 1], [1000, 500, 1, 0]], ids=str)
def test_8_steps_in_float32_have_float32_accuracy(method: str, times: list[int], linear: NoiseSchedule) -> None:
    """1 - alpha_bar_t / alpha_bar_{t-1} taken in float32 is off by 1e-3 at small beta; here only the data is rounded.

    Each step rounds a handful of times: below 20 units of 2^-24 of the largest value met, 1/sqrt(alpha_bar) included.
    """
    diffusion = GaussianDiffusion(linear, "v")
    start, noises = torch.randn(4, 8), torch.randn(4, 4, 8)
    runs = [
        sample(
            lambda x, t: torch.tanh(x),
            diffusion,
            start.to(dtype),
            method,
            times,
            eta=1.0,  # type: ignore[arg-type]
            noise_fn=lambda shape, i, dtype=dtype: noises[i].to(dtype),
        )
        for dtype in (torch.float32, torch.float64)
    ]
    assert float((runs[0].double() - runs[1]).abs().max()) < 20 * 2.0**-24 * float(
        start.abs().max() + noises.abs().max()
    )


def test_9_weight_of_the_kl_does_not_depend_on_the_image_size() -> None:
    """An image tiled four times has four times the log-likelihood and the same KL: the sum, not the mean.

    Meets the KL.
    """
    mean, logvar = torch.randn(2, 3), torch.randn(2, 3)
    x = torch.rand(2, 1, 4, 4).round()
    logits = torch.randn(2, 1, 4, 4)
    small = elbo(x, mean, logvar, lambda z: logits, BernoulliLikelihood())
    large = elbo(x.repeat(1, 1, 2, 2), mean, logvar, lambda z: logits.repeat(1, 1, 2, 2), BernoulliLikelihood())
    torch.testing.assert_close(large.log_likelihood, 4 * small.log_likelihood)
    torch.testing.assert_close(large.kl, small.kl)
    assert (small.kl > 0).all() and (small.value < small.log_likelihood).all()


def test_10_the_bound_visits_every_time_once() -> None:
    """T calls, t = 1..T, and the injected noise of each; a loop stuck at one t would repeat itself."""
    schedule = NoiseSchedule.linear(7, 0.01, 0.3)
    seen: list[list[int]] = []
    asked: list[int] = []

    def model(x: Tensor, t: Tensor) -> Tensor:
        seen.append(t.tolist())
        return 0.1 * x

    def noise_fn(shape: torch.Size, t: int) -> Tensor:
        asked.append(t)
        return torch.randn(shape)

    bound = GaussianDiffusion(schedule).vlb(model, torch.randn(3, 2), noise_fn=noise_fn)
    assert seen == [[t] * 3 for t in range(1, 8)] and asked == list(range(1, 8))
    assert len(set(bound.transitions[0].tolist())) == 6
