"""Paper and ink: axes in the page's own colours, and a matplotlib figure as one piece of HTML."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Colours that nothing else uses, and what the page's style sheet calls them: a figure follows the scheme of the page.
INK, BLUE, GREEN, RED, VIOLET, FAINT = "#010101", "#010102", "#010103", "#010104", "#010105", "#010106"
STYLE_SHEET = {
    INK: "var(--md-default-fg-color)",
    BLUE: "var(--tf-law)",
    GREEN: "var(--tf-decided)",
    RED: "var(--tf-refuted)",
    VIOLET: "var(--tf-measured)",
    FAINT: "var(--tf-line)",
}
SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "threefold",
    "font.size": 9,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.titlesize": 9,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
}


@dataclass(frozen=True)
class Drawing:
    """What a figure shows (`caption`), what it looks like (`seen`, for those who do not see it), and who draws it."""

    draw: Callable[[], Figure]
    caption: str
    seen: str


def paper(columns: int = 1, rows: int = 1, *, height: float = 2.4, share_y: bool = False) -> tuple[Figure, Any]:
    """A figure as wide as the text, and its axes: one, or a row of them."""
    figure = Figure(figsize=(6.8, height), layout="constrained")
    return figure, figure.subplots(rows, columns, sharey=share_y)


def label(axes: Axes, x: str, y: str, title: str = "") -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if title:
        axes.set_title(title)


def element(name: str, drawing: Drawing) -> str:
    """A figure element: the SVG with its description, and the caption."""
    svg = vector_graphic(name, drawing)
    return (
        f'<figure class="tf-figure" id="figure-{name}" data-search-exclude="">'
        f'<div class="tf-wide" tabindex="0" role="group" aria-label="Figure">{svg}</div>'
        f"<figcaption>{escape(drawing.caption)}</figcaption></figure>"
    )


def vector_graphic(name: str, drawing: Drawing) -> str:
    """The SVG on one line: ids of its own, colours of the page, text as text."""
    with mpl.rc_context(SETTINGS):
        out = io.StringIO()
        drawing.draw().savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)  # a style would hold for the whole page
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    for colour, variable in STYLE_SHEET.items():
        svg = svg.replace(colour, variable)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    head = f'<svg viewBox="0 0 {size[1]} {size[2]}" role="img" aria-label="{escape(drawing.seen)}">'
    svg = re.sub(r"^<svg[^>]*>", head, svg)
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d+\.\d)\d+", r"\1", tag[0]), svg)  # places, not what is written
    return re.sub(r"\s*\n\s*", " ", svg).strip()
