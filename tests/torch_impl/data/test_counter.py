"""The counter-based generator: pure, spread over all bits, uniform and normal."""

import math

import pytest
import torch

from torch_impl.data import counter


def reference_bits(key: int, index: int) -> int:
    """The same in Python's integers, modulo 2^64."""
    mask = 2**64 - 1
    x = (index * 0x9E3779B97F4A7C15 + key) & mask
    for _ in range(2):
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        x = ((x ^ (x >> 31)) + key) & mask
    return x


@pytest.mark.parametrize("key", [0, 1, -1, counter.key("a", 3), -(2**63)])
def test_bits_equal_unsigned_arithmetic(key: int) -> None:
    index = torch.tensor([0, 1, 2, 12345, 2**40, 2**62])
    assert [b % 2**64 for b in counter.bits(key, index).tolist()] == [reference_bits(key, i) for i in index.tolist()]


def test_a_number_depends_on_key_and_index_alone() -> None:
    index = torch.arange(1000)
    whole = counter.uniform(7, index)
    assert torch.equal(whole[400:500], counter.uniform(7, index[400:500]))
    assert torch.equal(whole.reshape(10, 100), counter.uniform(7, index.reshape(10, 100)))
    assert not torch.isclose(whole, counter.uniform(8, index)).any()


def test_keys_of_different_parts_differ() -> None:
    keys = {counter.key(*parts) for parts in [(1, "a"), ("1", "a"), (1, "b"), ("1a",), (1, 1, "a"), (11, "a"), (1,)]}
    assert len(keys) == 7
    assert all(-(2**63) <= k < 2**63 for k in keys)


def test_every_bit_is_a_fair_coin_and_flips_with_the_index() -> None:
    n = 20_000
    bits = counter.bits(counter.key(0), torch.arange(n + 1))
    for place in range(64):
        ones = (bits >> place) & 1
        assert abs(ones[:n].double().mean().item() - 0.5) < 5 * 0.5 / math.sqrt(n)
        flips = (ones[1:] != ones[:-1]).double().mean().item()
        assert abs(flips - 0.5) < 5 * 0.5 / math.sqrt(n)


def test_uniform_numbers_fill_the_unit_interval_evenly() -> None:
    n = 100_000
    u = counter.uniform(counter.key(1), torch.arange(n)).sort().values
    assert u[0] >= 0 and u[-1] < 1
    kolmogorov = (u - (torch.arange(n) + 0.5) / n).abs().max().item()
    assert kolmogorov < 1.95 / math.sqrt(n)  # exceeded by one generator in a thousand


def test_normal_numbers_have_normal_moments_and_law() -> None:
    n = 100_000
    z = counter.normal(counter.key(2), torch.arange(n))
    for power, moment, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]:
        assert abs(z.pow(power).mean().item() - moment) < 5 * math.sqrt(variance / n)
    kolmogorov = (torch.special.ndtr(z).sort().values - (torch.arange(n) + 0.5) / n).abs().max().item()
    assert kolmogorov < 1.95 / math.sqrt(n)
