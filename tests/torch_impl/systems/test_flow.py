"""Flow matching against laws whose flow is known: velocities, orders of solvers, densities, bends, couplings."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from torch_impl.evaluation.straightness import bends
from torch_impl.objectives.flow_matching import flow_matching_loss, flow_times, transport_coupling
from torch_impl.oracle.on_path import MixtureOnPath
from torch_impl.process.paths import CosinePath, Path, StraightPath
from torch_impl.random.draws import Draws
from torch_impl.samplers.runge_kutta import SOLVERS, RungeKutta, adaptive, integrate, log_density, solver
from torch_impl.systems.flow import FlowConfig, MixtureFlowConfig
from torch_impl.systems.reflow import MixtureReflowConfig, ReflowConfig
from torch_impl.training.system import Batch

PATHS = [StraightPath(), CosinePath()]
LAW = ([0.3, 0.7], [(-1.0, 0.0), (1.0, 0.5)], [(0.04, 0.09), (0.09, 0.04)])


def gaussian_end(path: Path, variance: float, x: torch.Tensor) -> torch.Tensor:
    """Where the flow of N(0, variance) takes points from t = 1 to 0: it scales them by the ratio of the spreads."""
    return x * math.sqrt(variance)


@pytest.mark.parametrize("path", PATHS)
def test_the_cosine_path_and_the_straight_one_hand_out_their_derivatives(path: Path) -> None:
    t = torch.linspace(0.05, 0.95, 7, dtype=torch.float64)
    h, at = 1e-6, path.at(t)
    up, down = path.at(t + h), path.at(t - h)
    for value, rate in (("alpha", at.d_alpha), ("sigma", at.d_sigma), ("lam", at.d_lam)):
        assert torch.allclose((getattr(up, value) - getattr(down, value)) / (2 * h), rate, rtol=1e-7)
    assert torch.allclose(at.lam, (at.alpha / at.sigma).log())


@pytest.mark.parametrize("path", PATHS)
def test_the_exact_velocity_is_the_mean_of_the_pairs_and_no_network_does_better(path: Path) -> None:
    """E|u - pair|^2 at a time is the least error; any other field pays its distance besides, pair by pair."""
    oracle = MixtureOnPath(*LAW, path)
    generator = torch.Generator().manual_seed(0)
    x0 = oracle.sample(40_000, generator)
    noise, t = torch.randn(x0.shape, generator=generator, dtype=torch.float64), torch.full((len(x0),), 0.4).double()
    found = float(flow_matching_loss(oracle.field, path, x0, t, noise))
    least = oracle.least_velocity_error(np.array([0.4]), np.array([1.0]))
    assert found == pytest.approx(least, rel=0.02)
    other = float(flow_matching_loss(lambda x, s: oracle.field(x, s) + 0.3, path, x0, t, noise))
    assert other - found == pytest.approx(0.09, rel=0.05)


def test_the_lines_of_the_averaged_velocity_bend_although_those_of_the_pairs_are_straight() -> None:
    """N(0, 1) to N(0, 4): from 1 the flow passes sqrt(1.25) half way, and the chord would pass 1.5."""
    oracle = MixtureOnPath([1.0], [(0.0,)], [(4.0,)], StraightPath())
    x = torch.ones(1, 1, dtype=torch.float64)
    half = integrate(oracle.field, x, [1 - i / 200 for i in range(101)], solver("rk4"))
    end = integrate(oracle.field, half, [0.5 - i / 200 for i in range(101)], solver("rk4"))
    assert float(half) == pytest.approx(math.sqrt(1.25), rel=1e-8) and float(end) == pytest.approx(2.0, rel=1e-8)
    bend, step = bends(oracle.field, x, 1.0)
    assert float(bend) > 0.1 and float(step) > 0.1


def test_straight_lines_have_no_bend() -> None:
    bend, step = bends(lambda x, t: torch.full_like(x, 3.0), torch.randn(5, 2).double(), 1.0)
    assert float(bend.max()) < 1e-20 and float(step.max()) < 1e-20


WIDE = ([0.3, 0.7], [(-1.0, 0.0), (1.0, 0.5)], [(0.3, 0.5), (0.5, 0.3)])


def measured_order(row: RungeKutta, path: Path) -> float:
    """The exponent of the step in the mean error of many lines, against a solution of far smaller steps."""
    oracle, generator = MixtureOnPath(*WIDE, path), torch.Generator().manual_seed(0)
    x = torch.randn(64, 2, generator=generator, dtype=torch.float64)

    def end(method: RungeKutta, steps: int) -> torch.Tensor:
        return integrate(oracle.field, x, [1 - i / steps for i in range(steps + 1)], method)

    truth, coarse = end(solver("rk4"), 640), 40 if row.order < 4 else 20
    errors = [float((end(row, steps) - truth).square().mean().sqrt()) for steps in (coarse, 2 * coarse)]
    return math.log2(errors[0] / errors[1])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("row", SOLVERS, ids=lambda row: row.name)
@pytest.mark.parametrize("path", PATHS)
def test_a_solver_has_its_order(row: RungeKutta, path: Path) -> None:
    """Dormand and Prince's method, whose first neglected term is made small, looks better than it is at such steps."""
    assert -0.5 < measured_order(row, path) - row.order < (1.5 if row.embedded else 0.5)


