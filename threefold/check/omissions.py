"""Where a text says that it leaves something out, and which later lines lean on such a line.

An equality whose constants are dropped is false as it is printed, and only the prose says so. What is found here only
ever withholds a refutation; it proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from threefold.check import definitions as D
from threefold.check.extract import Display
from threefold.check.tree import Name, Node, bare, walk

ANNOUNCES = re.compile(
    r"\b(?:omi(?:t|ts|tted|tting|ssion)|drop(?:s|ped|ping)?|neglect\w*|ignor(?:e|es|ed|ing)|discard\w*|disregard\w*|"
    r"suppress(?:ed|ing)?|absorb\w*|le(?:ft|ave|aves|aving) out|modulo|"
    r"up to (?:an? |some |the )?(?:\w+ ){0,2}(?:constant|factor|term|scal|normali|weight|quantit)\w*|"
    r"const|constants?|irrelevant|proportional|without the (?:constant|term|factor)\w*|"
    r"(?:do|does) not (?:depend|affect|matter|change)|no dependence|"
    r"independent of (?:the )?(?:\$\s*)?"
    r"(?:\\?theta|\\?phi|\\?psi|θ|φ|ψ|parameter|network|model|train|learn|optim)\w*)\b"
    r"|[-‐‑–] ?(?:independent|free) (?:quantit|term|part|constant|factor|addend|summand)\w*",
    re.IGNORECASE,
)
BORDER = re.compile(r"\$\$|\\\]|\\\[|\\(?:begin|end)\{|\n#")
REACH = 400  # characters of prose before a display that may announce it
TAG = re.compile(r"\\(?:tag\*?|label)\s*\{([^{}]*)\}|\((\d+(?:\.\d+)*[a-z]?)\)\s*\}?\s*$")
REFERENCE = re.compile(r"\\(?:eq|c|C|auto)?ref\s*\{([^{}]*)\}|\((\d+(?:\.\d+)*[a-z]?)\)")


def announced(display: Display) -> bool:
    """Does the prose around the display, as far as the displays beside it, say that something is left out?"""
    return any(ANNOUNCES.search(piece) is not None for piece in (_before(display), _after(display)))


def _before(display: Display) -> str:
    borders = list(BORDER.finditer(display.before.rstrip()))
    piece = display.before[borders[-1].end() :] if borders else display.before
    return piece[-REACH:]


SENTENCE = re.compile(r"(?<=[.!?:])\s+|\n\s*\n")


def _after(display: Display) -> str:
    """The prose behind it; a sentence that runs into the next display is about that one."""
    text = display.after.lstrip("$")
    border = BORDER.search(text)
    if border is None:
        return text
    *whole, last = SENTENCE.split(text[: border.start()].strip())
    return "\n".join(whole if last[:1].isupper() else [*whole, last])


@dataclass
class Omitted:
    """What was stated with something left out: names, sides and tags, each with its line."""

    names: dict[Name, int] = field(default_factory=dict)
    sides: dict[Node, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    displays: dict[tuple[str, int], int] = field(default_factory=dict)

    def line(self, display: Display, nodes: tuple[Node, Node] | None) -> int | None:
        """The line where something was left out that this link leans on: its own, or an earlier one."""
        place = (display.file, display.offset)
        if place not in self.displays and announced(display):
            self.displays[place] = display.line
        found = self.displays.get(place)
        if found is None:
            found = self._leans(display, nodes)
        return found

    def _leans(self, display: Display, nodes: tuple[Node, Node] | None) -> int | None:
        for match in REFERENCE.finditer(_before(display)):
            for tag in (match[1] or match[2]).split(","):
                if tag.strip() in self.tags:
                    return self.tags[tag.strip()]
        for side in map(bare, nodes or ()):
            if side in self.sides:
                return self.sides[side]
            for node in walk(side):
                name = _name(node)
                if name is not None and name in self.names:
                    return self.names[name]
        return None

    def remember(self, display: Display, nodes: tuple[Node, Node] | None, line: int) -> None:
        """The link leaves something out, as the line says: so may every link of its display, and what leans on it."""
        self.displays[display.file, display.offset] = line
        for match in TAG.finditer(display.tex):
            self.tags[(match[1] or match[2]).strip()] = line
        if nodes is None:
            return
        left = bare(nodes[0])
        name = _name(left)
        if name is None:
            self.sides[left] = line
        elif D.is_loss(name) or D.is_evidence_bound(name) or (D.settable(left) and name.plain not in D.SCHEDULE):
            self.names[name] = line


def _name(node: Node) -> Name | None:
    found = D.lone(node) if node.kind in ("sym", "call") else None
    return None if found is None or not isinstance(found[0], Name) else found[0]
