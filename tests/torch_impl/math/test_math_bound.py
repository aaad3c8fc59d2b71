"""The variational bound against the exact evidence of linear-Gaussian chains."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from torch_impl import GaussianDiffusion, NoiseSchedule
from torch_impl.objectives.bound import bound_term
from torch_impl.oracle import GaussianMixture

SCHEDULE = NoiseSchedule.linear(8, 0.05, 0.5)


def linear_model(x: Tensor, t: Tensor) -> Tensor:
    """x_0-prediction k_t x with k_t = 1/(1 + t/4): every reverse step is linear-Gaussian, so p(x_0) is Gaussian."""
    return x / (1 + t.to(x.dtype) / 4).view(-1, *(1,) * (x.ndim - 1))


def evidence_variance(diffusion: GaussianDiffusion) -> float:
    """Variance of p(x_0) per dimension when x_T ~ N(0, 1) and every step is x -> gain x + noise."""
    variance = 1.0
    for t in range(diffusion.T, 0, -1):
        bar, before = float(diffusion.schedule.alpha_bar(t)), float(diffusion.schedule.alpha_bar(t - 1))
        beta = 1 - bar / before
        gain = math.sqrt(before) * beta / (1 - bar) / (1 + t / 4) + math.sqrt(bar / before) * (1 - before) / (1 - bar)
        tilde = beta * (1 - before) / (1 - bar)
        noise = diffusion.reconstruction_variance if t == 1 else beta if diffusion.variance == "beta" else tilde
        variance = gain**2 * variance + noise
    return variance


@pytest.mark.parametrize("variance", ["posterior", "beta"])
@pytest.mark.parametrize(
    "schedule", [SCHEDULE, NoiseSchedule.from_betas([0.4]), SCHEDULE.zero_terminal_snr()], ids=["T=8", "T=1", "ended"]
)
def test_bound_is_below_the_evidence_by_the_exact_gap(variance: str, schedule: NoiseSchedule) -> None:
    """log p(x_0) - ELBO = KL(q(x_{1:T}|x_0) || p(x_{1:T}|x_0)) >= 0 (claim ddpm.elbo.gap).

    The KL from the joint laws.
    """
    diffusion = GaussianDiffusion(schedule, "x0", variance)  # type: ignore[arg-type]
    x0 = torch.tensor([[0.7, -1.2]], dtype=torch.float64).expand(40_000, 2)
    bound = diffusion.vlb(linear_model, x0, generator=torch.Generator().manual_seed(0))
    error = float(bound.elbo.std()) / 200
    evidence = stats.norm.logpdf([0.7, -1.2], 0, math.sqrt(evidence_variance(diffusion))).sum()
    gap = sum(exact_gap(diffusion, x) for x in (0.7, -1.2))
    assert gap > 0 and abs(evidence - gap - float(bound.elbo.mean())) < 5 * error + 1e-12
    assert error < 0.02


def exact_gap(diffusion: GaussianDiffusion, x0: float) -> float:
    """KL(q(x_{1:T}|x_0) || p(x_{1:T}|x_0)) in one dimension, by conditioning two joint Gaussians of size T and T+1."""
    T, schedule = diffusion.T, diffusion.schedule
    bars = schedule.alpha_bars.numpy()
    q_mean = np.sqrt(bars[1:]) * x0
    q_cov = np.diag(1 - bars[1:])
    for s in range(1, T + 1):
        for t in range(s + 1, T + 1):
            q_cov[s - 1, t - 1] = q_cov[t - 1, s - 1] = math.sqrt(bars[t] / bars[s]) * (1 - bars[s])
    cov = np.zeros((T + 1, T + 1))  # of (x_0, ..., x_T) under the model
    cov[T, T] = 1.0
    for t in range(T, 0, -1):
        beta = 1 - bars[t] / bars[t - 1]
        gain = math.sqrt(bars[t - 1]) * beta / (1 - bars[t]) / (1 + t / 4) + math.sqrt(bars[t] / bars[t - 1]) * (
            1 - bars[t - 1]
        ) / (1 - bars[t])
        tilde = beta * (1 - bars[t - 1]) / (1 - bars[t])
        noise = diffusion.reconstruction_variance if t == 1 else beta if diffusion.variance == "beta" else tilde
        cov[t - 1, t:] = cov[t:, t - 1] = gain * cov[t, t:]
        cov[t - 1, t - 1] = gain**2 * cov[t, t] + noise
    gain_vector = cov[1:, 0] / cov[0, 0]
    p_mean, p_cov = gain_vector * x0, cov[1:, 1:] - np.outer(gain_vector, cov[0, 1:])
    inverse = np.linalg.inv(p_cov)
    logdet = np.linalg.slogdet(p_cov)[1] - np.linalg.slogdet(q_cov)[1]
    shift = p_mean - q_mean
    return float(0.5 * (np.trace(inverse @ q_cov) - T + shift @ inverse @ shift + logdet))


def test_every_term_is_the_formula_written_out() -> None:
    """Given the noise, each transition is KL(N(mu~, b~) || N(mu, s^2)) of means formed the long way."""
    diffusion = GaussianDiffusion(SCHEDULE, "eps", "beta")
    x0, noises = torch.randn(3, 4).double(), torch.randn(8, 3, 4).double()
    bound = diffusion.vlb(lambda x, t: 0.2 * x, x0, noise_fn=lambda shape, t: noises[t - 1])
    assert bound.prior.shape == (3,) and bound.transitions.shape == (3, 7) and bound.reconstruction.shape == (3,)
    for t in range(1, 9):
        x_t = diffusion.q_sample(x0, t, noises[t - 1])
        mean, logvar = diffusion.reverse(0.2 * x_t, x_t, t)
        if t == 1:
            exact = stats.norm.logpdf(x0.numpy(), mean.numpy(), math.exp(0.5 * float(logvar))).sum(1)
            np.testing.assert_allclose(bound.reconstruction.numpy(), exact, rtol=1e-11)
        else:
            posterior, variance = diffusion.posterior(x0, x_t, t)
            sigma_sq = math.exp(float(logvar))
            ratio = float(variance) / sigma_sq
            exact = (posterior - mean).square().sum(1).numpy() / (2 * sigma_sq) + 2 * (ratio - 1 - math.log(ratio))
            np.testing.assert_allclose(bound.transitions[:, t - 2].numpy(), exact, rtol=1e-9)
    abar = float(SCHEDULE.alpha_bar(8))
    prior = 0.5 * (abar * x0.square().sum(1) - 4 * abar - 4 * math.log1p(-abar))
    torch.testing.assert_close(bound.prior, prior, rtol=1e-12, atol=0)
    total = bound.reconstruction - bound.prior - bound.transitions.sum(1)
    torch.testing.assert_close(bound.elbo, total)
    torch.testing.assert_close(bound.bits_per_dim(4), -total / (4 * math.log(2)))
    with pytest.raises(ValueError, match="dims = 0"):
        bound.bits_per_dim(0)


def test_the_exact_denoiser_leaves_only_the_gap_of_gaussian_steps() -> None:
    """For N(0, 1) data and sigma_t^2 = beta_t the reverse chain is exact (claim planned:ddpm.variance.two_extremes).

    Then the bound misses log p only by the choice of the prior, KL(q(x_T) || N(0,1)) = 0 here, and is tight at t >= 2;
    with reconstruction variance 1 - abar_1 = beta_1 the t = 1 step is exact as well: ELBO = log N(x; 0, 1) in the mean.
    """
    oracle = GaussianMixture([1.0], [[0.0]], 1.0, SCHEDULE)
    diffusion = GaussianDiffusion(SCHEDULE, "eps", "beta")
    x0 = oracle.sample(20_000, torch.Generator().manual_seed(1))
    bound = diffusion.vlb(oracle.model("eps"), x0, generator=torch.Generator().manual_seed(2))
    difference = bound.elbo - oracle.log_prob(x0)
    assert abs(float(difference.mean())) < 5 * float(difference.std()) / math.sqrt(20_000)
    assert float(difference.std()) / math.sqrt(20_000) < 0.02


def test_discretised_decoder_gives_probabilities_of_pixel_values() -> None:
    """T = 1: sum over all 256 values of exp(E-free reconstruction) is 1 for a fixed x_1, so bits are a code length."""
    diffusion = GaussianDiffusion(NoiseSchedule.from_betas([0.01]), "x0")
    grid = torch.linspace(-1, 1, 256, dtype=torch.float64).unsqueeze(1)
    constant = lambda x, t: torch.full_like(x, 0.123)  # noqa: E731 - a network in a line
    bound = diffusion.vlb(constant, grid, decoder="discretized")
    assert float(torch.logsumexp(bound.reconstruction, 0)) == pytest.approx(0.0, abs=1e-10)
    coarse = diffusion.vlb(constant, torch.tensor([[-1.0], [0.0], [1.0]]).double(), decoder="discretized", levels=3)
    assert float(torch.logsumexp(coarse.reconstruction, 0)) == pytest.approx(0.0, abs=1e-10)


def two_headed(x: Tensor, t: Tensor) -> Tensor:
    """A network that also predicts its variance: mean head 0.4 x, fraction head tanh(x)."""
    return torch.cat([0.4 * x, torch.tanh(x)], dim=1)


def test_learned_variance_interpolates_the_logs() -> None:
    """Nichol and Dhariwal 2021, eq. 15: fraction -1 is beta-tilde, +1 is beta, 0 their geometric mean."""
    diffusion = GaussianDiffusion(SCHEDULE, "eps", "learned")
    x = torch.randn(2, 3).double()
    for t in (2, 8):
        beta, noise = float(SCHEDULE.beta(t)), float(SCHEDULE.one_minus_alpha_bar(t))
        tilde = beta * float(SCHEDULE.one_minus_alpha_bar(t - 1)) / noise
        for fraction, expected in ((-1.0, tilde), (1.0, beta), (0.0, math.sqrt(beta * tilde))):
            output = torch.cat([x, torch.full_like(x, fraction)], dim=1)
            mean, logvar = diffusion.reverse(output, x, t)
            assert logvar.shape == x.shape and float(logvar[0, 0]) == pytest.approx(math.log(expected), rel=1e-12)
            torch.testing.assert_close(mean, GaussianDiffusion(SCHEDULE).reverse(x, x, t)[0])


def test_learned_losses_are_the_terms_of_the_bound() -> None:
    """The vlb loss of each t, times T and dimensions, is minus that term of vlb().

    Hybrid adds it to the simple loss.
    """
    diffusion = GaussianDiffusion(SCHEDULE, "eps", "learned")
    x0, noises = torch.randn(3, 2, 2).double(), torch.randn(8, 3, 2, 2).double()
    bound = diffusion.vlb(two_headed, x0, noise_fn=lambda shape, t: noises[t - 1])
    for t in range(1, 9):
        exact = (-bound.reconstruction if t == 1 else bound.transitions[:, t - 2]) / 4
        for when in (t, torch.full((3,), t)):
            vlb = diffusion.loss(two_headed, x0, when, noises[t - 1], "vlb", "none")
            torch.testing.assert_close(vlb, exact, rtol=1e-11, atol=1e-13)
            simple = GaussianDiffusion(SCHEDULE).loss(lambda x, t: 0.4 * x, x0, when, noises[t - 1], reduction="none")
            hybrid = diffusion.loss(two_headed, x0, when, noises[t - 1], "hybrid", "none")
            torch.testing.assert_close(hybrid, simple + 0.001 * 8 * exact, rtol=1e-11, atol=1e-13)


def test_hybrid_loss_trains_the_variance_only_through_the_bound() -> None:
    """The gradient of the mean head is that of the simple loss alone, that of the variance head the bound's alone."""
    diffusion = GaussianDiffusion(SCHEDULE, "eps", "learned")
    x0, noise, t = torch.randn(4, 3).double(), torch.randn(4, 3).double(), torch.tensor([1, 2, 5, 8])
    heads = torch.tensor([0.4, 0.3], dtype=torch.float64, requires_grad=True)

    def model(x: Tensor, t: Tensor) -> Tensor:
        return torch.cat([heads[0] * x, torch.tanh(heads[1] * x)], dim=1)

    (hybrid,) = torch.autograd.grad(diffusion.loss(model, x0, t, noise, "hybrid"), heads)
    (vlb,) = torch.autograd.grad(diffusion.loss(model, x0, t, noise, "vlb"), heads)
    (simple,) = torch.autograd.grad(GaussianDiffusion(SCHEDULE).loss(lambda x, t: heads[0] * x, x0, t, noise), heads)
    torch.testing.assert_close(hybrid[0], simple[0], rtol=1e-12, atol=0)
    torch.testing.assert_close(hybrid[1], 0.008 * vlb[1], rtol=1e-12, atol=0)
    assert float(hybrid[1]) != 0


