"""Gaussian divergences, densities and the discretised Gaussian, against quadrature and high precision."""

import math

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from torch_impl.distributions.gaussian import discretized_gaussian_log_prob, gaussian_kl, gaussian_log_prob, sum_dims

COMMON = settings(deadline=None, derandomize=True, max_examples=60)

MP = mpmath.mp.clone()
MP.dps = 50
number = st.floats(-5, 5)
logvar = st.one_of(st.floats(-12, 6), st.just(0.0))


@settings(COMMON)
@given(number, st.floats(-4, 2), number, st.floats(-4, 2))
def test_kl_is_the_integral_of_its_definition(mean_p: float, logvar_p: float, mean_q: float, logvar_q: float) -> None:
    """Claim gaussian.kl.full_covariance, one coordinate, by adaptive quadrature of p (log p - log q)."""
    p = stats.norm(mean_p, math.exp(logvar_p / 2))
    q = stats.norm(mean_q, math.exp(logvar_q / 2))
    width = 12 * p.std()
    exact, _ = integrate.quad(
        lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)),
        mean_p - width,
        mean_p + width,
        epsabs=1e-13,
        epsrel=1e-12,
        limit=200,
    )
    value = gaussian_kl(*(torch.tensor(x, dtype=torch.float64) for x in (mean_p, logvar_p, mean_q, logvar_q)))
    assert float(value) == pytest.approx(exact, rel=1e-9, abs=1e-10)


@settings(COMMON)
@given(number, logvar, number, logvar)
def test_kl_has_all_its_digits(mean_p: float, logvar_p: float, mean_q: float, logvar_q: float) -> None:
    """Each of the two terms is nonnegative, so the sum loses nothing.

    Expm1(r) - r loses at most u (|r| + ...) absolutely.
    """
    p, lp, q, lq = (MP.mpf(x) for x in (mean_p, logvar_p, mean_q, logvar_q))
    exact = (MP.expm1(lp - lq) - (lp - lq) + (p - q) ** 2 * MP.exp(-lq)) / 2
    value = float(gaussian_kl(*(torch.tensor(x, dtype=torch.float64) for x in (mean_p, logvar_p, mean_q, logvar_q))))
    r = float(lp - lq)
    scale = abs(math.expm1(r)) + abs(r) * (1 + math.exp(r)) + (1 + abs(float(lq))) * float((p - q) ** 2 * MP.exp(-lq))
    slack = 2 * (abs(mean_p) + abs(mean_q)) * abs(mean_p - mean_q) * math.exp(-logvar_q)
    assert abs(value - float(exact)) <= 2.0**-52 * (scale + slack) + 1e-300
    assert value >= -(2.0**-52) * scale


def test_kl_of_nearly_equal_variances_does_not_cancel() -> None:
    """r - 1 - log r for r = 1 + 1e-6 is 5e-13: formed naively in float64 it has no more than four digits."""
    value = float(gaussian_kl(0.0, math.log1p(1e-6), 0.0, 0.0))
    exact = float((MP.mpf(10) ** -6 - MP.log1p(MP.mpf(10) ** -6)) / 2)
    assert value == pytest.approx(exact, rel=1e-9)


@settings(COMMON)
@given(number, st.floats(-6, 4))
def test_kl_gradients_are_the_closed_forms(mean: float, log_variance: float) -> None:
    """Claim gaussian.kl.gradients: d/dmu = mu, d/dlogvar = (sigma^2 - 1)/2 towards N(0, I)."""
    mu = torch.tensor(mean, dtype=torch.float64, requires_grad=True)
    lv = torch.tensor(log_variance, dtype=torch.float64, requires_grad=True)
    gaussian_kl(mu, lv, 0.0, 0.0).backward()  # type: ignore[no-untyped-call]  # torch does not annotate it
    assert float(mu.grad) == pytest.approx(mean, rel=1e-15, abs=0)
    assert float(lv.grad) == pytest.approx(0.5 * math.expm1(log_variance), rel=1e-12, abs=2e-16)


