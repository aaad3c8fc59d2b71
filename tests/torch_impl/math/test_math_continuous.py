"""Continuous views: derivatives by autograd, marginals by solving the moment equations, agreement with the chain."""

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from torch_impl import NoiseSchedule
from torch_impl.process.paths import ChainRate, CosineRate, GeometricRate, LinearRate, Rate, StraightPath

CHAIN = NoiseSchedule.linear(20, 0.01, 0.3)
RATES: list[Rate] = [LinearRate(), LinearRate(0.5, 0.5, 3.0), CosineRate(), GeometricRate(), ChainRate(CHAIN)]
FAMILIES = ["vp", "sub_vp", "ve"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("rate", RATES, ids=lambda r: type(r).__name__)
def test_derivatives_are_those_of_the_values(rate: Rate, family: str) -> None:
    """alpha', sigma', lambda' by autograd through the values; lambda = log(alpha / sigma)."""
    t = (torch.linspace(0.013, 0.987, 9, dtype=torch.float64) * rate.T).requires_grad_()
    path = rate.at(t, family)  # type: ignore[arg-type]  # parametrised over the literals
    torch.testing.assert_close(path.lam, (path.alpha / path.sigma).log(), rtol=1e-12, atol=1e-12)
    for value, derivative in ((path.alpha, path.d_alpha), (path.sigma, path.d_sigma), (path.lam, path.d_lam)):
        exact = torch.zeros_like(t)
        if value.requires_grad:
            (exact,) = torch.autograd.grad(value.sum(), t, retain_graph=True)
        torch.testing.assert_close(derivative, exact, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("rate", RATES[:4], ids=lambda r: type(r).__name__)
def test_marginals_solve_the_moment_equations_of_the_sde(rate: Rate, family: str) -> None:
    """d mean/dt = f mean, d var/dt = 2 f var + g^2 for a start at x_0 = 1, integrated to 1e-11."""

    def moments(t: float, y: np.ndarray) -> list[float]:
        path = rate.at(t, family)  # type: ignore[arg-type]
        f, g2 = float(path.drift), float(path.diffusion_sq)
        return [f * y[0], 2 * f * y[1] + g2]

    start = 0.01 * rate.T
    first = rate.at(start, family)  # type: ignore[arg-type]
    solution = solve_ivp(
        moments, (start, 0.9 * rate.T), [float(first.alpha), float(first.sigma) ** 2], rtol=1e-11, atol=1e-13
    )
    last = rate.at(0.9 * rate.T, family)  # type: ignore[arg-type]
    assert solution.y[0, -1] == pytest.approx(float(last.alpha), rel=1e-8)
    assert solution.y[1, -1] == pytest.approx(float(last.sigma) ** 2, rel=1e-8)


def test_the_straight_path_has_the_derivatives_of_its_values() -> None:
    """alpha', sigma', lambda' by autograd, and the moments of its SDE: f = -1/(1 - t), g^2 = 2t/(1 - t)."""
    t = torch.linspace(0.01, 0.99, 9, dtype=torch.float64).requires_grad_()
    at = StraightPath().at(t)
    for value, derivative in ((at.alpha, at.d_alpha), (at.sigma, at.d_sigma), (at.lam, at.d_lam)):
        torch.testing.assert_close(derivative, torch.autograd.grad(value.sum(), t, retain_graph=True)[0])
    torch.testing.assert_close(at.lam, (at.alpha / at.sigma).log())
    torch.testing.assert_close(at.drift, -1 / (1 - t))
    torch.testing.assert_close(at.diffusion_sq, 2 * t / (1 - t))


def test_known_coefficients() -> None:
    """VP: f = -beta/2, g^2 = beta. sub-VP: g^2 = beta (1 - e^{-2B}). VE: f = 0, g^2 = d sigma^2/dt."""
    rate, t = LinearRate(), torch.linspace(0.01, 1, 7, dtype=torch.float64)
    beta, total = rate.beta(t), rate.integral(t)
    for family, f, g2 in (
        ("vp", -0.5 * beta, beta),
        ("sub_vp", -0.5 * beta, -beta * torch.expm1(-2 * total)),
        ("ve", 0 * beta, beta * total.exp()),
    ):
        path = rate.at(t, family)  # type: ignore[arg-type]
        torch.testing.assert_close(path.drift, f, rtol=1e-12, atol=0)
        torch.testing.assert_close(path.diffusion_sq, g2, rtol=1e-12, atol=0)


def test_views_are_one_process_in_two_coordinates() -> None:
    """VE is VP divided by its alpha: same lambda, same lambda'; sub-VP has the smaller sigma."""
    t = torch.linspace(0.01, 1, 7, dtype=torch.float64)
    vp, sub, ve = (LinearRate().at(t, v) for v in ("vp", "sub_vp", "ve"))  # type: ignore[arg-type]
    torch.testing.assert_close(ve.sigma, vp.sigma / vp.alpha, rtol=1e-12, atol=0)
    torch.testing.assert_close(ve.lam, vp.lam, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(ve.d_lam, vp.d_lam, rtol=1e-12, atol=0)
    torch.testing.assert_close(sub.sigma, vp.sigma**2, rtol=1e-12, atol=0)


def test_small_times_keep_their_digits() -> None:
    """sigma at t = 1e-9, where 1 - e^{-B} formed naively has seven digits left."""
    for rate, total in (
        (LinearRate(), lambda t: mpmath.mpf("0.1") * t + mpmath.mpf("19.9") * t**2 / 2),
        (
            CosineRate(),
            lambda t: (
                -2
                * mpmath.log(
                    mpmath.cos((t + mpmath.mpf(0.008)) / (1 + mpmath.mpf(0.008)) * mpmath.pi / 2)
                    / mpmath.cos(mpmath.mpf(0.008) / (1 + mpmath.mpf(0.008)) * mpmath.pi / 2)
                )
            ),
        ),
    ):
        with mpmath.workdps(40):
            exact = mpmath.sqrt(-mpmath.expm1(-total(mpmath.mpf(1e-9))))
            assert float(rate.at(1e-9).sigma) == pytest.approx(
                float(exact), rel=1e-8 if isinstance(rate, CosineRate) else 1e-12
            )


def test_chain_rate_passes_through_the_chain() -> None:
    """At t = 0, 1, ..., T the view is the chain's level; in between alpha_bar moves geometrically."""
    rate, t = ChainRate(CHAIN), torch.arange(21)
    path = rate.at(t.double())
    torch.testing.assert_close(path.alpha, CHAIN.signal(t), rtol=1e-14, atol=0)
    torch.testing.assert_close(path.sigma, CHAIN.sigma(t), rtol=1e-13, atol=0)
    half = rate.at(4.5).alpha ** 4
    assert float(half) == pytest.approx(float(CHAIN.alpha_bar(4) * CHAIN.alpha_bar(5)), rel=1e-13)
    assert rate.discretized(20).alpha_bars == pytest.approx(CHAIN.alpha_bars.tolist(), rel=1e-13)
    with pytest.raises(ValueError, match="infinite rate"):
        ChainRate(CHAIN.zero_terminal_snr())


def test_discretising_finely_gives_the_same_marginals_and_small_betas() -> None:
    """beta_i = beta(t_i)/T + O(1/T^2) and alpha_bar_T = e^{-B} for every T (planned:sde.forward.discrete_limit)."""
    rate = LinearRate()
    for T in (10, 1000):
        chain = rate.discretized(T)
        assert float(chain.alpha_bar(T)) == pytest.approx(math.exp(-10.05), rel=1e-12)
        middle = (torch.arange(T, dtype=torch.float64) + 0.5) / T
        assert float((chain.betas - rate.beta(middle) / T).abs().max()) < 0.51 * (20 / T) ** 2


def test_time_zero_is_clean() -> None:
    for family in FAMILIES:
        path = LinearRate().at(0.0, family)  # type: ignore[arg-type]
        assert float(path.alpha) == 1 and float(path.sigma) == 0 and float(path.lam) == math.inf


def test_bad_arguments_are_named() -> None:
    for call, message in (
        (lambda: LinearRate().at(1.5), "t runs from 1.5 to 1.5, but times here are 0..1"),
        (lambda: LinearRate().at(math.nan), "times here are"),
        (lambda: LinearRate().at(0.5, "edm"), "family = 'edm'"),  # type: ignore[arg-type]
        (lambda: LinearRate(2.0, 1.0), "beta_min <= beta_max"),
        (lambda: CosineRate(T=1.0), "T < 1"),
        (lambda: LinearRate().discretized(0), "at least one step"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
