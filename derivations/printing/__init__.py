"""How terms are shown: LaTeX for the site, Unicode for the terminal. Shown is what was checked; nothing is retyped."""

from __future__ import annotations

from typing import Any

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


def relation_latex(lhs: Any, relation: str, rhs: Any) -> str:
    return f"{latex(lhs)} {RELATIONS[relation]} {latex(rhs)}"


def relation_text(lhs: Any, relation: str, rhs: Any) -> str:
    return f"{text(lhs)} {RELATIONS_TEXT[relation]} {text(rhs)}"
