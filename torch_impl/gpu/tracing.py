"""What `torch.compile` must know of the kernels; imported when it traces, since the decorator loads the compiler."""

import torch

from torch_impl import gpu


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]  # torch's own
def available() -> bool:
    """`torch_impl.gpu.available`, which tracing cannot look into, as a constant."""
    return gpu.available()
