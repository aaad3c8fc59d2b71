"""Ancestral sampling and DDIM: exact on point masses and Gaussians, noise only where it belongs."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from torch_impl import GaussianDiffusion, NoiseSchedule, sample, spaced_timesteps
from torch_impl.oracle import FiniteData, GaussianMixture
from torch_impl.samplers import Denoiser, dynamic_threshold
from torch_impl.samplers.ddim import ddim_step

COMMON = settings(deadline=None, derandomize=True, max_examples=60)

SCHEDULE = NoiseSchedule.linear(100, 0.001, 0.15)
POINT = torch.tensor([[0.7, -0.4, 0.1]], dtype=torch.float64)

steps_strategy = st.sets(st.integers(1, 99), max_size=8).map(lambda kept: [100, *sorted(kept, reverse=True), 0])


@settings(COMMON, max_examples=40)
@given(steps_strategy, st.sampled_from(["eps", "x0", "v", "score"]), st.integers(0, 2**31))
def test_deterministic_ddim_keeps_the_noise_of_a_point_mass(times: list[int], prediction: str, seed: int) -> None:
    """With the exact predictor every visited x_s is sqrt(abar_s) x_0 + sqrt(1 - abar_s) eps.

    Claim ddim.deterministic.

    Peer bug 3: the target of each step is the next entry of the list, for any spacing.
    """
    oracle = FiniteData(POINT, None, SCHEDULE)
    diffusion = GaussianDiffusion(SCHEDULE, prediction)  # type: ignore[arg-type]  # drawn from the literals
    eps = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    start = diffusion.q_sample(POINT.expand(4, 3), 100, eps)
    visited: dict[int, Tensor] = {}
    result = sample(
        oracle.model(prediction),
        diffusion,
        start,
        timesteps=times,
        callback=lambda s, x: visited.update({s: x}),  # type: ignore[arg-type]
    )
    assert list(visited) == times[1:]
    for s, x in visited.items():
        torch.testing.assert_close(x, diffusion.q_sample(POINT.expand(4, 3), s, eps), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(result, POINT.expand(4, 3), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("spacing", ["linspace", "leading", "trailing", "log_snr"])
@pytest.mark.parametrize("steps", [10, 30])
def test_every_spacing_returns_the_point(spacing: str, steps: int, linear: NoiseSchedule) -> None:
    """Peer bug 3 on the schedule and step counts where it was found; ancestral sampling as well."""
    oracle, diffusion = FiniteData(POINT, None, linear), GaussianDiffusion(linear)
    times = spaced_timesteps(linear, steps, spacing)  # type: ignore[arg-type]
    for method in ("ddim", "ddpm"):
        result = sample(oracle.noise, diffusion, torch.randn(5, 3).double(), method, timesteps=times)  # type: ignore[arg-type]
        torch.testing.assert_close(result, POINT.expand(5, 3), rtol=1e-6, atol=1e-6)


def gaussian_moments(method: str, variance: str, eta: float, times: list[int], v: float) -> dict[int, float]:
    """Exact variance of x_s at each visited time for N(0, v) data and the exact predictor: each step is gain x + noise.

    E[x_0|x_t] = a v / (a^2 v + s^2) x_t. Written from the papers' formulas in terms of alpha_bar alone.
    """
    bars = SCHEDULE.alpha_bars.tolist()
    current = bars[times[0]] * v + 1 - bars[times[0]]
    result = {}
    for t, s in pairwise(times):
        bt, bs = bars[t], bars[s]
        denoise = math.sqrt(bt) * v / (bt * v + 1 - bt)
        beta = 1 - bt / bs
        tilde = beta * (1 - bs) / (1 - bt)
        if method == "ddpm":
            gain = math.sqrt(bs) * beta / (1 - bt) * denoise + math.sqrt(bt / bs) * (1 - bs) / (1 - bt)
            noise = (tilde if variance == "posterior" else beta) if s else 0.0
        elif method == "euler_maruyama":
            width = math.log(bs / bt)
            gain, noise = 1 + width * (0.5 - 1 / (bt * v + 1 - bt)), width if s else 0.0
        else:
            noise = eta**2 * tilde
            direction = (1 - math.sqrt(bt) * denoise) / math.sqrt(1 - bt)
            gain = math.sqrt(bs) * denoise + math.sqrt(max(1 - bs - noise, 0.0)) * direction
        current = gain**2 * current + noise
        result[s] = current
    return result


@pytest.mark.parametrize(
    ("method", "variance", "eta"),
    [
        ("ddpm", "posterior", 0.0),
        ("ddpm", "beta", 0.0),
        ("ddim", "posterior", 0.0),
        ("ddim", "posterior", 0.5),
        ("ddim", "posterior", 1.0),
        ("euler_maruyama", "posterior", 0.0),
    ],
)
@pytest.mark.parametrize(
    "times", [list(range(100, -1, -1)), [100, 77, 30, 9, 0], [90, 40, 20]], ids=["all", "four", "ends at 20"]
)
def test_variances_follow_the_formulas_on_gaussian_data(
    method: str, variance: str, eta: float, times: list[int]
) -> None:
    """Sampled variance at every visited time within 5 standard errors (1.1 % each) of the exact recursion.

    Respaced betas: with the original ones the recursion would be left at once. A list that ends at 20 keeps its noise.
    """
    v, n = 0.3, 40_000
    oracle = GaussianMixture([1.0], [[0.0]], v, SCHEDULE)
    diffusion = GaussianDiffusion(SCHEDULE, "eps", variance)  # type: ignore[arg-type]
    g = torch.Generator().manual_seed(0)
    start = math.sqrt(float(oracle.moments(times[0])[1])) * torch.randn(n, 1, dtype=torch.float64, generator=g)
    seen: dict[int, float] = {}
    sample(
        oracle.noise,
        diffusion,
        start,
        method,
        timesteps=times,
        eta=eta,
        generator=g,  # type: ignore[arg-type]
        callback=lambda s, x: seen.update({s: float(x.var())}),
    )
    exact = gaussian_moments(method, variance, eta, times, v)
    for s in times[1:]:
        assert abs(seen[s] / exact[s] - 1) < 5 * math.sqrt(2 / n), s


def transferred_variance(method: str, variance: str, times: list[int], v: float) -> float:
    """Variance at the last time of what the sampler makes of N(0, v) data, with no draw: each step is affine.

    The sampler is run on a start of 1 without noise, and from 0 with a single unit of noise at one step after another.
    """
    oracle = GaussianMixture([1.0], [[0.0]], v, SCHEDULE)
    diffusion = GaussianDiffusion(SCHEDULE, "eps", variance)  # type: ignore[arg-type]

    def end(start: float, unit: int) -> float:
        def noise(shape: torch.Size, i: int) -> torch.Tensor:
            return torch.full(shape, float(i == unit), dtype=torch.float64)

        x_T = torch.tensor([[start]], dtype=torch.float64)
        return float(sample(oracle.noise, diffusion, x_T, method, timesteps=times, noise_fn=noise))  # type: ignore[arg-type]

    first = float(oracle.moments(times[0])[1])
    return first * end(1.0, -1) ** 2 + sum(end(0.0, i) ** 2 for i in range(len(times) - 1))


def test_euler_maruyama_is_of_weak_order_one() -> None:
    """Twice the steps, half the error of the variance at t = 20."""
    exact = float(SCHEDULE.alpha_bar(20)) * 0.3 + float(SCHEDULE.one_minus_alpha_bar(20))
    errors = [
        transferred_variance("euler_maruyama", "posterior", list(range(100, 19, -stride)), 0.3) - exact
        for stride in (4, 2, 1)
    ]
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.3) and errors[1] / errors[2] == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("times", [[100, 50, 20, 5], [100, 99, 1], [60, 3]])
def test_upper_variance_reproduces_standard_normal_data(times: list[int]) -> None:
    """Claim ddpm.sampling.sigma_beta: for N(0, 1) data and sigma^2 = beta the chain is exact at any spacing."""
    assert transferred_variance("ddpm", "beta", times, 1.0) == pytest.approx(1.0, rel=1e-12)
    assert transferred_variance("ddpm", "posterior", times, 1.0) < 1.0 - 1e-4  # the smaller variance is too small


def test_ddim_eta_one_is_ancestral_sampling() -> None:
    """Claim ddim.ddpm_recovery, step by step with the same noise, on any subsequence."""
    diffusion, g = GaussianDiffusion(SCHEDULE), torch.Generator().manual_seed(0)
    noises = torch.randn(6, 3, 4, dtype=torch.float64, generator=g)
    start = torch.randn(3, 4, dtype=torch.float64, generator=g)
    runs = [
        sample(
            lambda x, t: torch.tanh(x),
            diffusion,
            start,
            method,
            timesteps=[100, 80, 33, 7, 2, 1, 0],
            eta=1.0,  # type: ignore[arg-type]
            noise_fn=lambda shape, i: noises[i],
        )
        for method in ("ddim", "ddpm")
    ]
    torch.testing.assert_close(runs[0], runs[1], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("method", "eta", "drawn"), [("ddpm", 0.0, [0, 1, 2]), ("ddim", 0.7, [0, 1, 2]), ("ddim", 0.0, [])]
)
def test_noise_is_asked_for_in_order_and_only_where_it_is_added(method: str, eta: float, drawn: list[int]) -> None:
    """Peer bug 4 and the last step: none at s = 0, none for deterministic DDIM; and the shape is that of x."""
    asked: list[tuple[int, tuple[int, ...]]] = []

    def noise_fn(shape: torch.Size, index: int) -> Tensor:
        asked.append((index, tuple(shape)))
        return torch.zeros(shape)

    sample(
        lambda x, t: 0.1 * x,
        GaussianDiffusion(SCHEDULE),
        torch.randn(2, 3),
        method,
        [100, 50, 20, 1, 0][:5],
        eta,
        noise_fn=noise_fn,
    )  # type: ignore[arg-type]
    assert asked == [(i, (2, 3)) for i in drawn]
    state = torch.get_rng_state()
    sample(
        lambda x, t: 0.1 * x,
        GaussianDiffusion(SCHEDULE),
        torch.randn(2, 3, generator=torch.Generator()),
        "ddim",
        [100, 50, 0],
    )
    assert torch.equal(state, torch.get_rng_state())


def test_last_step_from_any_time_is_the_denoised_image() -> None:
    """Peer bug 4: with the large variance and a last t of 30 nothing of std sqrt(beta') is left on the result."""
    diffusion = GaussianDiffusion(SCHEDULE, "x0", "beta")
    for method in ("ddpm", "ddim"):
        result = sample(lambda x, t: torch.full_like(x, 0.25), diffusion, torch.randn(2, 3), method, [100, 30, 0])  # type: ignore[arg-type]
        torch.testing.assert_close(result, torch.full((2, 3), 0.25))


def test_tiny_betas_keep_their_log_variance() -> None:
    """Peer bug 4: log beta is never square-rooted; betas of 1e-12 sample without NaN."""
    schedule = NoiseSchedule.from_betas([1e-12, 1e-10, 1e-3, 0.5])
    for variance in ("posterior", "beta"):
        diffusion = GaussianDiffusion(schedule, "v", variance)  # type: ignore[arg-type]
        assert torch.isfinite(sample(lambda x, t: 0.1 * x, diffusion, torch.randn(2, 3), "ddpm")).all()


def test_one_step_chain_and_zero_terminal_snr_sample() -> None:
    for schedule, prediction in (
        (NoiseSchedule.from_betas([0.6]), "eps"),
        (NoiseSchedule.from_betas([1.0]), "v"),
        (SCHEDULE.zero_terminal_snr(), "v"),
        (SCHEDULE.zero_terminal_snr(), "x0"),
    ):
        oracle, diffusion = FiniteData(POINT, None, schedule), GaussianDiffusion(schedule, prediction)  # type: ignore[arg-type]
        for method in ("ddim", "ddpm"):
            result = sample(oracle.model(prediction), diffusion, torch.randn(4, 3).double(), method)  # type: ignore[arg-type]
            torch.testing.assert_close(result, POINT.expand(4, 3), rtol=1e-8, atol=1e-8)


def test_clipping_keeps_the_network_noise_unless_told() -> None:
    """Claim ddpm.sampling.clip_x0: eps stays the network's, or is rederived from the clipped x_0."""
    diffusion = GaussianDiffusion(SCHEDULE)
    x = torch.full((1, 1), 3.0, dtype=torch.float64)
    eps = torch.full_like(x, -2.0)
    a, s = float(SCHEDULE.signal(60)), float(SCHEDULE.sigma(60))
    b, r = float(SCHEDULE.signal(20)), float(SCHEDULE.sigma(20))
    assert (3.0 + 2 * s) / a > 1
    kept = sample(lambda x, t: eps, diffusion, x, timesteps=[60, 20], clip_x0=True)
    assert float(kept) == pytest.approx(b * 1.0 + r * -2.0, rel=1e-12)
    again = sample(lambda x, t: eps, diffusion, x, timesteps=[60, 20], clip_x0=True, rederive_eps=True)
    assert float(again) == pytest.approx(b * 1.0 + r * (3.0 - a) / s, rel=1e-12)
    mean = sample(
        lambda x, t: eps, diffusion, x, "ddpm", [60, 20], clip_x0=True, noise_fn=lambda shape, i: torch.zeros(shape)
    )
    beta = 1 - (a / b) ** 2
    assert float(mean) == pytest.approx(b * beta / s**2 * 1.0 + a / b * r**2 / s**2 * 3.0, rel=1e-12)
    small = torch.full_like(x, 0.01)
    for method in ("ddim", "ddpm"):
        runs = [
            sample(
                lambda x, t: 0.9 * x,
                diffusion,
                small,
                method,
                [60, 20, 0],
                clip_x0=c,
                noise_fn=lambda shape, i: torch.zeros(shape),
            )
            for c in (False, True)
        ]  # type: ignore[arg-type]
        torch.testing.assert_close(runs[0], runs[1], rtol=1e-10, atol=0)


def test_dynamic_threshold_limits_each_example_to_its_own_quantile() -> None:
    clip = dynamic_threshold(0.9)
    x = torch.linspace(-0.5, 0.5, 101).unsqueeze(0)
    torch.testing.assert_close(clip(x), x)
    big = torch.cat([x, 8 * x])
    value = clip(big)
    torch.testing.assert_close(value[:1], x)
    limit = (8 * x).abs().quantile(0.9)
    torch.testing.assert_close(value[1:], (8 * x).clamp(-limit, limit) / limit)
    assert float(value.abs().max()) <= 1
    with pytest.raises(ValueError, match=r"quantile = 1\.5"):
        dynamic_threshold(1.5)


def test_learned_variance_samples_between_the_two_extremes() -> None:
    """One respaced step: fraction +1 adds std sqrt(beta'), -1 adds sqrt(beta-tilde')."""
    diffusion = GaussianDiffusion(SCHEDULE, "eps", "learned")
    bt, bs = float(SCHEDULE.alpha_bar(80)), float(SCHEDULE.alpha_bar(30))
    beta = 1 - bt / bs
    x = torch.randn(2, 3).double()
    for fraction, var in (
        (1.0, beta),
        (-1.0, beta * (1 - bs) / (1 - bt)),
        (0.0, beta * math.sqrt((1 - bs) / (1 - bt))),
    ):
        runs = [
            sample(
                lambda x, t, f=fraction: torch.cat([0.2 * x, torch.full_like(x, f)], 1),
                diffusion,
                x,
                "ddpm",
                [80, 30],
                noise_fn=lambda shape, i, n=n: n * torch.ones(shape),
            )
            for n in (0, 1)
        ]
        torch.testing.assert_close(runs[1] - runs[0], torch.full_like(x, math.sqrt(var)), rtol=1e-10, atol=0)
    halves = sample(lambda x, t: torch.cat([0.2 * x, x], 1), diffusion, x, "ddim", [80, 30, 0])
    plain = sample(lambda x, t: 0.2 * x, GaussianDiffusion(SCHEDULE), x, "ddim", [80, 30, 0])
    torch.testing.assert_close(halves, plain)


def test_ddim_step_writes_into_a_buffer() -> None:
    denoiser = Denoiser(lambda x, t: 0.1 * x, GaussianDiffusion(SCHEDULE))
    x, output = torch.randn(2, 3), torch.randn(2, 3)
    expected = ddim_step(denoiser, x, output, 60, 20)
    for target in (torch.empty(2, 3), x.clone()):
        source = target if torch.equal(target, x) else x
        out = ddim_step(denoiser, source, output, 60, 20, out=target)
        assert out is target
        torch.testing.assert_close(out, expected)


def test_start_is_not_overwritten_and_no_graph_is_kept() -> None:
    x = torch.randn(2, 3)
    before = x.clone()
    weight = torch.tensor(0.1, requires_grad=True)
    for method in ("ddim", "ddpm"):
        result = sample(lambda x, t: weight * x, GaussianDiffusion(SCHEDULE), x, method, [100, 50, 0])  # type: ignore[arg-type]
        assert torch.equal(x, before) and not result.requires_grad


def test_same_generator_same_sample() -> None:
    x, diffusion = torch.randn(2, 3), GaussianDiffusion(SCHEDULE)
    runs = [
        sample(lambda x, t: 0.1 * x, diffusion, x, "ddpm", generator=torch.Generator().manual_seed(s))
        for s in (1, 1, 2)
    ]
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])


