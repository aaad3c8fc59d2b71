"""Mistakes planted in true lines, one edit each: hardly one may pass, and none may be proved unless it is none."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from true_lines import TRUE

import threefold

BEFORE = {
    "ddpm": "$$q(x_t|x_{t-1}) = \\mathcal N(x_t; \\sqrt{\\alpha_t}x_{t-1}, (1-\\alpha_t)I)$$\n\n"
    "$$q(x_{t-1}|x_t,x_0) = \\mathcal N(x_{t-1}; \\tilde\\mu_t(x_t,x_0), \\tilde\\beta_t I)$$\n\n",
    "vae": "$$q_\\phi(z|x) = \\mathcal N(z; \\mu_\\phi(x), \\operatorname{diag}(\\sigma_\\phi^2(x)))$$\n\n",
}
# Pairs that stand for each other; each way is an edit.
SWAPS = [
    (r"\bar\alpha_t", r"\alpha_t"),
    (r"\bar\alpha_{t-1}", r"\bar\alpha_t"),
    (r"\bar\alpha_{t-1}", r"\alpha_{t-1}"),
    (r"\alpha_t", r"\beta_t"),
    (r"\beta_t", r"\bar\alpha_t"),
    ("x_0", "x_t"),
    ("x_{t-1}", "x_t"),
    (" + ", " - "),
    ("1-", "1+"),
    (r"\frac12", ""),
    ("2", "3"),
    ("^2", ""),
    (r"\log ", ""),
    ("s=1", "s=2"),
    ("t=1", "t=2"),
    (r"\ge", r"\le"),
    ("q(z|x)", "p(z|x)"),
    ("p(x|z)", "p(z|x)"),
    ("p(x,z)", "p(x|z)"),
    ("p(z)", "p(x)"),
]
ONE_WAY = [(r"\\sqrt\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1"), (r"\\sqrt\{((?:[^{}]|\{[^{}]*\})*)\}", r"(\1)^2")]
ONE_WAY += [(r"D_\{KL\}\(([^|]*\|[^|\\]*)\\\|([^)]*\))\)", r"D_{KL}(\2\\|\1)")]
# What an edit leaves true: the noise and its negative have one law.
EQUIVALENT = frozenset([r"x_t = \sqrt{\alpha_t\alpha_{t-1}}x_{t-2} - \sqrt{1-\alpha_t\alpha_{t-1}}\epsilon"])


def edits(tex: str) -> Iterator[str]:
    """The line with one edit, on either side of its relation."""
    made = []
    for one, two in SWAPS:
        for old, new in ((one, two), (two, one)):
            if len(old) > 1 or old in ("2", "3"):
                found = re.finditer(re.escape(old) + (r"(?![a-zA-Z])" if old[-1:].isalpha() else ""), tex)
                made += [tex[: m.start()] + new + tex[m.end() :] for m in found if not _inside(tex, m.start(), old)]
    for pattern, new in ONE_WAY:
        made += [tex[: m.start()] + m.expand(new) + tex[m.end() :] for m in re.finditer(pattern, tex)]
    yield from dict.fromkeys(m for m in made if m != tex)


def _inside(tex: str, at: int, old: str) -> bool:
    """Is it part of a longer sign: the alpha of a barred one, a 2 of a \\frac12?"""
    return (old.startswith(r"\alpha") and tex[:at].endswith(r"\bar")) or (old == "2" and tex[:at].endswith(r"\frac1"))


PLANTED = [(context, line, edited) for context, line in TRUE for edited in edits(line) if edited not in EQUIVALENT]


def verdict(context: str, tex: str) -> str:
    """refuted, proved, or open."""
    found = threefold.check(f"{BEFORE[context]}$${tex}$$\n", seconds=20)
    last = [k.verdict for k in found if k.display == max(k.display for k in found)]
    if "refuted" in last or "contradiction" in last:
        return "refuted"
    return "proved" if set(last) <= {"proved", "proved as read"} else f"open: {last[0]}"


def count(cases: list[tuple[str, str, str]]) -> tuple[Counter[str], list[str]]:
    """How many of each verdict, and the planted lines that were proved."""
    found: Counter[str] = Counter()
    proved = []
    for context, _, tex in cases:
        word = verdict(context, tex)
        found[word.split(":")[0]] += 1
        proved += [tex] * (word == "proved")
    return found, proved


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("context", "tex"), TRUE)
def test_the_lines_are_true(context: str, tex: str) -> None:
    assert verdict(context, tex) in ("proved", "open: definition")


def test_there_are_enough_mistakes() -> None:
    assert len(PLANTED) >= 300


def test_a_sample_of_planted_mistakes() -> None:
    found, proved = count(random.Random(4).sample(PLANTED, 4))
    assert not proved
    assert found["refuted"] >= 2


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_planted_mistakes(part: int) -> None:
    found, proved = count(PLANTED[part::10])
    assert not proved
    assert found["refuted"] >= 0.8 * found.total()
