"""Passes over memory that a CUDA device makes as one kernel where PyTorch's own operators make several.

Where a kernel does not serve its tensors, the caller computes the same formula by PyTorch's operators. The kernels are
in `linear` (a x + b y) and `normalisation` (group normalisation and SiLU), written in Triton, which comes with PyTorch
for CUDA on Linux; nothing of it is imported until a CUDA tensor asks for it.
"""

from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["available", "combine", "takes"]

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
LARGEST = 2**31 - 2**16
"""Elements of a tensor: indices inside the kernels are 32-bit."""


@cache
def available() -> bool:
    """Whether Triton is here to build the kernels for this device (compute capability 8.0 or newer: bfloat16)."""
    return find_spec("triton") is not None and torch.cuda.get_device_capability() >= (8, 0)


def takes(*tensors: Tensor) -> bool:
    """Whether the kernels can read and write these tensors: plain CUDA memory of one device, in a dtype they know.

    While `torch.compile` traces, its own fusion does the work; tensors that stand for several (vmap), for none (fake
    tensors) or carry a tangent go the ordinary way.
    """
    first = tensors[0]
    if not first.is_cuda or torch.compiler.is_compiling() or not available():
        return False
    for tensor in tensors:
        if tensor.dtype not in DTYPES or tensor.device != first.device or tensor.numel() > LARGEST:
            return False
        try:
            tensor.data_ptr()
        except RuntimeError:
            return False
        if forward_ad.unpack_dual(tensor).tangent is not None:  # type: ignore[no-untyped-call]  # torch's own
            return False
    return True


def combine(x: Tensor, y: Tensor, a: Tensor | float, b: Tensor | float, out: Tensor | None) -> Tensor | None:
    """a x + b y in one pass, rounded once; None where no kernel serves these tensors or a gradient is wanted."""
    if torch.is_grad_enabled() and (x.requires_grad or y.requires_grad):
        return None
    if not (takes(x, y) if out is None else takes(x, y, out)):
        return None
    from torch_impl.gpu import linear

    if not linear.same_layout(x, y, a, b, out):
        return None
    return linear.combine(x, y, a, b, out, torch.promote_types(x.dtype, y.dtype))
