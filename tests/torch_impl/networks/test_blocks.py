"""The parts of convolutional networks, each against its definition written another way."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl.networks.blocks import Downsample, GroupNorm, ResBlock, SelfAttention, Upsample, channels_last


def randomised(module: torch.nn.Module) -> torch.nn.Module:
    """Every parameter normal: nothing hides behind a zero-initialised branch."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.3)
    return module


@pytest.mark.parametrize("shape", [(2, 3, 4, 6), (1, 4, 1, 1), (3, 1, 5, 5)])
def test_upsample_is_nearest_neighbour_then_convolution(shape: tuple[int, int, int, int]) -> None:
    up = randomised(Upsample(shape[1]).double())
    x = torch.randn(shape, dtype=torch.float64)
    expected = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), up.weight, up.bias, padding=1)
    torch.testing.assert_close(up(x), expected, rtol=1e-12, atol=1e-12)


def test_gradients_of_upsample_are_those_of_its_definition() -> None:
    up = randomised(Upsample(3).double())
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    got = torch.autograd.grad((up(x) * weight).sum(), [x, up.weight, up.bias])
    plain = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), up.weight, up.bias, padding=1)
    want = torch.autograd.grad((plain * weight).sum(), [x, up.weight, up.bias])
    for g, w in zip(got, want, strict=True):
        torch.testing.assert_close(g, w, rtol=1e-12, atol=1e-12)


def test_downsample_halves_and_its_outputs_see_3x3_pixels() -> None:
    down = randomised(Downsample(2).double())
    x = torch.zeros(1, 2, 8, 8, dtype=torch.float64, requires_grad=True)
    y = down(x)
    assert y.shape == (1, 2, 4, 4)
    (grad,) = torch.autograd.grad(y[0, 0, 2, 2], x)
    seen = grad[0].abs().sum(0).nonzero()
    assert seen.min(0).values.tolist() == [3, 3] and seen.max(0).values.tolist() == [5, 5]


def explicit_attention(layer: SelfAttention, x: Tensor) -> Tensor:
    """Attention by sums over heads, queries and keys."""
    n, c, h, w = x.shape
    d = c // layer.heads
    tokens = F.conv2d(layer.norm(x), layer.qkv.weight, layer.qkv.bias).flatten(2)
    q, k, v = (part.unflatten(1, (layer.heads, d)) for part in tokens.split(c, dim=1))
    scores = torch.einsum("nhdq,nhdk->nhqk", q, k) / math.sqrt(d)
    weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
    seen = torch.einsum("nhqk,nhdk->nhdq", weights, v).reshape(n, c, h, w)
    return x + F.conv2d(seen, layer.out.weight, layer.out.bias)


@pytest.mark.parametrize("head_channels", [4, 8, 16])
def test_attention_by_sdpa_equals_explicit_attention(head_channels: int) -> None:
    layer = randomised(SelfAttention(16, head_channels, groups=4).double())
    assert isinstance(layer, SelfAttention)
    x = torch.randn(2, 16, 3, 5, dtype=torch.float64)
    torch.testing.assert_close(layer(x), explicit_attention(layer, x), rtol=1e-10, atol=1e-10)


def test_attention_commutes_with_a_permutation_of_the_pixels() -> None:
    layer = randomised(SelfAttention(8, 4, groups=2).double())
    x = torch.randn(2, 8, 4, 4, dtype=torch.float64)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))

    def permuted(z: Tensor) -> Tensor:
        return z.flatten(2)[:, :, order].reshape(z.shape)

    torch.testing.assert_close(layer(permuted(x)), permuted(layer(x)), rtol=1e-10, atol=1e-10)
    assert not torch.allclose(layer(x), x)


def test_heads_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="heads of 5 channels do not divide 16"):
        SelfAttention(16, 5, groups=4)


@pytest.mark.parametrize("c_out", [8, 12])
def test_residual_block_starts_as_its_skip(c_out: int) -> None:
    block = ResBlock(8, c_out, groups=4, width=6)
    x, e = torch.randn(2, 8, 4, 4), torch.randn(2, 6)
    skip = x if block.skip is None else block.skip(x)
    assert torch.equal(block(x, e), skip)
    assert (block.skip is None) == (c_out == 8)


def test_residual_block_is_its_formula() -> None:
    block = randomised(ResBlock(8, 12, groups=4, width=6).double())
    assert isinstance(block, ResBlock) and block.condition is not None and block.skip is not None
    x, e = torch.randn(2, 8, 4, 4, dtype=torch.float64), torch.randn(2, 6, dtype=torch.float64)
    a = F.group_norm(x, 4, block.norm_1.weight, block.norm_1.bias, 1e-5)
    a = F.conv2d(a * a.sigmoid(), block.conv_1.weight, block.conv_1.bias, padding=1)
    a = a + (e @ block.condition.weight.t() + block.condition.bias).reshape(2, 12, 1, 1)
    a = F.group_norm(a, 4, block.norm_2.weight, block.norm_2.bias, 1e-5)
    a = F.conv2d(a * a.sigmoid(), block.conv_2.weight, block.conv_2.bias, padding=1)
    torch.testing.assert_close(block(x, e), a + block.skip(x), rtol=1e-10, atol=1e-10)


def test_the_input_of_a_residual_block_is_left_alone() -> None:
    block = randomised(ResBlock(8, 8, groups=4, width=6).double())
    x = torch.randn(2, 8, 4, 4, dtype=torch.float64)
    before = x.clone()
    block(x, torch.randn(2, 6, dtype=torch.float64))
    assert torch.equal(x, before)


def test_group_norm_keeps_bfloat16_under_autocast_and_agrees_with_float32() -> None:
    norm = GroupNorm(4, 16)
    x = torch.randn(2, 16, 5, 5).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        y = norm(x)
    assert y.dtype == torch.bfloat16
    exact = F.group_norm(x.double(), 4)
    # two roundings of relative size 2^-9: of the result, and of the affine map's product
    assert ((y.double() - exact).abs() <= 2**-8 * exact.abs() + 2**-8).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_last_changes_the_memory_and_not_the_values(channels: int) -> None:
    x = torch.randn(2, channels, 4, 5)
    y = channels_last(x)
    assert torch.equal(x, y)
    assert y.stride() == (20 * channels, 1, 5 * channels, channels)
    conv = torch.nn.Conv2d(channels, 4, 3)
    assert conv(y).is_contiguous(memory_format=torch.channels_last)