def test_bad_arguments_are_named() -> None:
    diffusion, x = GaussianDiffusion(SCHEDULE), torch.randn(2, 3)
    model = lambda x, t: x  # noqa: E731 - a network in a line
    for call, error, message in (
        (
            lambda: sample(model, diffusion, x, "euler-ish"),
            ValueError,
            "method = 'euler-ish' is not one of 'ddim'|'ddpm'",
        ),
        (lambda: sample(model, diffusion, x, timesteps=[100]), ValueError, "a start and an end"),
        (
            lambda: sample(model, diffusion, x, timesteps=[0, 100]),
            ValueError,
            "go from 0 to 100, .* strictly decreasing",
        ),
        (lambda: sample(model, diffusion, x, timesteps=[100, 50, 50, 0]), ValueError, "go from 50 to 50"),
        (lambda: sample(model, diffusion, x, timesteps=[101, 0]), ValueError, r"t = 101, but times here are 0\.\.100"),
        (lambda: sample(model, diffusion, x, eta=-0.5), ValueError, "eta = -0.5"),
        (lambda: sample(model, diffusion, x, eta=9.0), ValueError, "lower eta"),
        (lambda: sample(model, diffusion, x, timesteps=[100, 2, 0], eta=1.01), ValueError, "lower eta"),
        (lambda: sample(model, diffusion, x * math.nan), ValueError, "x_T holds NaN"),
        (lambda: sample(model, diffusion, x.long()), TypeError, "floating-point"),
        (lambda: sample(lambda x, t: x[:, :2], diffusion, x), ValueError, r"shape \(2, 2\) at t = 100"),
        (
            lambda: sample(model, diffusion, x, "ddpm", noise_fn=lambda shape, i: torch.zeros(1)),
            ValueError,
            "noise_fn returned",
        ),
    ):
        with pytest.raises(error, match=message):
            call()  # type: ignore[no-untyped-call]
