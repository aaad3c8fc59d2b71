"""Checks of tensors, made once, at the door of a public function."""

import torch
from torch import Tensor


def check_float(x: object, name: str) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} is a {type(x).__name__}, but a tensor is needed")
    if not x.is_floating_point():
        raise TypeError(
            f"{name} has dtype {x.dtype}, but diffusion needs floating point; scale images to [-1, 1] first"
        )
    if x.ndim == 0:
        raise ValueError(f"{name} has no dimensions; data has shape (batch, ...)")


def check_range(x: Tensor, least: float, most: float, what: str, remedy: str) -> None:
    """Raise ValueError, with the remedy, unless every entry of x lies in [least, most]; NaN does not.

    A few roundings beyond the ends are let pass. Not looked at while compiling or mapping, where there are no values.
    """
    if not x.numel() or torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return
    low, high = (float(end) for end in torch.aminmax(x.detach()))
    slack = 4 * torch.finfo(x.dtype).eps if x.is_floating_point() else 0.0
    if not (least - slack <= low and high <= most + slack):
        raise ValueError(f"{what} runs from {low:g} to {high:g}, outside [{least:g}, {most:g}]; {remedy}")


def check_pair(x: Tensor, y: Tensor, x_name: str, y_name: str) -> None:
    check_float(x, x_name)
    check_float(y, y_name)
    if x.shape != y.shape:
        raise ValueError(
            f"{x_name} has shape {tuple(x.shape)} and {y_name} has shape {tuple(y.shape)}; they must be equal"
        )


def check_same_shape(x: Tensor, y: Tensor) -> None:
    """Refuse two tensors of different shapes with a ValueError that names both."""
    if x.shape != y.shape:
        raise ValueError(f"shapes {tuple(x.shape)} and {tuple(y.shape)} differ; they must be equal")
