"""The ODE likelihood against exact mixture densities, its error bars against their spread, and its units."""

import math

import pytest
import torch

from torch_impl import GaussianDiffusion, NoiseSchedule, bits_per_dim, ode_log_likelihood
from torch_impl.oracle import GaussianMixture
from torch_impl.samplers import Denoiser
from torch_impl.samplers.likelihood import dequantize, noise_and_trace

MEANS = [[1.0, 0.5], [-0.8, 0.1], [0.2, -1.3]]


def mixture(schedule: NoiseSchedule) -> GaussianMixture:
    return GaussianMixture([0.3, 0.5, 0.2], MEANS, [[0.2, 0.05], [0.1, 0.3], [0.04, 0.04]], schedule)


def linear(T: int) -> NoiseSchedule:
    return NoiseSchedule.linear(T, 0.1 / T, 20 / T)


def test_likelihood_is_the_mixture_density() -> None:
    """T = 1000, all four predictions: within 0.002 nats a dimension at the worst of 64 points, 0.0003 on average."""
    schedule = linear(1000)
    oracle = mixture(schedule)
    x = oracle.sample(64, torch.Generator().manual_seed(0))
    for prediction in ("eps", "x0", "v", "score"):
        diffusion = GaussianDiffusion(schedule, prediction)  # type: ignore[arg-type]  # drawn from the literals
        points = x if prediction == "eps" else x[:4]
        result = ode_log_likelihood(oracle.model(prediction), diffusion, points)  # type: ignore[arg-type]
        error = (result.log_prob - oracle.log_prob(points)).abs() / 2
        assert float(error.max()) < 0.002 and float(error.mean()) < 3e-4
        assert torch.equal(result.standard_error, torch.zeros(len(points)).double())


def test_error_falls_as_the_square_of_the_step() -> None:
    """From t with alpha_bar fixed to the end, prior the exact q_T: halving the steps divides the error by 4."""
    errors = []
    for T in (100, 200, 400):
        lam = torch.linspace(1.5, -1.5, T, dtype=torch.float64)
        schedule = NoiseSchedule.from_alpha_bars(torch.sigmoid(2 * lam))
        oracle = mixture(schedule)
        x = torch.tensor([[0.4, 0.2], [-0.9, 0.3], [0.1, -1.0]], dtype=torch.float64)
        result = ode_log_likelihood(
            oracle.noise,
            GaussianDiffusion(schedule),
            x,
            timesteps=range(1, T + 1),
            prior=lambda z, o=oracle, T=T: o.log_prob(z, T),
        )
        errors.append(float((result.log_prob - oracle.log_prob(x, 1)).abs().max()))
    assert errors[0] / errors[1] == pytest.approx(4, abs=0.5) and errors[1] / errors[2] == pytest.approx(4, abs=0.5)


