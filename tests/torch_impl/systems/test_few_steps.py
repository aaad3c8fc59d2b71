"""Few-step models against Gaussians whose flow is known: boundaries, identities, jumps, targets, stages, refusals."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from torch_impl.denoiser.preconditioning import Preconditioning
from torch_impl.networks import UNet, UNetConfig, with_forward_derivative, with_span
from torch_impl.objectives.consistency import BoundaryScales, consistency_loss, discrete_levels, levels_at
from torch_impl.objectives.distillation import deterministic_step, distillation_loss, one_step_target
from torch_impl.objectives.mean_flow import mean_flow_loss, spans, velocity_of_average
from torch_impl.oracle.on_path import MixtureOnPath
from torch_impl.process.paths import CosinePath, LevelPath, StraightPath
from torch_impl.samplers.edm import heun_with_churn, noise_levels
from torch_impl.samplers.few_step import jumps, multistep_consistency
from torch_impl.systems.consistency import ConsistencyConfig, MixtureConsistencyConfig
from torch_impl.systems.distill import DistillConfig
from torch_impl.systems.edm import EDMConfig
from torch_impl.systems.flow import FlowConfig
from torch_impl.systems.meanflow import MeanFlowConfig, MixtureMeanFlowConfig

VARIANCE, LEAST = 0.36, 0.01


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


# -- consistency ------------------------------------------------------------------------------------------------------


def exact_end(x: Tensor, sigma: Tensor) -> Tensor:
    """The end at LEAST of the line through x at sigma, for N(0, VARIANCE)."""
    return x * ((VARIANCE + LEAST**2) / (VARIANCE + sigma.double().square())).sqrt().view(-1, 1)


def exact_step(x: Tensor, high: Tensor, low: Tensor) -> Tensor:
    """The point of the same line at the lower level."""
    return x * ((VARIANCE + low.square()) / (VARIANCE + high.square())).sqrt().view(-1, 1)


def network_of(scales: BoundaryScales, end) -> object:
    """The F for which the scaled function is `end`."""

    def network(x: Tensor, clock: Tensor) -> Tensor:
        sigma = torch.exp(4 * clock).view(-1, 1)
        data, above = scales.sigma_data, sigma - scales.sigma_min
        total = (sigma.square() + data**2).rsqrt()
        points = x / total
        skip = data**2 / (above.square() + data**2)
        return (end(points, sigma.flatten()) - skip * points) / (data * above * total)

    return network


def test_at_the_least_level_the_function_is_the_identity_whatever_the_network() -> None:
    scales, x = BoundaryScales(0.85, LEAST), normal(5, 3)
    level = torch.full((5,), LEAST, dtype=torch.float64)
    wild = lambda points, clock: 7 + points.square()  # noqa: E731
    torch.testing.assert_close(scales.function(wild)(x, level), x, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(Preconditioning(0.85).denoiser(wild)(x, level.view(-1, 1)), x, atol=1e-2)


def test_the_exact_function_has_no_loss_along_the_exact_lines_and_another_has() -> None:
    scales, grid = BoundaryScales(0.6, LEAST), discrete_levels(20, LEAST, 40.0)
    place = torch.arange(4000) % 19 + 1  # at the least level itself F is not determined
    low, high = grid[place], grid[place + 1]
    x0, noise = math.sqrt(VARIANCE) * normal(4000, 1), normal(4000, 1, seed=1)

    def loss(end) -> float:
        return float(consistency_loss(network_of(scales, end), scales, x0, low, high, noise, exact_step))

    assert loss(exact_end) < 1e-12
    assert loss(lambda x, sigma: 1.05 * exact_end(x, sigma)) < 1e-12, (
        "agreement alone does not fix the scale: the boundary does"
    )
    assert loss(lambda x, sigma: exact_end(x, 1.1 * sigma)) > 1e-4


def test_no_gradient_goes_through_the_lower_level() -> None:
    scales, weight = BoundaryScales(0.6, LEAST), torch.ones((), dtype=torch.float64, requires_grad=True)
    asked: list[bool] = []

    def network(x: Tensor, clock: Tensor) -> Tensor:
        asked.append(torch.is_grad_enabled())
        return weight * x

    grid = discrete_levels(4, LEAST, 1.0)
    loss = consistency_loss(network, scales, normal(4, 2), grid[:4], grid[1:], normal(4, 2, seed=1), None)
    loss.backward()
    assert sorted(asked) == [False, True] and weight.grad is not None


def test_levels_are_doubled_up_to_the_last_number() -> None:
    assert [levels_at(step, 10, 160, 400) for step in (0, 399, 400, 1599, 1600, 10**6)] == [10, 10, 20, 80, 160, 160]
    grid = discrete_levels(10, 0.002, 80.0)
    assert len(grid) == 11 and float(grid[0]) == pytest.approx(0.002) and float(grid[-1]) == pytest.approx(80)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_exact_function_draws_the_law_in_any_number_of_steps(steps: int) -> None:
    n, draws = 40_000, generator(3)
    noise = lambda shape, i: torch.randn(shape, generator=draws, dtype=torch.float64)  # noqa: E731
    sigmas = discrete_levels(steps, LEAST, 200.0).flip(0)[:-1].tolist()
    x = multistep_consistency(exact_end, 200.0 * normal(n, 1), sigmas, LEAST, noise)
    assert abs(float(x.var()) / (VARIANCE + LEAST**2) - 1) < 5 * math.sqrt(2 / n)
    if steps > 1:
        loud = multistep_consistency(exact_end, 200.0 * normal(n, 1), sigmas, LEAST, lambda s, i: 1.2 * noise(s, i))
        assert abs(float(loud.var()) / (VARIANCE + LEAST**2) - 1) > 5 * math.sqrt(2 / n)


def test_the_teachers_step_is_one_of_heuns_method() -> None:
    system = MixtureConsistencyConfig(2, 2, method="distillation").build()
    x, high, low = 3 * normal(6, 2), torch.full((6,), 2.0).double(), torch.full((6,), 1.5).double()
    found = system._teacher_step(None)(x, high, low)
    expected = heun_with_churn(system.oracle.denoiser, x, [2.0, 1.5], lambda shape, i: x)
    torch.testing.assert_close(found, expected)


def test_a_consistency_model_of_the_truth_lands_on_the_end_of_its_line() -> None:
    system = MixtureConsistencyConfig(2, 2, sigma_max=40.0).build().double()
    noise = normal(50, 2)
    landed = system.exact_jump(noise)
    levels = noise_levels(2001, 0.002, 40.0)[:-1]
    exact = heun_with_churn(system.oracle.denoiser, 40.0 * noise, levels, lambda shape, i: noise)
    torch.testing.assert_close(landed, exact, rtol=0, atol=5e-3)
    assert not torch.allclose(system.jump(noise, 1), exact, atol=0.1), "untrained, it lands elsewhere"


# -- mean flow --------------------------------------------------------------------------------------------------------


def scale_at(t: Tensor) -> Tensor:
    """The spread at t of N(0, VARIANCE) on the straight path; the flow scales points by its ratio."""
    return ((1 - t).square() * VARIANCE + t.square()).sqrt()


def exact_average(x: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """(x_t - x_r) / (t - r) along the flow; the velocity itself where r = t."""
    span = (t - r).clamp(min=1e-9)
    return x * ((1 - scale_at(t - span) / scale_at(t)) / span).view(-1, 1)


def test_the_exact_average_velocity_obeys_its_identity() -> None:
    """u + (t - r) du/dt is the velocity at t, whatever r; a wrong u does not obey it."""
    x, r, t = normal(6, 2), torch.tensor([0.0, 0.1, 0.2, 0.5, 0.6, 0.8]).double(), torch.linspace(0.5, 1, 6).double()
    oracle = MixtureOnPath([1.0], [(0.0, 0.0)], [(VARIANCE, VARIANCE)], StraightPath())
    velocity, span = oracle.field(x, t), (t - r).view(-1, 1)
    value, rate = velocity_of_average(exact_average, x, r, t, velocity)
    torch.testing.assert_close(value + span * rate, velocity, rtol=1e-7, atol=1e-8)
    wrong, its_rate = velocity_of_average(lambda x, r, t: exact_average(x, 0.9 * r, t), x, r, t, velocity)
    assert not torch.allclose((wrong + span * its_rate)[1:], velocity[1:], atol=1e-2)


def test_the_product_with_the_jacobian_is_that_of_the_network() -> None:
    """Of the U-Net with attention, against central differences in float64; gradients of the weights go through it."""
    torch.manual_seed(0)
    config = UNetConfig(8, 1, (16, 16), 1, (4,), head_channels=8, num_classes=3)
    network = with_forward_derivative(with_span(UNet(config))).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    x, v, y = normal(3, 1, 8, 8), normal(3, 1, 8, 8, seed=1), torch.tensor([0, 2, 3])
    r, t = torch.tensor([0.1, 0.3, 0.5]).double(), torch.tensor([0.4, 0.3, 0.9]).double()

    def u(points: Tensor, r: Tensor, t: Tensor) -> Tensor:
        out: Tensor = network(points, torch.stack([10 * t, 10 * (t - r)], dim=1), y)
        return out

    value, rate = velocity_of_average(u, x, r, t, v)
    h = 1e-5
    with torch.no_grad():
        expected = (u(x + h * v, r, t + h) - u(x - h * v, r, t - h)) / (2 * h)
        torch.testing.assert_close(value, u(x, r, t))
    torch.testing.assert_close(rate, expected, rtol=1e-5, atol=1e-7)
    value.square().mean().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_at_first_the_network_does_not_know_of_the_span() -> None:
    torch.manual_seed(0)
    plain = UNet(UNetConfig(8, 1, (8,), 1, ()))
    weights = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([3.0, 500.0])
    before = plain(x, t)
    told = with_span(plain)
    assert torch.equal(told(x, torch.stack([t, 7 * t], dim=1)), before) and "conv_in.weight" in weights
    with pytest.raises(ValueError, match="time and span"):
        told(x, t)
    with pytest.raises(ValueError, match="told no time"):
        with_span(torch.nn.Linear(2, 2))


@pytest.mark.parametrize("times", [[1.0, 0.0], [1.0, 0.7, 0.3, 0.0]])
def test_jumps_by_the_exact_average_velocity_follow_the_flow(times: list[float]) -> None:
    x = normal(5, 2)
    torch.testing.assert_close(jumps(exact_average, x, times), math.sqrt(VARIANCE) * x)


def test_the_loss_is_that_of_the_velocity_where_there_is_no_span() -> None:
    x0, noise, t = normal(64, 2), normal(64, 2, seed=1), torch.linspace(0.1, 0.9, 64).double()
    u = lambda x, r, t: torch.tanh(x) * t.view(-1, 1)  # noqa: E731
    x = (1 - t.view(-1, 1)) * x0 + t.view(-1, 1) * noise
    plain = (u(x, t, t) - (noise - x0)).square().mean()
    assert float(mean_flow_loss(u, x0, noise, t, t, power=0.0)) == pytest.approx(float(plain))
    assert float(mean_flow_loss(u, x0, noise, 0 * t, t, power=0.0)) != pytest.approx(float(plain), rel=1e-3)


def test_spans_end_before_they_begin_in_the_share_that_is_asked_for() -> None:
    first, second, choice = torch.rand(3, 4000, generator=generator(), dtype=torch.float64)
    r, t = spans(first, second, choice, 0.25)
    assert (r <= t).all() and float((r < t).double().mean()) == pytest.approx(0.25, abs=0.03)


# -- progressive distillation -----------------------------------------------------------------------------------------


def test_one_step_with_the_target_ends_where_two_of_the_teacher_do() -> None:
    path, x = CosinePath(), normal(5, 2)
    t = torch.tensor([1.0, 0.75, 0.5, 0.5, 0.25], dtype=torch.float64)
    half, end = t - 0.125, t - 0.25
    teacher = lambda points, s: torch.tanh(points) * (1 + s.view(-1, 1))  # noqa: E731
    ahead = deterministic_step(teacher, path, deterministic_step(teacher, path, x, t, half), half, end)
    x0 = one_step_target(path, x, ahead, t, end)
    at, to = ([part.view(-1, 1) for part in path.at(s)] for s in (t, end))
    landed = to[0] * x0 + to[1] * (x - at[0] * x0) / at[1]
    torch.testing.assert_close(landed, ahead, rtol=1e-10, atol=1e-12)
    straight = deterministic_step(teacher, path, x, t, end)
    assert not torch.allclose(straight, ahead, atol=1e-3), "one step of the teacher itself does not"


def test_a_student_of_a_smooth_teacher_is_the_teacher_as_steps_shrink() -> None:
    path, teacher = CosinePath(), MixtureOnPath([1.0], [(0.0,)], [(VARIANCE,)], CosinePath()).field
    x0, noise = math.sqrt(VARIANCE) * normal(500, 1), normal(500, 1, seed=1)
    t = 0.3 + 0.6 * torch.rand(500, generator=generator(), dtype=torch.float64)
    losses = [float(distillation_loss(teacher, teacher, path, x0, noise, t, width)) for width in (0.1, 0.05)]
    assert losses[0] / losses[1] == pytest.approx(4, rel=0.2), "the target is off by one order of the step"
    assert float(distillation_loss(lambda x, s: teacher(x, s) + 0.1, teacher, path, x0, noise, t, 0.05)) > losses[1]


def test_stages_halve_the_steps_down_from_a_flow() -> None:
    found, config = [], DistillConfig(sampling_steps=1, teacher_sampling=16)
    while isinstance(config, DistillConfig):
        found.append(config.sampling_steps)
        stage = config.first_stage()
        config = stage.config
    assert found == [1, 2, 4, 8] and isinstance(config, FlowConfig) and config.path == "cosine"
    assert stage.steps == 3000 and DistillConfig.stage == "teacher"


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ConsistencyConfig(first_levels=9, levels=8), "at most levels = 8"),
        (lambda: ConsistencyConfig(sigma_min=90.0), "must be less than sigma_max"),
        (lambda: ConsistencyConfig.small().build().sample(2, torch.Generator(), steps=17), "in 1 to 16"),
        (lambda: ConsistencyConfig.small().build().sample(2, torch.Generator(), steps=0), "in 1 to 16"),
        (lambda: ConsistencyConfig.small().build().sample(2, torch.Generator(), sampler="heun"), "by consistency"),
        (lambda: MeanFlowConfig.small().build().sample(2, torch.Generator(), steps=65), "in 1 to 64"),
        (lambda: MeanFlowConfig.small().build().sample(2, torch.Generator(), sampler="euler"), "by mean_flow"),
        (lambda: MixtureMeanFlowConfig(2, 2, span_share=1.5), "it must lie in"),
        (lambda: DistillConfig(sampling_steps=3, teacher_sampling=32), "for example 24"),
        (lambda: DistillConfig(sampling_steps=4, teacher_sampling=4), "doubled once or more often"),
        (lambda: DistillConfig.small().build().sample(2, torch.Generator(), steps=5), "was distilled to 2"),
        (lambda: DistillConfig.small().build().sample(2, torch.Generator(), sampler="ddim"), "by distilled"),
        (lambda: DistillConfig.small().build().prepare(None, None), "needs a trained teacher"),
        (lambda: LevelPath(0.0), "positive and finite"),
        # A flow, an EDM and a diffusion were not made for the samplers of one-step models.
        (lambda: FlowConfig.small().build().sample(2, torch.Generator(), sampler="consistency"), "a flow is solved by"),
        (lambda: EDMConfig.small().build().sample(2, torch.Generator(), sampler="mean_flow"), "sampled by edm_heun"),
    ],
)
def test_what_cannot_be_is_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
