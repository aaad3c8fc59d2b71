"""The built site in a real browser."""

from __future__ import annotations

import re

import pytest

PAGES = (
    "index.html",
    "start.html",
    "derivations/index.html",
    "derivations/gaussian-kl.html",
    "derivations/losses.html",
    "tag/0A07/index.html",
    "tag/0A33/index.html",
    "map/index.html",
    "errata/index.html",
    "reference/notation.html",
    "reference/trust.html",
    "reference/api/torch_impl.html",
    "train/index.html",
    "train/samplers.html",
    "experiments/index.html",
)

# What sticks out of the window, unless something around it scrolls.
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("page", PAGES)
def test_pages_fit_and_do_not_complain(chrome, address, page):
    for width in (390, 1280):
        chrome.look(width)
        chrome.open(f"{address}/{page}")
        assert chrome.evaluate(OVERFLOW) <= 0, f"{page} is wider than {width} px"
        assert not chrome.complaints()
        foreign = [url for url in chrome.requests() if not url.startswith((address, "data:", "blob:"))]
        assert not foreign, foreign


def test_pages_open_from_disk(chrome, site):
    chrome.look(1280)
    for page in ("index.html", "derivations/posterior.html", "map/index.html"):
        chrome.open((site / page).as_uri())
        assert chrome.evaluate("document.fonts.check('16px KaTeX_Main')") or page == "map/index.html"
        foreign = [url for url in chrome.requests() if not url.startswith(("file:", "data:", "blob:"))]
        assert not foreign, foreign


def test_all_mathematics_is_drawn(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/derivations/gaussian-kl.html")
    flat = "filter(e => !e.closest('details') && e.getBoundingClientRect().width === 0).length"
    assert chrome.evaluate("document.querySelectorAll('.katex').length") > 50
    assert chrome.evaluate(f"[...document.querySelectorAll('.katex')].{flat}") == 0
    assert chrome.evaluate("document.fonts.check('16px KaTeX_Main') && document.fonts.check('16px KaTeX_Math')")


def luminance(colour: str) -> float:
    channels = [float(c) / 255 for c in re.findall(r"[\d.]+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_readable(chrome, address, scheme):
    """Contrast of text on what lies behind it: at least 4.5, as WCAG asks of small text."""
    chrome.look(1280, scheme=scheme)
    chrome.open(f"{address}/tag/0A13/index.html")
    pairs = chrome.evaluate(
        """[...document.querySelectorAll(
            '.tf-badge, .tf-row summary, .tf-facts, .tf-no, .md-typeset p, .md-typeset dt, a.tf-tag'
        )].filter(e => e.getClientRects().length).map(e => {
            const clear = 'rgba(0, 0, 0, 0)', ground = e => getComputedStyle(e).backgroundColor;
            let behind = e;
            while (behind.parentElement && ground(behind) === clear) behind = behind.parentElement;
            return [e.className || e.tagName, getComputedStyle(e).color, ground(behind)];
        })"""
    )
    assert len(pairs) > 20
    for name, front, back in pairs:
        high, low = sorted((luminance(front), luminance(back)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"{name}: {front} on {back} in the {scheme} scheme"


def test_the_two_schemes_differ(chrome, address):
    seen = []
    for scheme in ("light", "dark"):
        chrome.look(1280, scheme=scheme)
        chrome.open(f"{address}/index.html")
        seen.append(chrome.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert luminance(seen[0]) > 0.8 and luminance(seen[1]) < 0.1


def test_instant_navigation_and_back(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/derivations/posterior.html")
    chrome.evaluate("window.same = true")
    chrome.evaluate("document.querySelector('a[href$=\"losses.html\"]').click()")
    chrome.wait_for("location.pathname.endsWith('/losses.html')")
    chrome.wait_for("document.querySelector('h1')?.textContent.includes('weights')")
    assert chrome.evaluate("window.same") is True, "the page was loaded anew"
    assert chrome.evaluate("document.querySelectorAll('.tf-row .katex').length > 20")
    chrome.evaluate("history.back()")
    chrome.wait_for("document.querySelector('h1')?.textContent.includes('way back')")
    assert chrome.evaluate("document.querySelectorAll('.tf-row .katex').length > 20")
    assert not chrome.complaints()


def test_a_node_of_the_map_leads_to_its_page(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/map/index.html")
    chrome.evaluate("document.querySelector('.tf-graph a').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    chrome.wait_for("location.pathname.includes('/tag/') && document.readyState === 'complete'")


def test_the_keyboard_reaches_evidence_and_formulas(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/tag/0A07/index.html")
    chrome.evaluate("document.querySelector('.tf-row summary').focus()")
    for kind in ("keyDown", "keyUp"):
        chrome.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    assert chrome.evaluate("document.querySelector('.tf-row details').open")
    unreachable = "[...document.querySelectorAll('.tf-math, .tf-scroll, .tf-graph')].filter(e => e.tabIndex < 0).length"
    assert chrome.evaluate(unreachable) == 0
    skipped = "[...document.querySelectorAll('.md-content button, .md-content a[href]')].filter(e => e.tabIndex < 0)"
    assert chrome.evaluate(f"{skipped}.map(e => e.outerHTML)") == []


def test_search_finds_a_claim_by_its_tag(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/index.html")
    chrome.evaluate(
        """(() => {
            document.querySelector('#__search').checked = true;
            const box = document.querySelector('.md-search__input');
            box.focus();
            box.value = '0A07';
            for (const kind of ['keyup', 'input']) box.dispatchEvent(new Event(kind));
        })()"""
    )
    chrome.wait_for("[...document.querySelectorAll('.md-search-result__link')].some(a => a.href.includes('tag/0A07'))")
