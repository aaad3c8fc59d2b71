"""Where the data lives: results follow it, and nothing on the way to a training loss looks at a value."""

import pytest
import torch
from torch import Tensor

from torch_impl import GaussianDiffusion, NoiseSchedule, elbo, gaussian_kl, ode_log_likelihood, sample
from torch_impl.distributions.likelihoods import GaussianLikelihood
from torch_impl.oracle import FiniteData, GaussianMixture
from torch_impl.process.parameterization import PREDICTIONS
from torch_impl.samplers import METHODS

SCHEDULE = NoiseSchedule.linear(40, 0.002, 0.25)
accelerator = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
)


def network(x: Tensor, t: Tensor) -> Tensor:
    return torch.tanh(x) + 0.01 * t.to(x.dtype).view(-1, *(1,) * (x.ndim - 1))


def wide(x: Tensor, t: Tensor) -> Tensor:
    return torch.cat([network(x, t), torch.tanh(x)], dim=1)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_training_looks_at_no_value(prediction: str, dtype: torch.dtype) -> None:
    """On the meta device there are no values: any host synchronisation in these calls would raise."""
    diffusion = GaussianDiffusion(SCHEDULE, prediction)  # type: ignore[arg-type]  # parametrised over the literals
    x0, noise = (torch.empty(6, 2, 3, device="meta", dtype=dtype) for _ in range(2))
    t = torch.empty(6, device="meta", dtype=torch.int64)
    x_t = diffusion.q_sample(x0, t, noise)
    results = [x_t, *diffusion.posterior(x0, x_t, t), *diffusion.reverse(noise, x_t, t), diffusion.target(x0, noise, t)]
    results += [getattr(diffusion, f"to_{name}")(noise, x_t, t) for name in PREDICTIONS]
    results += [diffusion.loss(network, x0, t, noise, w) for w in ("simple", "vlb", "min_snr")]  # type: ignore[arg-type]
    results += [diffusion.loss(network, x0), diffusion.loss(network, x0, t=7, reduction="none")]
    learned = GaussianDiffusion(SCHEDULE, prediction, "learned")  # type: ignore[arg-type]
    results += [learned.loss(wide, x0, t, noise, w) for w in ("hybrid", "vlb")]  # type: ignore[arg-type]
    results += [gaussian_kl(x0, noise, 0.0, 0.0), *elbo(x0, x0, noise, lambda z: z, GaussianLikelihood())]
    assert all(result.device.type == "meta" for result in results)
    assert results[0].shape == (6, 2, 3) and results[0].dtype == dtype
    stratified = GaussianDiffusion(SCHEDULE, t_sampling="stratified")
    assert stratified.sample_times(6, "meta").shape == (6,)


@pytest.mark.parametrize("device", ["cpu", accelerator])
def test_results_follow_the_data_and_agree_with_the_cpu(device: str) -> None:
    g = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(6, 2, generator=g) for _ in range(2))
    t = torch.tensor([1, 2, 3, 20, 39, 40])
    for prediction in PREDICTIONS:
        diffusion = GaussianDiffusion(SCHEDULE, prediction)
        here, there = (
            [
                diffusion.q_sample(*a),
                *diffusion.posterior(a[0], a[2], a[1]),
                diffusion.to_x0(a[0], a[2], a[1]),
                diffusion.loss(network, *a, "vlb"),
            ]
            for a in ((x0, t, noise), tuple(v.to(device) for v in (x0, t, noise)))
        )
        for a, b in zip(here, there, strict=True):
            assert b.device.type == device
            torch.testing.assert_close(a, b.cpu(), rtol=1e-5, atol=1e-5)
    points = torch.randn(20, 2, generator=g)
    for oracle in (GaussianMixture([0.5, 0.5], points[:2], 0.1, SCHEDULE), FiniteData(points, None, SCHEDULE)):
        for head in (oracle.denoiser, oracle.noise, oracle.score, oracle.log_prob):
            torch.testing.assert_close(head(x0.to(device), t.to(device)).cpu(), head(x0, t), rtol=1e-5, atol=1e-5)
    diffusion = GaussianDiffusion(SCHEDULE)
    for method in METHODS:
        runs = [
            sample(network, diffusion, x0.to(where), method, noise_fn=lambda shape, i: noise[: shape[0]])
            for where in ("cpu", device)
        ]
        torch.testing.assert_close(runs[0], runs[1].cpu(), rtol=1e-3, atol=1e-3)
    likelihoods = [ode_log_likelihood(network, diffusion, x0.to(where)).log_prob.cpu() for where in ("cpu", device)]
    torch.testing.assert_close(*likelihoods, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("prediction", ["v", "x0"])
def test_losses_stay_finite_at_zero_terminal_snr(prediction: str) -> None:
    """At alpha_bar_T = 0 every weighting of v and x_0 is finite; min-SNR and vlb take their limits."""
    schedule = SCHEDULE.zero_terminal_snr()
    diffusion = GaussianDiffusion(schedule, prediction)  # type: ignore[arg-type]
    x0, noise, t = torch.randn(3, 2).double(), torch.randn(3, 2).double(), torch.tensor([1, 39, 40])
    for weighting in ("simple", "vlb", "min_snr"):
        assert torch.isfinite(diffusion.loss(network, x0, t, noise, weighting))  # type: ignore[arg-type]
    before = float(schedule.snr(39))
    assert float(diffusion.weight("vlb")[40]) == pytest.approx(
        before / 2, rel=1e-12
    )  # (SNR_{T-1} - 0)/2, for v times 1
    assert float(diffusion.weight("min_snr")[40]) == 0.0
