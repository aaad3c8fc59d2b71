"""Schedules against 60-digit arithmetic, and at their edges."""

import math
from collections import Counter
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from torch_impl import NoiseSchedule, spaced_timesteps

COMMON = settings(deadline=None, derandomize=True, max_examples=60)

MP = mpmath.mp.clone()
MP.dps = 60
U = 2.0**-53

tiny = st.floats(-14, -3).map(lambda e: 10.0**e)
near_one = st.floats(-9, -1).map(lambda e: 1 - 10.0**e)
inner_betas = st.lists(st.one_of(st.floats(1e-3, 0.5), tiny, near_one), min_size=0, max_size=12)
last_beta = st.one_of(st.just(1.0), st.floats(1e-3, 0.5), tiny, near_one)
betas_strategy = st.tuples(inner_betas, last_beta).map(lambda pair: [*pair[0], pair[1]])

REACHED: Counter[str] = Counter()


def exact_tables(betas: list[float]) -> list[tuple[mpmath.mpf, mpmath.mpf]]:
    """(alpha_bar_t, 1 - alpha_bar_t) for t = 0..T from the float64 betas, in 60 digits."""
    bar, rows = MP.mpf(1), [(MP.mpf(1), MP.mpf(0))]
    for beta in betas:
        bar *= 1 - MP.mpf(beta)
        rows.append((bar, 1 - bar))
    return rows


def relative(value: float, exact: mpmath.mpf) -> float:
    return float(abs(MP.mpf(value) - exact) / abs(exact)) if exact else abs(value)


@settings(COMMON, max_examples=200)
@given(betas_strategy)
def tables_keep_their_digits(betas: list[float]) -> None:
    """Each log(1 - beta) is exact to an ulp, their sum to T ulps of itself; exp and expm1 carry that to both tables.

    d log(1 - alpha_bar) = alpha_bar/(1 - alpha_bar) d log alpha_bar and |log alpha_bar| <= (1 - alpha_bar)/alpha_bar:
    the relative error of 1 - alpha_bar is at most that of log alpha_bar; that of alpha_bar is |log alpha_bar| times it.
    """
    schedule = NoiseSchedule.from_betas(betas)
    REACHED.update(
        {
            "T = 1": len(betas) == 1,
            "zero terminal SNR": betas[-1] == 1,
            "beta below 1e-10": min(betas) < 1e-10,
            "beta above 1 - 1e-6": max(betas) > 1 - 1e-6,
            "1 - alpha_bar below 1e-10": float(schedule.one_minus_alpha_bar(1)) < 1e-10,
        }
    )
    bound = (len(betas) + 4) * 2 * U
    for t, (bar, one_minus) in enumerate(exact_tables(betas)):
        logarithm = abs(float(MP.log(bar))) if bar else 0.0
        assert relative(float(schedule.alpha_bar(t)), bar) <= bound * max(1.0, logarithm)
        assert relative(float(schedule.one_minus_alpha_bar(t)), one_minus) <= bound
        assert relative(float(schedule.signal(t)), MP.sqrt(bar)) <= bound * max(1.0, logarithm)
        assert relative(float(schedule.sigma(t)), MP.sqrt(one_minus)) <= bound
        if bar and one_minus:
            assert relative(float(schedule.snr(t)), bar / one_minus) <= 2 * bound * max(1.0, logarithm)
            log_snr = MP.log(bar / one_minus)
            assert abs(float(schedule.log_snr(t)) - log_snr) <= 2 * bound * (1 + logarithm + abs(log_snr))


def test_tables_keep_their_digits_for_betas_near_zero_and_one() -> None:
    """And the edges of the strategy were each reached five times or more."""
    REACHED.clear()
    tables_keep_their_digits()
    edges = ("T = 1", "zero terminal SNR", "beta below 1e-10", "beta above 1 - 1e-6", "1 - alpha_bar below 1e-10")
    assert {edge: REACHED[edge] for edge in edges if REACHED[edge] < 5} == {}


@settings(COMMON, max_examples=100)
@given(betas_strategy)
def test_alpha_bars_round_trip(betas: list[float]) -> None:
    schedule = NoiseSchedule.from_betas(betas)
    bars = schedule.alpha_bars
    if (bars[1:] >= bars[:-1]).any():  # betas so small that alpha_bar does not move in float64
        with pytest.raises(ValueError, match="decrease strictly"):
            NoiseSchedule.from_alpha_bars(bars)
        return
    back = NoiseSchedule.from_alpha_bars(bars)
    assert back.T == schedule.T
    torch.testing.assert_close(back.alpha_bars, bars, rtol=1e-15 * 4, atol=0)
    again = NoiseSchedule.from_alpha_bars(bars[1:])  # the leading 1 is optional
    assert again == back


