"""Sentences of the ledger as HTML: its plain-text formulas get their letters and indices, its ids become links."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

LETTERS = {
    "beta_tilde": "β̃", "mu_tilde": "μ̃", "alphabar": "ᾱ", "abar": "ᾱ", "alpha": "α", "beta": "β", "sigma": "σ",
    "eps": "ε", "theta": "θ", "phi": "φ", "mu": "μ", "pi": "π", "sqrt": "√", "lambda": "λ", "tau": "τ", "Sigma": "Σ",
    "gamma": "γ", "rho": "ρ", "varsigma": "ς",
}  # fmt: skip
LETTER = re.compile(rf"(?<![A-Za-z.])({'|'.join(LETTERS)})(?![A-Za-z])")
NETWORK = re.compile(r"\b(x)_?(0)_theta\b")
INDEX = re.compile(r"(?<![\w.])([A-Za-zℓᾱ-ῼα-ωΑ-Ω]̃?)_(\{[^{}]*\}|[A-Za-z0-9α-ω]+)(?![\w.]*\.\w)")
POWER = re.compile(r"\^(\{[^{}]*\}|-?\w)")
QUOTED = re.compile(r"`([^`<]*)`")
ID = re.compile(r"\b[a-z]\w*(?:\.[a-z]\w*){1,3}\b")


def html(text: str, link: Callable[[str], str | None] = lambda name: None) -> str:
    """`link` gives the HTML for a claim's id, or None for what only looks like one."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        found = link(match[0])
        if found is None:
            return match[0]
        kept.append(found)
        return f"\x00{len(kept) - 1}\x00"

    shown = ID.sub(keep, escape(text, quote=False)).replace("&gt;=", "≥").replace("&lt;=", "≤")
    shown = NETWORK.sub(r"x_{0,θ}", shown)
    shown = LETTER.sub(lambda match: LETTERS[match[1]], shown.replace("beta_tilde", "β̃").replace("mu_tilde", "μ̃"))
    shown = INDEX.sub(lambda match: f"{match[1]}<sub>{_bare(match[2])}</sub>", shown)
    shown = POWER.sub(lambda match: f"<sup>{_bare(match[1])}</sup>", shown)
    shown = QUOTED.sub(r"<em>\1</em>", shown)
    return re.sub("\x00(\\d+)\x00", lambda match: kept[int(match[1])], shown)


def _bare(index: str) -> str:
    return index.strip("{}").replace("-", "−")


def sentence(text: str) -> str:
    """With a capital (unless it starts with a symbol) and a full stop."""
    first = text.split(" ", 1)[0]
    is_symbol = first != "a" and (not re.fullmatch(r"[a-z][a-z',.:;-]+", first) or first in LETTERS)
    start = text if is_symbol else text[:1].upper() + text[1:]
    return start + ("" if start.endswith((".", ":", "?")) else ".")
