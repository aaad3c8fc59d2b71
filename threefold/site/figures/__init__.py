"""The figures of the texts: one function each, which draws what it shows from numbers.

The numbers are those of `reference` wherever it has them; the rest are formulas of one line. A text names a figure by
`<!-- figure: NAME -->`. It becomes an SVG in the page, in the page's own colours, with a caption and a description for
those who do not see it; nothing in it moves, and nothing needs JavaScript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from threefold.errors import Unusable, nearest
from threefold.site.figures import chain, evidence, fields, laws, losses, orders, samplers
from threefold.site.figures.ink import Drawing, element

ROOMS = (evidence, chain, laws, losses, fields, samplers, orders)
ALL: dict[str, Drawing] = {name: drawing for room in ROOMS for name, drawing in room.FIGURES.items()}


def draw_all() -> dict[str, str]:
    """The HTML of every figure, by its name."""
    return {name: element(name, drawing) for name, drawing in ALL.items()}


def named(name: str, drawn: Callable[[], Mapping[str, str]] | None = None) -> str:
    """The HTML of a figure, from what `draw_all` returned or drawn now. Raises Unusable for a name that none has."""
    if name not in ALL:
        raise Unusable(f"no figure is called {name!r}{nearest(name, ALL)}")
    return drawn()[name] if drawn else element(name, ALL[name])
