"""Where a page stands: the way down to it, and what comes before and after it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Stop = tuple[str, str]
"""(address from the root of the site, words)."""


def trail(up: str, way: Sequence[Stop], here: str, before: Stop | None = None, after: Stop | None = None) -> str:
    """The way as links, the page itself as words, and its neighbours, as HTML on one line."""

    def link(step: Stop, mark: str = "") -> str:
        address, said = step
        return f'<a href="{up}{address}"{mark}>{escape(said)}</a>'

    down = " › ".join([*(link(step) for step in way), f'<span aria-current="page">{escape(here)}</span>'])
    beside = [
        link((before[0], f"‹ {before[1]}"), ' rel="prev"') if before else "",
        link((after[0], f"{after[1]} ›"), ' rel="next"') if after else "",
    ]
    return (
        f'<nav class="tf-crumbs" aria-label="Where this page stands" data-search-exclude><span>{down}</span>'
        f"<span>{' '.join(filter(None, beside))}</span></nav>"
    )
