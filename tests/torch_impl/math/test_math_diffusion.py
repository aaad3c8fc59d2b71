"""Forward process, posterior, views and losses against joint-Gaussian conditioning and direct sums."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from torch_impl import GaussianDiffusion, MinSNR, NoiseSchedule, SNRPower
from torch_impl.process.parameterization import PREDICTIONS

COMMON = settings(deadline=None, derandomize=True, max_examples=60)

betas_strategy = st.tuples(
    st.lists(st.one_of(st.floats(1e-3, 0.9), st.floats(-8, -3).map(lambda e: 10.0**e)), min_size=0, max_size=6),
    st.one_of(st.just(1.0), st.floats(1e-3, 0.9), st.floats(-6, -1).map(lambda e: 1 - 10.0**e)),
).map(lambda pair: [*pair[0], pair[1]])
shapes = st.lists(st.integers(1, 3), min_size=1, max_size=4)

REACHED: Counter[str] = Counter()


def conditioned(schedule: NoiseSchedule, t: int) -> tuple[float, float, float]:
    """x_{t-1} | x_t, x_0 from the 2x2 covariance of (x_{t-1}, x_t) given x_0: (factor of x_0.

    Factor of x_t, variance).
    """
    betas = schedule.betas.numpy().astype(np.longdouble)
    bar_before = np.prod(1 - betas[: t - 1])
    var_before = np.longdouble(0)
    for beta in betas[: t - 1]:
        var_before = (1 - beta) * var_before + beta
    root = np.sqrt(1 - betas[t - 1])
    cov, var = root * var_before, root**2 * var_before + betas[t - 1]
    gain = cov / var
    return float(np.sqrt(bar_before) * (1 - gain * root)), float(gain), float(var_before - gain * cov)


@settings(COMMON, max_examples=150)
@given(betas_strategy, shapes, st.integers(0, 2**31), st.sampled_from(["tensor", "int", "scalar tensor"]), st.data())
def posterior_is_the_joint_gaussian_conditioned(
    betas: list[float], shape: list[int], seed: int, kind: str, data: st.DataObject
) -> None:
    """Claims ddpm.posterior.mean and ddpm.posterior.variance, any shape, T = 1.

    T = 1 and zero terminal SNR included.
    """
    schedule = NoiseSchedule.from_betas(betas)
    diffusion = GaussianDiffusion(schedule, prediction="v")
    g = torch.Generator().manual_seed(seed)
    x0, x_t = (torch.randn(shape, dtype=torch.float64, generator=g) for _ in range(2))
    times = data.draw(
        st.lists(st.sampled_from([1, len(betas)]) | st.integers(1, len(betas)), min_size=shape[0], max_size=shape[0])
    )
    if kind != "tensor":
        times = [times[0]] * shape[0]
    t = {"tensor": torch.tensor(times), "int": times[0], "scalar tensor": torch.tensor(times[0])}[kind]
    REACHED.update({"T = 1": len(betas) == 1, "t = 1": 1 in times, "zero SNR": betas[-1] == 1 and len(betas) in times})
    REACHED.update({f"{len(shape)} dimensions": 1, kind: 1})
    mean, variance = diffusion.posterior(x0, x_t, t)
    spread = variance.expand(x0.shape)
    for i, step in enumerate(times):
        from_x0, from_xt, var = conditioned(schedule, step)
        torch.testing.assert_close(mean[i], from_x0 * x0[i] + from_xt * x_t[i], rtol=1e-12, atol=1e-12)
        assert torch.allclose(spread[i], torch.tensor(var, dtype=torch.float64), rtol=1e-10, atol=1e-18)


def test_posterior_is_the_joint_gaussian_conditioned() -> None:
    """And the edges of the strategy were each reached five times or more."""
    REACHED.clear()
    posterior_is_the_joint_gaussian_conditioned()
    dimensions = [f"{n} dimensions" for n in (1, 2, 3, 4)]
    expected = ["T = 1", "t = 1", "zero SNR", "tensor", "int", "scalar tensor", *dimensions]
    assert {edge: REACHED[edge] for edge in expected if REACHED[edge] < 5} == {}


def test_posterior_at_one_is_exactly_x0(linear: NoiseSchedule) -> None:
    """Claim ddpm.posterior.t1."""
    for schedule in (linear, NoiseSchedule.from_betas([0.3]), NoiseSchedule.from_betas([1.0])):
        x0, x1 = torch.randn(4, 3), torch.randn(4, 3)
        mean, variance = GaussianDiffusion(schedule, "x0").posterior(x0, x1, 1)
        assert torch.equal(mean, x0) and float(variance) == 0


def test_q_sample_is_the_chain_run_with_merged_noise(linear: NoiseSchedule) -> None:
    """Claim ddpm.forward.marginal: mean and variance after t chain steps, accumulated step by step.

    Equal the jump's.
    """
    x0, noise = torch.randn(2, 5, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)
    diffusion = GaussianDiffusion(linear)
    mean, variance = x0, 0.0
    for t, beta in enumerate(linear.betas.tolist(), start=1):
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        if t in (1, 2, 77, 1000):
            torch.testing.assert_close(
                diffusion.q_sample(x0, t, noise), mean + math.sqrt(variance) * noise, rtol=1e-12, atol=1e-13
            )
    assert torch.equal(diffusion.q_sample(x0, 0, noise), x0)


def test_q_sample_writes_where_told(linear: NoiseSchedule) -> None:
    diffusion = GaussianDiffusion(linear)
    for t in (3, torch.tensor([1, 700])):
        x0, noise = torch.randn(2, 4), torch.randn(2, 4)
        expected = diffusion.q_sample(x0, t, noise)
        for target in (torch.empty(2, 4), x0, noise):
            a, b = x0.clone(), noise.clone()
            out = a if target is x0 else b if target is noise else target
            assert diffusion.q_sample(a, t, b, out=out) is out
            torch.testing.assert_close(out, expected, rtol=1e-6, atol=1e-7)


@settings(COMMON, max_examples=80)
@given(betas_strategy, st.sampled_from(PREDICTIONS), st.integers(0, 2**31))
def test_every_view_of_the_truth_is_the_truth(betas: list[float], prediction: str, seed: int) -> None:
    """From the target of any prediction each view returns x_0, noise, v and score: twelve maps through one x_t.

    The tolerance is the condition number of the map (at most the product of 1/a, 1/s and 1/s^2) times rounding.
    """
    if betas[-1] == 1 and prediction in ("eps", "score"):
        with pytest.raises(ValueError, match="use prediction='v' or 'x0'"):
            GaussianDiffusion(NoiseSchedule.from_betas(betas), prediction)  # type: ignore[arg-type]
        return
    schedule = NoiseSchedule.from_betas(betas)
    diffusion = GaussianDiffusion(schedule, prediction)  # type: ignore[arg-type]  # drawn from the literals
    g = torch.Generator().manual_seed(seed)
    x0, noise = (torch.randn(3, 2, dtype=torch.float64, generator=g) for _ in range(2))
    for t in range(1, schedule.T + 1):
        a, s = float(schedule.signal(t)), float(schedule.sigma(t))
        x_t = diffusion.q_sample(x0, t, noise)
        target = diffusion.target(x0, noise, t)
        truth = {"x0": x0, "eps": noise, "v": a * noise - s * x0, "score": -noise / s}
        torch.testing.assert_close(target, truth[prediction], rtol=1e-14, atol=1e-14)
        times = torch.full((3,), t)
        for name, exact in truth.items():
            condition = {
                "x0": 1 / a if prediction in ("eps", "score") else 1.0,
                "eps": 1 / s,
                "v": 1 / s,
                "score": 1 / s**2,
            }[name]
            if name == "v" and prediction in ("eps", "score"):
                condition = 1 / a
            tolerance = 1e-14 * max(1.0, condition) * 8
            for when in (t, times):
                value = getattr(diffusion, f"to_{name}")(target, x_t, when)
                assert float((value - exact).abs().max()) <= tolerance * (1 + float(x_t.abs().max()))


@pytest.mark.parametrize("prediction", ["eps", "score"])
def test_zero_terminal_snr_refuses_eps_and_score_and_names_the_remedy(linear: NoiseSchedule, prediction: str) -> None:
    """Peer bug 6: 1 / sqrt(alpha_bar_T) is never formed and hidden by clipping."""
    with pytest.raises(ValueError, match=r"alpha_bar_T = 0.*use prediction='v' or 'x0'"):
        GaussianDiffusion(linear.zero_terminal_snr(), prediction)  # type: ignore[arg-type]
    for fine in ("v", "x0"):
        diffusion = GaussianDiffusion(linear.zero_terminal_snr(), fine)  # type: ignore[arg-type]
        x = torch.randn(3, 2)
        for view in (diffusion.to_x0, diffusion.to_eps, diffusion.to_v, diffusion.to_score):
            assert torch.isfinite(view(x, x, 1000)).all()


def linear_model(x: Tensor, t: Tensor) -> Tensor:
    """A network whose output is known: 0.3 x + 0.1 cos t."""
    return 0.3 * x + 0.1 * torch.cos(t.to(x.dtype)).view(-1, *(1,) * (x.ndim - 1))


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_simple_loss_is_the_mean_squared_error_of_the_target(linear: NoiseSchedule, prediction: str) -> None:
    diffusion = GaussianDiffusion(linear, prediction)  # type: ignore[arg-type]  # parametrised over the literals
    x0, noise, t = torch.randn(4, 2, 3).double(), torch.randn(4, 2, 3).double(), torch.tensor([1, 30, 500, 1000])
    total, per = 0.0, []
    for i, step in enumerate(t.tolist()):
        a, s = math.sqrt(float(linear.alpha_bar(step))), math.sqrt(float(linear.one_minus_alpha_bar(step)))
        x_t = a * x0[i] + s * noise[i]
        target = {"eps": noise[i], "x0": x0[i], "v": a * noise[i] - s * x0[i], "score": -noise[i] / s}[prediction]
        error = (0.3 * x_t + 0.1 * math.cos(step) - target) ** 2
        per.append(float(error.sum()) / 6)
        total += float(error.sum())
    assert float(diffusion.loss(linear_model, x0, t, noise)) == pytest.approx(total / 24, rel=1e-13)
    assert float(diffusion.loss(linear_model, x0, t, noise, reduction="sum")) == pytest.approx(total, rel=1e-13)
    np.testing.assert_allclose(diffusion.loss(linear_model, x0, t, noise, reduction="none").numpy(), per, rtol=1e-12)


def exact_weight(schedule: NoiseSchedule, prediction: str, weighting: object, t: int, sigma_sq: float) -> float:
    """Weights written out by hand for each prediction, one formula each."""
    bar, before = float(schedule.alpha_bar(t)), float(schedule.alpha_bar(t - 1))
    one_minus = float(schedule.one_minus_alpha_bar(t))
    snr, beta, alpha = bar / one_minus, float(schedule.beta(t)), float(schedule.alpha(t))
    if weighting == "simple":
        return 1.0
    if weighting == "vlb":
        eps = beta**2 / (2 * sigma_sq * alpha * one_minus) if alpha else math.inf
        x0 = before * beta**2 / (2 * sigma_sq * one_minus**2)
        return {"eps": eps, "x0": x0, "v": x0 * one_minus, "score": eps * one_minus}[prediction]
    if isinstance(weighting, SNRPower):
        p = weighting.power
        return {"eps": snr ** (p - 1), "x0": snr**p, "v": snr**p / (snr + 1), "score": snr ** (p - 1) * one_minus}[
            prediction
        ]
    low = min(snr, weighting.gamma if isinstance(weighting, MinSNR) else 5.0)
    return {
        "eps": low / snr if snr else math.nan,
        "x0": low,
        "v": low / (snr + 1),
        "score": low / snr * one_minus if snr else math.nan,
    }[prediction]


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("variance", ["posterior", "beta"])
@pytest.mark.parametrize("weighting", ["simple", "vlb", "min_snr", MinSNR(2.0), SNRPower(0.5)], ids=str)
def test_weights_of_every_prediction(linear: NoiseSchedule, prediction: str, variance: str, weighting: object) -> None:
    """Claims ddpm.loss.x0_weighted, ddpm.loss.eps_weighted, ddpm.loss.weights_snr; peer bug 7 (min-SNR for v)."""
    diffusion = GaussianDiffusion(linear, prediction, variance)  # type: ignore[arg-type]
    weights = diffusion.weight(weighting)  # type: ignore[arg-type]  # drawn from the literals
    assert weights.shape == (1001,) and math.isnan(float(weights[0]))
    for t in (1, 2, 3, 100, 500, 1000):
        noise, before = float(linear.one_minus_alpha_bar(t)), float(linear.one_minus_alpha_bar(t - 1))
        tilde = float(linear.beta(t)) * before / noise
        sigma_sq = float(linear.beta(t)) if variance == "beta" or t == 1 else tilde
        assert float(weights[t]) == pytest.approx(exact_weight(linear, prediction, weighting, t, sigma_sq), rel=1e-11)
    # and the loss applies them: one example per time, against the unweighted per-example means
    t = torch.tensor([1, 2, 100, 1000])
    x0, noise = torch.randn(4, 3).double(), torch.randn(4, 3).double()
    plain = diffusion.loss(linear_model, x0, t, noise, reduction="none")
    weighted = diffusion.loss(linear_model, x0, t, noise, weighting, reduction="none")  # type: ignore[arg-type]
    torch.testing.assert_close(weighted, weights[t] * plain, rtol=1e-13, atol=0)
    mean = diffusion.loss(linear_model, x0, t, noise, weighting)  # type: ignore[arg-type]
    torch.testing.assert_close(mean, weighted.mean(), rtol=1e-13, atol=0)


def test_published_weight_profile(linear: NoiseSchedule) -> None:
    """Claim ddpm.loss.weight_profile: 0.5997, 0.0864, 0.01027, minimum 0.00498 at t = 350, 0.01020 at T."""
    weights = GaussianDiffusion(linear).weight("vlb")
    for t, printed in ((2, 0.5997), (10, 0.0864), (100, 0.01027), (350, 0.00498), (1000, 0.01020)):
        assert float(weights[t]) == pytest.approx(printed, rel=1e-3)
    assert int(weights[2:].argmin()) + 2 == 350


def test_vlb_weighting_sums_to_the_bound() -> None:
    """T times the "sum" loss per t, added to the constants of claim planned:ddpm.elbo.gaussian_quadratic.

    Is minus the bound.
    """
    schedule = NoiseSchedule.linear(6, 0.05, 0.4)
    diffusion = GaussianDiffusion(schedule, "eps", "beta")
    x0 = torch.randn(1, 4, dtype=torch.float64)
    noises = torch.randn(6, 1, 4, dtype=torch.float64)
    bound = diffusion.vlb(linear_model, x0, noise_fn=lambda shape, t: noises[t - 1])
    squares = sum(float(diffusion.loss(linear_model, x0, t, noises[t - 1], "vlb", "sum")) for t in range(1, 7))
    constant = -2 * math.log(2 * math.pi * float(schedule.beta(1))) - float(bound.prior)
    for t in range(2, 7):
        ratio = float(schedule.one_minus_alpha_bar(t - 1) / schedule.one_minus_alpha_bar(t))
        constant -= 2 * (ratio - 1 - math.log(ratio))
    assert float(bound.elbo) == pytest.approx(constant - squares, rel=1e-12)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("variance", ["posterior", "beta"])
def test_loss_gradient_is_the_closed_form(linear: NoiseSchedule, prediction: str, variance: str) -> None:
    """d/dw of w_t mean (w x_t - target)^2 = 2 w_t mean (w x_t - target) x_t, by autograd and by hand."""
    diffusion = GaussianDiffusion(linear, prediction, variance)  # type: ignore[arg-type]
    x0, noise, t = torch.randn(3, 5).double(), torch.randn(3, 5).double(), torch.tensor([1, 40, 1000])
    for weighting in ("simple", "vlb", "min_snr"):
        w = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
        diffusion.loss(lambda x, _, w=w: w * x, x0, t, noise, weighting).backward()  # type: ignore[arg-type,no-untyped-call]
        x_t, target = diffusion.q_sample(x0, t, noise), diffusion.target(x0, noise, t)
        factor = diffusion.weight(weighting)[t].view(-1, 1)  # type: ignore[arg-type]
        expected = (2 * factor * (0.7 * x_t - target) * x_t).mean()
        torch.testing.assert_close(w.grad, expected, rtol=1e-12, atol=0)


def test_gradient_reaches_x0_through_the_noising(linear: NoiseSchedule) -> None:
    x0 = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    noise, t = torch.randn(2, 3, dtype=torch.float64), torch.tensor([10, 900])
    GaussianDiffusion(linear).q_sample(x0, t, noise).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(x0.grad, linear.signal(t).view(2, 1).expand(2, 3), rtol=1e-15, atol=0)


@pytest.mark.parametrize("how", ["uniform", "stratified"])
def test_training_times_are_uniform_on_one_to_T(how: str) -> None:
    """Chi-square over T = 10 cells, 40,000 draws: 99.99 % quantile at 9 degrees of freedom is 33.7."""
    diffusion = GaussianDiffusion(NoiseSchedule.linear(10, 0.01, 0.2), t_sampling=how)  # type: ignore[arg-type]
    g = torch.Generator().manual_seed(1)
    draws = torch.cat([diffusion.sample_times(4, "cpu", g) for _ in range(10_000)])
    counts = torch.bincount(draws, minlength=11)
    assert int(counts[0]) == 0 and counts.numel() == 11
    assert float(((counts[1:] - 4000.0) ** 2 / 4000).sum()) < 33.7


def test_stratified_times_cover_a_batch_evenly() -> None:
    diffusion = GaussianDiffusion(NoiseSchedule.linear(10, 0.01, 0.2), t_sampling="stratified")
    for seed in range(50):
        t = diffusion.sample_times(20, "cpu", torch.Generator().manual_seed(seed))
        assert torch.bincount(t, minlength=11)[1:].tolist() == [2] * 10
        assert diffusion.sample_times(1, "cpu", torch.Generator().manual_seed(seed)).shape == (1,)


def test_loss_draws_what_it_is_not_given_from_the_generator(linear: NoiseSchedule) -> None:
    diffusion = GaussianDiffusion(linear)
    x0 = torch.randn(8, 3)
    a, b = (diffusion.loss(linear_model, x0, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    c = diffusion.loss(linear_model, x0, generator=torch.Generator().manual_seed(4))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_model_gets_integer_times_of_the_batch(linear: NoiseSchedule) -> None:
    seen = []

    def model(x: Tensor, t: Tensor) -> Tensor:
        seen.append(t)
        return x

    diffusion = GaussianDiffusion(linear)
    diffusion.loss(model, torch.randn(5, 2))
    diffusion.loss(model, torch.randn(5, 2), t=7)
    for t in seen:
        assert t.shape == (5,) and t.dtype == torch.int64 and int(t.min()) >= 1 and int(t.max()) <= 1000
    assert seen[1].tolist() == [7] * 5


def test_bad_arguments_are_named(linear: NoiseSchedule) -> None:
    diffusion = GaussianDiffusion(linear)
    x, t = torch.randn(3, 2), torch.tensor([1, 2, 3])
    cases = [
        (lambda: diffusion.q_sample(x, t, x[:2]), ValueError, r"x0 has shape \(3, 2\) and noise has shape \(2, 2\)"),
        (lambda: diffusion.q_sample(x, t[:2], x), ValueError, r"t has shape \(2,\), but the data has shape \(3, 2\)"),
        (lambda: diffusion.q_sample(x, 1001, x), ValueError, r"t = 1001, but times here are 0\.\.1000"),
        (lambda: diffusion.q_sample(x, torch.tensor([0, 1, 2000]), x), ValueError, "t holds 2000"),
        (lambda: diffusion.posterior(x, x, 0), ValueError, r"t = 0, but times here are 1\.\.1000"),
        (lambda: diffusion.posterior(x, x, torch.tensor([0, 1, 2])), ValueError, "t holds 0"),
        (lambda: diffusion.to_x0(x, x, 0), ValueError, r"times here are 1\.\.1000"),
        (lambda: diffusion.to_eps(x, x, 0), ValueError, r"times here are 1\.\.1000"),
        (lambda: diffusion.loss(linear_model, x, t=torch.tensor([0, 1, 2])), ValueError, "t holds 0"),
        (lambda: diffusion.q_sample(x.long(), t, x), TypeError, "scale images to"),
        (lambda: diffusion.q_sample([1.0], t, x), TypeError, "a tensor is needed"),
        (lambda: diffusion.q_sample(x, 2.5, x), TypeError, "times are integers"),
        (lambda: diffusion.loss(lambda x, t: x[:, :1], x), ValueError, r"the model returned shape \(3, 1\)"),
        (lambda: diffusion.loss(linear_model, x, weighting="snr"), ValueError, "weighting = 'snr' is not one of"),
        (lambda: diffusion.loss(linear_model, x, weighting="hybrid"), ValueError, "variance='learned'"),
        (lambda: diffusion.loss(linear_model, x, reduction="batch"), ValueError, "reduction = 'batch' is not one of"),
        (lambda: GaussianDiffusion(linear, "noise"), ValueError, "prediction = 'noise' is not one of"),
        (lambda: GaussianDiffusion(linear, variance="small"), ValueError, "variance = 'small' is not one of"),
        (lambda: GaussianDiffusion(linear, t_sampling="sobol"), ValueError, "t_sampling = 'sobol' is not one of"),
        (lambda: GaussianDiffusion([0.1, 0.2]), TypeError, "NoiseSchedule is needed"),
        (lambda: GaussianDiffusion(linear, reconstruction_variance=0.0), ValueError, "positive and finite"),
        (lambda: MinSNR(0.0), ValueError, "gamma > 0"),
        (lambda: diffusion.vlb(linear_model, x * math.nan), ValueError, "NaN or infinity"),
        (lambda: diffusion.vlb(linear_model, 3 * torch.ones(1, 1), decoder="discretized"), ValueError, r"in \[-1, 1\]"),
        (lambda: diffusion.vlb(linear_model, x, decoder="laplace"), ValueError, "decoder = 'laplace' is not one of"),
    ]
    for call, error, message in cases:
        with pytest.raises(error, match=message):
            call()


def test_an_infinite_weight_is_refused(linear: NoiseSchedule) -> None:
    """SNR^-1 at a zero terminal SNR: the weight is infinite, and the loss says so instead of returning it."""
    diffusion = GaussianDiffusion(linear.zero_terminal_snr(), "x0")
    assert float(diffusion.weight(SNRPower(-1.0))[1000]) == math.inf
    with pytest.raises(ValueError, match="is infinite at some t"):
        diffusion.loss(linear_model, torch.randn(2, 3), weighting=SNRPower(-1.0))
