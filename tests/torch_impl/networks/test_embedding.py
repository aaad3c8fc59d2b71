"""Time embedding, class embedding with its null class, and label dropping."""

import math

import pytest
import torch

from torch_impl.networks import drop_labels, sinusoidal_embedding
from torch_impl.networks.embedding import Conditioning


@pytest.mark.parametrize("dim", [2, 8, 128])
def test_entries_are_sines_and_cosines_of_the_transformer_frequencies(dim: int) -> None:
    t = torch.tensor([0, 1, 7, 1000])
    expected = [
        [f(float(k) * 10_000.0 ** (-2 * i / dim)) for f in (math.sin, math.cos) for i in range(dim // 2)] for k in t
    ]
    torch.testing.assert_close(
        sinusoidal_embedding(t.double(), dim), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12
    )


def test_inner_product_depends_on_the_difference_of_times_only() -> None:
    tau = sinusoidal_embedding(torch.arange(0.0, 50.0, dtype=torch.float64), 32)
    gram = tau @ tau.t()
    for lag in range(50):
        diagonal = torch.diagonal(gram, lag)
        frequencies = 10_000.0 ** (-torch.arange(16, dtype=torch.float64) / 16)
        torch.testing.assert_close(diagonal, torch.cos(lag * frequencies).sum().expand_as(diagonal), rtol=0, atol=1e-11)


def test_norm_is_half_the_dimension_and_integer_times_are_told_apart() -> None:
    tau = sinusoidal_embedding(torch.arange(1, 1001).double(), 64)
    torch.testing.assert_close(tau.square().sum(1), torch.full((1000,), 32.0, dtype=torch.float64))
    distance = torch.cdist(tau, tau) + 10 * torch.eye(1000, dtype=torch.float64)
    assert distance.min() > 0.3


@pytest.mark.parametrize("dim", [0, 1, 7])
def test_odd_dimension_is_refused(dim: int) -> None:
    with pytest.raises(ValueError, match=rf"{dim} entries.*even"):
        sinusoidal_embedding(torch.arange(3), dim)


def test_labels_below_the_probability_become_the_null_class_and_no_others() -> None:
    y = torch.tensor([3, 1, 4, 1, 5])
    u = torch.tensor([0.0, 0.2, 0.19, 0.9, 0.1])
    assert drop_labels(y, 0.2, 10, u).tolist() == [10, 1, 10, 1, 10]
    assert drop_labels(y, 0.0, 10, u).tolist() == y.tolist()
    assert drop_labels(y, 1.0, 10, u).tolist() == [10] * 5


def test_share_of_dropped_labels_is_the_probability() -> None:
    n, p = 100_000, 0.15
    u = torch.rand(n, generator=torch.Generator().manual_seed(0))
    dropped = (drop_labels(torch.zeros(n, dtype=torch.int64), p, 10, u) == 10).double().mean().item()
    assert abs(dropped - p) < 5 * math.sqrt(p * (1 - p) / n)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_a_probability_outside_the_unit_interval_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        drop_labels(torch.zeros(2, dtype=torch.int64), p, 10, torch.zeros(2))


def test_label_and_time_add_and_the_null_class_has_a_row_of_its_own() -> None:
    torch.manual_seed(0)
    net = Conditioning(dim=8, width=16, num_classes=3)
    plain = Conditioning(dim=8, width=16)
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if k != "classes.weight"})
    t = torch.tensor([1, 500, 1000, 2])
    y = torch.tensor([0, 1, 2, 3])
    torch.testing.assert_close(net(t, y) - plain(t), net.classes.weight, rtol=1e-5, atol=1e-6)


def test_missing_superfluous_and_impossible_labels_are_named() -> None:
    conditional, plain = Conditioning(8, 16, num_classes=3), Conditioning(8, 16)
    t = torch.tensor([1, 2])
    with pytest.raises(ValueError, match=r"conditional on 3 classes and needs labels"):
        conditional(t)
    with pytest.raises(ValueError, match="unconditional network"):
        plain(t, torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"from 0 to 4.*knows 0 to 2, and 3 for no class"):
        conditional(t, torch.tensor([0, 4]))
    with pytest.raises(ValueError, match=r"from -1 to 0"):
        conditional(t, torch.tensor([0, -1]))
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        conditional(t, torch.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match="must be 2 integers"):
        conditional(t, torch.tensor([0.0, 1.0]))
