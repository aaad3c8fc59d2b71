"""The texts in docs/: what is written wrongly stops the build, at its line."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
import sympy as sp

import derivations
from derivations import notation
from derivations.printing import latex
from threefold.errors import Unusable
from threefold.site import words
from threefold.site.prose import NotAnExpression, evaluate, expand
from threefold.site.tex import inside_prose


class NoBook:
    """Stands for the claims: it knows none."""

    def claim(self, name: str, where: str) -> None:
        raise Unusable(f"{where}: no claim has the id or tag {name!r}.")


@pytest.mark.parametrize("line", ["See [[ddpm.posterior.maen]].", "<!-- deriva: 0A07 -->", "{{ abarr(t) }}"])
def test_an_unknown_name_is_reported_with_its_line(line):
    with pytest.raises(Unusable, match=r"docs/page\.md:3: "):
        expand(f"# Title\n\n{line}\n", "docs/page.md", NoBook(), "", {"derivation": lambda argument, up: ""})  # type: ignore[arg-type]  # a stand-in


def test_code_is_left_alone():
    text = "```python\nvalue = [[0A07]]\n<!-- nothing: x -->\n```\n"
    assert expand(text, "docs/page.md", NoBook(), "", {}) == text  # type: ignore[arg-type]  # a stand-in


def test_expressions_are_those_of_the_notation():
    assert evaluate("sqrt(1 - abar(t - 1))") == sp.sqrt(1 - notation.abar(notation.t - 1))
    assert latex(evaluate("q(x(t), x(0))")) == latex(notation.q(notation.x(notation.t), notation.x(0)))


@pytest.mark.parametrize(
    "source",
    ["__import__('os')", "t.name", "'text'", "1.5", "(lambda: 1)()", "alpha(t) == 1", "[t for t in (1, 2)]", "t +"],
)
def test_nothing_else_can_be_written(source):
    with pytest.raises(NotAnExpression):
        evaluate(source)


def test_markdown_finds_nothing_in_mathematics():
    markdown = pytest.importorskip("markdown", reason="Markdown comes with the docs extra")
    html = '<annotation encoding="application/x-tex">a_{1} * b_{2} &lt; \\bar c &amp; `d`</annotation>'
    page = markdown.markdown(f"Where {inside_prose(html)} stands.")
    assert "<em>" not in page and "<code>" not in page
    assert unescape(re.findall(r"x-tex\">(.*?)</annotation>", page)[0]) == "a_{1} * b_{2} < \\bar c & `d`"


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("x_{t-1} and abar_t", "x<sub>t−1</sub> and ᾱ<sub>t</sub>"),
        ("sqrt(1 - abar_t)", "√(1 - ᾱ<sub>t</sub>)"),
        ("sigma_t^2 > 0", "σ<sub>t</sub><sup>2</sup> &gt; 0"),
        ("e^{-h} varsigma_t, rho", "e<sup>−h</sup> ς<sub>t</sub>, ρ"),
        ("an epsilon, as printed", "an epsilon, as printed"),
        ("see ddpm.elbo.gaussian_form", "see ddpm.elbo.gaussian_form"),
    ],
)
def test_formulas_in_sentences(plain, html):
    assert words.html(plain) == html


@pytest.mark.parametrize("suffix", ["", ".new"])
def test_a_folder_with_files_of_its_owner_is_never_replaced(tmp_path, suffix):
    from threefold.site.generate import generate

    mine = tmp_path / f"out{suffix}" / "thesis.md"
    mine.parent.mkdir()
    mine.write_text("three years")
    with pytest.raises(Unusable, match=r"did not write.*; name another folder with --out, or empty this one"):
        generate(tmp_path, tmp_path / "ledger.json", tmp_path / "out")
    assert mine.read_text() == "three years"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({}, "is not judged in"),
        ({"symbolic": {"verdict": "disputed"}}, "is disputed in"),
        (None, r"lacks \d+ claims"),
    ],
    ids=["numbers only", "disputed", "none"],
)
def test_a_ledger_without_the_expected_verdicts_is_refused_before_anything_is_made(tmp_path, row, words):
    from threefold.site.generate import generate

    rows = [] if row is None else [{"id": name, **row} for name in derivations.claims()]
    ledger = tmp_path / "ledger.json"
    ledger.write_text(json.dumps({"claims": rows, "versions": {}, "summary": {}}))
    with pytest.raises(Unusable, match=words):
        generate(tmp_path, ledger, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_was_written_here_and_an_empty_one_are_replaced(tmp_path):
    from threefold.site.generate import MARK, check_replaceable

    check_replaceable(tmp_path / "none yet")
    check_replaceable(tmp_path)
    (tmp_path / "index.md").touch()
    (tmp_path / MARK).touch()
    check_replaceable(tmp_path)
    with pytest.raises(Unusable, match="not a folder"):
        check_replaceable(tmp_path / "index.md")
