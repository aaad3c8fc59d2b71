"""A document's own commands: collected from its text, expanded before anything is read.

Papers hide everything in macros. An expansion keeps the place of the command that it came from, so that a message
points into the document; at most `MOST` expansions a display, so that a macro that calls itself ends as not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MOST = 1000
LARGEST = 50_000  # raw tokens after expansion

_COMMAND = re.compile(
    r"\\newcommand\*?\s*(?:\{\s*(\\[a-zA-Z]+)\s*\}|(\\[a-zA-Z]+))\s*(?:\[(\d)\])?\s*(?:\[([^\]]*)\])?\s*\{"
)
_RENEW = re.compile(
    r"\\(?:renewcommand|providecommand|DeclareRobustCommand)\*?\s*(?:\{\s*(\\[a-zA-Z]+)\s*\}|(\\[a-zA-Z]+))\s*"
    r"(?:\[(\d)\])?\s*(?:\[([^\]]*)\])?\s*\{"
)
_DEF = re.compile(r"\\(?:g|x|e)?def\s*(\\[a-zA-Z]+)\s*((?:#\d)*)\s*\{")
_OPERATOR = re.compile(r"\\DeclareMathOperator\*?\s*\{?\s*(\\[a-zA-Z]+)\s*\}?\s*\{")
_LET = re.compile(r"\\let\s*(\\[a-zA-Z]+)\s*=?\s*(\\[a-zA-Z]+)")
RAW = re.compile(r"\\[a-zA-Z]+|\\.|#\d|\d+(?:\.\d+)?|\s+|.", re.DOTALL)


class NotRead(ValueError):
    """A formula that is not understood: `at` is the place, in characters from the start of its source."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.message, self.at = message, at


@dataclass(frozen=True, slots=True)
class Macro:
    """`arguments` of them, the first optional if there is a `default`; the body in raw tokens, #1 for an argument."""

    arguments: int
    default: str | None
    body: tuple[str, ...]


def collect(text: str) -> dict[str, Macro]:
    """Every macro that the text defines, by its name with the backslash; the last definition wins."""
    found: dict[str, Macro] = {}
    places = []
    for pattern in (_COMMAND, _RENEW):
        for m in pattern.finditer(text):
            places.append(
                (
                    m.start(),
                    m.group(1) or m.group(2),
                    int(m.group(3) or 0),
                    m.group(4),
                    m.end(),
                    "",
                )
            )
    for m in _DEF.finditer(text):
        places.append((m.start(), m.group(1), len(m.group(2)) // 2, None, m.end(), ""))
    for m in _OPERATOR.finditer(text):
        places.append((m.start(), m.group(1), 0, None, m.end(), r"\operatorname"))
    for _, name, arguments, default, start, wrap in sorted(places, key=lambda p: p[0]):
        body = _braced(text, start)
        if body is None:
            continue
        if wrap:
            body = f"{wrap}{{{body}}}"
        found[name] = Macro(arguments, default, tuple(RAW.findall(body)))
    for m in _LET.finditer(text):
        found.setdefault(m.group(1), found.get(m.group(2), Macro(0, None, (m.group(2),))))
    return found


def _braced(text: str, start: int) -> str | None:
    """What stands between the brace that opened before `start` and its partner."""
    depth = 1
    for place in range(start, min(len(text), start + LARGEST)):
        if text[place] == "\\":
            continue
        escaped = text[place - 1] == "\\" and text[place - 2 : place] != "\\\\"
        if text[place] in "{}" and not escaped:
            depth += 1 if text[place] == "{" else -1
            if depth == 0:
                return text[start:place]
    return None


def expand(tokens: list[tuple[str, int]], macros: Mapping[str, Macro]) -> list[tuple[str, int]]:
    """The tokens with every macro written out. Raises NotRead where that does not end, or an argument is missing."""
    waiting = list(reversed(tokens))
    found: list[tuple[str, int]] = []
    expansions = 0
    while waiting:
        text, at = waiting.pop()
        macro = macros.get(text)
        if macro is None or macro.body == (text,):
            found.append((text, at))
            continue
        expansions += 1
        if expansions > MOST or len(found) + len(waiting) > LARGEST:
            raise NotRead(f"the macro {text} goes on and on: more than {MOST} expansions", at)
        arguments: list[list[tuple[str, int]]] = []
        for number in range(macro.arguments):
            arguments.append(_argument(waiting, at, text, macro.default if number == 0 else None))
        for piece in reversed(macro.body):
            if len(piece) == 2 and piece[0] == "#":
                number = int(piece[1]) - 1
                if number >= len(arguments):
                    raise NotRead(f"the macro {text} has no argument {piece}", at)
                waiting.extend(reversed(arguments[number]))
            else:
                waiting.append((piece, at))
    return found


def _argument(waiting: list[tuple[str, int]], at: int, name: str, default: str | None) -> list[tuple[str, int]]:
    while waiting and waiting[-1][0].isspace():
        waiting.pop()
    if default is not None:
        if not waiting or waiting[-1][0] != "[":
            return [(piece, at) for piece in RAW.findall(default)]
        waiting.pop()
        inside = []
        while waiting and waiting[-1][0] != "]":
            inside.append(waiting.pop())
        if waiting:
            waiting.pop()
        return inside
    if not waiting:
        raise NotRead(f"an argument of {name} is missing", at)
    first = waiting.pop()
    if first[0] != "{":
        return [first]
    depth, inside = 1, []
    while waiting:
        token = waiting.pop()
        depth += (token[0] == "{") - (token[0] == "}")
        if depth == 0:
            return inside
        inside.append(token)
    raise NotRead("a brace is not closed", at)