def test_a_wrong_weight_loses_the_order() -> None:
    rk4 = solver("rk4")
    wrong = dataclasses.replace(rk4, weights=(1 / 6, 1 / 2, 1 / 6, 1 / 6))
    late = dataclasses.replace(rk4, stages=((), (0.5,), (0.0, 0.25), (0.0, 0.0, 1.0)))
    assert measured_order(wrong, PATHS[0]) < 3.5 and measured_order(late, PATHS[0]) < 3.5


@pytest.mark.parametrize("row", SOLVERS, ids=lambda row: row.name)
def test_a_table_is_consistent(row) -> None:
    """The weights integrate t^k exactly below the order, and not at it."""
    for weights, order in (
        ((row.weights, row.order), (row.embedded, 4)) if row.embedded else ((row.weights, row.order),)
    ):
        for k in range(order + 1):
            exact = math.fsum(b * c**k for b, c in zip(weights, row.nodes, strict=True)) * (k + 1)
            assert (exact == pytest.approx(1, abs=1e-12)) == (k < order)
    assert len(row.stages) == len(row.weights) and all(len(s) == i for i, s in enumerate(row.stages))


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9])
def test_the_adaptive_solver_keeps_its_tolerance(tolerance: float) -> None:
    oracle = MixtureOnPath([1.0], [(0.0,)], [(0.25,)], StraightPath())
    x, asked = torch.tensor([[0.7], [1.9]], dtype=torch.float64), []

    def field(points: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        asked.append(float(t[0]))
        return oracle.field(points, t)

    end = adaptive(field, x, 1.0, 0.0, tolerance)
    assert float((end - gaussian_end(StraightPath(), 0.25, x)).abs().max()) < 20 * tolerance
    assert min(asked) >= -1e-12 and max(asked) <= 1 and len(asked) < 1500


@pytest.mark.parametrize("tolerance", [0.0, -1.0, math.nan, math.inf])
def test_a_tolerance_that_cannot_be(tolerance: float) -> None:
    with pytest.raises(ValueError, match="positive one, for example 1e-5"):
        adaptive(lambda x, t: x, torch.ones(1, 1), 1.0, 0.0, tolerance)


@pytest.mark.sampled(2)
def test_the_adaptive_solver_steps_for_each_example_alone() -> None:
    """A neighbour that needs short steps shortens no other's; the error of each example is its own."""
    x = torch.tensor([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], dtype=torch.float64)
    heard: list[float] = []

    def field(points: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return torch.where(points.abs() > 2.5, 100 * torch.sin(100 * t)[:, None], -points)

    together = adaptive(field, x, 1.0, 0.0, 1e-6, lambda t, _: heard.append(t))
    for i in range(len(x)):
        torch.testing.assert_close(together[i : i + 1], adaptive(field, x[i : i + 1], 1.0, 0.0, 1e-6), rtol=0, atol=0)
    assert heard == sorted(heard, reverse=True) and heard[-1] == 0.0


def test_a_field_that_is_not_finite_is_told_and_how_many_examples_it_holds_back() -> None:
    def field(points: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return torch.where(points > 1, torch.nan, points)

    with pytest.raises(RuntimeError, match="40 steps did not reach t = 0 for 1 of 2 examples; raise the tolerance"):
        adaptive(field, torch.tensor([[0.5], [2.0]]), 1.0, 0.0, 1e-3, most=40)


@pytest.mark.parametrize("row", [row for row in SOLVERS if not row.embedded], ids=lambda row: row.name)
def test_the_first_samples_are_the_same_whatever_their_number(row) -> None:
    torch.manual_seed(0)
    system = MixtureFlowConfig.small().build().eval()
    for parameter in system.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    few, many = (system.sample(n, torch.Generator().manual_seed(5), sampler=row.name, steps=6) for n in (3, 21))
    torch.testing.assert_close(few, many[:3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("path", PATHS)
def test_the_density_along_the_exact_flow_is_the_exact_one(path: Path) -> None:
    oracle = MixtureOnPath(*LAW, path)
    x = oracle.sample(50, torch.Generator().manual_seed(1))
    times = [i / 200 for i in range(201)]
    found = log_density(
        oracle.field, x, times, solver("rk4"), lambda z: -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
    )
    assert torch.allclose(found, oracle.log_prob(x), atol=2e-4)
    assert not torch.allclose(found, oracle.log_prob(x + 0.05), atol=2e-2)


def test_the_transport_coupling_is_the_best_and_a_permutation() -> None:
    generator = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(48, 3, generator=generator), torch.randn(48, 3, generator=generator)
    paired = transport_coupling(x0, noise, 16)
    for i in range(0, 48, 16):
        cost = torch.cdist(x0[i : i + 16].double(), noise[i : i + 16].double()).square().numpy()
        rows, columns = linear_sum_assignment(cost)
        mine = float((x0[i : i + 16] - paired[i : i + 16]).double().square().sum())
        assert mine == pytest.approx(cost[rows, columns].sum(), rel=1e-6) and mine < np.trace(cost)
        assert {tuple(row) for row in paired[i : i + 16].tolist()} == {tuple(row) for row in noise[i : i + 16].tolist()}


def test_logit_normal_times_have_their_law() -> None:
    unit = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
    t = flow_times(unit, "logit_normal")
    assert float(torch.logit(t).mean()) == pytest.approx(0, abs=1e-6)
    assert float(torch.logit(t).std()) == pytest.approx(1, rel=1e-3)
    assert torch.equal(flow_times(unit, "uniform"), unit)


@pytest.mark.parametrize("times", ["uniform", "logit_normal"])
def test_the_best_loss_is_that_of_the_exact_velocity(times) -> None:
    system = MixtureFlowConfig(2, 2, times=times).build()
    x = system.oracle.sample(20_000, torch.Generator().manual_seed(0)).float()
    found = [float(system.oracle_loss(Batch(x), Draws(seed, len(x)).at(0))) for seed in range(4)]
    assert np.mean(found) == pytest.approx(system.best_loss(), rel=0.02)


def test_no_best_loss_is_known_where_noise_is_paired() -> None:
    assert MixtureFlowConfig(2, 2, coupling="transport").build().best_loss() is None


def test_two_processes_pair_as_one_does() -> None:
    system = MixtureFlowConfig(2, 2, coupling="transport").build()
    x = torch.randn(32, 2, generator=torch.Generator().manual_seed(0))
    _, whole = system.drawn(Batch(x), Draws(0, 32, 4).at(5))
    _, half = system.drawn(Batch(x[16:]), Draws(0, 32, 4).at(5, 16, 16))
    assert torch.equal(whole[16:], half)


def test_pairs_of_reflow_are_the_two_ends_of_the_exact_lines() -> None:
    """N(0, 4): the flow doubles every point; pairs that are made so leave nothing to learn but straight lines."""
    law = {"weights": (1.0,), "means": ((0.0, 0.0),), "variances": ((4.0, 4.0),)}
    system = MixtureReflowConfig(2, 2, pairs=400, pair_steps=40, width=8, depth=1, **law).build()
    system.prepare(None, None)
    torch.testing.assert_close(system.pair_sample, 2 * system.pair_noise, rtol=2e-3, atol=2e-3)
    straight = lambda x, t: x * ((1 - 2) / (2 - t)).view(-1, 1)  # noqa: E731  # noise - 2 noise at (2 - t) noise
    system.velocity = lambda y=None: straight
    loss = float(system(Batch(torch.zeros(64, 2)), Draws(0, 64).at(0))["loss"])
    assert loss < 1e-5
    system.velocity = lambda y=None: lambda x, t: system.oracle.field(x, t)
    assert float(system(Batch(torch.zeros(64, 2)), Draws(0, 64).at(0))["loss"]) > 0.05, (
        "the bent flow is no longer best"
    )


def test_reflow_draws_its_pairs_and_no_examples() -> None:
    system = MixtureReflowConfig(2, 2, pairs=50, pair_steps=4, width=8, depth=1).build()
    system.prepare(None, None)
    here, there = (
        float(system(Batch(x), Draws(0, 16).at(3))["loss"].detach()) for x in (torch.zeros(16, 2), torch.ones(16, 2))
    )
    assert here == there
    other = float(system(Batch(torch.zeros(16, 2)), Draws(0, 16).at(4))["loss"])
    assert other != here


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FlowConfig(classes=3, conditional=True, coupling="transport"), "or --coupling independent"),
        (lambda: ReflowConfig(path="cosine"), "linear, independent"),
        (lambda: ReflowConfig.small().build().prepare(None, None), "give one with --from"),
        (lambda: MixtureReflowConfig(2, 2, conditional=True), "is told no class"),
        (lambda: FlowConfig(classes=None, conditional=True).build(), "train with --unconditional"),
        (lambda: FlowConfig().build().velocity(None, 2.0), "leave out --label and --guidance"),
        (lambda: FlowConfig.small().build().sample(2, torch.Generator(), sampler="ddim"), "a flow is solved by"),
        (
            lambda: FlowConfig.small().build().sample(2, torch.Generator(), sampler="heun", tolerance=1e-3),
            "--sampler dopri5 without --steps",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
