"""Threefold: every formula on the way from VAEs to diffusion models, proved, measured and trained.

This package is the only one that knows all three witnesses: it runs them over the claims (`threefold.ledger`), ties
each claim to its numbers (`threefold.witnesses`) and holds the command line (`threefold.cli`). Importing it is cheap.
`threefold.check("notes.md")` judges a document's equations.
"""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`threefold.check` is loaded when it is asked for."""
    if name == "check":
        import importlib

        return importlib.import_module("threefold.check")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
