"""The mean of squared differences, with one temporary where a new tensor is dear."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def mean_dims(elementwise: Tensor) -> Tensor:
    """The mean over every dimension but the first: shape (batch,)."""
    return elementwise.flatten(1).mean(1) if elementwise.ndim > 1 else elementwise


def mean_squared_error(output: Tensor, target: Tensor) -> Tensor:
    """The mean of (output - target)^2 over batch and elements, with gradients for both.

    What `torch.nn.functional.mse_loss` computes. On the CPU a new tensor of some megabytes costs more, in page faults,
    than a pass over it; there the difference is the only one made, and becomes the gradient in place.
    """
    if output.device.type != "cpu" or torch.compiler.is_compiling() or target.requires_grad:
        return F.mse_loss(output, target)
    if torch._C._are_functorch_transforms_active():  # torch.func does not see into a Function like the one below
        return F.mse_loss(output, target)
    value: Tensor = _MeanSquaredError.apply(output, target)  # type: ignore[no-untyped-call]  # torch's own
    return value


class _MeanSquaredError(torch.autograd.Function):
    """Differentiable in the output any number of times; the target is data.

    Without a `setup_context` of its own, for which torch reads the signature of `forward` anew at every call.
    """

    @staticmethod
    def forward(ctx: Any, output: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(output, target)
        ctx.error = error = output - target
        mean: Tensor = torch.linalg.vector_norm(error).square() / error.numel()
        return mean

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        output, target = ctx.saved_tensors
        error, ctx.error = ctx.error, None
        scale = gradient * (2 / output.numel())
        if error is None or torch.is_grad_enabled():  # a second backward, or derivatives of this one are wanted
            return (output - target) * scale, None
        return error.mul_(scale), None
