"""All samplers: the rows of every family, found by looking into this package."""

import pkgutil
from importlib import import_module
from typing import Any

from torch_impl.samplers.row import Sampler, check_rows

__all__ = ["METHODS", "SAMPLERS", "Method", "family_names", "sampler", "solvers", "table"]

Method = str
"""The name of a row, refused by `sampler` where there is none such before anything is computed."""


def family_names() -> list[str]:
    """The modules of this package, one a family; those that end in a tuple SAMPLERS declare samplers."""
    package = import_module(__package__ or "torch_impl.samplers")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def _collect() -> tuple[Sampler, ...]:
    skip = {__name__.rpartition(".")[2], "row"}
    modules = (import_module(f"{__package__}.{name}") for name in family_names() if name not in skip)
    return check_rows([row for module in modules for row in getattr(module, "SAMPLERS", ())])


SAMPLERS: tuple[Sampler, ...] = _collect()


def solvers() -> dict[str, Any]:
    """By name, the rows of what samples other models than chains: the tuples SOLVERS of this package's modules."""
    modules = [import_module(f"{__package__}.{name}") for name in family_names() if name not in ("registry", "row")]
    return {row.name: row for module in modules for row in getattr(module, "SOLVERS", ())}


METHODS: tuple[Method, ...] = tuple(row.name for row in SAMPLERS)


def sampler(name: str) -> Sampler:
    """The row of a name; ValueError, with the names there are, for any other."""
    for row in SAMPLERS:
        if row.name == name:
            return row
    raise ValueError(f"method = {name!r} is not one of {', '.join(map(repr, METHODS))}")


def table() -> str:
    """All samplers as a table in Markdown."""
    head = "| Method | Solves | Order | Network evaluations a step | Adds noise |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| `{row.name}` | {row.solves} | {row.words} | {row.cost} | {row.noise} |\n" for row in SAMPLERS
    )
