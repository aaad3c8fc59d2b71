"""silu(group_norm(x + shift)) of a channels-last image batch: two passes over memory forward, two backward.

With z = w xhat + b, xhat = (x + shift - mean) / std over the pixels and channels of a group, and y = z sigmoid(z):

    dz = dy sigmoid(z) (1 + z (1 - sigmoid(z)))
    dx = (w dz - m_1 - xhat m_2) / std,     m_1, m_2 the group's means of w dz and w dz xhat
    db = sum dz,   dw = sum dz xhat,        dshift = sum over pixels of dx

Nothing but x, mean and 1/std is kept for the way back.  Sums run in a fixed order, so that results repeat bit for bit.
An image's pixels are cut into chunks; one program passes over one chunk of one image, all channels side by side.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["norm_silu"]

TILE, WARPS = 4096, 8
"""Elements that a program holds at once, and the warps that share them."""
PROGRAMS = 1024
"""How many programs are wanted at least, before a chunk is made of several tiles."""


@triton.jit
def _moments(
    x,
    shift,
    means,
    squares,
    pixels,
    chunks,
    HAS_SHIFT: tl.constexpr,
    ROWS: tl.constexpr,
    TILES: tl.constexpr,
    G: tl.constexpr,
    D: tl.constexpr,
    GP: tl.constexpr,
    DP: tl.constexpr,
):
    """Mean and sum of squared deviations of each group over one chunk of one image."""
    chunk, image = tl.program_id(0), tl.program_id(1)
    group, place = tl.arange(0, GP)[None, :, None], tl.arange(0, DP)[None, None, :]
    channel, known = group * D + place, (group < G) & (place < D)
    added = tl.zeros((1, GP, DP), tl.float32)
    if HAS_SHIFT:
        added = tl.load(shift + image * G * D + channel, mask=known, other=0).to(tl.float32)
    first = chunk * TILES * ROWS
    count = tl.minimum(pixels - first, TILES * ROWS) * D

    row = first + tl.arange(0, ROWS)[:, None, None]
    inside = known & (row < pixels)
    value = tl.load(x + (image * pixels + row) * (G * D) + channel, mask=inside, other=0).to(tl.float32) + added
    value = tl.where(inside, value, 0.0)
    here = tl.minimum(pixels - first, ROWS) * D
    centre = tl.sum(tl.sum(value, axis=2), axis=0) / here  # of the first tile: sums about it lose no digits
    about = tl.where(inside, value - centre[None, :, None], 0.0)
    total = tl.sum(tl.sum(about, axis=2), axis=0)
    square = tl.sum(tl.sum(about * about, axis=2), axis=0)
    for tile in range(1, TILES):
        row = first + tile * ROWS + tl.arange(0, ROWS)[:, None, None]
        inside = known & (row < pixels)
        value = tl.load(x + (image * pixels + row) * (G * D) + channel, mask=inside, other=0).to(tl.float32) + added
        about = tl.where(inside, value - centre[None, :, None], 0.0)
        total += tl.sum(tl.sum(about, axis=2), axis=0)
        square += tl.sum(tl.sum(about * about, axis=2), axis=0)
    to = (image * chunks + chunk) * G + tl.arange(0, GP)
    tl.store(means + to, centre + total / count, mask=tl.arange(0, GP) < G)
    tl.store(squares + to, square - total * total / count, mask=tl.arange(0, GP) < G)


@triton.jit
def _forward(
    x,
    shift,
    weight,
    bias,
    means,
    squares,
    y,
    mean_out,
    scale_out,
    pixels,
    chunks,
    eps,
    HAS_SHIFT: tl.constexpr,
    CP: tl.constexpr,
    ROWS: tl.constexpr,
    TILES: tl.constexpr,
    G: tl.constexpr,
    D: tl.constexpr,
    GP: tl.constexpr,
    DP: tl.constexpr,
):
    """The chunks' moments made one, then y of one chunk."""
    chunk, image = tl.program_id(0), tl.program_id(1)
    each, groups = tl.arange(0, CP)[:, None], tl.arange(0, GP)[None, :]
    there = (each < chunks) & (groups < G)
    size = tl.where(each < chunks, tl.minimum(pixels - each * (TILES * ROWS), TILES * ROWS), 0).to(tl.float32) * D
    of_chunk = tl.load(means + (image * chunks + each) * G + groups, mask=there, other=0)
    whole = pixels * D
    mean = tl.sum(size * of_chunk, axis=0) / whole
    away = of_chunk - mean[None, :]
    variance = tl.sum(tl.load(squares + (image * chunks + each) * G + groups, mask=there, other=0), axis=0)
    variance = (variance + tl.sum(size * away * away, axis=0)) / whole
    scale = 1.0 / tl.sqrt(variance + eps)
    if chunk == 0:
        tl.store(mean_out + image * G + tl.arange(0, GP), mean, mask=tl.arange(0, GP) < G)
        tl.store(scale_out + image * G + tl.arange(0, GP), scale, mask=tl.arange(0, GP) < G)

    group, place = tl.arange(0, GP)[None, :, None], tl.arange(0, DP)[None, None, :]
    channel, known = group * D + place, (group < G) & (place < D)
    slope = scale[None, :, None] * tl.load(weight + channel, mask=known, other=0).to(tl.float32)
    level = tl.load(bias + channel, mask=known, other=0).to(tl.float32) - mean[None, :, None] * slope
    if HAS_SHIFT:
        level += tl.load(shift + image * G * D + channel, mask=known, other=0).to(tl.float32) * slope
    for tile in range(TILES):
        row = (chunk * TILES + tile) * ROWS + tl.arange(0, ROWS)[:, None, None]
        inside, at = known & (row < pixels), (image * pixels + row) * (G * D) + channel
        z = tl.load(x + at, mask=inside, other=0).to(tl.float32) * slope + level
        tl.store(y + at, (z * tl.sigmoid(z)).to(y.dtype.element_ty), mask=inside)


