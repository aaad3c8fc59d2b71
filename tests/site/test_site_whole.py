"""Every kind of page of the built site in a real browser, in both schemes, on a phone and on a desk."""

from __future__ import annotations

import pytest
from looks import KINDS, OVERFLOW, SCHEMES, SIZES, UNDRAWN, barriers, exists


@pytest.mark.sampled(4)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_page_is_whole(chrome, address, site, kind, scheme):
    look_at(chrome, address, site, kind, scheme)


def test_a_chapter_is_whole(chrome, address, site):
    """The kind that is read most is looked at every time."""
    look_at(chrome, address, site, "chapter", "light")


def look_at(chrome, address, site, kind, scheme) -> None:
    """No error, no foreign request, nothing wider than the window, all formulas drawn, nobody kept out."""
    page = KINDS[kind]
    exists(site, page)
    for width in SIZES:
        chrome.look(width, scheme=scheme)
        chrome.open(f"{address}/{page}")
        assert chrome.evaluate(OVERFLOW) <= 0, f"{page} is wider than {width} px"
        assert not chrome.complaints()
        foreign = [url for url in chrome.requests() if not url.startswith((address, "data:", "blob:"))]
        assert not foreign, foreign
        assert chrome.evaluate(UNDRAWN) == 0, f"formulas of {page} are not drawn"
        # Of the largest pages each width is judged in one scheme: the rules take seconds there.
        small = chrome.evaluate("document.querySelectorAll('*').length") < 4000
        if small or (width == SIZES[0]) == (scheme == "dark"):
            assert barriers(chrome) == [], f"{page}, {width} px, {scheme}"


def test_the_looks_can_fail(chrome, address):
    """Each of the looks above finds the fault when there is one."""
    chrome.look(390)
    chrome.open(f"{address}/derivations/posterior.html")
    chrome.evaluate("document.querySelector('.md-content h1').style.width = '900px'")
    chrome.evaluate("document.querySelector('.tf-words').style.color = '#ddd'")
    assert chrome.evaluate(OVERFLOW) > 0
    assert any("color-contrast" in found for found in barriers(chrome))
    chrome.evaluate("document.querySelector('.katex-html').style.cssText = 'display: block; width: 0'")
    assert chrome.evaluate(UNDRAWN) == 1
    chrome.evaluate("console.error('a fault'); fetch('http://127.0.0.1:9/').catch(() => 0)")
    chrome.wait_for("1")
    assert any("a fault" in found for found in chrome.complaints())
    assert any(":9/" in url for url in chrome.requests())
