"""Edges that a source of cases must reach: a witness whose cases never come there fails.

A case says of itself where it lies (`edges`, computed from its values); a source says what they must reach (`must`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Protocol

from threefold.witnesses.evidence import Comparison
from threefold.witnesses.registry import Cases


class CaseSource(Protocol):
    """Draws cases; each has `edges`, the names of the edges at which it lies."""

    @property
    def must(self) -> Collection[str]: ...

    def draw(self, case: Cases) -> Iterator[Any]: ...


def missing_edges(source: CaseSource, reached: Collection[str]) -> Iterator[Comparison]:
    """A comparison that fails for every edge that was to be reached and was not."""
    for edge in source.must:
        if edge not in reached:
            yield Comparison(
                f"no case of {type(source).__name__} reached the edge {edge!r}",
                1.0,
                0.0,
                bound=0.0,
                because="a witness is tried at the edges",
            )
