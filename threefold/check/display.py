"""A display as statements: rows, sides and relations, before any side is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from threefold.check.parse import DOTS, PAIRS, RELATIONS
from threefold.check.tokens import Group, Item, NotRead, Token, flat

OPENING = frozenset(PAIRS)
CLOSING = frozenset(PAIRS.values())
BETWEEN = (r"\Rightarrow", r"\therefore", r"\because", r"\quad")
LEADS = re.compile(
    r"(?:from|thus|hence|therefore|so|then|finally|we (?:have|get|obtain))[,:]?(?:\s*\\q?quad)?", re.IGNORECASE
)
NEW_STATEMENT = re.compile(
    r"^(with|and|where|while|or|but|let|hence|thus|therefore|so|then|we have|which gives|i\.e\.)\b",
    re.IGNORECASE,
)
CONDITION = re.compile(
    r"^(for|if|when|whenever|such that|s\.t\.|subject to|given|as|independent|almost|in|on|otherwise|because|since|by|"
    r"using|from|is|are|at|to|of|not|the|a|all|every|any)\b",
    re.IGNORECASE,
)
NAMES = frozenset(
    [
        "const",
        "constant",
        "const.",
        "cst",
        "C",
        "ELBO",
        "KL",
        "SNR",
        "VLB",
        "NLL",
        "tr",
        "Tr",
        "Trace",
        "trace",
        "det",
        "diag",
        "Cov",
        "Var",
        "cov",
        "var",
        "min",
        "max",
        "argmin",
        "argmax",
        "inf",
        "sup",
        "lim",
        "sg",
        "E",
        "Norm",
        "Normal",
        "Gaussian",
        "Ber",
        "Bernoulli",
        "Uniform",
        "Unif",
        "Cat",
        "softmax",
        "sigmoid",
        "stopgrad",
        "sgn",
        "dim",
        "sin",
        "cos",
        "tanh",
    ]
)


@dataclass
class Statement:
    """A chain of sides with the relations between them: side relation side relation side.

    The first side may be missing (None): then the chain goes on from the statement before it.
    """

    sides: list[tuple[Item, ...] | None] = field(default_factory=list)
    relations: list[Token] = field(default_factory=list)
    condition: list[str] = field(default_factory=list)

    @property
    def links(
        self,
    ) -> Iterator[tuple[tuple[Item, ...] | None, Token, tuple[Item, ...]]]:
        for place, relation in enumerate(self.relations):
            right = self.sides[place + 1]
            yield self.sides[place], relation, right if right is not None else ()


def statements(items: Sequence[Item]) -> list[Statement]:
    """Cut a display into statements. Raises NotRead where brackets do not match."""
    _refuse_unbalanced(items)
    found: list[Statement] = []
    beside: list[Statement] = []  # in columns of their own: a row below goes on with the first column
    for row in _cut(items, lambda text: text == r"\\"):
        first, *others = _columns(_without_comment(row))
        _read_row(found, first)
        for other in others:
            aside: list[Statement] = []
            _read_row(aside, other)
            beside += aside
    return [s for s in (*found, *beside) if s.sides]


def _read_row(found: list[Statement], row: list[Item]) -> None:
    for place, (piece, condition) in enumerate(_pieces(row)):
        piece = _stripped(piece)
        if not piece:
            if condition and found:
                found[-1].condition.append(condition)
            continue
        _place(found, piece, new=place > 0)
        if condition:
            found[-1].condition.append(condition)


def _columns(row: list[Item]) -> Iterator[list[Item]]:
    """What stands between two ampersands side by side; a relation behind them goes on with what stands before."""
    now: list[Item] = []
    for place, item in enumerate(row):
        following = next((i for i in row[place + 1 :] if not _is_ampersand(i)), None)
        goes_on = isinstance(following, Token) and following.text in RELATIONS
        if _is_ampersand(item) and now and _is_ampersand(now[-1]) and len(now) > 1 and not goes_on:
            yield now[:-1]
            now = []
        else:
            now.append(item)
    yield now


def _place(found: list[Statement], piece: tuple[Item, ...], *, new: bool) -> None:
    """Let a piece begin a statement, or go on with the last one."""
    sides, relations = _sides(piece)
    first = piece[0].text if isinstance(piece[0], Token) else ""
    last = found[-1] if found else None
    if not sides[0] and relations:  # it starts with a relation
        if last is None:
            found.append(Statement([None, *sides[1:]], relations))
        else:
            last.sides += sides[1:]
            last.relations += relations
        return
    goes_on = first in ("+", "-", *DOTS) or (last is not None and _unfinished(last))
    if last is not None and not new and goes_on and last.sides[-1] is not None:
        last.sides[-1] = (*last.sides[-1], *sides[0])
        last.sides += sides[1:]
        last.relations += relations
        return
    found.append(Statement(list(sides), relations))


def _unfinished(statement: Statement) -> bool:
    """Does its last side end with an operator or a relation?"""
    side = statement.sides[-1]
    if not side:
        return True
    last = side[-1]
    return isinstance(last, Token) and last.text in ("+", "-", *DOTS)


def _refuse_unbalanced(items: Sequence[Item]) -> None:
    stack: list[Token] = []
    for item in items:
        if isinstance(item, Group):
            _refuse_unbalanced(item.items)
        elif item.text in OPENING:
            stack.append(item)
        elif item.text in CLOSING:
            if not stack:
                raise NotRead(f"the bracket {item.text} is closed and was not opened", item.at)
            stack.pop()
    if stack:
        raise NotRead(f"the bracket {stack[-1].text} is not closed", stack[-1].at)


def _cut(items: Sequence[Item], at: object) -> Iterator[list[Item]]:
    """The stretches between outer tokens for which `at(text)` holds."""
    depth, now = 0, list[Item]()
    for item in items:
        text = item.text if isinstance(item, Token) else ""
        depth += (text in OPENING) - (text in CLOSING)
        if depth == 0 and at(text):  # type: ignore[operator]
            yield now
            now = []
        else:
            now.append(item)
    yield now


def _pieces(row: list[Item]) -> Iterator[tuple[tuple[Item, ...], str]]:
    """Statements that stand side by side in a row, each with the condition that follows it in words."""
    parts: list[list[Item]] = [[]]
    conditions: list[str] = [""]
    depth, in_condition = 0, False
    for item in row:
        text = item.text if isinstance(item, Token) else ""
        depth += (text in OPENING) - (text in CLOSING)
        if depth == 0 and isinstance(item, Token):
            sentence = _sentence(item)
            if LEADS.fullmatch(text.strip()) and not any(map(_trimmed, parts)):  # words that lead to the statement
                sentence = "drop"
            if sentence == "new" or text in (*BETWEEN, ",", ";"):
                parts.append([] if text not in (",", ";") else [item])
                conditions.append("")
                in_condition = False
                if sentence == "new" and text.strip().lower().endswith(("for", "if")):
                    in_condition = True
                continue
            if sentence == "condition" or text == r"\forall":
                in_condition = True
                parts.append([])
                conditions.append("")
            elif sentence == "drop":
                continue
        if in_condition:
            conditions[-1] += " " + " ".join(flat([item]))
        else:
            parts[-1].append(item)
    yield from _merged(parts, conditions)


def _is_ampersand(item: Item) -> bool:
    return isinstance(item, Token) and item.text == "&"


def _merged(parts: list[list[Item]], conditions: list[str]) -> Iterator[tuple[tuple[Item, ...], str]]:
    """A piece without a relation belongs to the one before it (a list, a sum that goes on), unless that is complete."""
    now: list[Item] = []
    said = ""
    for part, condition in zip(parts, conditions, strict=True):
        content = _trimmed(part)
        if content and now and _has_relation(content) and (_has_relation(now) or not _stripped(tuple(now))):
            yield tuple(now), said
            now, said = list(content), condition
            continue
        if content and not now:
            now = list(content)
        elif content:
            first = content[0].text if isinstance(content[0], Token) else ""
            if _in_brackets(content) and _has_relation(content[1:-1]):  # \quad (t >= 2)
                said = f"{said} for {' '.join(flat(content[1:-1]))}".strip()
                continue
            lost_tag = isinstance(content[0], Token) and _is_tag(content)
            if not lost_tag:
                now += part if first not in ("+", "-") else content
        said = f"{said} {condition}".strip()
    yield tuple(now), said


def _trimmed(part: list[Item]) -> list[Item]:
    """Without separators before it and spaces around it."""
    start, end = 0, len(part)
    while start < end and isinstance(i := part[start], Token) and (i.text in (",", ";") or i.kind == "space"):
        start += 1
    while end > start and isinstance(i := part[end - 1], Token) and i.kind == "space":
        end -= 1
    return part[start:end]


def _in_brackets(content: list[Item]) -> bool:
    """One pair of round brackets around all of it?"""
    depth = 0
    for place, item in enumerate(content):
        text = item.text if isinstance(item, Token) else ""
        depth += (text == "(") - (text == ")")
        if depth == 0 and place < len(content) - 1:
            return False
    return len(content) > 2 and depth == 0


def _is_tag(content: list[Item]) -> bool:
    """(2.6), (ELBO), (Bayes rule): a number or words in round brackets."""
    texts = [i.text for i in content if isinstance(i, Token)]
    inner = content[1:-1]
    return (
        len(texts) == len(content) > 2
        and texts[0] == "("
        and texts[-1] == ")"
        and all(isinstance(i, Token) and (i.kind in ("number", "word") or i.text in (".", "-", "*")) for i in inner)
    )


def _without_comment(row: list[Item]) -> list[Item]:
    """Without what stands behind && or a semicolon in words: an author's remark."""
    ampersand = False
    for place, item in enumerate(row):
        text = item.text if isinstance(item, Token) else ""
        if text == r"\because" and place:
            bracket = row[place - 1]
            return row[: place - (isinstance(bracket, Token) and bracket.text == "(")]
        if isinstance(item, Token) and item.kind == "word" and text.lstrip().startswith((";", "(", "[", "←")):
            closed = text.rstrip().endswith((")", "]"))
            before = [i for i in row[:place] if not (isinstance(i, Token) and i.kind == "space")]
            if before and (ampersand or closed or text.lstrip().startswith(";")):
                return row[:place]
        if text == "&" and ampersand and not any(isinstance(i, Token) and i.text in RELATIONS for i in row[place:]):
            return row[:place]
        ampersand = text == "&"
    return row


