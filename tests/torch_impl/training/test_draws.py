"""The randomness of a step: a function of (seed, step), shared fairly among processes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from torch_impl.random.draws import SampleDraws
from torch_impl.training import Draws, LearningRate


def draw(draws: Draws):
    n = draws.count
    return torch.cat(
        [draws.normal(n, 3), draws.uniform(n, 2), draws.timesteps(1000)[:, None], draws.normal(n, 1)], dim=1
    )


@pytest.mark.parametrize("pieces", [1, 2, 4, 8])
def test_pieces_of_a_batch_draw_what_the_whole_batch_draws(pieces):
    whole = draw(Draws(5, 16, blocks=8).at(3))
    share = 16 // pieces
    parts = [draw(Draws(5, 16, blocks=8).at(3, first=i * share, count=share)) for i in range(pieces)]
    assert torch.equal(whole, torch.cat(parts))


def test_a_step_draws_the_same_whatever_came_before():
    used = Draws(5, 8, blocks=2)
    for step in (1, 2, 9):
        draw(used.at(step))
    assert torch.equal(draw(used.at(4)), draw(Draws(5, 8, blocks=2).at(4)))


def test_steps_seeds_blocks_and_streams_differ():
    reference = draw(Draws(5, 8, blocks=2).at(4))
    for other in (
        Draws(5, 8, blocks=2).at(5),
        Draws(6, 8, blocks=2).at(4),
        Draws(5, 8, blocks=2, stream="validate").at(4),
    ):
        assert not torch.isclose(draw(other)[:, :3], reference[:, :3]).any()
    first, second = reference.chunk(2)
    assert not torch.isclose(first[:, :3], second[:, :3]).any()


def test_normals_and_uniforms_have_their_laws():
    draws = Draws(0, 4096, blocks=8).at(1)
    assert stats.kstest(draws.normal(4096, 4).double().flatten().numpy(), "norm").pvalue > 1e-3
    assert stats.kstest(draws.uniform(4096, 4).double().flatten().numpy(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("T", [1, 2, 7, 1000])
def test_times_are_uniform_on_1_to_T(T):
    draws = Draws(0, 4096, blocks=8)
    for stratified in (False, True):
        times = torch.cat([draws.at(step).timesteps(T, stratified) for step in range(5)])
        assert times.dtype == torch.int64 and int(times.min()) == 1 and int(times.max()) == T
        counts = np.bincount(times.numpy(), minlength=T + 1)[1:]
        if T > 1 and not stratified:
            assert stats.chisquare(counts).pvalue > 1e-4


def test_stratified_times_fill_every_stratum_over_all_processes():
    T, B = 1000, 50
    halves = [Draws(1, B, blocks=2).at(6, first=f, count=25).timesteps(T, stratified=True) for f in (0, 25)]
    strata = ((torch.cat(halves) - 1) * B) // T
    assert sorted(strata.tolist()) == list(range(B))
    plain = Draws(1, B, blocks=2).at(6).timesteps(T)
    assert len(set((((plain - 1) * B) // T).tolist())) < B


def test_cutting_through_a_block_is_refused():
    with pytest.raises(ValueError, match="whole blocks"):
        Draws(0, 16, blocks=2).at(1, first=4, count=4)
    with pytest.raises(ValueError, match="do not divide"):
        Draws(0, 10, blocks=4)
    with pytest.raises(ValueError, match="first size"):
        Draws(0, 16).at(1).normal(3, 2)


def test_learning_rate_warms_up_and_follows_half_a_cosine():
    rate = LearningRate(2.0, steps=110, warmup=10, final=0.1)
    assert rate.at(1) == pytest.approx(0.2) and rate.at(10) == 2.0 and rate.at(11) == 2.0
    assert rate.at(61) == pytest.approx(2.0 * 0.55)
    assert rate.at(110) > 0.2 and rate.at(111) == pytest.approx(0.2)
    assert LearningRate(2.0, steps=110, warmup=10, shape="constant").at(110) == 2.0


@pytest.mark.parametrize(
    "fields", [{"peak": 0.0}, {"peak": float("nan")}, {"warmup": -1}, {"final": 2.0}, {"steps": 0}]
)
def test_impossible_learning_rates_are_refused(fields):
    with pytest.raises(ValueError):
        LearningRate(**({"peak": 1e-3, "steps": 10} | fields))


def test_a_sample_is_given_the_same_numbers_whatever_their_number() -> None:
    def drawn(n: int) -> list[torch.Tensor]:
        draws = SampleDraws(torch.Generator().manual_seed(3), n)
        weights = torch.linspace(0.0, 1.0, 5).expand(n, 5)
        return [draws.normal(n, 3), draws.uniform(n), draws.choice(weights), draws.noise(torch.Size([n, 2, 2]), 0)]

    most = drawn(37)
    for n in (1, 7, 8, 9, 24):
        assert all(torch.equal(few, many[:n]) for few, many in zip(drawn(n), most, strict=True)), n
    assert len({float(row[0]) for row in most[0]}) == 37
    with pytest.raises(ValueError, match="draws are for 2 samples"):
        SampleDraws(torch.Generator(), 2).normal(3)


def test_choices_follow_their_weights_and_never_take_what_weighs_nothing() -> None:
    weights = torch.tensor([0.0, 1.0, 0.0, 3.0, 0.0]).expand(40_000, 5)
    counts = torch.bincount(SampleDraws(torch.Generator().manual_seed(0), 40_000).choice(weights), minlength=5)
    assert counts[[0, 2, 4]].sum() == 0
    assert abs(counts[3].item() / 40_000 - 0.75) < 5 * math.sqrt(0.75 * 0.25 / 40_000)


def test_two_uses_of_one_generator_draw_differently() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (SampleDraws(generator, 4).normal(4, 2) for _ in range(2))
    assert not torch.equal(first, second)
