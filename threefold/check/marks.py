"""The laws among the signs of a formula, before it is parsed: their letters, and the parameters that mark them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from threefold.check.contexts.base import DATA_LABELS
from threefold.check.tokens import Group, Item, Token, flat

PARAMETERS = frozenset(["theta", "phi", "psi", "lambda", "omega"])
OPENING, CLOSING = "([", ")]"


@dataclass(frozen=True, slots=True)
class Marked:
    """A law p or q: the parameters that stand at it, and whether it is the prior, a law of z alone."""

    letter: str
    marks: frozenset[str]
    prior: bool


def laws_among(items: Sequence[Item]) -> Iterator[Marked]:
    """Every p and q among the signs, in order; groups are looked into."""
    signs = [i for i in items if not (isinstance(i, Token) and i.kind == "space")]
    for place, item in enumerate(signs):
        if isinstance(item, Group):
            yield from laws_among(item.items)
        elif item.text in ("p", "q", "P", "Q"):
            yield _law_at(signs, place)


def priors_in(formulas: Iterable[Sequence[Item]]) -> tuple[str, ...]:
    """With what a document marks its prior: the letters of parameters, and "" where it writes p(z) without any."""
    found: set[str] = set()
    for items in formulas:
        for law in laws_among(items):
            if law.prior:
                found |= law.marks or {""}
    return tuple(sorted(found))


def _law_at(signs: Sequence[Item], place: int) -> Marked:
    head = signs[place]
    assert isinstance(head, Token)
    behind = place + 1
    script: list[str] = []
    while behind + 1 < len(signs) and isinstance(sign := signs[behind], Token) and sign.text in ("_", "^"):
        following = signs[behind + 1]
        script += flat(following.items) if isinstance(following, Group) else [following.text]
        behind += 2
    word = "".join(s for s in script if s not in "{}")
    data = word in DATA_LABELS - {"d", "D"} or any(len(s) > 1 and s not in PARAMETERS for s in script)
    inside = flat(_bracketed(signs, behind))
    marks = PARAMETERS & {*script, *inside}
    variables = _variables(inside) if inside else _drawn(signs, place)
    letter = head.text.lower()
    return Marked(letter, frozenset(["data"]) if data else marks, letter == "p" and variables in (["z"], ["Z"]))


def _bracketed(signs: Sequence[Item], start: int) -> list[Item]:
    """What stands in the bracket that opens here."""
    found: list[Item] = []
    depth = 0
    for item in signs[start:]:
        text = item.text if isinstance(item, Token) else ""
        depth -= text in CLOSING if text else 0
        if depth == 0 and (found or text not in OPENING or not text):
            return found
        if depth > 0:
            found.append(item)
        depth += text in OPENING if text else 0
    return found


def _variables(inside: Sequence[str]) -> list[str]:
    """The letters in a law's bracket, without parameters and scripts; a bar before anything else stays."""
    letters: list[str] = []
    depth = 0
    for place, sign in enumerate(inside):
        depth += (sign == "{") - (sign == "}")
        scripted = depth > 0 or (place > 0 and inside[place - 1] in ("_", "^"))
        if not scripted and sign not in ("_", "^", "{", "}", ";", *PARAMETERS):
            letters.append(sign)
    return letters[:-1] if letters[-1:] in ([","], ["|"]) else letters


def _drawn(signs: Sequence[Item], place: int) -> list[str]:
    r"""What is drawn from a law without brackets: z of z \sim p."""
    before = [flat([i]) for i in signs[:place]]
    if before[-1:] != [[r"\sim"]]:
        return []
    start = max((n + 1 for n, texts in enumerate(before) if texts in ([","], [";"])), default=0)
    return _variables([t for texts in before[start:-1] for t in texts])
