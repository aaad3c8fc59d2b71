"""Orders of the ODE solvers, measured against a mixture's exact trajectory integrated to 1e-13 in NumPy."""

import math
from collections.abc import Callable
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from torch_impl import GaussianDiffusion, NoiseSchedule, sample
from torch_impl.oracle import FiniteData, GaussianMixture
from torch_impl.samplers import METHODS, SAMPLERS, Denoiser, ddim_invert, invert, sampler
from torch_impl.samplers import exponential as dpm_module
from torch_impl.samplers.exponential import exponential_weights, multistep_weights

WEIGHTS, MEANS, VARIANCES = np.array([0.4, 0.6]), np.array([-1.0, 0.8]), np.array([0.15, 0.3])
LOW, HIGH = -1.5, 1.8  # log(signal / sigma) at the start and at the end
STARTS = np.array([-1.7, -0.4, 0.1, 0.9, 2.0])


def exact_noise(x_bar: np.ndarray, sigma_bar: float) -> np.ndarray:
    """E[eps | x] of the mixture in x_bar = x / signal, where component k is N(m_k, v_k + sigma_bar^2)."""
    total = VARIANCES + sigma_bar**2
    logs = np.log(WEIGHTS) - 0.5 * (x_bar[:, None] - MEANS) ** 2 / total - 0.5 * np.log(total)
    share = np.exp(logs - logs.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    return np.asarray((share * sigma_bar * (x_bar[:, None] - MEANS) / total).sum(1))


def solve(field: Callable[[float, np.ndarray], np.ndarray], start: float, end: float, x: np.ndarray) -> np.ndarray:
    return np.asarray(solve_ivp(field, (start, end), x, method="DOP853", rtol=1e-13, atol=1e-14).y[:, -1])


def even_schedule(steps: int) -> tuple[NoiseSchedule, list[int]]:
    """A schedule whose times 1..steps+1 are even in lambda from HIGH to LOW, and the times of one run down."""
    lam = np.linspace(HIGH, LOW, steps + 1)
    return NoiseSchedule.from_alpha_bars(1 / (1 + np.exp(-2 * lam))), list(range(steps + 1, 0, -1))


def uneven_schedule(steps: int) -> tuple[NoiseSchedule, list[int]]:
    """The same ends with steps that grow threefold on the way: multistep coefficients must mind unequal steps."""
    u = np.linspace(0, 1, steps + 1)
    lam = HIGH + (LOW - HIGH) * (u + u**2) / 2
    return NoiseSchedule.from_alpha_bars(1 / (1 + np.exp(-2 * lam))), list(range(steps + 1, 0, -1))


def run(
    method: str, steps: int, make: Callable[[int], tuple[NoiseSchedule, list[int]]], **options: object
) -> np.ndarray:
    schedule, times = make(steps)
    oracle = GaussianMixture(WEIGHTS.tolist(), MEANS[:, None], VARIANCES.tolist(), schedule)
    x = torch.tensor(STARTS[:, None])
    return np.asarray(sample(oracle.noise, GaussianDiffusion(schedule), x, method, times, **options).numpy()[:, 0])  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """x at HIGH from STARTS at LOW along d x_bar / d sigma_bar = eps."""
    signal = lambda lam: 1 / math.sqrt(1 + math.exp(-2 * lam))  # noqa: E731 - the definition reads best in a line
    end = solve(lambda s, x: exact_noise(x, s), math.exp(-LOW), math.exp(-HIGH), STARTS / signal(LOW))
    return end * signal(HIGH)


def slopes(
    method: str, truth: np.ndarray, make: Callable[[int], tuple[NoiseSchedule, list[int]]], counts: list[int]
) -> list[float]:
    errors = [float(np.abs(run(method, n, make) - truth).max()) for n in counts]
    return [math.log2(a / b) for a, b in pairwise(errors)]


# What the rows of the samplers say of themselves is measured here.
DETERMINISTIC = [(row.name, row.order) for row in SAMPLERS if row.order and not row.count(row.draws, 9)]
STOCHASTIC = [(row.name, row.order) for row in SAMPLERS if row.order and row.count(row.draws, 9)]


@pytest.mark.parametrize("make", [even_schedule, uneven_schedule])
@pytest.mark.parametrize(("method", "order"), DETERMINISTIC)
def test_measured_order_is_the_order_of_the_theory(
    method: str, order: int, make: Callable[[int], tuple[NoiseSchedule, list[int]]], truth: np.ndarray
) -> None:
    """Halving the steps from 64 to 128 to 256 divides the error by 2^order, within 0.12 of the exponent at the end."""
    measured = slopes(method, truth, make, [32, 64, 128, 256])
    assert abs(measured[-1] - order) < 0.12, measured
    assert all(abs(m - order) < 0.5 for m in measured[1:]), measured


def test_the_published_third_order_coefficient_is_second_order(
    monkeypatch: pytest.MonkeyPatch, truth: np.ndarray
) -> None:
    """Peer bug 1: with phi_3 in place of 2 phi_3 on D2 the same measurement gives 2, and the error is far larger."""
    right = float(np.abs(run("dpmpp_3m", 128, even_schedule) - truth).max())

    def published(h: float) -> tuple[float, float, float]:
        c0, c1, c2 = exponential_weights(h)
        return c0, c1, c2 / 2

    monkeypatch.setattr(dpm_module, "exponential_weights", published)
    assert abs(slopes("dpmpp_3m", truth, even_schedule, [128, 256])[-1] - 2) < 0.15
    assert float(np.abs(run("dpmpp_3m", 128, even_schedule) - truth).max()) > 5 * right


@pytest.mark.parametrize(("method", "order"), STOCHASTIC)
def test_stochastic_solver_without_its_noise_has_its_order(method: str, order: int) -> None:
    """With zero noise it solves dx = (d log sigma/d lambda - 1) x + 2 signal m d lambda: the drift of the reverse SDE.

    In y = x e^lambda / sigma: dy / d lambda = 2 e^{2 lambda} m(lambda).
    """

    def field(lam: float, y: np.ndarray) -> np.ndarray:
        sigma_bar = math.exp(-lam)
        x_bar = y * sigma_bar**2  # y = x e^lambda / sigma = x_bar e^{2 lambda}
        return 2 * math.exp(2 * lam) * (x_bar - sigma_bar * exact_noise(x_bar, sigma_bar))

    signal = lambda lam: 1 / math.sqrt(1 + math.exp(-2 * lam))  # noqa: E731 - the definition reads best in a line
    end = solve(field, LOW, HIGH, STARTS / signal(LOW) * math.exp(2 * LOW)) * math.exp(-2 * HIGH) * signal(HIGH)
    errors = [
        float(np.abs(run(method, n, even_schedule, noise_fn=lambda shape, i: torch.zeros(shape)) - end).max())
        for n in (64, 128, 256)
    ]
    assert abs(math.log2(errors[1] / errors[2]) - order) < 0.2, errors


@pytest.mark.parametrize("h", [1e-8, 1e-3, 0.3, 0.4999, 0.5, 0.7, 3.0, 40.0, math.inf])
def test_exponential_weights_are_their_integrals(h: float) -> None:
    """c_k = int h e^{-h(1-u)} u^k du in 40 digits, small steps included; peer bug 2: all of them vanish with h."""
    values = exponential_weights(h)
    if math.isinf(h):
        assert values == (1.0, 1.0, 1.0)
        return
    with mpmath.workdps(40):
        for k, value in enumerate(values):
            exact = mpmath.quad(lambda u, k=k: h * mpmath.exp(-h * (1 - u)) * u**k, mpmath.linspace(0, 1, 9))
            assert value == pytest.approx(float(exact), rel=1e-12)
    assert all(value <= 1.01 * h / (k + 1) for k, value in enumerate(values))


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_multistep_weights_integrate_polynomials_exactly(scale: float) -> None:
    """Order 3 is exact for m = 1, u, u^2 along the way, for any unequal steps.

    The published coefficient is not for u^2.
    """
    h, back = 0.7, [0.4, 0.9]
    nodes = [0.0, -back[0], -back[0] - back[1]]
    weights = multistep_weights(3, h, back, scale)
    for power in range(3):
        exact = mpmath.quad(lambda u, p=power: scale * mpmath.exp(-scale * (h - u)) * u**p, [0, h])
        assert sum(w * node**power for w, node in zip(weights, nodes, strict=True)) == pytest.approx(
            float(exact), rel=1e-12
        )
    two = multistep_weights(2, h, back[:1], scale)
    assert sum(two) == pytest.approx(-math.expm1(-scale * h), rel=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_returns_the_point_of_a_point_mass(method: str) -> None:
    """At s = 0 the result is the predicted x_0, from eps, v and x_0 predictions alike; on all times and on few."""
    point = torch.tensor([[0.5, -0.3]], dtype=torch.float64)
    schedule = NoiseSchedule.linear(60, 0.001, 0.2)
    for prediction in ("eps", "x0", "v", "score"):
        oracle, diffusion = FiniteData(point, None, schedule), GaussianDiffusion(schedule, prediction)  # type: ignore[arg-type]
        for times in (None, [60, 30, 10, 3, 1, 0]):
            x = torch.randn(4, 2, dtype=torch.float64)
            result = sample(oracle.model(prediction), diffusion, x, method, times)  # type: ignore[arg-type]
            tolerance = 0.02 if method == "euler_maruyama" and times is None else 1e-8
            if method != "euler_maruyama" or times is None:
                torch.testing.assert_close(result, point.expand(4, 2), rtol=0, atol=tolerance)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "euler_maruyama"])
