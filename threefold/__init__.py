"""Threefold: every formula on the way from VAEs to diffusion models, proved, measured and trained.

This package is the only one that knows all three witnesses: it runs them over the claims (`threefold.ledger`), ties
each claim to its numbers (`threefold.witnesses`) and holds the command line (`threefold.cli`). Importing it is cheap.
`threefold.check("notes.md")` judges a document's equations.

What people train with is offered here too, under the names of `torch_impl`: `threefold.load`, `threefold.Trainer`,
`threefold.UNet` and so on are loaded when they are first used.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`threefold.check` and the names of `torch_impl` are loaded when they are asked for."""
    if name == "check":
        return import_module("threefold.check")
    if not name.startswith("_"):
        offered = import_module("torch_impl")  # by name: what only judges documents runs without torch
        if name in offered._EXPORTS:
            value = getattr(offered, name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "check", *import_module("torch_impl")._EXPORTS})
