"""What the text supposes where a formula stands: "when x_0 = 0", "t = 1:", "alpha = beta implies".

Such a formula is claimed for that case alone, and nothing that is false in general refutes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from threefold.check.cursor import Choices
from threefold.check.display import Statement
from threefold.check.extract import Display
from threefold.check.parses import parse_side
from threefold.check.tokens import Group, Item, NotRead, Token
from threefold.check.tree import Node, bare

NUMBER = r"-?(?:\d+(?:\.\d+)?|\\[dt]?frac\s*(?:\d\s*\d|\{\d+\}\s*\{\d+\})|\d+/\d+)"
NAME = r"\\?[A-Za-z]+(?:\{\w+\})?(?:_(?:\w|\{[^{}]*\}))?"
CASE = re.compile(
    rf"(?:{NAME}\s*=\s*(?:{NUMBER}|{NAME})|[^=:]*\\(?:to|rightarrow|approx|ll|gg)\b[^=:]*)\s*[.,;:]?\s*", re.DOTALL
)
INLINE = re.compile(r"(?<![$\\])\$([^$]+)\$(?!\$)|\\\((.+?)\\\)", re.DOTALL)
WORDS = re.compile(
    r"\b(?:if|when|whenever|suppos\w+|assum\w+|consider\w*|set|setting|for|tak\w+|choos\w+|let|letting|fix\w*|at|case|"
    r"limit|as|with|provided|special)\b[^.]*$",
    re.IGNORECASE,
)
STRONG = re.compile(
    r"\b(?:if|when|whenever|suppos\w+|assum\w+|case|provided|perfect\w*|ideal\w*|optim\w+)\b[^.]*$", re.IGNORECASE
)
EQUALITY = re.compile(r"(?!.*(?:\\mathcal|\\sim|1\s*-|\.\.|dots|\+))[^=]+=[^=]+", re.DOTALL)
SCALAR = re.compile(r"\b(?:one[- ]dimension\w*|1-?D|scalar|univariate|at (?:the|its) optim\w+)\b", re.IGNORECASE)
BEHIND = re.compile(r"(?:for|if|when|whenever|at|provided|assuming|in the|as)\b", re.IGNORECASE)
BORDER = re.compile(r"\$\$|\\\]|\\end\{[^{}]*\}|```|~~~")
RESTRICTS = re.compile(
    r"(?:for|if|when|whenever|such that|s\.t\.|subject to|given|at|on|in|otherwise)\b", re.IGNORECASE
)
NEARS = re.compile(r"\\(?:to|rightarrow|approx|ll|gg)\b|[→≈≪≫]")
RANGE = re.compile(r"…|\.\.\.|\\[lc]?dots|:")
SUPPOSES = re.compile(r"(?:suppos|assum|setting|taking|choosing|if\b)", re.IGNORECASE)
ARROWS = frozenset([r"\Rightarrow", r"\implies", r"\Longrightarrow", r"\iff", r"\Leftrightarrow", r"\therefore", "⇒"])


def in_prose(display: Display) -> str:
    """The case that the prose around the display speaks of; '' for none."""
    text = display.before
    borders = list(BORDER.finditer(text.rstrip()))
    text = text[borders[-1].end() :] if borders else text
    text = text.rstrip().rsplit("\n\n", 1)[-1]
    for found in INLINE.finditer(text):
        case = (found[1] or found[2]).strip()
        before = text[: found.start()]
        if (WORDS.search(before) and _is_case(case)) or (STRONG.search(before) and EQUALITY.fullmatch(case)):
            return case
    if (scalar := SCALAR.search(text)) is not None:
        return scalar[0]
    behind = display.after.lstrip("$ \n.,;")
    found_behind = INLINE.search(behind[:80])
    if found_behind is not None and BEHIND.match(behind):
        case = (found_behind[1] or found_behind[2]).strip()
        if "." not in behind[: found_behind.start()] and (_is_case(case) or EQUALITY.fullmatch(case)):
            return case
    return ""


def goes_on(display: Display) -> bool:
    """Does the sentence of the display before it go on into this one?"""
    borders = list(BORDER.finditer(display.before.rstrip()))
    between = display.before[borders[-1].end() :].strip(" \n.,;$") if borders else "."
    return "\n\n" not in between and not between[:1].isupper() and ". " not in between and bool(borders)


def in_display(items: Sequence[Item], statements: Sequence[Statement], place: int) -> str:
    """The case that the display itself names beside its statement number `place`; '' for none."""
    for said in statements[place].condition:
        if RESTRICTS.match(said.strip()) and _restricts(said):
            return said.strip()
    if any(r.text in ARROWS for r in statements[place].relations):
        return "an equivalence"
    words = [i.text.strip() for i in _tokens(items)]
    if len(statements) > 1 and any(SUPPOSES.match(w) for w in words):
        return "what the display supposes"
    premises = any(w in ARROWS for w in words)
    for number, other in enumerate(statements):
        if number != place and _is_premise(other, premises):
            return "a value that the display gives beside it"
    return ""


def _tokens(items: Sequence[Item]) -> Iterator[Token]:
    for item in items:
        if isinstance(item, Token):
            yield item
        elif isinstance(item, Group):
            yield from _tokens(item.items)


def _restricts(said: str) -> bool:
    return ("=" in said and not RANGE.search(said)) or NEARS.search(said) is not None


def _is_case(case: str) -> bool:
    known = re.match(r"(?:T|N|\\bar\s*\{?\\alpha\}?_\{?0\}?)\s*=", case)
    return known is None and CASE.fullmatch(case) is not None


def _is_premise(statement: Statement, arrow: bool) -> bool:
    """x_0 = 0, t = 1; before an arrow also alpha = beta. That abar_0 is 1 is always so."""
    if len(statement.relations) != 1 or statement.relations[0].text != "=" or not statement.sides[0]:
        return False
    try:
        left, right = (bare(parse_side(s or (), Choices())[0]) for s in statement.sides)
    except NotRead:
        return False
    if left.kind != "sym" or (left[0].plain in ("T", "N")) or (left[0].letter == "alpha" and left[0].accents):
        return False
    return _is_number(right) or (arrow and right.kind == "sym")


def _is_number(node: Node) -> bool:
    node = bare(node)
    return node.kind == "num" or (node.kind in ("frac", "over") and all(map(_is_number, node.parts[:2])))
