"""a x + b y in one pass over memory, with numbers or one pair of factors for each example."""

import torch
import triton
import triton.language as tl
from torch import Tensor

__all__ = ["combine", "same_layout"]

BLOCK = 1024


@triton.jit
def _with_numbers(x, y, out, a, b, size, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    value = tl.load(x + at, mask=inside).to(tl.float32) * a + tl.load(y + at, mask=inside).to(tl.float32) * b
    tl.store(out + at, value.to(out.dtype.element_ty), mask=inside)


@triton.jit
def _with_factors(x, y, out, a, b, size, BLOCK: tl.constexpr):
    """`size` elements an example; factors a[example], b[example]."""
    within, example = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK), tl.program_id(1)
    inside = within < size
    at = example * size + within
    factor_x, factor_y = tl.load(a + example), tl.load(b + example)
    value = tl.load(x + at, mask=inside).to(tl.float32) * factor_x
    value += tl.load(y + at, mask=inside).to(tl.float32) * factor_y
    tl.store(out + at, value.to(out.dtype.element_ty), mask=inside)


def same_layout(x: Tensor, y: Tensor, a: Tensor | float, b: Tensor | float, out: Tensor | None) -> bool:
    """Whether x, y (and out) lie in memory alike and without gaps, and factors that are tensors are one an example."""
    layout = x.is_contiguous() or (x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last))
    if not layout or x.shape != y.shape or x.stride() != y.stride() or x.numel() == 0:
        return False
    if out is not None and (out.shape != x.shape or out.stride() != x.stride()):
        return False
    if not (isinstance(a, Tensor) or isinstance(b, Tensor)):
        return True
    batch = x.shape[0]
    shape = (batch, *(1,) * (x.ndim - 1))
    return batch < 65_536 and all(
        isinstance(f, Tensor) and f.shape == shape and f.dtype == torch.float32 and f.is_contiguous() for f in (a, b)
    )


def combine(
    x: Tensor, y: Tensor, a: Tensor | float, b: Tensor | float, out: Tensor | None, dtype: torch.dtype
) -> Tensor:
    """a x + b y, computed in float32 and rounded once to `dtype`, for tensors that `same_layout` accepts."""
    result = torch.empty_like(x, dtype=dtype) if out is None else out
    with torch.cuda.device(x.device):
        if isinstance(a, Tensor):
            size = x.numel() // x.shape[0]
            grid = (triton.cdiv(size, BLOCK), x.shape[0])
            _with_factors[grid](x, y, result, a, b, size, BLOCK=BLOCK)
        else:
            size = x.numel()
            _with_numbers[(triton.cdiv(size, BLOCK),)](x, y, result, float(a), float(b), size, BLOCK=BLOCK)
    return result
