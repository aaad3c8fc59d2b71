"""How terms are shown: LaTeX for the site, Unicode for the terminal. Shown is what was checked; nothing is retyped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derivations.kernel.terms import Series
from derivations.printing.latex import Latex, latex
from derivations.printing.shapes import RELATIONS, RELATIONS_TEXT, decimal
from derivations.printing.text import GREEK, Text

__all__ = [
    "GREEK",
    "RELATIONS",
    "RELATIONS_TEXT",
    "Latex",
    "Text",
    "condition_text",
    "decimal",
    "latex",
    "name_text",
    "relation_latex",
    "relation_text",
    "supposed_latex",
    "supposed_text",
    "text",
]


def text(e: Any) -> str:
    return str(Text().doprint(e))


def name_text(name: str) -> str:
    """A symbol's name as terminals show it."""
    return GREEK.get(name, name)


def condition_text(kind: str, e: Any) -> str:
    """A side condition: "> 0", ">= 0" or "!= 0"."""
    return f"{text(e)} {kind.replace('>=', '≥').replace('!=', '≠')}"


def supposed_text(hypothesis: Any) -> str:
    """The equation of a hypothesis and the ranges in which it holds; empty where it is words alone."""
    if not hypothesis.sides:
        return ""
    ranges = (f"{text(i)} = {text(lo)}..{text(hi)}" for i, (lo, hi) in hypothesis.when.items())
    return ", ".join([relation_text(hypothesis.lhs, "=", hypothesis.rhs), *ranges])


def supposed_latex(hypothesis: Any) -> str:
    """The same in LaTeX."""
    if not hypothesis.sides:
        return ""
    ranges = (rf"{latex(i)} = {latex(lo)}, \dots, {latex(hi)}" for i, (lo, hi) in hypothesis.when.items())
    return r" \quad ".join([relation_latex(hypothesis.lhs, "=", hypothesis.rhs), *ranges])


def relation_latex(lhs: Any, relation: str, rhs: Any, printed: Callable[[Any], str] = latex) -> str:
    """Raises KeyError for a relation that is not printed."""
    one, two, rest = _up_to(lhs, relation, rhs)
    return f"{printed(one)} {RELATIONS[relation]} {printed(two)}" + (f" + O({printed(rest)})" if rest else "")


def relation_text(lhs: Any, relation: str, rhs: Any) -> str:
    one, two, rest = _up_to(lhs, relation, rhs)
    return f"{text(one)} {RELATIONS_TEXT[relation]} {text(two)}" + (f" + O({text(rest)})" if rest else "")


def _up_to(lhs: Any, relation: str, rhs: Any) -> tuple[Any, Any, Any]:
    """The two sides and the size of the remainder: that a series is a polynomial reads "body = polynomial + O(h^n)"."""
    if relation != "=" or not isinstance(lhs, Series) or isinstance(rhs, Series):
        return lhs, rhs, None
    body, step, order = lhs.args
    return body, rhs, step**order
