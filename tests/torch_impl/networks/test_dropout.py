"""Dropout from a step's own draws: the right law, the same mask whoever computes it, and torch's own without them."""

from __future__ import annotations

import copy

import pytest
import torch

from torch_impl.networks import Dropout
from torch_impl.training import Draws


def test_it_keeps_the_mean_and_drops_with_its_probability() -> None:
    layer, draws = Dropout(0.3), Draws(0, 400)
    layer.uniform = draws.at(1).uniform
    x = torch.ones(400, 500)
    y = layer(x)
    dropped = (y == 0).double().mean().item()
    assert abs(dropped - 0.3) < 5 * (0.3 * 0.7 / x.numel()) ** 0.5
    torch.testing.assert_close(y[y != 0], torch.full_like(y[y != 0], 1 / 0.7))


def test_two_processes_have_the_masks_of_one() -> None:
    x = torch.randn(8, 3, 5)
    layer = Dropout(0.5)
    whole = Draws(3, 8, blocks=2)
    layer.uniform = whole.at(7).uniform
    expected = layer(x)
    for first in (0, 4):
        part = Draws(3, 8, blocks=2)
        layer.uniform = part.at(7, first, 4).uniform
        assert torch.equal(layer(x[first : first + 4]), expected[first : first + 4])


def test_masks_change_with_the_step_and_from_layer_to_layer() -> None:
    layer, draws = Dropout(0.5), Draws(3, 8)
    x = torch.ones(8, 64)
    layer.uniform = draws.at(1).uniform
    first, second = layer(x), layer(x)
    draws.at(2)
    assert not torch.equal(first, second) and not torch.equal(first, layer(x))
    draws.at(1)
    assert torch.equal(first, layer(x))


def test_gradients_pass_where_the_entries_did() -> None:
    layer, draws = Dropout(0.4), Draws(0, 6)
    layer.uniform = draws.at(1).uniform
    x = torch.randn(6, 7, dtype=torch.float64, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert x.grad is not None and torch.equal(x.grad, (y != 0).double() / (1 - 0.4))


def test_evaluation_and_probability_zero_change_nothing() -> None:
    x = torch.randn(4, 5)
    assert Dropout(0.0)(x) is x
    assert Dropout(0.9).eval()(x) is x


def test_a_copy_draws_for_itself() -> None:
    layer = Dropout(0.5)
    layer.uniform = Draws(0, 4).at(1).uniform
    assert copy.deepcopy(layer).uniform is None and layer.uniform is not None


@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_a_probability_out_of_range_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=r"dropout probability is .*\[0, 1\)"):
        Dropout(p)