def _sentence(item: Token) -> str:
    """What an upright word does to the statement: '', new, condition or drop."""
    if item.kind != "word" or item.text in NAMES or item.text.rstrip(".") in NAMES:
        return ""
    text = item.text.strip(" ,.")
    if NEW_STATEMENT.match(text):
        return "new"
    if text.endswith(":"):
        return "drop"
    if CONDITION.match(text) or " " in text:
        return "condition"
    return ""


def _has_relation(items: Sequence[Item]) -> bool:
    depth = 0
    for item in items:
        text = item.text if isinstance(item, Token) else ""
        depth += (text in OPENING) - (text in CLOSING)
        if depth == 0 and text in RELATIONS:
            return True
    return False


def _sides(piece: tuple[Item, ...]) -> tuple[list[tuple[Item, ...]], list[Token]]:
    sides: list[list[Item]] = [[]]
    relations: list[Token] = []
    depth = 0
    for item in piece:
        text = item.text if isinstance(item, Token) else ""
        depth += (text in OPENING) - (text in CLOSING)
        if depth == 0 and text in RELATIONS and isinstance(item, Token):
            relations.append(item)
            sides.append([])
        else:
            sides[-1].append(item)
    return [_stripped(tuple(side)) for side in sides], relations


def _stripped(side: tuple[Item, ...]) -> tuple[Item, ...]:
    """Without spaces, alignment and punctuation around it."""
    items = [i for i in side if not (isinstance(i, Token) and (i.kind == "space" or i.text in ("&", r"\\")))]
    while items and isinstance(items[-1], Token) and items[-1].text in (",", ".", ";", ":"):
        items.pop()
    while items and isinstance(items[0], Token) and items[0].text in (",", ";", "."):
        items.pop(0)
    return tuple(items)
