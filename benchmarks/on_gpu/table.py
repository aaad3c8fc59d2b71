"""What is asked for, how large it is, and the lines of the table."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any, Literal

import torch


@dataclass
class Row:
    """One line of the table; `must` is what the project asks for, None where a figure only informs."""

    what: str
    value: float
    unit: str = ""
    must: float | None = None
    side: Literal["at least", "at most"] = "at least"

    @property
    def reached(self) -> bool:
        if self.must is None:
            return True
        return self.value >= self.must if self.side == "at least" else self.value <= self.must

    def __str__(self) -> str:
        asked = "" if self.must is None else f"{self.side} {self.must:g}   {'reached' if self.reached else 'MISSED'}"
        return f"{self.what:76.76} {self.value:12,.4g} {self.unit:10} {asked}".rstrip()


@dataclass
class Plan:
    """Sizes and repetitions: full, quick, or a rehearsal on the CPU."""

    device: torch.device
    rounds: int = 12
    images: int = 256
    side: int = 256
    kernel_rounds: int = 60
    curve_steps: int = 600
    compiled: bool = True
    sizes: dict[str, dict[str, Any]] = field(default_factory=dict)


# Widths of the levels, residual blocks of each, attention at these sides in pixels, images a batch.
LARGE = {"side": 64, "widths": (128, 256, 256, 256), "blocks": 2, "attention": (16, 8), "heads": 64, "batch": 128}
SMALL = {"side": 32, "widths": (64, 128, 128), "blocks": 1, "attention": (8,), "heads": 64, "batch": 64}
TINY = {"side": 8, "widths": (16, 32), "blocks": 1, "attention": (4,), "heads": 16, "batch": 8}


def plan(arguments: argparse.Namespace) -> Plan:
    if arguments.rehearse:
        return Plan(torch.device("cpu"), 1, 2, 16, 2, 60, arguments.compiled, {"tiny U-Net": TINY})
    sizes = {"U-Net 64x64": LARGE, "small U-Net 32x32": SMALL}
    if arguments.quick:
        return Plan(torch.device("cuda"), 5, kernel_rounds=20, curve_steps=300, sizes=sizes)
    return Plan(torch.device("cuda"), sizes=sizes)