@pytest.mark.parametrize("prediction", ["v", "x0"])
def test_every_method_starts_at_zero_terminal_snr(method: str, prediction: str) -> None:
    """alpha_bar_T = 0: no infinities leak from lambda = -inf into the run; the point comes back."""
    schedule = NoiseSchedule.linear(40, 0.001, 0.2).zero_terminal_snr()
    point = torch.tensor([[0.5, -0.3]], dtype=torch.float64)
    oracle, diffusion = FiniteData(point, None, schedule), GaussianDiffusion(schedule, prediction)  # type: ignore[arg-type]
    result = sample(oracle.model(prediction), diffusion, torch.randn(3, 2).double(), method)  # type: ignore[arg-type]
    torch.testing.assert_close(result, point.expand(3, 2), rtol=1e-8, atol=1e-8)


def test_euler_maruyama_refuses_zero_terminal_snr() -> None:
    diffusion = GaussianDiffusion(NoiseSchedule.linear(40, 0.001, 0.2).zero_terminal_snr(), "v")
    with pytest.raises(ValueError, match=r"start euler_maruyama at t <= 39"):
        sample(lambda x, t: x, diffusion, torch.randn(2, 3), "euler_maruyama")


def test_euler_is_the_deterministic_ddim_step() -> None:
    """Claim ddim.ode_limit: the same numbers, for every prediction."""
    schedule = NoiseSchedule.linear(60, 0.001, 0.2)
    x = torch.randn(3, 2).double()
    for prediction in ("eps", "x0", "v", "score"):
        diffusion = GaussianDiffusion(schedule, prediction)  # type: ignore[arg-type]
        runs = [sample(lambda x, t: torch.tanh(x), diffusion, x, m, [60, 31, 8, 0]) for m in ("euler", "ddim")]  # type: ignore[arg-type]
        assert torch.equal(*runs)


