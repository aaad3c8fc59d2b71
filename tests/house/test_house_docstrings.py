"""One dialect of docstrings: Markdown, a summary on one line, sections as in Google's style, no broken literal."""

from __future__ import annotations

import re

import pytest
from sources import PACKAGES, Source, read

FOREIGN = {
    "two backticks (reStructuredText)": re.compile(r"``"),
    "a role (reStructuredText)": re.compile(r":[a-z]+:`"),
    "a field (reStructuredText)": re.compile(r"^\s*:(param|type|returns?|rtype|raises?)\b", re.MULTILINE),
    "an underlined section (NumPy's style)": re.compile(
        r"^\s*(Parameters|Returns|Raises|Notes)\n\s*-{3,}", re.MULTILINE
    ),
}


def faults(source: Source) -> list[str]:
    """What is wrong with the docstrings of a file, each with its line."""
    found = []
    for line, text, one_literal in source.docstrings():
        summary = text.split("\n\n")[0]
        wrong = [what for what, pattern in FOREIGN.items() if pattern.search(text)]
        if "\n" in summary:
            wrong.append("a summary over several lines")
        if not one_literal or '" "' in summary or summary.endswith(' "'):
            wrong.append("a string joined inside")
        found += [f"{source.path}:{line}: {what}" for what in wrong]
    return found


def test_docstrings_are_written_in_one_dialect() -> None:
    assert not [fault for source in read(*PACKAGES, "tests", "benchmarks") for fault in faults(source)]


@pytest.mark.parametrize(
    ("docstring", "fault"),
    [
        ('"""Like ``this``."""', "two backticks (reStructuredText)"),
        ('"""As :func:`this`."""', "a role (reStructuredText)"),
        ('"""So.\n\n:param x: it.\n"""', "a field (reStructuredText)"),
        ('"""So.\n\nParameters\n----------\nx: it\n"""', "an underlined section (NumPy's style)"),
        ('"""One line\nand another."""', "a summary over several lines"),
        ('"""One line, and "\n"another."""', "a summary over several lines"),
        ('"""One line. "\n\n"Another."""', "a string joined inside"),
        ('"One line, " "another."', "a string joined inside"),
    ],
)
def test_each_fault_is_found(docstring: str, fault: str) -> None:
    assert f"toy.py:1: {fault}" in faults(Source("toy.py", docstring + "\n"))


def test_a_good_docstring_has_no_fault() -> None:
    good = '"""Say `this`.\n\nArgs:\n    x: it, of shape (n,).\n\nRaises:\n    ValueError: for none.\n"""\n'
    assert faults(Source("toy.py", good)) == []
