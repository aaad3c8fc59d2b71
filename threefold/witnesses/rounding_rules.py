"""How each operator of torch rounds, and passes on what its arguments have already lost: the rules of `rounding`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from threefold.witnesses import rounding_shares  # noqa: F401  (the rules register themselves)
from threefold.witnesses.rounding import (
    F64,
    KERNEL,
    LOGARITHM,
    RULES,
    UNIT,
    Held,
    Rule,
    RunningError,
    is_short,
    rounded,
    rule,
    scalar_rounding,
    value,
)

# --- the rules --------------------------------------------------------------------------------------------------------


def _same_on_bounds(operator: str) -> Rule:
    """Rearranges, copies or picks: the bounds go where the elements go."""

    def moved(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
        def of(a: Any) -> Any:
            if isinstance(a, list | tuple) and any(isinstance(x, Tensor) for x in a):
                return [of(x) for x in a]
            return tracker.error(a) if isinstance(a, Tensor | Held) and _is_float(a) else a

        result: Tensor = getattr(torch.ops.aten, operator)(*map(of, args))
        return result

    return moved


def _is_float(a: Any) -> bool:
    return isinstance(a, Held) or a.is_floating_point()


for _name in (
    "cat",
    "stack",
    "index_select",
    "gather",
    "index",
    "repeat",
    "flip",
    "constant_pad_nd",
    "select_backward",
    "slice_backward",
    "diagonal_backward",
):
    RULES[_name] = _same_on_bounds(_name)


@rule("index_put")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """The values put in, or added to what is there: then each element is rounded once for every value."""
    target, indices, put = args[:3]
    accumulate = bool(args[3]) if len(args) > 3 else False
    error: Tensor = tracker.error(target).clone().index_put_(tuple(indices), tracker.error(put), accumulate)
    if not accumulate:
        return error
    size: Tensor = value(target).abs().index_put_(tuple(indices), value(put).abs(), accumulate=True)
    found: Tensor = error + max(1, put.numel()) * UNIT[out.dtype] * size
    return found


@rule("clone", "neg", "abs", "contiguous", "alias", "lift_fresh", "relu", "clamp", "clamp_min", "clamp_max")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    return tracker.error(args[0])


@rule("_to_copy", "copy", "_copy_from")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    source = args[1] if len(args) > 1 and isinstance(args[1], Tensor | Held) else args[0]
    narrower = UNIT.get(source.dtype, 0.0) < UNIT[out.dtype]
    return tracker.error(source) + (rounded(out) if narrower else 0.0)


@rule("zeros", "zeros_like", "new_zeros", "zero", "empty", "empty_like", "new_empty", "ones", "ones_like", "new_ones")
@rule("randn", "rand", "normal", "arange", "eye", "new_empty_strided", "empty_strided")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    return torch.zeros((), dtype=F64)


@rule("full", "full_like", "new_full", "fill", "scalar_tensor")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    number = args[-1] if not isinstance(args[-1], list | tuple) else args[0]
    extra = 0.0 if isinstance(number, Tensor) or is_short(float(number)) else rounded(out)
    return tracker.error(number).to(F64) + extra


@rule("add", "sub", "rsub")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    a, b = args[0], args[1]
    alpha = kwargs.get("alpha", args[2] if len(args) > 2 else 1)
    scaled = abs(float(alpha)) * tracker.error(b) + value(b).abs() * (
        tracker.error(alpha) + abs(float(alpha)) * (scalar_rounding(alpha, out) + scalar_rounding(b, out))
    )
    if alpha != 1:
        scaled = scaled + UNIT[out.dtype] * abs(float(alpha)) * value(b).abs()
    return tracker.error(a) + scaled + rounded(out)


@rule("mul")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    a, b = args[0], args[1]
    return _product(tracker, a, b) + rounded(out) + value(out).abs() * scalar_rounding(b, out)


def _product(tracker: RunningError, a: Any, b: Any) -> Tensor:
    s, t = tracker.error(a), tracker.error(b)
    return value(a).abs() * t + value(b).abs() * s + s * t


@rule("lerp")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """a + w (b - a), or b - (1 - w) (b - a): the difference, 1 - w and the product are rounded, then the sum."""
    a, b, weight = args[0], args[1], float(args[2])
    larger = max(abs(weight), abs(1 - weight))
    inputs = abs(1 - weight) * tracker.error(a) + abs(weight) * tracker.error(b)
    apart = larger * (value(b) - value(a)).abs() + inputs
    slack = 3 * UNIT[out.dtype] + scalar_rounding(weight, out) * (1 + abs(weight)) / max(larger, 0.5)
    return inputs + slack * apart + rounded(out)


@rule("div")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    a, b = args[0], args[1]
    below = value(b).abs() - tracker.error(b)
    error = (tracker.error(a) + value(out).abs() * tracker.error(b)) / below
    error = torch.where(below > 0, error, torch.inf)
    return error + rounded(out) + value(out).abs() * scalar_rounding(b, out)


@rule("reciprocal")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    below = value(args[0]).abs() - tracker.error(args[0])
    return torch.where(below > 0, value(out).abs() * tracker.error(args[0]) / below, torch.inf) + rounded(out)


def _ends(function: Callable[[Tensor], Tensor], slack: float = KERNEL) -> Rule:
    """A monotone function: its values at both ends of the argument's interval."""

    def between(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
        x, error = value(args[0]), tracker.error(args[0])
        middle = function(x)
        reach = torch.maximum((function(x + error) - middle).abs(), (function(x - error) - middle).abs())
        # Where the two ends are too near for float64 to tell apart, the derivative times the error is below this.
        return torch.nan_to_num(reach, nan=torch.inf) * 1.001 + 2.0**-52 * middle.abs() + rounded(out, slack)

    return between


def _slope(derivative: Callable[[Tensor, Tensor, Tensor], Tensor], slack: float = KERNEL) -> Rule:
    """A function with a bound of its derivative over the argument's interval, from (x, error, result)."""

    def along(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
        x, error = value(args[0]), tracker.error(args[0])
        return error * derivative(x, error, value(out)) + rounded(out, slack)

    return along


def _exponential(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    x, error = value(args[0]), tracker.error(args[0])
    reach = torch.where(error > 0, torch.clamp(error, min=LOGARITHM), 0.0)
    return torch.exp(x) * torch.expm1(reach) + rounded(out, KERNEL)


RULES["exp"] = RULES["expm1"] = _exponential
RULES["log"] = _slope(lambda x, e, out: torch.where(x > e, 1 / (x - e), torch.inf))
RULES["log1p"] = _slope(lambda x, e, out: torch.where(1 + x > e, 1 / (1 + x - e), torch.inf))
RULES["sqrt"] = _slope(
    lambda x, e, out: torch.where(x > e, 0.5 / (x - e).sqrt(), torch.where(e > 0, torch.inf, 0.0)), 1
)
RULES["rsqrt"] = _slope(lambda x, e, out: torch.where(x > e, 0.5 * (x - e) ** -1.5, torch.inf))
RULES["sigmoid"] = _slope(lambda x, e, out: torch.clamp(out * (1 - out) * torch.exp(e), max=0.25))
RULES["sin"] = RULES["cos"] = _slope(lambda x, e, out: torch.ones_like(x))
RULES["log_sigmoid_forward"] = _ends(torch.nn.functional.logsigmoid)
RULES["softplus"] = _ends(torch.nn.functional.softplus)
RULES["tanh"] = _slope(lambda x, e, out: torch.ones_like(x))


@rule("scatter_add")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    target, dim, index, put = args[:4]
    error: Tensor = tracker.error(target).clone().scatter_add_(int(dim), index, tracker.error(put))
    size: Tensor = value(target).abs().scatter_add_(int(dim), index, value(put).abs())
    found: Tensor = error + index.shape[int(dim)] * UNIT[out.dtype] * size
    return found


@rule("pow")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    x, error, power = value(args[0]).abs(), tracker.error(args[0]), float(args[1])
    if power < 1 and power != 0:
        low = torch.where(x > error, x - error, 0.0)
        return error * abs(power) * low ** (power - 1) + rounded(out, KERNEL)
    return error * abs(power) * (x + error) ** (power - 1) + rounded(out, KERNEL if power not in (1, 2) else 1)


def _accumulated(out: Tensor) -> float:
    """The unit of sums: half-precision ones are accumulated in float32."""
    return UNIT[torch.float32] if out.dtype in (torch.bfloat16, torch.float16) else UNIT[out.dtype]


def _total(averaged: bool) -> Rule:
    def over(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
        x, error = value(args[0]), tracker.error(args[0])
        dims = args[1] if len(args) > 1 and args[1] is not None else list(range(x.ndim))
        keep = bool(args[2]) if len(args) > 2 else False
        count = x.numel() / max(out.numel(), 1)
        both = error + count * _accumulated(out) * x.abs()
        total = both.sum(dims, keepdim=keep) if x.ndim else both
        return (total / count if averaged else total) + rounded(out, 2)

    return over


RULES["sum"], RULES["mean"] = _total(False), _total(True)


@rule("cumsum")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    dim = int(args[1])
    sizes = value(args[0]).abs().cumsum(dim)
    return tracker.error(args[0]).cumsum(dim) + out.shape[dim] * _accumulated(out) * sizes + rounded(out)


@rule("min", "max")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """The least entry moves by no more than the entry that moves most, whichever of them is picked."""
    error = tracker.error(args[0])
    if len(args) < 2:
        return error.max()
    return error.amax(int(args[1]), keepdim=bool(args[2]) if len(args) > 2 else False)


def _spread(
    tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Tensor, Tensor]:
    """The variance along the dimensions, and its bound: squares of differences from a mean that is rounded, too."""
    x, error = value(args[0]), tracker.error(args[0])
    dims = list(args[1]) if len(args) > 1 and args[1] is not None else list(range(x.ndim))
    keep, less = bool(kwargs.get("keepdim", False)), float(kwargs.get("correction", 1) or 0)
    count = x.numel() // max(1, out.numel())
    unit = _accumulated(out)
    moved = error + (error + count * unit * x.abs()).mean(dims, keepdim=True) + 2 * unit * x.abs()
    apart = (x - x.mean(dims, keepdim=True)).abs()
    each = (2 * apart + moved) * moved + (count + 2) * unit * apart.square()
    return x.var(dims, correction=less, keepdim=keep), each.sum(dims, keepdim=keep) / (count - less)


@rule("var")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    return _spread(tracker, out, args, kwargs)[1] + rounded(out, 2)


@rule("std")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """The root of the variance: it moves by at most the bound over the root, and by the root of the bound."""
    found, error = _spread(tracker, out, args, kwargs)
    return torch.minimum(error / found.sqrt().clamp_min(1e-300), error.sqrt()) + rounded(out, 3)


@rule("mm", "bmm", "dot", "mv")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    return _matrix_product(tracker, args[0], args[1], out) + rounded(out)


def _matrix_product(tracker: RunningError, a: Any, b: Any, out: Tensor) -> Tensor:
    x, y, s, t = value(a).abs(), value(b).abs(), tracker.error(a), tracker.error(b)
    return x @ t + s @ y + s @ t + x.shape[-1] * _accumulated(out) * (x @ y)


@rule("addmm")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    return tracker.error(args[0]) + _matrix_product(tracker, args[1], args[2], out) + rounded(out, 2)


@rule("addr")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """beta X + alpha u v^T."""
    beta, alpha = kwargs.get("beta", 1), kwargs.get("alpha", 1)
    x, u, v = args
    outer = torch.outer(value(u).abs(), value(v).abs())
    moved = torch.outer(value(u).abs(), tracker.error(v)) + torch.outer(tracker.error(u), value(v).abs())
    own = 2 * UNIT[out.dtype] * (abs(float(beta)) * value(x).abs() + abs(float(alpha)) * outer)
    numbers = tracker.error(beta) * value(x).abs() + tracker.error(alpha) * outer
    extra = scalar_rounding(beta, out) + scalar_rounding(alpha, out)
    return (
        abs(float(beta)) * tracker.error(x)
        + abs(float(alpha)) * moved
        + own
        + numbers
        + rounded(out, 2)
        + extra * (abs(float(beta)) * value(x).abs() + abs(float(alpha)) * outer)
    )


@rule("addcmul")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    size = value(args[1]).abs() * value(args[2]).abs()
    return tracker.error(args[0]) + _product(tracker, args[1], args[2]) + 2 * UNIT[out.dtype] * size + rounded(out)


@rule("where")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    return torch.where(args[0], tracker.error(args[1]), tracker.error(args[2]))


@rule("maximum", "minimum")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    return torch.maximum(tracker.error(args[0]), tracker.error(args[1]))


@rule("linalg_vector_norm")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    error = tracker.error(args[0])
    return error.square().sum().sqrt() + rounded(out, error.numel() / 2 + 2)


@rule("mse_loss")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    apart = (value(args[0]) - value(args[1])).abs()
    error = tracker.error(args[0]) + tracker.error(args[1]) + UNIT[out.dtype] * apart
    squares = 2 * apart * error + error.square()
    return squares.mean() + rounded(out, apart.numel() + 2)


@rule("binary_cross_entropy_with_logits")
def _(tracker: RunningError, out: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """(1 - y) x + log(1 + e^-|x|) + max(-x, 0): three terms, each as large as |x| + 1 at most."""
    x, reduction = value(args[0]).abs(), args[4] if len(args) > 4 else 1
    each = tracker.error(args[0]) + tracker.error(args[1]) * x + 6 * UNIT[out.dtype] * (x + 1)
    if reduction == 0:
        return each
    total = (each + x.numel() * _accumulated(out) * (x + 1)).sum()
    return (total / x.numel() if reduction == 1 else total) + rounded(out, 2)
