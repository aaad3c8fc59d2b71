"""Score models against mixtures whose score is known: every sampler's law, densities, losses, ladders, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from torch_impl.objectives.score_matching import score_matching_loss
from torch_impl.oracle.on_path import MixtureOnPath
from torch_impl.process.paths import GeometricRate, LinearRate, Path
from torch_impl.random.draws import Draws
from torch_impl.samplers.continuous import (
    annealed_langevin,
    denoised,
    even_log_snr_times,
    flow_field,
    predict_and_correct,
    reverse_sde,
    start,
)
from torch_impl.samplers.runge_kutta import adaptive, integrate, log_density, solver
from torch_impl.systems.ncsn import NCSNConfig
from torch_impl.systems.sde import MixtureSDEConfig, SDEConfig
from torch_impl.training.system import Batch

PATHS: dict[str, Path] = {
    "vp": LinearRate().path("vp"),
    "subvp": LinearRate().path("sub_vp"),
    "ve": GeometricRate(0.01, 50.0).path("ve"),
}
LAW = ([0.3, 0.5, 0.2], [(1.0, 0.5), (-0.8, 0.1), (0.2, -1.3)], [(0.2, 0.05), (0.1, 0.3), (0.04, 0.04)])
LEAST = 0.01


def oracle_on(path: Path) -> MixtureOnPath:
    return MixtureOnPath(*LAW, path)


def drawn(how: str, path: Path, n: int = 6000, loud: float = 1.0, model=None) -> Tensor:
    """Samples by the exact score from the prior."""
    generator = torch.Generator().manual_seed(3)

    def noise(shape: torch.Size, i: int) -> Tensor:
        return loud * torch.randn(shape, generator=generator, dtype=torch.float64)

    model = model or oracle_on(path).noise
    x = start(path, torch.randn(n, 2, generator=generator, dtype=torch.float64))
    if how == "euler_maruyama":
        return reverse_sde(model, path, x, even_log_snr_times(path, 400, LEAST), noise)
    if how == "predictor_corrector":
        return predict_and_correct(model, path, x, even_log_snr_times(path, 150, LEAST), noise)
    if how == "langevin":
        return annealed_langevin(model, path, x, even_log_snr_times(path, 60, LEAST), noise, 16, 0.2)
    field = flow_field(model, path)
    if how == "dopri5":
        last = even_log_snr_times(path, 1, LEAST)[-1]
        return denoised(model, path, adaptive(field, x, path.T, last, 1e-5), last)
    times = even_log_snr_times(path, 40, LEAST)
    return denoised(model, path, integrate(field, x, times, solver(how)), times[-1])


def off(x: Tensor) -> tuple[float, float]:
    """How many standard errors the moments are off at most, and the largest two-sample Kolmogorov-Smirnov distance.

    The distance is over its bound at level 1e-4, of twelve projections together (Smirnov's tail).
    """
    oracle, n = oracle_on(PATHS["vp"]), len(x)
    mean, covariance = oracle.moments()
    first = ((x.mean(0) - mean).abs() / (covariance.diagonal() / n).sqrt()).max()
    products = (x - mean).unsqueeze(2) * (x - mean).unsqueeze(1)
    second = ((products.mean(0) - covariance).abs() / (products.std(0) / math.sqrt(n))).max()
    truth, distance = oracle.sample(n, torch.Generator().manual_seed(4)), 0.0
    for angle in torch.arange(12) * math.pi / 12:
        u = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
        a, b = (x @ u).sort().values, (truth @ u).sort().values
        both = torch.cat([a, b])
        gap = torch.searchsorted(a, both, right=True) - torch.searchsorted(b, both, right=True)
        distance = max(distance, float(gap.abs().max()) / n)
    return float(torch.maximum(first, second)), distance / math.sqrt(math.log(24 / 1e-4) / n)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("sde", PATHS)
@pytest.mark.parametrize(
    "how", ["euler_maruyama", "predictor_corrector", pytest.param("langevin", marks=pytest.mark.long), "heun", "dopri5"]
)
def test_every_sampler_of_every_equation_draws_the_same_law(sde: str, how: str) -> None:
    """Mean and covariance within 5 standard errors of the mixture's, and the two-sample test at level 1e-4."""
    moments, distance = off(drawn(how, PATHS[sde]))
    assert moments < 5 and distance < 1


@pytest.mark.parametrize("how", ["euler_maruyama", "predictor_corrector"])
def test_louder_noise_and_a_wrong_score_are_caught(how: str) -> None:
    path = PATHS["vp"]
    assert max(off(drawn(how, path, loud=1.3))) > 5
    exact = oracle_on(path).noise
    assert max(off(drawn(how, path, model=lambda x, t: 0.75 * exact(x, t)))) > 5


def test_the_flow_with_all_of_the_score_is_caught() -> None:
    """Twice the pull, as the reverse SDE has it, without the noise: the law collapses."""
    path = PATHS["vp"]
    exact = oracle_on(path).noise
    assert max(off(drawn("heun", path, model=lambda x, t: 2 * exact(x, t)))) > 5


@pytest.mark.parametrize("sde", PATHS)
def test_langevin_walks_down_the_ladder_as_written(sde: str) -> None:
    """On N(0, v) data every variance is known: x / alpha is carried between levels, each step is linear, plus noise."""
    path, v, n, count, size = PATHS[sde], 0.3, 40_000, 3, 0.3
    model = MixtureOnPath([1.0], [(0.0,)], [(v,)], path).noise
    generator, times = torch.Generator().manual_seed(0), [path.T, *(share * path.T for share in (0.7, 0.4, 0.2))]
    variance = float(path.at(path.T).sigma) ** 2
    for i, t in enumerate(times):
        at = path.at(t)
        a2, s2 = float(at.alpha) ** 2, float(at.sigma) ** 2
        if i:
            variance *= a2 / float(path.at(times[i - 1]).alpha) ** 2
        for _ in range(count):
            variance = (1 - size * s2 / (a2 * v + s2)) ** 2 * variance + 2 * size * s2
    variance *= (v * math.sqrt(a2) / (a2 * v + s2)) ** 2  # the step that takes the last noise away
    x = start(path, torch.randn(n, 1, generator=generator, dtype=torch.float64))
    noise = lambda shape, i: torch.randn(shape, generator=generator, dtype=torch.float64)  # noqa: E731
    found = annealed_langevin(model, path, x, times, noise, count, size)
    assert abs(float(found.var()) / variance - 1) < 5 * math.sqrt(2 / n)


@pytest.mark.parametrize("sde", PATHS)
def test_the_density_by_the_flow_is_the_exact_one(sde: str) -> None:
    """Between the laws at both ends of the path, which are known, within 1e-3 nats for every point."""
    path = PATHS[sde]
    oracle, times = oracle_on(path), even_log_snr_times(path, 80, LEAST)[::-1]
    x = oracle.sample(60, torch.Generator().manual_seed(1))
    exact = oracle.log_prob(x, torch.full((60,), times[0]).double())
    last = torch.full((60,), times[-1]).double()

    def off_by(model) -> Tensor:
        found = log_density(flow_field(model, path), x, times, solver("rk4"), lambda z: oracle.log_prob(z, last))
        return (found - exact).abs()

    assert float(off_by(oracle.noise).max()) < 1e-3
    assert float(off_by(lambda points, t: 0.95 * oracle.noise(points, t)).mean()) > 1e-2


@pytest.mark.parametrize("sde", PATHS)
def test_the_exact_noise_has_the_least_loss_and_any_other_pays_its_distance(sde: str) -> None:
    path, generator = PATHS[sde], torch.Generator().manual_seed(0)
    oracle = oracle_on(path)
    x0, t = oracle.sample(40_000, generator), torch.full((40_000,), 0.4).double()
    noise = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
    found = float(score_matching_loss(oracle.noise, path, x0, t, noise))
    assert found == pytest.approx(oracle.least_noise_error(np.array([0.4]), np.array([1.0])), rel=0.02)
    other = float(score_matching_loss(lambda x, s: oracle.noise(x, s) + 0.3, path, x0, t, noise))
    assert other - found == pytest.approx(0.09, rel=0.08)


def test_the_likelihood_weight_is_that_of_the_score_by_g_squared() -> None:
    path, generator = PATHS["subvp"], torch.Generator().manual_seed(0)
    oracle, t = oracle_on(path), torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    x0, noise = (torch.randn(3, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    at = path.at(t)
    x = at.alpha[:, None] * x0 + at.sigma[:, None] * noise
    model = lambda points, s: oracle.noise(points, s) + 0.1  # noqa: E731
    score, target = -model(x, t) / at.sigma[:, None], -noise / at.sigma[:, None]
    weighted = (at.diffusion_sq * (score - target).square().mean(1)).mean()
    found = score_matching_loss(model, path, x0, t, noise, "likelihood")
    assert float(found) == pytest.approx(float(weighted), rel=1e-12)


@pytest.mark.parametrize("sde", ["vp", "subvp", "ve"])
def test_the_best_loss_is_that_of_the_exact_noise(sde) -> None:
    system = MixtureSDEConfig(2, 2, sde=sde).build()
    x = system.oracle.sample(20_000, torch.Generator().manual_seed(0)).float()
    found = [float(system.oracle_loss(Batch(x), Draws(seed, len(x)).at(0))) for seed in range(4)]
    assert np.mean(found) == pytest.approx(system.best_loss(), rel=0.02)


def test_a_ladder_is_geometric_and_training_stays_on_it() -> None:
    system = NCSNConfig(levels=12, widths=(8,), blocks=1, sigma_min=0.02, sigma_max=20.0).build()
    sigmas = [float(system.path.at(t).sigma) for t in system._ladder]
    ratios = np.array(sigmas[1:]) / np.array(sigmas[:-1])
    assert len(sigmas) == 12 and sigmas[0] == pytest.approx(20, rel=1e-5) and sigmas[-1] == pytest.approx(0.02)
    assert ratios == pytest.approx(ratios[0], rel=1e-5)
    times = system.times(Draws(0, 480).at(0))
    assert set(times.tolist()) == set(system._ladder)
    assert torch.unique(times, return_counts=True)[1].tolist() == [40] * 12


def test_the_geometric_path_has_the_noise_that_it_says() -> None:
    path, t = GeometricRate(0.01, 50.0).path("ve"), torch.linspace(0.1, 1, 5, dtype=torch.float64)
    expected = 0.01 * torch.sqrt(5000.0 ** (2 * t) - 1)
    torch.testing.assert_close(path.at(t).sigma, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SDEConfig(sigma_min=0.0), "it must lie in"),
        (lambda: SDEConfig(sigma_max=0.5), "the size of the data"),
        (lambda: SDEConfig.small().build().sample(2, torch.Generator(), sampler="ddim"), "a score model is sampled by"),
        (lambda: SDEConfig.small().build().sample(2, torch.Generator(), steps=0), "at least one is needed"),
        (lambda: SDEConfig.small().build().sample(2, torch.Generator(), langevin_count=0), "at least one Langevin"),
        (lambda: SDEConfig.small().build().sample(2, torch.Generator(), langevin_size=2.0), r"it must lie in \(0, 2\)"),
        (lambda: SDEConfig.small().build().sample(2, torch.Generator(), tolerance=0.1), "a fixed number of steps"),
        (
            lambda: SDEConfig.small().build().sample(2, torch.Generator(), sampler="dopri5", tolerance=0.0),
            "an adaptive solver needs a positive one",
        ),
        (lambda: SDEConfig.small().build().sample(2, torch.Generator(), guidance=2.0), "leave out --label"),
        (lambda: NCSNConfig.small().build().sample(2, torch.Generator(), steps=9), "leave out --steps"),
        (lambda: NCSNConfig.small().build().sample(2, torch.Generator(), sampler="heun"), "is sampled by langevin"),
        (lambda: even_log_snr_times(PATHS["vp"], 5, 1000.0), "lower sigma_min"),
        (lambda: GeometricRate(2.0, 1.0), "0 < sigma_min < sigma_max"),
    ],
)
def test_what_cannot_be_is_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
