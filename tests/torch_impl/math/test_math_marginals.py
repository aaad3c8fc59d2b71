"""What stochastic samplers produce, against the law they should: moments, and a two-sample test of known power."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from torch_impl import GaussianDiffusion, NoiseSchedule, sample
from torch_impl.oracle import GaussianMixture
from torch_impl.samplers import SAMPLERS, Denoiser, Noise
from torch_impl.samplers.sde import langevin_steps

WEIGHTS = [0.3, 0.5, 0.2]
MEANS = [[1.0, 0.5], [-0.8, 0.1], [0.2, -1.3]]
VARIANCES = [[0.2, 0.05], [0.1, 0.3], [0.04, 0.04]]
DIRECTIONS = 12


def mixture(
    schedule: NoiseSchedule | None = None, weights: list[float] = WEIGHTS, widen: float = 1.0
) -> GaussianMixture:
    variances = (widen**2 * torch.tensor(VARIANCES, dtype=torch.float64)).tolist()
    return GaussianMixture(weights, MEANS, variances, schedule)


def largest_ks(x: Tensor, y: Tensor) -> float:
    """The largest two-sample Kolmogorov-Smirnov distance of the projections on 12 directions of the half circle."""
    largest = 0.0
    for k in range(DIRECTIONS):
        angle = math.pi * k / DIRECTIONS
        u = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
        a, b = (x @ u).sort().values, (y @ u).sort().values
        both = torch.cat([a, b])
        gap = torch.searchsorted(a, both, right=True) / len(a) - torch.searchsorted(b, both, right=True) / len(b)
        largest = max(largest, float(gap.abs().max()))
    return largest


def threshold(n: int, level: float = 1e-4) -> float:
    """Two samples of n from one law exceed this with probability at most `level`: Smirnov's tail 2 e^{-n D^2}.

    12 times.
    """
    return math.sqrt(math.log(2 * DIRECTIONS / level) / n)


@pytest.mark.parametrize("n", [8_000, pytest.param(20_000, marks=pytest.mark.long)])
def test_power_of_the_two_sample_test(n: int) -> None:
    """At level 1e-4 it rejects, 40 times of 40 (power > 0.9 at 98 % confidence), the laws a wrong sampler would give.

    Those are standard deviations 30 % too large, 10 % of the mass in the wrong component, a shift by 0.1; with 20,000
    draws 19 %, 6.3 % and 0.063. It accepts the true law 40 times of 40. (The covariance check is sharper on widths.)
    """
    size = 1.0 if n == 8_000 else 0.63
    g = torch.Generator().manual_seed(0)
    wrong = {
        "wide": mixture(widen=1 + 0.3 * size),
        "weights": mixture(weights=[0.3 + 0.1 * size, 0.5 - 0.1 * size, 0.2]),
        "true": mixture(),
    }
    truth = mixture()
    for _ in range(40):
        reference = truth.sample(n, g)
        assert largest_ks(reference, wrong["wide"].sample(n, g)) > threshold(n)
        assert largest_ks(reference, wrong["weights"].sample(n, g)) > threshold(n)
        assert largest_ks(reference, wrong["true"].sample(n, g) + 0.1 * size) > threshold(n)
        assert largest_ks(reference, wrong["true"].sample(n, g)) < threshold(n)


def noisy() -> Iterator[tuple[str, str, dict[str, float]]]:
    """Every sampler as it adds noise: by itself, or with the option that asks for it (`langevin`: see below)."""
    for row in SAMPLERS:
        if row.count(row.draws, 9) and row.name != "langevin":
            yield row.name, "posterior", {}
        yield from ((row.name, "posterior", {name: 1.0}) for name in row.switches)


CASES = [*noisy(), ("ddpm", "beta", {}), ("ddim", "posterior", {"eta": 0.5}), ("predictor_corrector", "beta", {})]


def check_marginals(method: str, variance: str, options: dict[str, float], T: int, n: int) -> None:
    """From exact draws of q_T: mean and covariance within 5 standard errors of the mixture's.

    And the two-sample test.
    """
    schedule = NoiseSchedule.linear(T, 0.1 / T, 20 / T)
    oracle, diffusion = mixture(schedule), GaussianDiffusion(schedule, "eps", variance)  # type: ignore[arg-type]
    g = torch.Generator().manual_seed(1)
    start = diffusion.q_sample(oracle.sample(n, g), T, torch.randn(n, 2, dtype=torch.float64, generator=g))
    result = sample(oracle.noise, diffusion, start, method, generator=g, **options)  # type: ignore[arg-type]
    mean, covariance = oracle.moments()
    error = (covariance.diagonal() / n).sqrt()
    assert ((result.mean(0) - mean).abs() < 5 * error).all() and (error < 0.012).all()
    products = (result - mean).unsqueeze(2) * (result - mean).unsqueeze(1)
    spread = products.std(0) / math.sqrt(n)
    assert ((products.mean(0) - covariance).abs() < 5 * spread).all() and (spread < 0.012).all()
    assert largest_ks(result, oracle.sample(n, g)) < threshold(n)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("method", "variance", "options"), CASES, ids=lambda case: str(case))
def test_marginals_are_the_mixture(method: str, variance: str, options: dict[str, float]) -> None:
    check_marginals(method, variance, options, T=400, n=8_000)


@pytest.mark.long
def test_langevin_marginals_are_the_mixture() -> None:
    """Langevin dynamics freezes where its steps become too small to follow: it is given 16 a level here."""
    check_marginals("langevin", "posterior", {"langevin_count": 16, "langevin_size": 0.25}, T=200, n=8_000)


def test_langevin_has_the_stationary_variance_of_its_step() -> None:
    """Claim score.langevin: on N(0, 1) a step eta leaves variance 1/(1 - eta/2): 1.0526 for 0.1.

    Within 5 errors of 0.7 %.
    """
    n = 40_000
    schedule = NoiseSchedule.from_alpha_bars([0.5])
    oracle = GaussianMixture([1.0], [[0.0]], 1.0, schedule)
    denoiser, g = Denoiser(oracle.noise, GaussianDiffusion(schedule)), torch.Generator().manual_seed(0)
    for eta in (0.1, 0.4):
        x = torch.randn(n, 1, dtype=torch.float64, generator=g)
        x = langevin_steps(denoiser, x, 1, Noise(generator=g), 0, 80, eta / 0.5)
        assert abs(float(x.var()) * (1 - eta / 2) - 1) < 5 * math.sqrt(2 / n)


def test_langevin_walks_down_the_ladder_as_written() -> None:
    """On N(0, v) data every variance is known: x_bar is carried between levels.

    Each step is a linear map plus noise.
    """
    v, n, count, size = 0.3, 40_000, 3, 0.3
    schedule = NoiseSchedule.linear(60, 0.001, 0.2)
    oracle, g = GaussianMixture([1.0], [[0.0]], v, schedule), torch.Generator().manual_seed(0)
    times = [60, 41, 20, 7, 2]
    variance = 1.0
    for i, t in enumerate(times):
        a2, s2 = float(schedule.alpha_bar(t)), float(schedule.one_minus_alpha_bar(t))
        if i:
            variance *= a2 / float(schedule.alpha_bar(times[i - 1]))
        for _ in range(count):
            variance = (1 - size * s2 / (a2 * v + s2)) ** 2 * variance + 2 * size * s2
    x = sample(
        oracle.noise,
        GaussianDiffusion(schedule),
        torch.randn(n, 1, dtype=torch.float64, generator=g),
        "langevin",
        times,
        generator=g,
        langevin_count=count,
        langevin_size=size,
    )
    assert abs(float(x.var()) / variance - 1) < 5 * math.sqrt(2 / n)


@pytest.mark.long
@pytest.mark.parametrize(("method", "variance", "options"), CASES, ids=lambda case: str(case))
def test_marginals_are_the_mixture_with_twice_the_power(method: str, variance: str, options: dict[str, float]) -> None:
    check_marginals(method, variance, options, T=1000, n=20_000)


def test_a_wrong_sampler_is_caught() -> None:
    """Ancestral steps with the chain's own betas on a subsequence (not respaced) fail the same three checks at once."""
    T, n = 400, 8_000
    schedule = NoiseSchedule.linear(T, 0.1 / T, 20 / T)
    oracle, g = mixture(schedule), torch.Generator().manual_seed(1)
    x = torch.randn(n, 2, dtype=torch.float64, generator=g)
    for t in range(T, 0, -8):
        beta, alpha, noise = float(schedule.beta(t)), float(schedule.alpha(t)), float(schedule.sigma(t))
        x = (x - beta / noise * oracle.noise(x, t)) / math.sqrt(alpha)
        x = x + math.sqrt(beta) * torch.randn(n, 2, dtype=torch.float64, generator=g)
    assert largest_ks(x, oracle.sample(n, g)) > 3 * threshold(n)
