"""The functions of a model that other programs want, as its system names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Function", "listed", "of_images"]


class Function(NamedTuple):
    """A function of a model: what computes it, whose weights it needs, inputs to trace it with, words for both ends."""

    call: Callable[..., Any]
    modules: tuple[nn.Module, ...]
    inputs: tuple[Tensor, ...]
    takes: tuple[str, ...]
    gives: str


def listed(shape: Sequence[int]) -> str:
    """A shape in words: 3, 32, 32."""
    return ", ".join(map(str, shape))


def of_images(
    call: Callable[..., Any],
    model: nn.Module,
    shape: Sequence[int],
    times: Sequence[tuple[str, Tensor]],
    gives: str,
    classes: int | None = None,
    name: str = "x",
    out: Sequence[int] | None = None,
) -> Function:
    """A function of examples (batch, *shape), of times or noise levels and, where there are classes, of labels.

    Args:
        call: takes the three in that order.
        times: what each of them is, in words, and two values.
        gives: what comes out.
        classes: how many, for a model that is told them; the label after the last is no class.
        name: of the examples.
        out: the shape of what comes out; that of an example if None.
    """
    inputs = [torch.zeros(2, *shape), *(values for _, values in times)]
    takes = [f"{name}, float32 (batch, {listed(shape)})", *(words for words, _ in times)]
    if classes is not None:
        inputs.append(torch.zeros(2, dtype=torch.int64))
        takes.append(f"labels, int64 (batch,), 0..{classes}, the last for no class")
    return Function(call, (model,), tuple(inputs), tuple(takes), f"{gives}, float32 (batch, {listed(out or shape)})")