@pytest.mark.parametrize("method", METHODS)
def test_noise_is_drawn_in_order_and_only_where_it_is_added(method: str) -> None:
    """Indices 0, 1, 2, ... without gaps, none in the step to 0, none at all in the deterministic methods."""
    asked: list[int] = []

    def noise_fn(shape: torch.Size, index: int) -> Tensor:
        asked.append(index)
        return torch.zeros(shape)

    state = torch.get_rng_state()
    sample(
        lambda x, t: 0.1 * x,
        GaussianDiffusion(NoiseSchedule.linear(60, 0.001, 0.2)),
        torch.ones(2, 3),
        method,
        [60, 40, 9, 0],
        noise_fn=noise_fn,
    )  # type: ignore[arg-type]
    row = sampler(method)
    assert asked == list(range(row.count(row.draws, 3)))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("option", [1, 3])
def test_evaluations_are_as_many_as_the_row_says(method: str, option: int) -> None:
    """With its options at two values each, so that a row which forgets one of them is found out."""
    row = sampler(method)
    options = {name: option for name, default in row.defaults.items() if isinstance(default, int)}
    count = 0

    def model(x: Tensor, t: Tensor) -> Tensor:
        nonlocal count
        count += 1
        return 0.1 * x

    sample(
        model,
        GaussianDiffusion(NoiseSchedule.linear(60, 0.001, 0.2)),
        torch.ones(2, 3),
        method,
        [60, 50, 40, 20, 9, 0],
        **options,
    )
    assert count == row.count(row.evaluations, 5, **options)


@pytest.mark.parametrize("method", METHODS)
def test_start_is_kept_and_half_precision_stays_half(method: str) -> None:
    diffusion = GaussianDiffusion(NoiseSchedule.linear(60, 0.001, 0.2), "v")
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.randn(2, 3).to(dtype)
        before = x.clone()
        result = sample(lambda x, t: torch.tanh(x), diffusion, x, method, [60, 40, 20, 9, 0])  # type: ignore[arg-type]
        assert torch.equal(x, before) and result.dtype == dtype and torch.isfinite(result).all()


