"""Kernels of `torch_impl.gpu.normalisation`, for channels-last images: C = G D channels of a pixel side by side.

An image's pixels are cut into chunks of TILES tiles of ROWS pixels; a program passes over one chunk of one image.  GP,
DP, CP, the next powers of two of G, D, C, are the sizes of blocks, which hold nothing beyond G, D, C.
"""

import triton
import triton.language as tl


@triton.jit
def moments(
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
def forward(
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
    ACTIVATE: tl.constexpr,
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
        if ACTIVATE:
            z = z * tl.sigmoid(z)
        tl.store(y + at, z.to(y.dtype.element_ty), mask=inside)


@triton.jit
def sums(
    dy,
    x,
    shift,
    weight,
    bias,
    mean,
    scale,
    partial,
    pixels,
    chunks,
    HAS_SHIFT: tl.constexpr,
    ACTIVATE: tl.constexpr,
    ROWS: tl.constexpr,
    TILES: tl.constexpr,
    C: tl.constexpr,
    CP: tl.constexpr,
    D: tl.constexpr,
):
    """Sums of dz, dz xhat and xhat over one chunk of one image, for each channel."""
    chunk, image = tl.program_id(0), tl.program_id(1)
    channel = tl.arange(0, CP)
    known = channel < C
    group = image * (C // D) + channel // D
    rate = tl.load(scale + group, mask=known, other=0)
    offset = -tl.load(mean + group, mask=known, other=0) * rate
    if HAS_SHIFT:
        offset += tl.load(shift + image * C + channel, mask=known, other=0).to(tl.float32) * rate
    w = tl.load(weight + channel, mask=known, other=0).to(tl.float32)[None, :]
    b = tl.load(bias + channel, mask=known, other=0).to(tl.float32)[None, :]
    of_dz = tl.zeros((ROWS, CP), tl.float32)
    of_product = tl.zeros((ROWS, CP), tl.float32)
    of_xhat = tl.zeros((ROWS, CP), tl.float32)
    for tile in range(TILES):
        row = (chunk * TILES + tile) * ROWS + tl.arange(0, ROWS)[:, None]
        inside, at = known[None, :] & (row < pixels), (image * pixels + row) * C + channel[None, :]
        xhat = tl.load(x + at, mask=inside, other=0).to(tl.float32) * rate[None, :] + offset[None, :]
        dz = tl.load(dy + at, mask=inside, other=0).to(tl.float32)
        if ACTIVATE:
            z = w * xhat + b
            s = tl.sigmoid(z)
            dz = dz * s * (1 + z * (1 - s))
        of_dz += dz
        of_product += dz * xhat
        if HAS_SHIFT:
            of_xhat += tl.where(inside, xhat, 0.0)
    to = partial + (image * chunks + chunk) * 3 * C + channel
    tl.store(to, tl.sum(of_dz, axis=0), mask=known)
    tl.store(to + C, tl.sum(of_product, axis=0), mask=known)
    tl.store(to + 2 * C, tl.sum(of_xhat, axis=0), mask=known)


@triton.jit
def backward(
    dy,
    x,
    shift,
    weight,
    bias,
    mean,
    scale,
    summed,
    dx,
    dshift,
    pixels,
    HAS_SHIFT: tl.constexpr,
    ACTIVATE: tl.constexpr,
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
    of_image = summed + image * 3 * G * D + channel
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
        dz = tl.load(dy + at, mask=inside, other=0).to(tl.float32)
        if ACTIVATE:
            z = w * xhat + b
            s = tl.sigmoid(z)
            dz = dz * s * (1 + z * (1 - s))
        tl.store(dx + at, (rate * (w * dz - m_1 - xhat * m_2)).to(dx.dtype.element_ty), mask=inside)


@triton.jit
def add_per_channel(x, y, bias, out, size, C: tl.constexpr, BLOCK: tl.constexpr):
    """x + y + bias, the bias being one number per channel."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    value = tl.load(x + at, mask=inside).to(tl.float32) + tl.load(y + at, mask=inside).to(tl.float32)
    value += tl.load(bias + at % C, mask=inside).to(tl.float32)
    tl.store(out + at, value.to(out.dtype.element_ty), mask=inside)


@triton.jit
def sum_per_channel(x, partial, rows, ROWS: tl.constexpr, TILES: tl.constexpr, C: tl.constexpr, CP: tl.constexpr):
    """Sum of some rows (pixels of any images), for each channel."""
    channel = tl.arange(0, CP)
    total = tl.zeros((ROWS, CP), tl.float32)
    for tile in range(TILES):
        row = (tl.program_id(0) * TILES + tile) * ROWS + tl.arange(0, ROWS)[:, None]
        inside = (channel < C)[None, :] & (row < rows)
        total += tl.load(x + row * C + channel[None, :], mask=inside, other=0).to(tl.float32)
    tl.store(partial + tl.program_id(0) * C + channel, tl.sum(total, axis=0), mask=channel < C)
