"""The exact denoisers against quadrature, autograd and brute force, at both ends of the schedule."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from torch_impl import GaussianDiffusion, NoiseSchedule
from torch_impl.oracle import FiniteData, GaussianMixture

COMMON = settings(deadline=None, derandomize=True, max_examples=60)

SCHEDULE = NoiseSchedule.linear(50, 0.001, 0.25)
ENDED = SCHEDULE.zero_terminal_snr()
WEIGHTS, MEANS, VARIANCES = [0.3, 0.5, 0.2], [[-1.0], [0.4], [2.0]], [0.05, 0.2, 0.01]


def line() -> GaussianMixture:
    return GaussianMixture(WEIGHTS, MEANS, VARIANCES, SCHEDULE)


def plane(schedule: NoiseSchedule = SCHEDULE) -> GaussianMixture:
    means = torch.tensor([[1.0, 0.5], [-0.8, 0.1], [0.2, -1.3]])
    variances = torch.tensor([[0.2, 0.05], [0.1, 0.3], [0.02, 0.02]])
    return GaussianMixture(torch.tensor([0.2, 0.5, 0.3]), means, variances, schedule)


def data_density(x: float) -> float:
    return float(
        sum(w * stats.norm.pdf(x, m[0], math.sqrt(v)) for w, m, v in zip(WEIGHTS, MEANS, VARIANCES, strict=True))
    )


@pytest.mark.parametrize("t", [1, 5, 20, 50])
@pytest.mark.parametrize("x", [-2.0, 0.1, 1.3])
def test_mixture_is_bayes_rule_by_quadrature(t: int, x: float) -> None:
    """q_t(x), E[x_0|x], E[eps|x] as integrals over x_0 of the data density times the noising kernel."""
    a, s = float(SCHEDULE.signal(t)), float(SCHEDULE.sigma(t))

    def integral(f: object) -> float:
        kernel = lambda y: data_density(y) * stats.norm.pdf(x, a * y, s) * f(y)  # type: ignore[operator]  # noqa: E731 - the integrand reads best in place
        edges = sorted(
            {-6.0, 6.0, x / a, *(m[0] for m in MEANS)} & {v for v in [-6.0, 6.0, x / a, -1.0, 0.4, 2.0] if abs(v) <= 6}
        )
        return sum(
            integrate.quad(kernel, lo, hi, epsabs=1e-14, epsrel=1e-11, limit=300)[0] for lo, hi in pairwise(edges)
        )

    mass, first = integral(lambda y: 1.0), integral(lambda y: y)
    oracle, point = line(), torch.tensor([[x]], dtype=torch.float64)
    assert float(oracle.log_prob(point, t)) == pytest.approx(math.log(mass), rel=1e-9, abs=1e-9)
    assert float(oracle.denoiser(point, t)) == pytest.approx(first / mass, rel=1e-8, abs=1e-9)
    assert float(oracle.noise(point, t)) == pytest.approx((x - a * first / mass) / s, rel=1e-7, abs=1e-8)


def test_score_is_the_gradient_of_the_log_density() -> None:
    """Claim score.marginal_identity, by autograd of log_prob; at t = 0 as well."""
    oracle = plane()
    for t in (0, 1, 10, 50):
        x = torch.randn(7, 2, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(oracle.log_prob(x, t).sum(), x)
        torch.testing.assert_close(oracle.score(x, t), gradient, rtol=1e-10, atol=1e-10)
    x = torch.randn(5, 2, dtype=torch.float64)
    torch.testing.assert_close(oracle.log_prob(x), oracle.log_prob(x, 0), rtol=0, atol=0)


@settings(COMMON, max_examples=40)
@given(st.integers(1, 50), st.integers(0, 2**31))
def test_all_heads_tell_one_story(t: int, seed: int) -> None:
    """x_t = a E[x_0] + s E[eps]; score = -E[eps]/s; v = a E[eps] - s E[x_0]: for both oracles."""
    g = torch.Generator().manual_seed(seed)
    points = torch.randn(9, 2, dtype=torch.float64, generator=g)
    for oracle in (plane(), FiniteData(points, None, SCHEDULE, chunk=4)):
        x = 2 * torch.randn(5, 2, dtype=torch.float64, generator=g)
        a, s = float(SCHEDULE.signal(t)), float(SCHEDULE.sigma(t))
        x0, eps = oracle.denoiser(x, t), oracle.noise(x, t)
        torch.testing.assert_close(a * x0 + s * eps, x, rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(oracle.score(x, t), -eps / s, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(oracle.velocity(x, t), a * eps - s * x0, rtol=1e-12, atol=1e-12)
        times = torch.full((5,), t)
        for prediction, head in (("eps", eps), ("x0", x0), ("v", oracle.velocity(x, t)), ("score", oracle.score(x, t))):
            torch.testing.assert_close(oracle.model(prediction)(x, times), head, rtol=0, atol=0)  # type: ignore[arg-type]


def test_both_ends_of_the_schedule_are_safe() -> None:
    """s -> 0: the denoiser is x or the nearest point; a = 0: it is the mean of the data; nothing is NaN in between."""
    sharp = NoiseSchedule.from_betas([1e-12, 0.5, 1.0])
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 30.0]], dtype=torch.float64)
    finite = FiniteData(points, [0.2, 0.3, 0.5], sharp)
    near = points + 1e-9
    torch.testing.assert_close(finite.denoiser(near, 1), points, rtol=0, atol=0)
    assert torch.equal(finite.denoiser(near, 0), near)
    assert torch.equal(finite.denoiser(near, torch.tensor([0, 1, 0]))[1], points[1])
    far = 1e6 * torch.ones(2, 2, dtype=torch.float64)
    for t in (1, 2, 3):
        assert torch.isfinite(finite.denoiser(far, t)).all() and torch.isfinite(finite.log_prob(far, t)).all()
    mean = (torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64) @ points).expand(2, 2)
    torch.testing.assert_close(finite.denoiser(far, 3), mean, rtol=1e-12, atol=0)
    mixture = plane(sharp)
    x = torch.randn(4, 2, dtype=torch.float64)
    torch.testing.assert_close(mixture.denoiser(x, 0), x, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(mixture.denoiser(x, 3), mixture.moments()[0].expand(4, 2), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(mixture.noise(x, 3), x, rtol=1e-12, atol=0)
    assert torch.isfinite(mixture.score(far, 1)).all()


def test_finite_data_is_brute_force_over_the_points() -> None:
    g = torch.Generator().manual_seed(1)
    for dim, n in ((2, 11), (12, 40)):
        points, x = (torch.randn(k, dim, dtype=torch.float64, generator=g) for k in (n, 6))
        weights = torch.rand(n, dtype=torch.float64, generator=g) + 0.1
        weights /= weights.sum()
        for t in (1, 20, 50):
            a, s = float(SCHEDULE.signal(t)), float(SCHEDULE.sigma(t))
            logs = np.array(
                [
                    [
                        math.log(w) + stats.norm.logpdf(y, a * p, s).sum()
                        for p, w in zip(points.numpy(), weights.tolist(), strict=True)
                    ]
                    for y in x.numpy()
                ]
            )
            top = logs.max(1, keepdims=True)
            share = np.exp(logs - top)
            for chunk in (1, 7, 4096):
                oracle = FiniteData(points, weights, SCHEDULE, chunk)
                np.testing.assert_allclose(
                    oracle.log_prob(x, t).numpy(), (top + np.log(share.sum(1, keepdims=True)))[:, 0], rtol=1e-10
                )
                expected = share @ points.numpy() / share.sum(1, keepdims=True)
                np.testing.assert_allclose(oracle.denoiser(x, t).numpy(), expected, rtol=1e-9, atol=1e-10)


def test_a_narrow_mixture_tends_to_the_finite_set() -> None:
    points = torch.tensor([[0.0, 1.0], [1.0, -1.0], [-2.0, 0.5]], dtype=torch.float64)
    mixture = GaussianMixture([1 / 3] * 3, points, 1e-14, SCHEDULE)
    finite = FiniteData(points, None, SCHEDULE)
    x = torch.randn(6, 2, dtype=torch.float64)
    for t in (1, 10, 50):
        torch.testing.assert_close(mixture.denoiser(x, t), finite.denoiser(x, t), rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(mixture.log_prob(x, t), finite.log_prob(x, t), rtol=1e-6, atol=1e-6)


def test_moments_follow_the_forward_covariance() -> None:
    """Claim ddpm.forward.covariance, against 200,000 noised draws: within 5 standard errors each."""
    oracle, n = plane(), 200_000
    g = torch.Generator().manual_seed(0)
    draws = oracle.sample(n, g)
    for t in (0, 30):
        x = GaussianDiffusion(SCHEDULE).q_sample(draws, t, torch.randn(n, 2, dtype=torch.float64, generator=g))
        mean, covariance = oracle.moments(t)
        assert ((x.mean(0) - mean).abs() < 5 * covariance.diagonal().sqrt() / math.sqrt(n)).all()
        products = (x - mean).unsqueeze(2) * (x - mean).unsqueeze(1)
        assert ((products.mean(0) - covariance).abs() < 5 * products.std(0) / math.sqrt(n)).all()


def test_best_loss_of_one_gaussian_is_exact() -> None:
    """For N(m, v): E||x_0 - E[x_0|x_t]||^2 / d = v s^2 / (a^2 v + s^2)."""
    oracle = GaussianMixture([1.0], [[1.0, -2.0, 0.5]], [[0.2, 1.0, 3.0]], SCHEDULE)
    t = torch.tensor([1, 25, 50])
    a2, s2 = SCHEDULE.alpha_bar(t), SCHEDULE.one_minus_alpha_bar(t)
    v = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64).unsqueeze(1)
    x0 = (v * s2 / (a2 * v + s2)).mean(0)
    torch.testing.assert_close(oracle.best_loss(t, "x0"), x0, rtol=1e-13, atol=0)
    torch.testing.assert_close(oracle.best_loss(t), x0 * a2 / s2, rtol=1e-12, atol=0)
    torch.testing.assert_close(oracle.best_loss(t, "v"), x0 / s2, rtol=1e-12, atol=0)
    torch.testing.assert_close(oracle.best_loss(t, "score"), x0 * a2 / s2**2, rtol=1e-12, atol=0)
    assert oracle.best_loss(25).shape == ()


@pytest.mark.parametrize("t", [1, 8, 25, 50])
def test_best_loss_of_a_mixture_is_the_integral(t: int) -> None:
    """E[x_0^2] - E[E[x_0|x_t]^2], the second by adaptive quadrature over x_t, against the quadrature of the oracle."""
    oracle = line()
    second = sum(w * (m[0] ** 2 + v) for w, m, v in zip(WEIGHTS, MEANS, VARIANCES, strict=True))

    def integrand(x: float) -> float:
        point = torch.tensor([[x]], dtype=torch.float64)
        return math.exp(float(oracle.log_prob(point, t))) * float(oracle.denoiser(point, t)) ** 2

    explained, _ = integrate.quad(integrand, -8, 8, points=[-1.0, 0.4, 2.0], epsabs=1e-11, limit=400)
    assert float(oracle.best_loss(t, "x0")) == pytest.approx(second - explained, rel=1e-7, abs=1e-10)


@pytest.mark.parametrize("kind", ["plane", "cloud", "finite"])
def test_best_loss_is_what_the_exact_denoiser_scores(kind: str) -> None:
    """The loss of the oracle itself, 100,000 draws, within 5 standard errors (its own and the estimate's)."""
    g = torch.Generator().manual_seed(7)
    oracle: GaussianMixture | FiniteData
    if kind == "plane":
        oracle = plane()
    elif kind == "cloud":
        oracle = GaussianMixture([0.5, 0.5], torch.randn(2, 6, generator=g), 0.3, SCHEDULE)
    else:
        oracle = FiniteData(torch.randn(30, 4, generator=g), None, SCHEDULE)
    diffusion = GaussianDiffusion(SCHEDULE, "x0")
    for t in (8, 20, 45):
        losses = torch.cat(
            [
                diffusion.loss(oracle.model("x0"), oracle.sample(5000, g), t=t, reduction="none", generator=g)
                for _ in range(20)
            ]
        )
        error = float(losses.std()) / math.sqrt(losses.numel())
        own = oracle.denoising_error(t)[1] / oracle.event.numel()
        assert abs(float(losses.mean()) - float(oracle.best_loss(t, "x0"))) < 5 * math.hypot(error, own)
        assert error < 0.02 * float(losses.mean()) and own < 0.1 * float(losses.mean())


def test_no_network_beats_the_oracle() -> None:
    """Perturbing the exact denoiser in any direction raises its loss by the square of the perturbation."""
    oracle, g = plane(), torch.Generator().manual_seed(0)
    diffusion = GaussianDiffusion(SCHEDULE, "x0")
    x0 = oracle.sample(20_000, g)
    best = oracle.model("x0")
    for shift in (0.1, -0.1):
        worse = lambda x, t, shift=shift: best(x, t) + shift * torch.tanh(x)  # noqa: E731 - one line, used once
        gap = [float(diffusion.loss(m, x0, t=20, generator=torch.Generator().manual_seed(1))) for m in (worse, best)]
        assert gap[0] > gap[1]


def test_best_training_loss_averages_the_weighted_best() -> None:
    oracle = plane()
    for prediction, weighting in (("eps", "simple"), ("v", "min_snr"), ("x0", "vlb")):
        diffusion = GaussianDiffusion(SCHEDULE, prediction)  # type: ignore[arg-type]
        best = oracle.best_loss(torch.arange(1, 51), prediction)  # type: ignore[arg-type]
        expected = float((diffusion.weight(weighting)[1:] * best).mean())  # type: ignore[arg-type]
        assert oracle.best_training_loss(diffusion, weighting) == pytest.approx(expected, rel=1e-12)  # type: ignore[arg-type]
    other = GaussianDiffusion(NoiseSchedule.linear(20, 0.01, 0.3))
    expected = float(oracle.under(other.schedule).best_loss(torch.arange(1, 21)).mean())
    assert oracle.best_training_loss(other) == pytest.approx(expected, rel=1e-12)


def test_float32_input_is_summed_in_float64() -> None:
    """Points 1e-3 apart seen through noise 1e-3: logits near 1e6.

    Whose float32 rounding would already decide the softmax.
    """
    schedule = NoiseSchedule.from_betas([1e-6, 0.5])
    g = torch.Generator().manual_seed(0)
    points = 1.0 + 1e-3 * torch.randn(20, 16, generator=g).double()
    x = (points[:5] + 1e-3 * torch.randn(5, 16, generator=g)).float()
    oracle = FiniteData(points, None, schedule)
    value = oracle.denoiser(x, 1)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value.double(), oracle.denoiser(x.double(), 1), rtol=1e-6, atol=1e-7)


