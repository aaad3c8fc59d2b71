"""Two tensors added with a factor each, in as few passes over memory as the device allows."""

import torch
from torch import Tensor

from torch_impl import gpu


def coefficient_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which coefficients meet data: float64 for float64, float32 for everything smaller."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def combine(x: Tensor, y: Tensor, a: Tensor | float, b: Tensor | float, out: Tensor | None = None) -> Tensor:
    """a x + b y, rounded once to the data's dtype; two passes over memory for float32, float64. `out` may be x or y.

    One pass where no gradient is wanted: on a CUDA device (`torch_impl.gpu`), and for two numbers on a CPU.
    """
    if x.is_cuda and (done := gpu.combine(x, y, a, b, out)) is not None:
        return done
    if out is not None and out is y:
        x, y, a, b = y, x, b, a
    if x.dtype in (torch.float32, torch.float64) and x.dtype == y.dtype:
        if not isinstance(a, Tensor) and not isinstance(b, Tensor) and a != 0 and _is_plain(x, y, out):
            return _combine_at_once(x, y, a, b, out)  # which would not see a NaN in x where a = 0
        scaled = torch.mul(x, a, out=out)
        return scaled.addcmul_(b, y) if isinstance(b, Tensor) else scaled.add_(y, alpha=b)
    dtype = torch.promote_types(x.dtype, y.dtype)
    wide = coefficient_dtype(dtype)
    result = (x.to(wide) * a + y.to(wide) * b).to(dtype)
    return result if out is None else out.copy_(result)


def _is_plain(*tensors: Tensor | None) -> bool:
    """Whether all are laid out in order on the CPU, and nobody differentiates, maps or compiles them."""
    if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return False
    wanted = torch.is_grad_enabled()
    given = (t for t in tensors if t is not None)
    return all(t.device.type == "cpu" and t.is_contiguous() and not (wanted and t.requires_grad) for t in given)


def _combine_at_once(x: Tensor, y: Tensor, a: float, b: float, out: Tensor | None) -> Tensor:
    """By the one operator of torch with a number for each of two tensors: a X + b u v', here for columns and v = 1."""
    column = None if out is None else out.view(-1, 1)
    result = torch.addr(x.view(-1, 1), y.view(-1), x.new_ones(1), beta=a, alpha=b, out=column)
    return result.view_as(x) if out is None else out
