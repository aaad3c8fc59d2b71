"""What kind of line a link is, by its relation and its shape: what may be judged, and what says nothing to judge."""

from __future__ import annotations

import re

from threefold.check.tree import Node, bare, walk

JUDGED = frozenset(["=", ":=", r"\equiv", "=c", r"\le", r"\ge", "<", ">", r"\propto"])
EQUALITIES = frozenset(["=", ":=", r"\equiv"])
NOT_STATEMENTS = {
    r"\sim": ("sampling", "it says what is drawn"),
    r"\leftarrow": ("algorithm", "a step of an algorithm"),
    r"\to": ("other", "a limit or a map, and no claim"),
    r"\mapsto": ("other", "a map"),
    r"\in": ("other", "a range"),
    r"\notin": ("other", "a range"),
    r"\subset": ("other", "a range"),
    r"\subseteq": ("other", "a range"),
    r"\approx": ("other", "an approximation without a tolerance"),
    r"\doteq": ("other", "an approximation without a tolerance"),
    r"\lesssim": ("other", "an approximation without a tolerance"),
    r"\gtrsim": ("other", "an approximation without a tolerance"),
    r"\ll": ("other", "an order of magnitude"),
    r"\gg": ("other", "an order of magnitude"),
    r"\neq": ("other", "a difference, and no equality"),
    r"\ne": ("other", "a difference, and no equality"),
    r"\iff": ("other", "an equivalence between statements"),
    r"\leftrightarrow": ("other", "an equivalence between statements"),
    r"\Rightarrow": ("other", "an implication"),
    "?=": ("other", "a question or an aim"),
    "=:": ("definition", "the right side is named"),
}
LEAVES_OUT = re.compile(
    r"\b(?:omit\w*|drop\w*|neglect\w*|ignor\w*|up to (?:an? )?"
    r"(?:additive |multiplicative )?(?:constant|factor|term)\w*|"
    r"constants?|independent of|irrelevant|discard\w*|"
    r"proportional|do(?:es)? not depend|not affect)\b",
    re.IGNORECASE,
)


def last_sentence(text: str) -> str:
    """The words since the last full stop or empty line before a display."""
    text = text.rstrip()
    cut = max(text.rfind("\n\n"), text.rfind(". "), text.rfind(".\n"), text.rfind("$$"))
    return text[cut + 1 :] if cut >= 0 else text


def objective(node: Node) -> bool:
    """Is a minimum or maximum taken over laws or parameters?"""
    return any(n.kind == "opt" for n in walk(node))


def elliptic(node: Node) -> bool:
    """Does an ellipsis stand in it, so that it cannot be put in for a name?"""
    return any(n.kind == "dots" for n in walk(node))


def range_of_indices(left: Node, right: Node) -> bool:
    """t = 1, ..., T; k >= 1: an index and where it runs."""
    letters = {"t", "i", "j", "s", "n", "k", "l", "T", "N", "K", "τ", "tau"}
    sides = [bare(left), bare(right)]
    named = [n.kind == "sym" and n[0].plain in letters and not n[0].index for n in sides]
    plain = [n.kind in ("num", "list") or ok for n, ok in zip(sides, named, strict=True)]
    return any(named) and (all(plain) or any(n.kind in ("list", "opt") for n in sides))


def ordinary(node: Node) -> bool:
    """dx/dt = ...: an ordinary differential equation for the state."""
    node = bare(node)
    if node.kind != "frac" or any(bare(n).kind != "d" for n in node.parts[:2]):
        return False
    letters = [bare(bare(n)[0]) for n in node.parts[:2]]
    return all(n.kind == "sym" for n in letters) and [n[0].letter for n in letters] in (["x", "t"], ["X", "t"])


def differential(node: Node) -> bool:
    """dx = ...: a differential equation."""
    node = bare(node)
    return ordinary(node) or node.kind == "d" or (node.kind == "mul" and node[0][0].kind == "d")
