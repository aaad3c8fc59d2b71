"""Each page says where it stands, and what comes before and after it."""

from __future__ import annotations

from threefold.site import crumbs
from threefold.site.experiments import with_trail


def test_the_way_is_linked_and_the_page_itself_is_not() -> None:
    html = crumbs.trail("../", [("a.html", "A & B")], "here", ("b.html", "before"), None)
    assert '<a href="../a.html">A &amp; B</a> › <span aria-current="page">here</span>' in html
    assert '<a href="../b.html" rel="prev">‹ before</a>' in html and "next" not in html and "\n" not in html


def test_a_run_stands_among_the_others_and_other_texts_stay_as_they_are() -> None:
    text = "# Title\n\nWords.\n"
    shown = with_trail("experiments/b.md", text, ["a", "b", "c"])
    assert shown.startswith("# Title\n\n<nav") and shown.endswith("Words.\n")
    assert "experiments/a.html" in shown and "experiments/c.html" in shown
    assert 'rel="prev"' not in with_trail("experiments/a.md", text, ["a", "b"])
    assert with_trail("experiments/index.md", text, ["a"]) == text == with_trail("train/a.md", text, ["a"])