def test_exact_trace_is_the_divergence() -> None:
    """By finite differences of the model, and by the Hessian of the mixture's log-density: tr d eps/dx = -s tr H."""
    schedule = linear(100)
    oracle, diffusion = mixture(schedule), GaussianDiffusion(schedule)
    x = torch.randn(5, 2).double()
    eps, rate = noise_and_trace(Denoiser(oracle.noise, diffusion), x, 40, None)
    s = float(schedule.sigma(40))
    hessian = torch.stack(
        [torch.autograd.functional.hessian(lambda y: oracle.log_prob(y.unsqueeze(0), 40).sum(), row) for row in x]
    )  # type: ignore[no-untyped-call]
    torch.testing.assert_close(rate[0], -s * s * hessian.diagonal(dim1=1, dim2=2).sum(1), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(eps, oracle.noise(x, 40))


def test_hutchinson_is_unbiased_with_an_honest_standard_error() -> None:
    """Peer bug 10: the mean over probes, not their sum.

    400 independent runs of 8 probes at one point: their mean is the exact value within 5 of its standard errors, and
    the reported squared errors average to the variance they have, within 25 % (three times the scatter of a variance
    of 400). One probe has sqrt(8) times the spread. A 6-d mixture of two has a non-diagonal Jacobian: probes scatter.
    """
    schedule = linear(60)
    g = torch.Generator().manual_seed(0)
    oracle = GaussianMixture([0.5, 0.5], torch.randn(2, 6, generator=g), 0.1, schedule)
    diffusion = GaussianDiffusion(schedule)
    x = oracle.sample(1, g).expand(400, 6)
    exact = ode_log_likelihood(oracle.noise, diffusion, x[:1]).log_prob
    result = ode_log_likelihood(oracle.noise, diffusion, x, trace="hutchinson", probes=8, generator=g)
    variance = float(result.log_prob.var())
    assert abs(float(result.log_prob.mean() - exact)) < 5 * math.sqrt(variance / 400) and variance > 1e-6
    assert float(result.standard_error.square().mean()) == pytest.approx(variance, rel=0.25)
    one = ode_log_likelihood(oracle.noise, diffusion, x, trace="hutchinson", probes=1, generator=g)
    assert torch.isnan(one.standard_error).all()
    spread = float(one.log_prob.std()), float(result.log_prob.std())
    assert spread[0] / spread[1] == pytest.approx(math.sqrt(8), rel=0.25)
    assert abs(float(one.log_prob.mean()) - float(exact)) < 5 * spread[0] / 20


def test_latent_is_the_end_of_the_flow_and_images_are_welcome() -> None:
    schedule = linear(200)
    oracle = GaussianMixture([1.0], torch.zeros(1, 1, 2, 2), 0.5, schedule)
    x = oracle.sample(3, torch.Generator().manual_seed(0))
    result = ode_log_likelihood(oracle.noise, GaussianDiffusion(schedule), x)
    end = math.sqrt(float(schedule.alpha_bar(200)) * 0.5 + float(schedule.one_minus_alpha_bar(200))) / math.sqrt(0.5)
    assert result.latent.shape == x.shape
    torch.testing.assert_close(result.latent, end * x, rtol=0.01, atol=0)
    torch.testing.assert_close(result.log_prob, oracle.log_prob(x), rtol=0, atol=0.02)


def test_each_step_costs_two_evaluations() -> None:
    """From 0: two for the first interval; then one ahead and one with its trace for each of the T - 1 others."""
    calls = 0

    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return 0.1 * x

    diffusion = GaussianDiffusion(linear(40))
    ode_log_likelihood(model, diffusion, torch.randn(2, 2))
    assert calls == 2 + 2 * 39
    calls = 0
    ode_log_likelihood(model, diffusion, torch.randn(2, 2), timesteps=[3, 9, 40])
    assert calls == 1 + 2 * 2


def test_weights_of_the_network_get_no_gradient() -> None:
    schedule = linear(40)
    weight = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    result = ode_log_likelihood(lambda x, t: weight * x, GaussianDiffusion(schedule), torch.randn(2, 2).double())
    assert not result.log_prob.requires_grad and weight.grad is None


def test_bits_per_dim_of_a_known_code() -> None:
    """A uniform density over [-1, 1] in d dimensions is d bits; cut into bins of 2/256 each, 8 bits a dimension."""
    log_prob = torch.tensor([-3 * math.log(2.0)], dtype=torch.float64)
    assert float(bits_per_dim(log_prob, 3)) == pytest.approx(1.0, rel=1e-14)
    assert float(bits_per_dim(log_prob, 3, bin_width=2 / 256)) == pytest.approx(8.0, rel=1e-14)
    for dims, width in ((0, 1.0), (3, 0.0), (3, -1.0)):
        with pytest.raises(ValueError, match="a positive width"):
            bits_per_dim(log_prob, dims, width)


def test_dequantised_code_length_bounds_the_true_one() -> None:
    """Data on 4 levels, a density in closed form: bits of the dequantised density >= bits of the bin masses.

    With the density constant on each bin (masses 0.4, 0.3, 0.2, 0.1 over width 2/3) the two are equal.
    """
    masses, width = torch.tensor([0.4, 0.3, 0.2, 0.1]).double(), 2 / 3
    x = torch.linspace(-1, 1, 4).double().repeat(50).unsqueeze(1)
    noisy = dequantize(x, 4, torch.Generator().manual_seed(0))
    assert float((noisy - x).abs().max()) <= width / 2 and float((noisy - x).std()) == pytest.approx(
        width / math.sqrt(12), rel=0.1
    )
    bins = ((noisy + 1 + width / 2) / width).long().clamp(0, 3)
    log_density = (masses[bins] / width).log().squeeze(1)
    exact = -masses.repeat(50).log() / math.log(2)
    torch.testing.assert_close(bits_per_dim(log_density, 1, width), exact)


def test_bad_arguments_are_named() -> None:
    schedule = NoiseSchedule.linear(10, 0.01, 0.3)
    diffusion, x = GaussianDiffusion(schedule), torch.randn(2, 2)
    model = lambda x, t: 0.1 * x  # noqa: E731 - a network in a line
    ended = GaussianDiffusion(schedule.zero_terminal_snr(), "v")
    for call, error, message in (
        (lambda: ode_log_likelihood(model, diffusion, x * math.nan), ValueError, "NaN or infinity"),
        (lambda: ode_log_likelihood(model, diffusion, x.long()), TypeError, "floating point"),
        (lambda: ode_log_likelihood(model, diffusion, x, trace="skilling"), ValueError, "trace = 'skilling'"),
        (lambda: ode_log_likelihood(model, diffusion, x, trace="hutchinson", probes=0), ValueError, "probes = 0"),
        (lambda: ode_log_likelihood(model, diffusion, x, timesteps=[10, 0]), ValueError, "strictly increasing"),
        (lambda: ode_log_likelihood(model, ended, x), ValueError, "end at t <= 9"),
    ):
        with pytest.raises(error, match=message):
            call()


def test_bound_and_ode_tell_of_the_same_density() -> None:
    """Exact denoiser, T = 1000, beta variances: bound <= exact log p = ODE; all three in nats a dimension."""
    schedule = linear(1000)
    oracle, diffusion = mixture(schedule), GaussianDiffusion(schedule, "eps", "beta")
    x = oracle.sample(400, torch.Generator().manual_seed(3))
    exact = oracle.log_prob(x)
    bound = diffusion.vlb(oracle.noise, x, generator=torch.Generator().manual_seed(4)).elbo
    ode = ode_log_likelihood(oracle.noise, diffusion, x[:100]).log_prob
    gap = exact - bound
    assert float(gap.mean()) > -3 * float(gap.std()) / 20 and float(gap.mean()) / 2 < 0.1
    assert float((ode - exact[:100]).abs().mean()) / 2 < 0.001