def test_one_step_chain_has_only_a_reconstruction() -> None:
    diffusion = GaussianDiffusion(NoiseSchedule.from_betas([0.5]), "eps", "learned")
    x0, noise = torch.randn(2, 3).double(), torch.randn(2, 3).double()
    bound = diffusion.vlb(two_headed, x0, noise_fn=lambda shape, t: noise)
    assert bound.transitions.shape == (2, 0)
    for t in (1, torch.tensor([1, 1])):
        torch.testing.assert_close(diffusion.loss(two_headed, x0, t, noise, "vlb", "none"), -bound.reconstruction / 3)


def test_two_step_chain_has_one_transition() -> None:
    diffusion = GaussianDiffusion(NoiseSchedule.from_betas([0.2, 0.5]), "eps", "learned")
    x0, noise, t = torch.randn(2, 3).double(), torch.randn(2, 3).double(), torch.tensor([1, 2])
    bound = diffusion.vlb(two_headed, x0, noise_fn=lambda shape, t: noise)
    exact = torch.stack([-bound.reconstruction[0], bound.transitions[1, 0]]) / 3
    torch.testing.assert_close(diffusion.loss(two_headed, x0, t, noise, "vlb", "none"), exact)


def test_reconstruction_variance_is_the_callers() -> None:
    diffusion = GaussianDiffusion(SCHEDULE, "x0", reconstruction_variance=0.3)
    x = torch.randn(2, 3).double()
    assert float(diffusion.reverse(x, x, 1)[1]) == pytest.approx(math.log(0.3), rel=1e-14)
    assert float(diffusion.weight("vlb")[1]) == pytest.approx(1 / 0.6, rel=1e-12)


def test_learned_variance_demands_its_channels() -> None:
    diffusion = GaussianDiffusion(SCHEDULE, "eps", "learned")
    x = torch.randn(2, 3)
    with pytest.raises(ValueError, match="twice the channels"):
        diffusion.loss(lambda x, t: x, x, weighting="vlb")
    with pytest.raises(ValueError, match="leaves the learned variance untrained"):
        diffusion.loss(two_headed, x)
    with pytest.raises(ValueError, match="twice the channels"):
        diffusion.reverse(x, x, 2)
    assert bound_term(diffusion, two_headed(x, torch.ones(2)), x, x, 2).shape == (2,)