@triton.jit
def _sums(
    dy,
    x,
    shift,
    weight,
    bias,
    mean,
    scale,
    sums,
    pixels,
    chunks,
    HAS_SHIFT: tl.constexpr,
    ROWS: tl.constexpr,
    TILES: tl.constexpr,
    G: tl.constexpr,
    D: tl.constexpr,
    GP: tl.constexpr,
    DP: tl.constexpr,
):
    """Sums of dz, dz xhat and xhat over one chunk of one image, for each channel."""
    chunk, image = tl.program_id(0), tl.program_id(1)
    group, place = tl.arange(0, GP)[None, :, None], tl.arange(0, DP)[None, None, :]
    channel, known = group * D + place, (group < G) & (place < D)
    rate = tl.load(scale + image * G + group, mask=group < G, other=0)
    offset = -tl.load(mean + image * G + group, mask=group < G, other=0) * rate
    w = tl.load(weight + channel, mask=known, other=0).to(tl.float32)
    b = tl.load(bias + channel, mask=known, other=0).to(tl.float32)
    offset = offset + tl.zeros((1, GP, DP), tl.float32)
    if HAS_SHIFT:
        offset += tl.load(shift + image * G * D + channel, mask=known, other=0).to(tl.float32) * rate
    of_dz = tl.zeros((GP, DP), tl.float32)
    of_product = tl.zeros((GP, DP), tl.float32)
    of_xhat = tl.zeros((GP, DP), tl.float32)
    for tile in range(TILES):
        row = (chunk * TILES + tile) * ROWS + tl.arange(0, ROWS)[:, None, None]
        inside, at = known & (row < pixels), (image * pixels + row) * (G * D) + channel
        xhat = tl.load(x + at, mask=inside, other=0).to(tl.float32) * rate + offset
        z = w * xhat + b
        s = tl.sigmoid(z)
        dz = tl.load(dy + at, mask=inside, other=0).to(tl.float32) * s * (1 + z * (1 - s))
        of_dz += tl.sum(dz, axis=0)
        of_product += tl.sum(dz * xhat, axis=0)
        if HAS_SHIFT:
            of_xhat += tl.sum(tl.where(inside, xhat, 0.0), axis=0)
    flat, real = tl.arange(0, GP)[:, None] * D + tl.arange(0, DP)[None, :], tl.arange(0, GP)[:, None] < G
    real = real & (tl.arange(0, DP)[None, :] < D)
    to = sums + (image * chunks + chunk) * 3 * G * D + flat
    tl.store(to, of_dz, mask=real)
    tl.store(to + G * D, of_product, mask=real)
    tl.store(to + 2 * G * D, of_xhat, mask=real)


