"""Peers that may not be here, or be here and not work: either is one line, never the end of a benchmark."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

__all__ = ["peer"]

Loaded = TypeVar("Loaded")


def peer(name: str, load: Callable[[], Loaded]) -> Loaded | None:
    """What `load` imports and builds; None, and one line that says why, where that fails.

    A package that was built for another version of PyTorch fails in many ways, by no means with ImportError alone.
    """
    try:
        return load()
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        print(f"{name} is not measured: {reason}", flush=True)
        return None