def test_images_are_welcome() -> None:
    points = torch.rand(7, 1, 4, 4)
    oracle = FiniteData(points, None, SCHEDULE)
    x, t = torch.randn(3, 1, 4, 4), torch.tensor([1, 2, 50])
    assert oracle.denoiser(x, t).shape == oracle.noise(x, t).shape == oracle.score(x, t).shape == x.shape
    assert oracle.log_prob(x, t).shape == (3,)
    one_by_one = torch.cat([oracle.denoiser(x[i : i + 1], int(t[i])) for i in range(3)])
    torch.testing.assert_close(oracle.denoiser(x, t), one_by_one)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianMixture([0.5, 0.4], [[0.0], [1.0]], 1.0), "sum to 1"),
        (lambda: GaussianMixture([1.0], [0.0], 1.0), r"must be \(1, \*event\)"),
        (lambda: GaussianMixture([1.0], [[0.0]], 0.0), "use FiniteData for points"),
        (lambda: GaussianMixture([1.0], [[math.nan]], 1.0), "means holds NaN"),
        (lambda: GaussianMixture([0.5, 0.5], [[0.0], [1.0]], [1.0, 1.0, 1.0]), "variances has shape"),
        (lambda: FiniteData([1.0, 2.0]), r"shape \(N, \*event\)"),
        (lambda: FiniteData([[1.0]], [0.5]), "sum to 1"),
        (lambda: FiniteData([[1.0]], chunk=0), "chunk = 0"),
        (lambda: FiniteData([[1.0]], None, SCHEDULE).log_prob(torch.zeros(1, 1)), "has no density"),
        (lambda: line().log_prob(torch.zeros(1, 2)), r"over shape \(batch, 1\)"),
        (lambda: line().score(torch.zeros(3, 1), torch.tensor([1, 2])), "one time per example"),
        (lambda: GaussianMixture([1.0], [[0.0]], 1.0).score(torch.zeros(1, 1), 1), "no schedule was given"),
        (lambda: line().best_loss(0), r"times here are 1\.\.50"),
        (lambda: line().model("mu"), "prediction = 'mu'"),
    ],
)
def test_bad_laws_are_named(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_ended_schedule_keeps_best_losses_finite() -> None:
    """At alpha_bar_T = 0 the best v- and x0-losses are the data's own variance."""
    oracle = plane(ENDED)
    variance = float(oracle.moments()[1].trace()) / 2
    for prediction in ("v", "x0"):
        assert float(oracle.best_loss(50, prediction)) == pytest.approx(variance, rel=1e-10)  # type: ignore[arg-type]