@triton.jit
def _backward(
    dy,
    x,
    shift,
    weight,
    bias,
    mean,
    scale,
    sums,
    dx,
    dshift,
    pixels,
    HAS_SHIFT: tl.constexpr,
    ROWS: tl.constexpr,
    TILES: tl.constexpr,
    G: tl.constexpr,
    D: tl.constexpr,
    GP: tl.constexpr,
    DP: tl.constexpr,
):
    """dx of one chunk from the image's sums; the first chunk writes dshift."""
    chunk, image = tl.program_id(0), tl.program_id(1)
    group, place = tl.arange(0, GP)[None, :, None], tl.arange(0, DP)[None, None, :]
    channel, known = group * D + place, (group < G) & (place < D)
    rate = tl.load(scale + image * G + group, mask=group < G, other=0)
    offset = -tl.load(mean + image * G + group, mask=group < G, other=0) * rate
    w = tl.load(weight + channel, mask=known, other=0).to(tl.float32)
    b = tl.load(bias + channel, mask=known, other=0).to(tl.float32)
    offset = offset + tl.zeros((1, GP, DP), tl.float32)
    if HAS_SHIFT:
        offset += tl.load(shift + image * G * D + channel, mask=known, other=0).to(tl.float32) * rate
    of_image = sums + image * 3 * G * D + channel
    of_dz = w * tl.load(of_image, mask=known, other=0)
    of_product = w * tl.load(of_image + G * D, mask=known, other=0)
    m_1 = tl.sum(of_dz, axis=2)[:, :, None] / (pixels * D)
    m_2 = tl.sum(of_product, axis=2)[:, :, None] / (pixels * D)
    if HAS_SHIFT:  # noqa: SIM102  # the compiler decides this one, the device the other
        if chunk == 0:
            of_xhat = tl.load(of_image + 2 * G * D, mask=known, other=0)
            tl.store(dshift + image * G * D + channel, rate * (of_dz - pixels * m_1 - of_xhat * m_2), mask=known)
    for tile in range(TILES):
        row = (chunk * TILES + tile) * ROWS + tl.arange(0, ROWS)[:, None, None]
        inside, at = known & (row < pixels), (image * pixels + row) * (G * D) + channel
        xhat = tl.load(x + at, mask=inside, other=0).to(tl.float32) * rate + offset
        z = w * xhat + b
        s = tl.sigmoid(z)
        dz = tl.load(dy + at, mask=inside, other=0).to(tl.float32) * s * (1 + z * (1 - s))
        tl.store(dx + at, (rate * (w * dz - m_1 - xhat * m_2)).to(dx.dtype.element_ty), mask=inside)


def _plan(n: int, pixels: int, groups: int, depth: int) -> tuple[int, dict[str, int]]:
    """How many chunks an image has, and the kernels' sizes."""
    padded = {"GP": triton.next_power_of_2(groups), "DP": triton.next_power_of_2(depth)}
    rows = max(1, min(TILE // (padded["GP"] * padded["DP"]), triton.next_power_of_2(pixels)))
    tiles = triton.cdiv(pixels, rows)
    together = max(1, min(tiles, n * tiles // PROGRAMS))
    together = 1 << (together.bit_length() - 1)
    return triton.cdiv(tiles, together), {"ROWS": rows, "TILES": together, "G": groups, "D": depth, **padded}


class _NormSilu(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, shift: Tensor | None, weight: Tensor, bias: Tensor, groups: int, eps: float
    ) -> Tensor:
        n, channels, height, width = x.shape
        pixels = height * width
        chunks, sizes = _plan(n, pixels, groups, channels // groups)
        moments = torch.empty(2, n, chunks, groups, dtype=torch.float32, device=x.device)
        kept = torch.empty(2, n, groups, dtype=torch.float32, device=x.device)
        y = torch.empty_like(x)
        has = {"HAS_SHIFT": shift is not None}
        added = x if shift is None else shift
        with torch.cuda.device(x.device):
            _moments[(chunks, n)](x, added, moments[0], moments[1], pixels, chunks, num_warps=WARPS, **has, **sizes)
            _forward[(chunks, n)](
                x, added, weight, bias, moments[0], moments[1], y, kept[0], kept[1], pixels, chunks, eps,
                CP=triton.next_power_of_2(chunks), num_warps=WARPS, **has, **sizes,
            )  # fmt: skip
        ctx.save_for_backward(x, shift, weight, bias, kept)
        ctx.groups = groups
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, shift, weight, bias, kept = ctx.saved_tensors
        n, channels, height, width = x.shape
        pixels = height * width
        chunks, sizes = _plan(n, pixels, ctx.groups, channels // ctx.groups)
        dy = dy.contiguous(memory_format=torch.channels_last)
        partial = torch.empty(n, chunks, 3, channels, dtype=torch.float32, device=x.device)
        dx = torch.empty_like(x)
        dshift = None if shift is None else torch.empty_like(shift)
        has = {"HAS_SHIFT": shift is not None}
        added = x if shift is None else shift
        with torch.cuda.device(x.device):
            _sums[(chunks, n)](
                dy, x, added, weight, bias, kept[0], kept[1], partial, pixels, chunks, num_warps=WARPS, **has, **sizes
            )
            sums = partial.sum(1) if chunks > 1 else partial
            _backward[(chunks, n)](
                dy, x, added, weight, bias, kept[0], kept[1], sums, dx, dx if dshift is None else dshift, pixels,
                num_warps=WARPS, **has, **sizes,
            )  # fmt: skip
        over_images = sums.view(n, 3, channels).sum(0)
        return dx, dshift, over_images[1].to(weight.dtype), over_images[0].to(bias.dtype), None, None


def norm_silu(x: Tensor, shift: Tensor | None, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
    """silu(group_norm(x + shift)) in the dtype of x.

    Args:
        x: (batch, channels, height, width), channels-last in memory.
        shift: (batch, channels), contiguous, or None.
        weight, bias: (channels,), any floating dtype.
    """
    y: Tensor = _NormSilu.apply(x, shift, weight, bias, groups, eps)  # type: ignore[no-untyped-call]  # torch's stub
    return y