@pytest.mark.parametrize("method", METHODS)
def test_clipping_holds_in_every_method(method: str) -> None:
    """A predicted x_0 of 5 is clipped to 1, which every method returns at s = 0."""
    diffusion = GaussianDiffusion(NoiseSchedule.linear(60, 0.001, 0.2), "x0")
    times = [60, 40, 9, 1, 0] if method == "euler_maruyama" else [60, 40, 9, 0]
    result = sample(
        lambda x, t: torch.full_like(x, 5.0),
        diffusion,
        torch.randn(2, 3).double(),
        method,
        times,
        clip_x0=True,
        rederive_eps=True,
    )  # type: ignore[arg-type]
    torch.testing.assert_close(
        result, torch.ones(2, 3).double(), rtol=0, atol=0.01 if method == "euler_maruyama" else 1e-12
    )


def test_inversion_is_undone_by_ddim() -> None:
    """Each refinement brings the round trip closer; 60 of them to rounding; on the mixture's smooth eps."""
    schedule = NoiseSchedule.linear(100, 0.001, 0.1)
    oracle = GaussianMixture([0.5, 0.5], [[-1.0, 0.2], [0.7, 0.4]], 0.2, schedule)
    diffusion = GaussianDiffusion(schedule)
    x = oracle.sample(50, torch.Generator().manual_seed(0))
    up = list(range(0, 101, 5))
    errors = []
    for refinements in (0, 1, 3, 60):
        noise = invert(oracle.noise, diffusion, x, up, refinements)
        errors.append(float((sample(oracle.noise, diffusion, noise, timesteps=up[::-1]) - x).abs().max()))
    assert errors[0] > errors[1] > errors[2] > errors[3] and errors[0] < 0.5 and errors[3] < 1e-12
    visited = []
    denoiser = Denoiser(oracle.noise, diffusion)
    ddim_invert(denoiser, x, [0, 10, 100], callback=lambda t, _: visited.append(t))
    assert visited == [10, 100]


def test_inversion_follows_the_exact_trajectory() -> None:
    """All 2000 times up from 0 against the ODE solved to 1e-13: first order, so the error is a few times the step."""
    T = 2000
    schedule = NoiseSchedule.linear(T, 1e-5, 0.005)
    oracle = GaussianMixture(WEIGHTS.tolist(), MEANS[:, None], VARIANCES.tolist(), schedule)
    up = invert(oracle.noise, GaussianDiffusion(schedule), torch.tensor(STARTS[:, None]))
    a, s = float(schedule.signal(T)), float(schedule.sigma(T))
    exact = solve(lambda sigma, x: exact_noise(x, sigma), 1e-9, s / a, STARTS) * a
    assert float(np.abs(up.numpy()[:, 0] - exact).max()) < 0.01


def test_inversion_refuses_what_has_no_inverse() -> None:
    schedule = NoiseSchedule.linear(10, 0.01, 0.2)
    diffusion, x = GaussianDiffusion(schedule), torch.randn(2, 3)
    model = lambda x, t: 0.1 * x  # noqa: E731 - a network in a line
    with pytest.raises(ValueError, match="cannot be inverted"):
        ddim_invert(Denoiser(model, diffusion, clip=True), x, [0, 5, 10])
    with pytest.raises(ValueError, match="strictly increasing"):
        invert(model, diffusion, x, [10, 5, 0])
    with pytest.raises(ValueError, match="refinements = -1"):
        invert(model, diffusion, x, refinements=-1)
    with pytest.raises(ValueError, match="nothing of the sample is left"):
        invert(model, GaussianDiffusion(schedule.zero_terminal_snr(), "v"), x)


def test_options_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    diffusion, x = GaussianDiffusion(NoiseSchedule.linear(10, 0.01, 0.2)), torch.randn(2, 3)
    model = lambda x, t: 0.1 * x  # noqa: E731 - a network in a line
    with pytest.raises(TypeError, match="does not take 'langevin_count'"):
        sample(model, diffusion, x, "heun", langevin_count=3)
    with pytest.raises(ValueError, match="langevin_count = 0"):
        sample(model, diffusion, x, "langevin", langevin_count=0)
    with pytest.raises(ValueError, match="langevin_size = 2"):
        sample(model, diffusion, x, "predictor_corrector", langevin_size=2.0)
    seen = []
    sample(model, diffusion, x, "heun", [10, 5, 0], progress=True, callback=lambda s, _: seen.append(s))
    assert seen == [5, 0] and "sampling 2/2" in capsys.readouterr().err
