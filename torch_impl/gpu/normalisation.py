"""Group normalisation, SiLU and sums per channel of channels-last images on a CUDA device, in few passes over memory.

With z = w xhat + b, xhat = (x + shift - mean) / std over the pixels and channels of a group, and y = z sigmoid(z):

    dz = dy sigmoid(z) (1 + z (1 - sigmoid(z)))
    dx = (w dz - m_1 - xhat m_2) / std,     m_1, m_2 the group's means of w dz and w dz xhat
    db = sum dz,   dw = sum dz xhat,        dshift = sum over pixels of dx

Two passes forward, two back; nothing but x, mean and 1/std is kept for the way back, and sums run in a fixed order, so
that results repeat bit for bit.  PyTorch's own kernels want images in the other layout, and copy before and after;
so does the code that `torch.compile` makes of them, for which the kernels here are operators of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from torch_impl import gpu

__all__ = ["add_bias", "norm", "plain", "serves"]

WORTH = 2**23
"""Elements from which the kernels here pay: below, launching them is what costs."""
TILE, WARPS = 4096, 8
"""Elements that a program holds at once, and the warps that share them."""
PROGRAMS = 1024
"""How many programs are wanted at least, before a chunk is made of several tiles."""


_off = False


@contextmanager
def plain() -> Iterator[None]:
    """Within it the kernels here serve nothing: they have no derivative in forward mode."""
    global _off
    before, _off = _off, True
    try:
        yield
    finally:
        _off = before


def serves(x: Tensor) -> bool:
    """Whether the kernels serve an image batch, and pay."""
    if _off or not x.is_cuda or x.ndim != 4 or x.numel() < WORTH:
        return False
    if torch.compiler.is_compiling():
        from torch_impl.gpu import tracing

        return x.dtype in gpu.DTYPES and tracing.available()
    return gpu.takes(x) and x.is_contiguous(memory_format=torch.channels_last)


def norm(
    x: Tensor, shift: Tensor | None, weight: Tensor, bias: Tensor, groups: int, eps: float, activate: bool
) -> Tensor:
    """group_norm(x + shift), and SiLU of it if `activate`; channels-last and in the dtype of x.

    Args:
        x: (batch, channels, height, width), which `serves`.
        shift: (batch, channels), any floating dtype, or None.
        weight, bias: (channels,), any floating dtype.
    """
    if shift is not None:
        shift = shift.contiguous()
    if torch.compiler.is_compiling():
        y: Tensor = torch.ops.threefold.norm(x, shift, weight, bias, groups, eps, activate)[0]
    else:
        y = _Norm.apply(x, shift, weight, bias, groups, eps, activate)  # type: ignore[no-untyped-call]  # torch's stub
    return y


def add_bias(x: Tensor, y: Tensor, bias: Tensor) -> Tensor:
    """x + y + bias, for images alike in layout and a bias (channels,)."""
    if torch.compiler.is_compiling() or x.dtype != y.dtype or x.stride() != y.stride():
        return x + y + bias.to(x.dtype)[:, None, None]
    result: Tensor = _AddBias.apply(x, y, bias)  # type: ignore[no-untyped-call]  # torch's stub
    return result


# -- launching --------------------------------------------------------------------------------------------------------


def _power_of_two(n: int) -> int:
    """The least power of two not under n."""
    return 1 << (n - 1).bit_length()


def _on(x: Tensor) -> AbstractContextManager[object]:
    """Launch on the device of a tensor; usually it is the current one already."""
    return nullcontext() if x.device.index == torch.cuda.current_device() else torch.cuda.device(x.device)


@cache
def _plan(n: int, pixels: int, channels: int, groups: int = 1) -> tuple[int, dict[str, int], dict[str, int]]:
    """How many chunks an image has, and the sizes for kernels that see groups and for those that see channels alone."""
    rows = max(1, min(TILE // _power_of_two(channels), _power_of_two(pixels)))
    tiles = -(-pixels // rows)
    together = max(1, min(tiles, n * tiles // PROGRAMS))
    together = 1 << (together.bit_length() - 1)
    depth = channels // groups
    common = {"ROWS": rows, "TILES": together, "num_warps": WARPS}
    of_groups = {**common, "G": groups, "D": depth, "GP": _power_of_two(groups), "DP": _power_of_two(depth)}
    of_channels = {**common, "C": channels, "CP": _power_of_two(channels)}
    return -(-tiles // together), of_groups, of_channels


def _launch_forward(
    x: Tensor, shift: Tensor | None, weight: Tensor, bias: Tensor, groups: int, eps: float, activate: bool
) -> tuple[Tensor, Tensor]:
    """y, and what the way back needs: mean and 1/std, (2, batch, groups)."""
    from torch_impl.gpu import norm_kernels

    n, channels, height, width = x.shape
    pixels = height * width
    chunks, sizes, _ = _plan(n, pixels, channels, groups)
    means, squares = torch.empty(2, n, chunks, groups, dtype=torch.float32, device=x.device).unbind()
    kept = torch.empty(2, n, groups, dtype=torch.float32, device=x.device)
    mean, scale = kept.unbind()
    y = torch.empty_like(x)
    shifted, added = shift is not None, x if shift is None else shift
    with _on(x):
        norm_kernels.moments[(chunks, n)](x, added, means, squares, pixels, chunks, HAS_SHIFT=shifted, **sizes)
        norm_kernels.forward[(chunks, n)](
            x, added, weight, bias, means, squares, y, mean, scale, pixels, chunks, eps,
            HAS_SHIFT=shifted, ACTIVATE=activate, CP=_power_of_two(chunks), **sizes,
        )  # fmt: skip
    return y, kept


def _launch_backward(
    dy: Tensor, x: Tensor, shift: Tensor | None, weight: Tensor, bias: Tensor, kept: Tensor, groups: int, activate: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """dx, dshift (batch, channels; empty without a shift), and db, dw as (2, channels), float32."""
    from torch_impl.gpu import norm_kernels

    n, channels, height, width = x.shape
    pixels = height * width
    chunks, of_groups, of_channels = _plan(n, pixels, channels, groups)
    dy = dy.contiguous(memory_format=torch.channels_last)
    partial = torch.empty(n, chunks, 3, channels, dtype=torch.float32, device=x.device)
    dx = torch.empty_like(x)
    shifted, added = shift is not None, x if shift is None else shift
    dshift = torch.empty(n if shifted else 0, channels, dtype=torch.float32, device=x.device)
    mean, scale = kept.unbind()
    with _on(x):
        norm_kernels.sums[(chunks, n)](
            dy, x, added, weight, bias, mean, scale, partial, pixels, chunks,
            HAS_SHIFT=shifted, ACTIVATE=activate, D=of_groups["D"], **of_channels,
        )  # fmt: skip
        summed = partial.sum(1) if chunks > 1 else partial.view(n, 3, channels)
        norm_kernels.backward[(chunks, n)](
            dy, x, added, weight, bias, mean, scale, summed, dx, dshift if shifted else dx, pixels,
            HAS_SHIFT=shifted, ACTIVATE=activate, **of_groups,
        )  # fmt: skip
    return dx, dshift, summed[:, :2].sum(0)


def _gradients(
    shift: Tensor | None, weight: Tensor, bias: Tensor, made: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor | None, ...]:
    """One for each argument of the forward pass, in its dtype."""
    dx, dshift, of_affine = made
    return (
        dx,
        None if shift is None else dshift.to(shift.dtype),
        of_affine[1].to(weight.dtype),
        of_affine[0].to(bias.dtype),
        None,
        None,
        None,
    )


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        shift: Tensor | None,
        weight: Tensor,
        bias: Tensor,
        groups: int,
        eps: float,
        activate: bool,
    ) -> Tensor:
        y, kept = _launch_forward(x, shift, weight, bias, groups, eps, activate)
        ctx.save_for_backward(x, shift, weight, bias, kept)
        ctx.options = groups, activate
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, shift, weight, bias, kept = ctx.saved_tensors
        return _gradients(shift, weight, bias, _launch_backward(dy, x, shift, weight, bias, kept, *ctx.options))


class _AddBias(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, bias: Tensor) -> Tensor:
        from torch_impl.gpu import norm_kernels

        out, block = torch.empty_like(x), 1024
        with _on(x):
            norm_kernels.add_per_channel[(-(-x.numel() // block),)](
                x, y, bias, out, x.numel(), C=x.shape[1], BLOCK=block
            )
        ctx.dtype = bias.dtype
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        from torch_impl.gpu import norm_kernels

        d = d.contiguous(memory_format=torch.channels_last)
        channels = d.shape[1]
        rows = d.numel() // channels
        programs, _, sizes = _plan(1, rows, channels)
        partial = torch.empty(programs, channels, dtype=torch.float32, device=d.device)
        with _on(d):
            norm_kernels.sum_per_channel[(programs,)](d, partial, rows, **sizes)
        return d, d, partial.sum(0).to(ctx.dtype)


# -- the same as operators, for torch.compile -------------------------------------------------------------------------

torch.library.define(
    "threefold::norm",
    "(Tensor x, Tensor? shift, Tensor weight, Tensor bias, int groups, float eps, bool activate) -> (Tensor, Tensor)",
)
torch.library.define(
    "threefold::norm_backward",
    "(Tensor dy, Tensor x, Tensor? shift, Tensor weight, Tensor bias, Tensor kept, int groups, bool activate)"
    " -> (Tensor, Tensor, Tensor)",
)


def _norm(
    x: Tensor, shift: Tensor | None, weight: Tensor, bias: Tensor, groups: int, eps: float, activate: bool
) -> tuple[Tensor, Tensor]:
    x = x.contiguous(memory_format=torch.channels_last)
    return _launch_forward(x, shift, weight, bias, groups, eps, activate)


def _norm_shapes(
    x: Tensor, shift: Tensor | None, weight: Tensor, bias: Tensor, groups: int, eps: float, activate: bool
) -> tuple[Tensor, Tensor]:
    y = torch.empty_like(x, memory_format=torch.channels_last)
    return y, x.new_empty(2, x.shape[0], groups, dtype=torch.float32)


def _norm_backward(
    dy: Tensor, x: Tensor, shift: Tensor | None, weight: Tensor, bias: Tensor, kept: Tensor, groups: int, activate: bool
) -> tuple[Tensor, Tensor, Tensor]:
    x = x.contiguous(memory_format=torch.channels_last)
    return _launch_backward(dy, x, shift, weight, bias, kept, groups, activate)


def _norm_backward_shapes(
    dy: Tensor, x: Tensor, shift: Tensor | None, weight: Tensor, bias: Tensor, kept: Tensor, groups: int, activate: bool
) -> tuple[Tensor, Tensor, Tensor]:
    n, channels = x.shape[:2]
    dx = torch.empty_like(x, memory_format=torch.channels_last)
    dshift = x.new_empty(0 if shift is None else n, channels, dtype=torch.float32)
    return dx, dshift, x.new_empty(2, channels, dtype=torch.float32)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, shift, weight, bias, groups, _, activate = inputs
    ctx.save_for_backward(x, shift, weight, bias, output[1])
    ctx.options = groups, activate


def _back(ctx: Any, dy: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    x, shift, weight, bias, kept = ctx.saved_tensors
    made = torch.ops.threefold.norm_backward(dy, x, shift, weight, bias, kept, *ctx.options)
    return _gradients(shift, weight, bias, made)


torch.library.impl("threefold::norm", "cuda", _norm)
torch.library.impl("threefold::norm_backward", "cuda", _norm_backward)
torch.library.register_fake("threefold::norm", _norm_shapes)
torch.library.register_fake("threefold::norm_backward", _norm_backward_shapes)
torch.library.register_autograd("threefold::norm", _back, setup_context=_keep)
