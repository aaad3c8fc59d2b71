"""The figures of the texts: one function each, which draws what it shows from numbers.

The numbers are those of `reference` wherever it has them; the rest are formulas of one line. A text names a figure by
`<!-- figure: NAME -->`. It becomes an SVG in the page, in the page's own colours, with a caption and a description for
those who do not see it; nothing in it moves, and nothing needs JavaScript.
"""

from __future__ import annotations

from threefold.errors import Unusable, nearest
from threefold.site.figures import chain, evidence, fields, laws, losses, orders, samplers
from threefold.site.figures.ink import Drawing, element

ROOMS = (evidence, chain, laws, losses, fields, samplers, orders)
ALL: dict[str, Drawing] = {name: drawing for room in ROOMS for name, drawing in room.FIGURES.items()}


def named(name: str) -> str:
    """The HTML of a figure. Raises Unusable for a name that no figure has."""
    if name not in ALL:
        raise Unusable(f"no figure is called {name!r}{nearest(name, ALL)}")
    return element(name, ALL[name])
