"""VAE objectives against a linear-Gaussian model whose evidence is known, and against direct sums."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor

from torch_impl import (
    BernoulliLikelihood,
    GaussianLikelihood,
    elbo,
    importance_weighted_bound,
    reparameterize,
)
from torch_impl.distributions.gaussian import standard_normal_kl
from torch_impl.objectives.elbo import ELBO

SIGMA = 0.6
W = torch.tensor([[1.0, -0.4], [0.3, 0.8], [0.5, 0.2]], dtype=torch.float64)


def decode(z: Tensor) -> Tensor:
    return z @ W.T


def log_evidence(x: Tensor) -> np.ndarray:
    """log N(x; 0, W W^T + sigma^2 I)."""
    covariance = (W @ W.T).numpy() + SIGMA**2 * np.eye(3)
    return np.asarray(stats.multivariate_normal(np.zeros(3), covariance).logpdf(x.numpy()))


def model_posterior(x: Tensor) -> tuple[Tensor, Tensor]:
    precision = torch.eye(2, dtype=torch.float64) + W.T @ W / SIGMA**2
    covariance = torch.linalg.inv(precision)
    return x @ W @ covariance / SIGMA**2, covariance


def test_elbo_expectation_is_the_quadratic_worked_out() -> None:
    """Claim vae.elbo.gaussian: E||x - W z||^2 = ||x - W mu||^2 + tr(W diag(s^2) W^T).

    Against many draws with their error.
    """
    x = torch.randn(4, 3, dtype=torch.float64)
    mean, logvar = torch.randn(4, 2, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64) - 1
    squared = (x - decode(mean)).square().sum(1) + (W.square() * logvar.exp().unsqueeze(1)).sum((1, 2))
    exact = -0.5 * squared / SIGMA**2 - 1.5 * math.log(2 * math.pi * SIGMA**2)
    noise = torch.randn(20_000, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    draws = torch.stack(
        [GaussianLikelihood(SIGMA).log_prob(x, decode(reparameterize(mean, logvar, e))) for e in noise[:4000]]
    )
    error = draws.std(0) / math.sqrt(4000)
    value = elbo(x, mean, logvar, decode, GaussianLikelihood(SIGMA), samples=4000, noise=noise[:4000])
    torch.testing.assert_close(value.log_likelihood, draws.mean(0), rtol=1e-12, atol=0)
    assert ((value.log_likelihood - exact).abs() < 5 * error).all() and (error < 0.05 * exact.abs()).all()
    kl = 0.5 * (logvar.exp() + mean**2 - 1 - logvar).sum(1)
    torch.testing.assert_close(value.kl, kl, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(value.value, value.log_likelihood - kl, rtol=1e-12, atol=1e-12)


def test_bounds_stand_in_order_below_the_evidence() -> None:
    """ELBO < importance-weighted bound < log p(x), and the last gap closes as K grows (claims vae.elbo.lower_bound)."""
    x = torch.randn(64, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    mean, covariance = model_posterior(x)
    mean, logvar = mean + 0.2, torch.diagonal(covariance).log().expand(64, 2) + 0.3
    g = torch.Generator().manual_seed(3)
    likelihood = GaussianLikelihood(SIGMA)
    bound = float(elbo(x, mean, logvar, decode, likelihood, samples=400, generator=g).value.mean())
    few = float(importance_weighted_bound(x, mean, logvar, decode, likelihood, samples=8, generator=g).mean())
    many = float(importance_weighted_bound(x, mean, logvar, decode, likelihood, samples=2000, generator=g).mean())
    evidence = float(np.mean(log_evidence(x)))
    assert bound < few < many < evidence + 0.01 and evidence - many < 0.01 and evidence - bound > 0.05


def test_importance_weights_are_exact_for_the_model_posterior() -> None:
    """Claim vae.elbo.tightness: with one latent and q the posterior each weight is p(x), so one draw gives log p(x)."""
    w = W[:, :1]
    x = torch.randn(5, 3, dtype=torch.float64)
    variance = 1 / (1 + float(w.square().sum()) / SIGMA**2)
    mean, logvar = x @ w * variance / SIGMA**2, torch.full((5, 1), math.log(variance), dtype=torch.float64)
    exact = stats.multivariate_normal(np.zeros(3), (w @ w.T).numpy() + SIGMA**2 * np.eye(3)).logpdf(x.numpy())
    for k in (1, 7):
        value = importance_weighted_bound(x, mean, logvar, lambda z: z @ w.T, GaussianLikelihood(SIGMA), samples=k)
        np.testing.assert_allclose(value.numpy(), exact, rtol=1e-12)


def test_importance_weighted_bound_is_the_log_mean_of_its_weights() -> None:
    x, mean, logvar = (torch.randn(3, k, dtype=torch.float64) for k in (3, 2, 2))
    noise = torch.randn(6, 3, 2, dtype=torch.float64)
    value = importance_weighted_bound(x, mean, logvar, decode, GaussianLikelihood(SIGMA), samples=6, noise=noise)
    weights = np.zeros((6, 3))
    for k in range(6):
        z = mean + (0.5 * logvar).exp() * noise[k]
        for i in range(3):
            weights[k, i] = (
                np.prod(stats.norm.pdf(x[i], decode(z)[i], SIGMA))
                * np.prod(stats.norm.pdf(z[i]))
                / np.prod(stats.norm.pdf(z[i], mean[i], (0.5 * logvar[i]).exp()))
            )
    np.testing.assert_allclose(value.numpy(), np.log(weights.mean(0)), rtol=1e-11)


def test_bernoulli_likelihood_sums_over_pixels_and_has_the_right_gradient() -> None:
    """Claim vae.decoder.bernoulli: sum x log pi + (1-x) log(1-pi), gradient x - pi in the logits.

    Large logits stay finite.
    """
    logits = torch.tensor([[0.3, -2.0, 500.0, -500.0]], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[1.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
    value = BernoulliLikelihood().log_prob(x, logits)
    exact = -math.log1p(math.exp(-0.3)) - math.log1p(math.exp(-2.0)) - 0.0 - 500.0
    assert value.shape == (1,) and float(value.detach()) == pytest.approx(exact, rel=1e-14)
    value.sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(logits.grad, (x - torch.sigmoid(logits)).detach(), rtol=1e-13, atol=1e-15)
    torch.testing.assert_close(BernoulliLikelihood().mean(logits), torch.sigmoid(logits))


def test_bernoulli_on_real_pixels_is_no_density() -> None:
    """Claim planned:vae.decoder.bernoulli.support: its exponential integrates over [0.

    1] to (2 lambda - 1)/logit(lambda), not 1.
    """
    logit = 1.3
    lam = 1 / (1 + math.exp(-logit))
    likelihood = BernoulliLikelihood()
    total, _ = integrate.quad(
        lambda v: math.exp(float(likelihood.log_prob(torch.tensor([[v]]).double(), torch.tensor([[logit]]).double()))),
        0,
        1,
    )
    assert total == pytest.approx((2 * lam - 1) / logit, rel=1e-7) and total < 0.6


def test_gaussian_likelihood_is_the_density() -> None:
    x, output = torch.randn(3, 2, 4, dtype=torch.float64), torch.randn(3, 2, 4, dtype=torch.float64)
    exact = stats.norm.logpdf(x.numpy(), output.numpy(), 0.3).sum((1, 2))
    np.testing.assert_allclose(GaussianLikelihood(0.3).log_prob(x, output).numpy(), exact, rtol=1e-13)
    assert GaussianLikelihood(0.3).mean(output) is output


def test_kl_is_a_sum_over_latents_and_not_a_mean() -> None:
    """Peer bug 9: doubling the latents doubles the KL; and its sign in the bound is minus."""
    mean, logvar = torch.randn(3, 4).double(), torch.randn(3, 4).double()
    kl = standard_normal_kl(mean, logvar)
    torch.testing.assert_close(standard_normal_kl(mean.repeat(1, 2), logvar.repeat(1, 2)), 2 * kl)
    assert (kl > 0).all()
    terms = ELBO(torch.zeros(3).double(), kl)
    assert (terms.value < 0).all()
    torch.testing.assert_close(terms.beta(4.0), -4 * kl)
    assert (terms.beta(4.0) < terms.value).all() and (terms.beta(0.5) > terms.value).all()


def test_reparameterised_gradient_is_pathwise() -> None:
    """Claim planned:vae.reparameterization.dz_dphi: dz/dmu = 1, dz/dlogvar = sigma eps / 2."""
    mean = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    logvar = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    noise = torch.randn(2, 3, dtype=torch.float64)
    reparameterize(mean, logvar, noise).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(mean.grad, torch.ones(2, 3, dtype=torch.float64))
    torch.testing.assert_close(logvar.grad, (0.5 * (0.5 * logvar).exp() * noise).detach(), rtol=1e-14, atol=0)


def test_reparameterised_draws_have_the_law() -> None:
    """100,000 draws: mean within 5 and variance within 5 standard errors, which are 0.3 % and 0.45 % of sigma."""
    mean, logvar = torch.tensor([[1.5, -2.0]]).double(), torch.tensor([[0.4, -3.0]]).double()
    z = reparameterize(mean.expand(100_000, 2), logvar.expand(100_000, 2), generator=torch.Generator().manual_seed(0))
    std = (0.5 * logvar[0]).exp()
    assert ((z.mean(0) - mean[0]).abs() < 5 * std / math.sqrt(1e5)).all()
    assert ((z.var(0) / std**2 - 1).abs() < 5 * math.sqrt(2 / 1e5)).all()


def test_bad_arguments_are_named() -> None:
    x, mean = torch.zeros(2, 3).double(), torch.zeros(2, 2).double()
    for call, message in (
        (lambda: GaussianLikelihood(0.0), "sigma = 0.0"),
        (lambda: GaussianLikelihood(math.inf), "positive and finite"),
        (lambda: GaussianLikelihood().log_prob(x, x[:, :2]), r"shapes \(2, 3\) and \(2, 2\) differ"),
        (lambda: reparameterize(mean, mean[:1]), "differ"),
        (lambda: elbo(x, mean, mean, decode, GaussianLikelihood(), samples=0), "samples = 0"),
        (lambda: elbo(x, mean, mean, decode, GaussianLikelihood(), samples=2, noise=mean), "2 draws of shape"),
        (lambda: ELBO(x[:, 0], x[:, 0]).beta(-1.0), "not negative"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
