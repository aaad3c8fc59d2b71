"""One row declares a metric; help texts, refusals, what is computed by default and the tests are read from rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch_impl.evaluation.context import Evaluation
from torch_impl.evaluation.figure import Figure
from torch_impl.training.system import System

__all__ = ["Metric", "check_rows"]


@dataclass(frozen=True)
class Metric:
    """A function from an evaluation to figures, and what is true of it.

    Attributes:
        name: as people name it.
        compute: the function; its first figure is the one that `unit` and `better` speak of.
        words: what it measures, for help and tables.
        unit: of its first figure.
        better: whether more or less of it is better, or neither.
        needs: the capability that a system must have (`torch_impl.training.capabilities`), or several.
        without: a capability that makes it senseless.
        labels: whether the data must have classes.
        asks: a field of the settings without which it is not computed.
    """

    name: str
    compute: Callable[[Evaluation], list[Figure]]
    words: str
    unit: str = ""
    better: Literal["more", "less", "neither"] = "neither"
    needs: tuple[type, ...] = ()
    without: tuple[type, ...] = ()
    labels: bool = False
    asks: str | None = None

    def suits(self, system: System) -> bool:
        """Whether the metric makes sense for a system."""
        return all(isinstance(system, kind) for kind in self.needs) and not isinstance(system, self.without)


def check_rows(rows: Sequence[Metric]) -> tuple[Metric, ...]:
    """The rows by name; ValueError for two of one name."""
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two metrics are called {name!r}: give one of them another name")
    return tuple(sorted(rows, key=lambda row: row.name))