@settings(COMMON)
@given(number, st.floats(-4, 3), number, st.floats(-4, 3))
def test_kl_gradients_in_all_four_arguments(mean_p: float, logvar_p: float, mean_q: float, logvar_q: float) -> None:
    arguments = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (mean_p, logvar_p, mean_q, logvar_q)]
    gaussian_kl(*arguments).backward()  # type: ignore[no-untyped-call]
    difference, ratio = mean_p - mean_q, math.exp(logvar_p - logvar_q)
    scaled = difference * math.exp(-logvar_q)
    expected = [scaled, 0.5 * (ratio - 1), -scaled, 0.5 * (1 - ratio - difference * scaled)]
    for argument, value in zip(arguments, expected, strict=True):
        assert float(argument.grad) == pytest.approx(
            value, rel=1e-12, abs=1e-14 * (1 + ratio + abs(difference * scaled))
        )


def test_kl_broadcasts_and_stays_elementwise() -> None:
    mean, lv = torch.randn(4, 3), torch.randn(4, 3)
    value = gaussian_kl(mean, lv, torch.zeros(3), 0.0)
    assert value.shape == (4, 3) and value.dtype == torch.float32
    assert sum_dims(value).shape == (4,)
    with pytest.raises(TypeError, match="floating-point"):
        gaussian_kl(torch.ones(3, dtype=torch.long), 0.0, 0.0, 0.0)


@settings(COMMON)
@given(number, number, st.floats(-8, 4))
def test_log_prob_is_the_normal_density(x: float, mean: float, log_variance: float) -> None:
    value = gaussian_log_prob(*(torch.tensor(v, dtype=torch.float64) for v in (x, mean, log_variance)))
    assert float(value) == pytest.approx(
        float(stats.norm.logpdf(x, mean, math.exp(log_variance / 2))), rel=1e-12, abs=1e-13
    )


@pytest.mark.parametrize("levels", [2, 5, 256])
@pytest.mark.parametrize(("mean", "log_variance"), [(0.1, -3.0), (-0.97, -9.0), (1.7, 0.5), (0.3, -14.0)])
def test_discretised_probabilities_are_the_bins_of_the_cdf(levels: int, mean: float, log_variance: float) -> None:
    """Every level in 50 digits, far tails included; and the probabilities of all levels sum to one."""
    grid = torch.linspace(-1, 1, levels, dtype=torch.float64)
    value = discretized_gaussian_log_prob(grid, torch.full_like(grid, mean), log_variance, levels)
    std, half = MP.exp(MP.mpf(log_variance) / 2), MP.mpf(1) / (levels - 1)

    def cdf(z: mpmath.mpf) -> mpmath.mpf:
        return MP.erfc(-z / MP.sqrt(2)) / 2

    for i, x in enumerate(grid.tolist()):
        low = (MP.mpf(x) - half - mean) / std
        high = (MP.mpf(x) + half - mean) / std
        if i == 0:
            p = cdf(high)
        elif i == levels - 1:
            p = cdf(-low)
        else:
            p = cdf(-low) - cdf(-high) if low > 0 else cdf(high) - cdf(low)
        exact = float(MP.log(p))
        tail = float(min(abs(low), abs(high)))
        # an argument off by u |z| moves the log-tail by u z^2; the gap of the two log-cdfs loses u / gap
        assert float(value[i]) == pytest.approx(exact, rel=1e-11, abs=1e-11 * (1 + tail * tail))
    assert float(torch.logsumexp(value, 0)) == pytest.approx(0.0, abs=1e-11)


def test_discretised_gradient_is_finite_everywhere() -> None:
    x = torch.linspace(-1, 1, 256).repeat(4, 1)
    mean = torch.tensor([[-3.0], [0.0], [0.4], [50.0]]).expand(4, 256).clone().requires_grad_()
    logvar = torch.tensor([[-12.0], [0.0], [-5.0], [2.0]]).expand(4, 256).clone().requires_grad_()
    discretized_gaussian_log_prob(x, mean, logvar).sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(mean.grad).all() and torch.isfinite(logvar.grad).all()


def test_discretised_value_needs_two_levels() -> None:
    with pytest.raises(ValueError, match="levels = 1"):
        discretized_gaussian_log_prob(torch.zeros(1), torch.zeros(1), 0.0, 1)