def test_linear_schedule_has_the_published_values(linear: NoiseSchedule) -> None:
    """Claim ddpm.schedule.abar_values, from the product in 60 digits."""
    betas = [MP.mpf("0.0001") + (MP.mpf(t) - 1) / 999 * (MP.mpf("0.02") - MP.mpf("0.0001")) for t in range(1, 1001)]
    rows = exact_tables(betas)  # type: ignore[arg-type]  # mpf is welcome
    for t, printed in ((100, 0.897018), (500, 0.078587), (1000, 4.03583e-5)):
        assert relative(float(linear.alpha_bar(t)), rows[t][0]) < 1e-12
        assert abs(float(linear.alpha_bar(t)) / printed - 1) < 1e-5


def test_time_zero_is_clean(linear: NoiseSchedule) -> None:
    assert float(linear.alpha_bar(0)) == 1 and float(linear.sigma(0)) == 0
    assert float(linear.snr(0)) == math.inf and float(linear.log_snr(0)) == math.inf


def test_zero_terminal_snr_is_an_ordinary_schedule(linear: NoiseSchedule) -> None:
    ended = linear.zero_terminal_snr()
    assert float(ended.alpha_bar(1000)) == 0 and float(ended.beta(1000)) == 1 and float(ended.snr(1000)) == 0
    assert float(ended.log_snr(1000)) == -math.inf
    assert abs(float(ended.alpha_bar(1)) / float(linear.alpha_bar(1)) - 1) < 1e-15
    roots = np.sqrt(linear.alpha_bars[1:].numpy())
    expected = roots[0] * (roots - roots[-1]) / (roots[0] - roots[-1])
    np.testing.assert_allclose(np.sqrt(ended.alpha_bars[1:].numpy()), expected, atol=1e-15)
    assert NoiseSchedule.from_betas(ended.betas).has_zero_terminal_snr


