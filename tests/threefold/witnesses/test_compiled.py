"""Torch witnesses compiled: what a compiled run of the same code gives lies within the bounds of the eager one.

A kernel that the compiler fuses rounds no more often than the operators that it is made of, so both results lie within
the bound of the running error analysis around the exact value, and within twice that bound of each other.
"""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from derivations import claims
from threefold.witnesses import registry
from threefold.witnesses.registry import Cases
from threefold.witnesses.training import On, Training, run
from threefold.witnesses.verdict import Registered

CASES = 8
WITNESSES = registry.load("torch", claims())
MEASURED = [name for name in claims() if isinstance(WITNESSES.entry(name), Registered)]


class Unwatched:
    """Stands where the running error analysis stands in an eager run: compiled code cannot be watched."""

    def announce(self, tensor: Tensor, error: Any = 0.0) -> Tensor:
        return tensor


def cases_of(name: str) -> list[tuple[Any, Any]]:
    """The first case of each source of a witness, drawn anew: two runs must see the same draws."""
    entry: Any = WITNESSES.entry(name)
    witness: Training = entry.function
    return [(next(iter(s.draw(Cases.seeded(0, name, "torch", CASES)))), f) for s, f in witness.runs]


def tensors(function: Any, case: Any) -> list[Tensor]:
    """What a witness yields at a case, in float32."""
    unwatched: Any = Unwatched()
    shapes = function(case, On("float32", unwatched))
    return [next(getattr(s, n) for n in ("value", "left", "draws") if hasattr(s, n)).detach() for s in shapes]


@pytest.mark.long
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")
@pytest.mark.parametrize("name", MEASURED)
def test_compiled_code_stays_within_the_bounds_of_the_eager_one(name: str) -> None:
    torch.compiler.reset()
    counters.clear()
    for (eager_case, function), (compiled_case, _) in zip(cases_of(name), cases_of(name), strict=True):
        eager = run(function, eager_case, "float32", slopes=False)
        compiled = torch.compile(tensors)(function, compiled_case)
        assert len(compiled) == len(eager)
        for result, value in zip(eager, compiled, strict=True):
            apart = np.abs(value.to(torch.float64).numpy() - result.value)
            assert (apart <= 2 * result.bound).all(), f"statement {result.shape.part + 1}: {apart} over {result.bound}"
    assert counters["stats"]["unique_graphs"] > 0, "nothing was compiled"
