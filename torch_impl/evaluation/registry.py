"""All metrics: the rows of every module of this package, found by looking into it."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from torch_impl.evaluation.metric import Metric, check_rows

__all__ = ["METRICS", "metric", "table"]


def _collect() -> tuple[Metric, ...]:
    package = import_module(__name__.rpartition(".")[0])
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [import_module(f"{package.__name__}.{name}") for name in names if name not in ("registry", "metric")]
    return check_rows([row for module in modules for row in getattr(module, "METRICS", ())])


METRICS: tuple[Metric, ...] = _collect()


def metric(name: str) -> Metric | None:
    """The row of a name; None where there is none."""
    return next((row for row in METRICS if row.name == name), None)


def table() -> str:
    """All metrics as a table in Markdown."""
    lines = ["| Metric | What it measures | Unit | Better |", "|---|---|---|---|"]
    lines += [f"| `{row.name}` | {row.words} | {row.unit} | {row.better} |" for row in METRICS]
    return "\n".join(lines) + "\n"
