"""Tables over t = 0..T: computed once in float64 on the CPU, cast last, looked up without a device synchronisation."""

import operator
from collections.abc import Mapping

import torch
from torch import Tensor

from torch_impl.ops.combine import coefficient_dtype

Time = int | Tensor

_INDEX_DTYPES = (torch.int64, torch.int32)
_INTEGER_DTYPES = (*_INDEX_DTYPES, torch.int16, torch.int8, torch.uint8)


def as_time(t: object, lowest: int, highest: int) -> Time:
    """An int in lowest..highest, or an integer tensor ready to index with.

    A Python integer is always checked. A tensor's values are checked on the CPU only, and not while compiling:
    elsewhere the look would stall the device; there an index outside the table trips the device's own assertion.
    Raises TypeError for anything but integers, ValueError for a time out of range.
    """
    if isinstance(t, Tensor):
        if t.dtype not in _INTEGER_DTYPES:
            raise TypeError(f"t has dtype {t.dtype}, but times are integers {lowest}..{highest}; use t.long()")
        if t.dtype not in _INDEX_DTYPES:
            t = t.long()
        if t.device.type == "cpu" and not torch.compiler.is_compiling() and t.numel():
            low, high = (int(bound) for bound in torch.aminmax(t))
            if low < lowest or high > highest:
                raise ValueError(f"t holds {low if low < lowest else high}, but times here are {lowest}..{highest}")
        return t
    if isinstance(t, bool):
        raise TypeError("t is a bool, but times are integers")
    try:
        step = t if isinstance(t, int) else operator.index(t)  # type: ignore[arg-type]  # to find out is the point
    except TypeError:
        raise TypeError(f"t = {t!r} is a {type(t).__name__}, but times are integers or integer tensors") from None
    if not lowest <= step <= highest:
        raise ValueError(f"t = {step}, but times here are {lowest}..{highest}")
    return step


class Tables:
    """Named float64 tables whose row t belongs to time t, each with one or more columns.

    `row` gives Python floats for an int t (exact, no tensor is made) and tensors that broadcast against the data for
    a tensor t. Casts are kept per device and dtype, so a training step copies nothing from the host.
    """

    def __init__(self, columns: Mapping[str, tuple[Tensor, ...]]) -> None:
        self._exact: dict[str, Tensor] = {}
        self._floats: dict[str, list[tuple[float, ...]]] = {}
        self._worst: dict[str, float] = {}
        self._casts: dict[tuple[str, torch.device, torch.dtype, int], Tensor] = {}
        for name, stack in columns.items():
            self.add(name, *stack)

    def add(self, name: str, *columns: Tensor) -> None:
        table = torch.stack([column.to(torch.float64) for column in columns], dim=1)
        self._exact[name] = table
        self._floats[name] = [tuple(row) for row in table.tolist()]
        self._worst[name] = max(entry for row in self._floats[name] for entry in row if entry == entry)

    def __contains__(self, name: str) -> bool:
        return name in self._exact

    def exact(self, name: str) -> Tensor:
        """The float64 table, shape (T+1, columns). A copy: the tables themselves are never handed out."""
        return self._exact[name].clone()

    def floats(self, name: str, t: int) -> tuple[float, ...]:
        return self._floats[name][t]

    def worst(self, name: str) -> float:
        """The largest entry of a table."""
        return self._worst[name]

    def on(self, name: str, device: torch.device, dtype: torch.dtype, trailing: int = 0) -> Tensor:
        """A table on a device in a dtype, shape (columns, T+1, 1, ..., 1); rounded from float64 once and kept."""
        key = (name, device, dtype, trailing)
        table = self._casts.get(key)
        if table is None:
            table = self._exact[name].T.to(dtype).to(device).contiguous()
            table = self._casts[key] = table.view(*table.shape, *(1,) * trailing)
        return table

    def at(self, name: str, t: Time, like: Tensor) -> tuple[Tensor, ...] | tuple[float, ...]:
        """Row t: floats for an int, else tensors of shape `t.shape + (1, ...)` that broadcast against `like`.

        A tensor t must match the leading dimensions of `like`, usually (batch,); a zero-dimensional t serves all.
        """
        if isinstance(t, int):
            return self._floats[name][t]
        if t.ndim and t.shape != like.shape[: t.ndim]:
            raise ValueError(
                f"t has shape {tuple(t.shape)}, but the data has shape {tuple(like.shape)}; "
                "give one time per example, shape (batch,), or one integer for all"
            )
        table = self.on(name, like.device, coefficient_dtype(like.dtype), like.ndim - t.ndim)
        if t.ndim == 1:
            return table.index_select(1, t).unbind()
        rows = table.index_select(1, t.reshape(-1))
        return rows.view(-1, *t.shape, *(1,) * (like.ndim - t.ndim)).unbind()
