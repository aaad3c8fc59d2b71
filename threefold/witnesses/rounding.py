"""How far rounding can have moved what torch computed: a running error analysis, operator by operator.

While a `RunningError` is active every floating-point tensor carries a bound on its distance from what exact arithmetic
would have given (Wilkinson 1963; Higham 2002, section 3.3). Each operator passes the bounds of its arguments on,
through its derivative or by both ends of an interval, and adds its own roundings: u |result| for + - * / sqrt, four u
for exp, log and their kind, n u sum |terms| for a sum of n terms, u the unit roundoff of the dtype. Nothing is fitted:
the bound of a float32 or bfloat16 result is what its operators and their arguments make it. Backward passes are made of
the same operators, and have the same bounds.

Tensors that nobody announced (tables, constants) count as computed in float64 with `coefficients` roundings, and
rounded once more to their dtype. An operator without a rule stops the analysis: no bound is better than a wrong one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

F64 = torch.float64
UNIT = {torch.float64: 2.0**-53, torch.float32: 2.0**-24, torch.bfloat16: 2.0**-8, torch.float16: 2.0**-11}
SMALLEST = {torch.float64: 5e-324, torch.float32: 2.0**-149, torch.bfloat16: 2.0**-133, torch.float16: 2.0**-24}
LOGARITHM = 16 * 2.0**-53  # a logarithm in a table is that of a number rounded so often, even where it is near 0
KERNEL = 4.0  # units in which exp, log, ... of a vectorised library are exact

RESHAPES = ("squeeze_", "unsqueeze_", "t_", "transpose_", "detach_")  # in place, and the elements stay where they are

CONVERTS = ("_to_copy", "copy", "_copy_from")  # their rules count what is lost between two dtypes

PICKS = ("min", "max")  # along a dimension: the values, and where they were found

LOOKS = ("aminmax",)  # for checks of the input: nothing is computed from them

Rule = Callable[["RunningError", Tensor, Sequence[Any], Mapping[str, Any]], Tensor]
RULES: dict[str, Rule] = {}


class UnknownOperator(NotImplementedError):
    """No rule says how this operator rounds."""


class RunningError(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tracks a bound of the rounding error of every floating-point tensor that is made while it is active."""

    def __init__(self, coefficients: float = 64.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.coefficients = coefficients
        self.operators = 0
        self._kept: dict[int, tuple[Any, Tensor]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled while the analysis runs: no operator need ask the compiler to look away."""
        return False

    def announce(self, tensor: Tensor, error: Tensor | float = 0.0) -> Tensor:
        """Say how far a tensor that comes from outside is from what it stands for."""
        bound = torch.as_tensor(error, dtype=F64).expand(tensor.shape)
        self._region(tensor, make=True).copy_(bound)
        return tensor

    def bound(self, tensor: Tensor) -> Tensor:
        """The bound of each element, float64."""
        return self.error(tensor).clone()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        aliases = [r.alias_info for r in func._schema.returns]
        if name in RESHAPES or (aliases and aliases[0] is not None and not aliases[0].is_write):
            return func(*args, **kwargs)  # a view: it shares the memory, and the bounds of it
        before = _inputs(self, name, args, kwargs)
        out = func(*args, **kwargs)
        if isinstance(out, Tensor) and out.is_floating_point() and out.numel():
            self.operators += 1
            rule = RULES.get(name.rstrip("_"))
            if rule is None:
                raise UnknownOperator(f"no rule says how {func} rounds: add one to threefold.witnesses.rounding")
            if name.rstrip("_") not in CONVERTS:
                before = [self._converted(a, out.dtype) for a in before]
            error = rule(self, out, before, kwargs)
            error = torch.nan_to_num(error.expand(out.shape), nan=torch.inf, posinf=torch.inf)  # 0 times no bound
            self._region(out, make=True).copy_(error)
        elif name in PICKS and isinstance(out, tuple | list) and out[0].is_floating_point():
            self.operators += 1
            self._region(out[0], make=True).copy_(RULES[name](self, out[0], before, kwargs))
        elif (
            name not in LOOKS
            and isinstance(out, tuple | list)
            and any(isinstance(o, Tensor) and o.is_floating_point() for o in out)
        ):
            raise UnknownOperator(f"no rule says how {func}, which makes several tensors, rounds")
        return out

    def _converted(self, argument: Any, dtype: torch.dtype) -> Any:
        """A number in a tensor of its own may be wider than the result: it is rounded to the result's dtype first."""
        alone = isinstance(argument, Tensor) and argument.dim() == 0 and argument.is_floating_point()
        if not alone or UNIT.get(argument.dtype, 1.0) >= UNIT[dtype]:
            return argument
        wide = value(argument)
        return Held(wide, self.error(argument) + UNIT[dtype] * wide.abs(), argument.dtype)

    # --- what rules ask -----------------------------------------------------------------------------------------------

    def error(self, value: Any) -> Tensor:
        """The bound of an argument: of a tensor, or of a number that is a coefficient."""
        if isinstance(value, Held):
            return value.error
        if not isinstance(value, Tensor):
            return _scalar(0.0 if is_short(float(value)) else abs(float(value)) * self.coefficients * 2.0**-53)
        if not value.is_floating_point():
            return torch.zeros(value.shape, dtype=F64)
        if value.untyped_storage().data_ptr() in self._kept:
            return self._region(value, make=False)
        share = self.coefficients * 2.0**-53 + (0.0 if value.dtype == F64 else UNIT[value.dtype])
        return value.detach().to(F64).abs() * share

    def _region(self, tensor: Tensor, make: bool) -> Tensor:
        storage = tensor.untyped_storage()
        key = storage.data_ptr()
        if key not in self._kept:
            count = storage.nbytes() // tensor.element_size()
            self._kept[key] = (storage, torch.zeros(count, dtype=F64))
        return torch.as_strided(self._kept[key][1], tensor.shape, tensor.stride(), tensor.storage_offset())


class Held:
    """An argument as it was before the operator ran, which may overwrite it: its value and its bound."""

    def __init__(self, value: Tensor, error: Tensor, dtype: torch.dtype) -> None:
        self.value, self.error, self.dtype = value, error, dtype


def _inputs(tracker: RunningError, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    overwritten = name.endswith("_") or kwargs.get("out") is not None
    held: list[Any] = []
    for a in args:
        if isinstance(a, Tensor) and overwritten and a.is_floating_point():
            held.append(Held(a.detach().to(F64, copy=True), tracker.error(a).clone(), a.dtype))
        else:
            held.append(a)
    return held


def value(x: Any) -> Tensor:
    """An argument's computed value, float64."""
    if isinstance(x, Held):
        return x.value
    return x.detach().to(F64) if isinstance(x, Tensor) else _scalar(float(x))


@lru_cache(maxsize=4096)
def _scalar(number: float) -> Tensor:
    return torch.tensor(number, dtype=F64)


def rounded(out: Tensor, times: float = 1.0) -> Tensor:
    """That many roundings of a result."""
    return times * (UNIT[out.dtype] * value(out).abs() + SMALLEST[out.dtype])


@lru_cache(maxsize=4096)
def is_short(number: float) -> bool:
    """Whether eight binary digits hold a number, so that no dtype rounds it."""
    if number == 0.0 or number != number or abs(number) == float("inf"):
        return True
    mantissa = abs(math.frexp(number)[0]) * 256
    return mantissa == int(mantissa)


def scalar_rounding(x: Any, out: Tensor) -> float:
    """The relative rounding of a Python number to the precision that the kernel computes in."""
    if isinstance(x, Tensor | Held) or is_short(float(x)):
        return 0.0
    return 0.0 if out.dtype == F64 else UNIT[torch.float32]


def rule(*names: str) -> Callable[[Rule], Rule]:
    def keep(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return keep