@pytest.mark.parametrize("T", [1, 2, 7, 1000])
def test_cosine_and_sigmoid_follow_their_formulas_in_sixty_digits(T: int) -> None:
    def cosine(t: int) -> mpmath.mpf:
        return MP.cos((MP.mpf(t) / T + MP.mpf(0.008)) / (1 + MP.mpf(0.008)) * MP.pi / 2) ** 2

    def logistic(t: int) -> mpmath.mpf:
        return 1 / (1 + MP.exp(-(-3 + 6 * MP.mpf(t) / T)))

    for schedule, bar in (
        (NoiseSchedule.cosine(T, max_beta=1.0), lambda t: cosine(t) / cosine(0)),
        (NoiseSchedule.sigmoid(T, max_beta=1.0), lambda t: (logistic(T) - logistic(t)) / (logistic(T) - logistic(0))),
    ):
        for t in {1, 2, T // 2, T - 1} & set(range(1, T)):
            beta = 1 - bar(t) / bar(t - 1)
            assert relative(float(schedule.beta(t)), beta) < 1e-13
            assert relative(float(schedule.alpha_bar(t)), bar(t)) < 1e-12 * max(1, T / 100)
        assert schedule.has_zero_terminal_snr
    assert float(NoiseSchedule.cosine(T).beta(T)) == 0.999


def test_scaled_linear_is_linear_in_the_root() -> None:
    schedule = NoiseSchedule.scaled_linear(5, 0.01, 0.09)
    np.testing.assert_allclose(schedule.betas.sqrt().numpy(), [0.1, 0.15, 0.2, 0.25, 0.3], rtol=1e-14)


@settings(COMMON, max_examples=60)
@given(betas_strategy, st.data())
def test_respaced_chain_has_the_same_marginals(betas: list[float], data: st.DataObject) -> None:
    """Claim ddpm.sampling.respaced: the alpha_bar of the respaced chain are those of the kept times.

    Its betas products.
    """
    schedule = NoiseSchedule.from_betas(betas)
    kept = sorted(data.draw(st.sets(st.integers(1, schedule.T), min_size=1)))
    short = schedule.respaced(kept)
    torch.testing.assert_close(short.alpha_bars[1:], schedule.alpha_bars[kept], rtol=0, atol=0)
    for i, (s, t) in enumerate(zip([0, *kept], kept, strict=False), start=1):
        survive = MP.mpf(1)
        for step in range(s, t):
            survive *= 1 - MP.mpf(betas[step])
        start = abs(math.log(float(schedule.alpha_bar(s)))) if s else 0.0
        assert abs(float(short.beta(i)) - (1 - survive)) <= 64 * U * (float(1 - survive) + start)


def test_tensor_times_of_any_shape_and_integer_dtype(linear: NoiseSchedule) -> None:
    t = torch.tensor([[0, 1, 500], [1000, 2, 3]])
    for dtype in (torch.int64, torch.int32, torch.int16):
        values = linear.alpha_bar(t.to(dtype))
        assert values.shape == t.shape and values.dtype == torch.float64
        assert values.tolist() == [[float(linear.alpha_bar(int(i))) for i in row] for row in t]


def test_tables_cannot_be_changed_from_outside(linear: NoiseSchedule) -> None:
    linear.alpha_bar(5).zero_()
    linear.betas.zero_()
    linear.alpha_bars.zero_()
    assert float(linear.alpha_bar(5)) > 0.99 and float(linear.beta(1)) == 1e-4


@pytest.mark.parametrize(
    ("betas", "message"),
    [
        ([0.1, 0.0], "beta_2 = 0.0 is outside"),
        ([1.0, 0.1], "beta_1 = 1.0 is outside"),
        ([0.1, 1.5], "beta_2 = 1.5 is outside"),
        ([-0.1], "beta_1 = -0.1 is outside"),
        ([0.1, math.nan], r"betas\[1\] = nan"),
        ([math.inf], r"betas\[0\] = inf"),
        ([], "shape"),
        ([[0.1]], "shape"),
    ],
)
def test_bad_betas_are_named(betas: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NoiseSchedule.from_betas(betas)


@pytest.mark.parametrize("bars", [[0.5, 0.6], [0.5, 0.5], [1.0], [0.5, 0.0, 0.0], [0.5, -0.1], [math.nan]])
def test_bad_alpha_bars_are_refused(bars: list[float]) -> None:
    with pytest.raises(ValueError, match="alpha_bar"):
        NoiseSchedule.from_alpha_bars(bars)


@pytest.mark.parametrize("t", [-1, 1001, torch.tensor([5, 1001]), torch.tensor([-1, 3])])
def test_times_out_of_range_are_refused(linear: NoiseSchedule, t: int | torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"times here are 0\.\.1000"):
        linear.alpha_bar(t)
    with pytest.raises(ValueError, match=r"times here are 1\.\.1000"):
        linear.beta(t)


def test_beta_of_time_zero_is_refused(linear: NoiseSchedule) -> None:
    for t in (0, torch.tensor([0, 1])):
        with pytest.raises(ValueError, match=r"holds 0|t = 0"):
            linear.beta(t)


@pytest.mark.parametrize("t", [0.5, True, "3", None, torch.tensor([0.5]), torch.tensor([True])])
def test_times_that_are_not_integers_are_refused(linear: NoiseSchedule, t: object) -> None:
    with pytest.raises(TypeError, match=r"times are integers"):
        linear.alpha_bar(t)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize("T", [0, -3])
def test_a_schedule_needs_a_step(T: int) -> None:
    for make in (NoiseSchedule.linear, NoiseSchedule.cosine, NoiseSchedule.sigmoid, NoiseSchedule.scaled_linear):
        with pytest.raises(ValueError, match="at least one step"):
            make(T)
    with pytest.raises(TypeError):
        NoiseSchedule.linear(10.0)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize("spacing", ["linspace", "leading", "trailing", "log_snr"])
@pytest.mark.parametrize(("T", "steps"), [(1000, 10), (1000, 30), (1000, 1000), (1000, 1), (7, 3), (1, 1), (999, 998)])
def test_spaced_timesteps_name_every_end(spacing: str, T: int, steps: int) -> None:
    """Each step's target is the next entry of the list, for every spacing: nothing is recomputed as t - T // n."""
    schedule = NoiseSchedule.linear(T) if T > 1 else NoiseSchedule.from_betas([0.5])
    times = spaced_timesteps(schedule, steps, spacing)  # type: ignore[arg-type]  # parametrised over the literals
    assert len(times) == steps + 1 and times[-1] == 0
    assert all(a > b for a, b in pairwise(times))
    assert times[0] == T or spacing == "leading"
    if spacing == "leading":
        assert all(a - b == T // steps for a, b in pairwise(times[:-1])) and times[-2] == 1
    if spacing == "trailing":
        assert all(abs((a - b) - T / steps) <= 1 for a, b in pairwise(times))
    if spacing == "linspace" and steps > 1:
        assert times[-2] == 1


def test_log_snr_spacing_is_even_where_the_schedule_is_fine() -> None:
    schedule = NoiseSchedule.linear(4000, 2.5e-5, 0.005)
    times = spaced_timesteps(schedule, 8, "log_snr")
    gaps = torch.diff(schedule.lam(torch.tensor(times[:-1])))
    assert float((gaps.max() - gaps.min()) / gaps.mean()) < 0.2
