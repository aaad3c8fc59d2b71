"""Judge the equations of a document: LaTeX in, verdict out (the command is `threefold check`).

The package is its own function: `threefold.check("notes.md")` returns a `Report`, and `from threefold.check import
check` is the same under a name that type checkers see. It imports neither NumPy nor PyTorch.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threefold.check.checking import check as check
    from threefold.check.options import Unusable as Unusable
    from threefold.check.report import LinkReport as LinkReport
    from threefold.check.report import Report as Report

_ROOMS = {
    "check": "threefold.check.checking",
    "Unusable": "threefold.check.options",
    "LinkReport": "threefold.check.report",
    "Report": "threefold.check.report",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_ROOMS[name]), name)


class _Callable(ModuleType):
    """A module that is called like the function it is named after."""

    def __call__(self, source: Any, **options: Any) -> Any:
        from threefold.check.checking import check

        return check(source, **options)


sys.modules[__name__].__class__ = _Callable
