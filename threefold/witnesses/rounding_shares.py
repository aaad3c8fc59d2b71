"""How shares round, exponentials over their sum, and what is differentiated through them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from threefold.witnesses.rounding import KERNEL, LOGARITHM, UNIT, RunningError, rounded, rule, value


@rule("_softmax")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """A share moves with its own exponent and with all others; each is a difference from the largest, and summed."""
    x, dim = value(args[0]), int(args[1])
    error = tracker.error(args[0]) + UNIT[out.dtype] * (x.amax(dim, keepdim=True) - x)
    reach = error + error.amax(dim, keepdim=True)
    return value(out).abs() * torch.expm1(reach) + rounded(out, 2 * KERNEL + x.shape[dim])


@rule("_softmax_backward_data")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """y (g - sum g y)."""
    g, y, dim = value(args[0]).abs(), value(args[1]).abs(), int(args[2])
    s, t = tracker.error(args[0]), tracker.error(args[1])
    both = g + (g * y).sum(dim, keepdim=True)
    moved = s + (s * y + g * t + s * t).sum(dim, keepdim=True)
    return t * (both + moved) + y * moved + (y.shape[dim] + 4) * UNIT[out.dtype] * y * both + rounded(out)


@rule("_log_softmax")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """The entry less the logarithm of a sum of exponentials, which moves by no more than the entry that moves most."""
    x, dim = value(args[0]), int(args[1])
    error = tracker.error(args[0]) + 2 * UNIT[out.dtype] * (x.amax(dim, keepdim=True) - x)
    inside = UNIT[out.dtype] * (KERNEL * (1 + math.log(x.shape[dim])) + x.shape[dim])
    return error + error.amax(dim, keepdim=True) + inside + rounded(out, KERNEL)


@rule("_log_softmax_backward_data")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """g - e^y sum g."""
    g, y, dim = value(args[0]).abs(), value(args[1]), int(args[2])
    s, share = tracker.error(args[0]), value(args[1]).exp()
    reach = torch.clamp(tracker.error(args[1]), min=LOGARITHM)
    total = g.sum(dim, keepdim=True)
    moved = s.sum(dim, keepdim=True) + y.shape[dim] * UNIT[out.dtype] * total
    lost = share * (moved + (torch.expm1(reach) + (KERNEL + 1) * UNIT[out.dtype]) * (total + moved))
    return s + lost + rounded(out)


@rule("logsumexp")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """It moves by no more than the entry that moves most; inside are differences from the largest, summed."""
    x, dims = value(args[0]), [int(dim) for dim in args[1]]
    keep = bool(args[2]) if len(args) > 2 else False
    error = tracker.error(args[0]) + UNIT[out.dtype] * (x.amax(dims, keepdim=True) - x)
    count = x.numel() // max(1, out.numel())
    inside = UNIT[out.dtype] * (KERNEL * (1 + math.log(count)) + count)
    return error.amax(dims, keepdim=keep) + inside + rounded(out, KERNEL)
