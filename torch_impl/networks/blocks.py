"""The parts that convolutional networks here are made of; activations stay channels-last in memory throughout.

Channels-last is what the convolution kernels of oneDNN and cuDNN read without reordering, and it makes the tokens of an
attention layer a view of the image.  Parameters stay in the ordinary layout, so checkpoints hold ordinary tensors.
"""

from __future__ import annotations

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.gpu import normalisation
from torch_impl.networks.dropout import Dropout

__all__ = [
    "Downsample",
    "GroupNorm",
    "ResBlock",
    "SelfAttention",
    "Upsample",
    "channels_last",
    "norm_silu",
    "zero_init",
]

M = TypeVar("M", nn.Linear, nn.Conv2d)


def channels_last(x: Tensor) -> Tensor:
    """The same image batch (batch, channels, height, width) with the channels of a pixel side by side in memory."""
    if x.shape[1] == 1:  # it is so already, but its strides do not say it and convolutions would pick the other layout
        n, _, height, width = x.shape
        return x.reshape(n, height, width, 1).permute(0, 3, 1, 2)
    return x.contiguous(memory_format=torch.channels_last)


def zero_init(module: M) -> M:
    """Set weight and bias to zero, so that the branch ending here starts as nothing."""
    nn.init.zeros_(module.weight)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module


class GroupNorm(nn.GroupNorm):
    """Group normalisation that stays in the precision of its input (its statistics are float32 inside the kernel).

    Under autocast the stock layer turns bfloat16 images into float32, and every pass until the next convolution then
    moves twice the memory.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype == self.weight.dtype:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            return F.group_norm(x, self.num_groups, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)


def norm_silu(norm: GroupNorm, x: Tensor, shift: Tensor | None = None) -> Tensor:
    """silu(norm(x + shift)), with a shift (batch, channels) of one number per channel; x may be overwritten."""
    if normalisation.serves(x):
        return normalisation.norm(x, shift, norm.weight, norm.bias, norm.num_groups, norm.eps, activate=True)
    if shift is not None:
        x += shift[:, :, None, None]
    return F.silu(norm(x))


def without_bias(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """The convolution alone, for a bias that is added together with something else."""
    return F.conv2d(x, conv.weight, None, conv.stride, conv.padding)


class ResBlock(nn.Module):
    """y = skip(x) + conv_2(silu(norm(conv_1(silu(norm(x))) + W e))), with conv_2 starting at zero.

    The conditioning vector e becomes one number per channel, added at every pixel
    (`planned:unet.time_conditioning.injection`); `width` is its length, None for a block without conditioning.
    Shapes (batch, c_in, h, w) and (batch, width) to (batch, c_out, h, w).
    """

    def __init__(self, c_in: int, c_out: int, groups: int, width: int | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm_1 = GroupNorm(groups, c_in)
        self.conv_1 = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.condition = nn.Linear(width, c_out) if width is not None else None
        self.norm_2 = GroupNorm(groups, c_out)
        self.dropout = Dropout(dropout) if dropout > 0 else None
        self.conv_2 = zero_init(nn.Conv2d(c_out, c_out, 3, padding=1))
        self.skip = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else None

    def forward(self, x: Tensor, e: Tensor | None = None) -> Tensor:
        if normalisation.serves(x):
            return self._with_biases_gathered(x, e)
        h: Tensor = self.conv_1(norm_silu(self.norm_1, x))
        h = norm_silu(self.norm_2, h, None if self.condition is None else self.condition(e))
        if self.dropout is not None:
            h = self.dropout(h)
        h = self.conv_2(h)
        h += x if self.skip is None else self.skip(x)
        return h

    def _with_biases_gathered(self, x: Tensor, e: Tensor | None) -> Tensor:
        """The same for large images on a GPU, where adding a bias to an image is a pass over memory of its own."""
        assert self.conv_1.bias is not None and self.conv_2.bias is not None
        h = without_bias(self.conv_1, norm_silu(self.norm_1, x))
        shift = self.conv_1.bias.expand(x.shape[0], -1)
        h = norm_silu(self.norm_2, h, shift if self.condition is None else shift + self.condition(e))
        if self.dropout is not None:
            h = self.dropout(h)
        h, bias = without_bias(self.conv_2, h), self.conv_2.bias
        if self.skip is None:
            return normalisation.add_bias(h, x, bias)
        assert self.skip.bias is not None
        return normalisation.add_bias(h, without_bias(self.skip, x), bias + self.skip.bias)


class SelfAttention(nn.Module):
    """y = x + W_o attention(W_qkv norm(x)): every pixel looks at every pixel; W_o starts at zero."""

    def __init__(self, channels: int, head_channels: int, groups: int) -> None:
        super().__init__()
        if head_channels < 1 or channels % head_channels:
            raise ValueError(
                f"attention heads of {head_channels} channels do not divide {channels} channels; "
                "choose head_channels among its divisors"
            )
        self.heads = channels // head_channels
        self.norm = GroupNorm(groups, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zero_init(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        n, c, height, width = x.shape
        qkv = self.qkv(self._normal(x)).permute(0, 2, 3, 1).reshape(n, height * width, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (batch, heads, pixels, head_channels)
        h = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.out(h.transpose(1, 2).reshape(n, height, width, c).permute(0, 3, 1, 2))
        out += x
        return out

    def _normal(self, x: Tensor) -> Tensor:
        norm = self.norm
        if normalisation.serves(x):
            return normalisation.norm(x, None, norm.weight, norm.bias, norm.num_groups, norm.eps, activate=False)
        normal: Tensor = norm(x)
        return normal


class Downsample(nn.Conv2d):
    """Halve height and width by a 3x3 convolution of stride 2."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, stride=2, padding=1)


class Upsample(nn.Conv2d):
    """Double height and width by nearest neighbour, then a 3x3 convolution; computed as one transposed convolution.

    Repeating every pixel 2x2 is a transposed convolution of stride 2 whose kernel is a 2x2 box of ones.  It composes
    with the 3x3 convolution to a transposed convolution of stride 2 with a 4x4 kernel: the 3x3 one spread by the box.
    The map is the same, with 16 instead of 36 multiplications per pixel and pair of channels, and the enlarged image
    is never stored.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        w = F.pad(self.weight.flip(2, 3), (1, 1, 1, 1))
        spread = w[:, :, 1:, 1:] + w[:, :, 1:, :-1] + w[:, :, :-1, 1:] + w[:, :, :-1, :-1]
        return F.conv_transpose2d(x, spread.transpose(0, 1), self.bias, stride=2, padding=1)
