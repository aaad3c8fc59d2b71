"""The book on paper is made of the chapters in their order, and its links lead to what stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from threefold.errors import Unusable
from threefold.site import printed

PAGE = (
    "<html><head><title>x</title><script>1</script></head><body><script>2</script>"
    '<article class="md-content__inner md-typeset">{}</article></body></html>'
)


def site(folder: Path) -> Path:
    chapters = folder / "derivations"
    chapters.mkdir()
    (chapters / "index.html").write_text(
        '<ol><li><a href="../derivations/second.html">b</a></li><li><a href="../derivations/first.html">a</a></li></ol>'
    )
    first = '<h1 id="a">A</h1><h2 id="it">I</h2><div class="tf-head" id="0A01"></div><a href="second.html#x">next</a>'
    second = '<h1 id="b">B</h1><a href="../tag/0A01/index.html">0A01</a><a href="../tag/0A02/index.html">0A02</a>'
    (chapters / "first.html").write_text(PAGE.format(first))
    (chapters / "second.html").write_text(PAGE.format(second))
    return folder


def test_chapters_stand_in_the_order_of_the_list(tmp_path: Path) -> None:
    assert printed.chapters(site(tmp_path)) == ["second", "first"]


def test_links_lead_inside_where_their_end_is_inside(tmp_path: Path) -> None:
    text = printed.assembled(site(tmp_path))
    assert '<a href="#0A01">' in text and '<a href="../tag/0A02/index.html">' in text
    assert '<a href="#chapter-second">' in text and '<h1 id="chapter-second">' in text
    assert '<h2 id="first-it">' in text and "<script" not in text
    assert text.index("chapter-second") < text.index("chapter-first")


def test_what_is_no_site_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="holds no built site; run `make docs`"):
        printed.assembled(tmp_path)
    (site(tmp_path) / "derivations" / "first.html").write_text("nothing")
    with pytest.raises(Unusable, match=r"first\.html is no page of the site"):
        printed.assembled(tmp_path)


def test_without_a_browser_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printed.shutil, "which", lambda name: None)
    with pytest.raises(Unusable, match=r"none of chromium, .* is on PATH; on Debian: apt-get install chromium"):
        printed.book(site(tmp_path), tmp_path / "book.pdf")
    assert not (tmp_path / "book.pdf").exists()
