"""The built site in a real browser: how one moves in it, what answers, and what is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from looks import KINDS, SCHEMES, UNDRAWN, exists

from threefold.site.printed import print_page


def test_mathematics_has_its_fonts(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/derivations/gaussian-kl.html")
    assert chrome.evaluate("document.querySelectorAll('.katex').length") > 50
    assert chrome.evaluate("document.fonts.check('16px KaTeX_Main') && document.fonts.check('16px KaTeX_Math')")


def luminance(colour: str) -> float:
    channels = [float(c) / 255 for c in re.findall(r"[\d.]+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_two_schemes_differ(chrome, address):
    seen = []
    for scheme in SCHEMES:
        chrome.look(1280, scheme=scheme)
        chrome.open(f"{address}/index.html")
        seen.append(chrome.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert luminance(seen[0]) > 0.8 and luminance(seen[1]) < 0.1


# --- moving about -----------------------------------------------------------------------------------------------------


def test_instant_navigation_and_back_keep_the_page_whole(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/derivations/posterior.html")
    chrome.evaluate("window.same = true")
    chrome.evaluate("document.querySelector('a[href$=\"schedule.html\"]').click()")
    chrome.wait_for("location.pathname.endsWith('/schedule.html')")
    chrome.wait_for("document.querySelector('h1')?.textContent.includes('linear schedule')")
    assert chrome.evaluate("window.same") is True, "the page was loaded anew"
    assert chrome.evaluate(UNDRAWN) == 0 and chrome.evaluate("document.querySelectorAll('.tf-row .katex').length > 5")
    chrome.wait_for("document.querySelectorAll('tf-abar input').length")
    chrome.evaluate("history.back()")
    chrome.wait_for("document.querySelector('h1')?.textContent.includes('way back')")
    assert chrome.evaluate(UNDRAWN) == 0 and chrome.evaluate("document.querySelectorAll('.tf-row .katex').length > 20")
    assert chrome.evaluate("window.same") is True
    chrome.evaluate("document.querySelector('.tf-row [data-s=abar]').click()")
    assert "notation.html#symbol-abar" in chrome.evaluate("document.querySelector('#tf-tip a').href")
    assert not chrome.complaints()


def test_a_node_of_the_map_leads_to_its_page(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/map/index.html")
    chrome.evaluate("document.querySelector('.tf-graph a').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    chrome.wait_for("location.pathname.includes('/tag/') && document.readyState === 'complete'")


def test_a_link_to_a_step_lands_on_it(chrome, address):
    """Rows off the screen are laid out late; a link to the last of them must not be led astray by that."""
    chrome.look(1280)
    chrome.open(f"{address}/derivations/losses.html")
    last = chrome.evaluate("[...document.querySelectorAll('.tf-row[id]')].at(-1).id")
    chrome.open(f"{address}/derivations/losses.html#{last}")
    chrome.wait_for(
        f"(box => box.top >= 0 && box.bottom <= innerHeight)(document.getElementById('{last}').getBoundingClientRect())"
    )


# --- symbols ----------------------------------------------------------------------------------------------------------


def test_a_symbol_in_a_formula_says_what_it_means(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/tag/0A07/index.html")
    x, y = chrome.evaluate(
        """(box => [box.left + box.width / 2, box.top + box.height / 2])
            (document.querySelector('.tf-statement [data-s=alpha]').getBoundingClientRect())"""
    )
    chrome.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    chrome.wait_for("document.querySelector('#tf-tip:not([hidden])')?.textContent.includes('signal')")
    assert chrome.evaluate("document.querySelector('#tf-tip a').href").endswith("notation.html#symbol-alpha")
    press(chrome, "Escape")
    assert chrome.evaluate("document.querySelector('#tf-tip').hidden")


def test_a_tag_says_what_it_is_before_one_goes_there(chrome, address, asked):
    chrome.look(1280)
    chrome.open(f"{address}/derivations/posterior.html")
    asked.clear()
    x, y, path = chrome.evaluate(
        """(() => {
            const link = document.querySelector('.md-content a.tf-tag');
            link.scrollIntoView({block: 'center'});
            const box = link.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2, new URL(link.href).pathname];
        })()"""
    )
    assert path not in asked, "a page was fetched before anybody asked for it"
    chrome.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    chrome.wait_for("!!document.querySelector('#tf-tip:not([hidden]) .tf-preview .katex')")
    assert path in asked
    assert path.split("/")[-2] in chrome.evaluate("document.querySelector('#tf-tip').textContent")
    assert chrome.evaluate("document.querySelectorAll('#tf-tip .tf-badge').length") == 1
    press(chrome, "Escape")
    assert chrome.evaluate("document.querySelector('#tf-tip').hidden")
    assert not chrome.complaints()


def test_the_keyboard_sees_what_a_tag_says(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/derivations/posterior.html")
    press(chrome, "Tab")  # what follows is seen as moved by the keyboard
    chrome.evaluate("document.querySelector('.md-content a.tf-tag').focus()")
    chrome.wait_for("!!document.querySelector('#tf-tip:not([hidden]) .tf-preview .katex')")
    assert chrome.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tf-tip"
    chrome.evaluate("document.activeElement.blur()")
    assert chrome.evaluate("document.querySelector('#tf-tip').hidden")


def test_nothing_lies_over_a_symbol(chrome, address):
    """What the pointer finds in the middle of each symbol is that symbol: KaTeX stacks empty boxes on top of others."""
    chrome.look(1280, 3000)
    chrome.open(f"{address}/derivations/gaussian-kl.html")
    seen, covered = chrome.evaluate(
        """(() => {
            let seen = 0;
            const covered = [];
            for (const symbol of document.querySelectorAll('.tf-math [data-s]')) {
                const box = (symbol.querySelector('.mathnormal') || symbol).getBoundingClientRect();
                const frame = symbol.closest('.tf-math').getBoundingClientRect();
                if (symbol.querySelector('[data-s]') || !box.width || box.bottom > 2900 || box.right > frame.right - 20)
                    continue;
                seen += 1;
                const found = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
                if (found?.closest('[data-s]') !== symbol) covered.push(symbol.dataset.s);
            }
            return [seen, covered];
        })()"""
    )
    assert seen > 100 and len(covered) <= seen // 50, covered


def test_the_keyboard_reads_the_symbols_of_a_formula(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/tag/0A07/index.html")
    chrome.evaluate("document.querySelector('.tf-row .tf-no').focus()")
    press(chrome, "Tab")
    assert chrome.evaluate("document.activeElement.matches('.tf-math')")
    said = chrome.evaluate("document.getElementById(document.activeElement.getAttribute('aria-describedby')).innerText")
    assert "the state of the chain" in said and "a density of the encoder" in said


# --- the keyboard -----------------------------------------------------------------------------------------------------

CODES = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39, "ArrowDown": 40, " ": 32}


def press(chrome, key: str) -> None:
    code = {" ": "Space"}.get(key, key)
    text = {"Enter": {"text": "\r"}, " ": {"text": " "}}.get(key, {})
    common = {"key": key, "code": code, "windowsVirtualKeyCode": CODES[key]}
    chrome.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common, **text)
    chrome.call("Input.dispatchKeyEvent", type="keyUp", **common)


CONTROLS = """(() => {
    window.controls = [...document.querySelectorAll(
        '.md-content :is(a[href], button, input, select, summary, [tabindex="0"]), .md-content svg a, .md-search__input'
    )].filter(e => e.getClientRects().length && getComputedStyle(e).visibility !== 'hidden'
        && !e.closest('details:not([open]) > :not(summary)'));
    window.reached = new Set();
    return controls.length;
})()"""


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "kind", ["home", "tag, proved", "chapter with a slider", "trust", "samplers", "experiment", "notation"]
)
def test_the_keyboard_reaches_every_control(chrome, address, site, kind):
    exists(site, KINDS[kind])
    chrome.look(1280)
    chrome.open(f"{address}/{KINDS[kind]}")
    count = chrome.evaluate(CONTROLS)
    assert count > 5
    chrome.evaluate("document.activeElement.blur()")
    for _ in range(count + 80):  # the controls of the theme come first
        press(chrome, "Tab")
        if chrome.evaluate("reached.add(document.activeElement), controls.every(e => reached.has(e))"):
            break
    missed = chrome.evaluate("controls.filter(e => !reached.has(e)).map(e => e.outerHTML.slice(0, 120))")
    assert missed == [], f"{len(missed)} of {count} controls were not reached"


def test_keys_open_evidence_and_move_the_slider(chrome, address):
    chrome.look(1280)
    chrome.open(f"{address}/tag/0A07/index.html")
    chrome.evaluate("document.querySelector('.tf-row summary').focus()")
    press(chrome, "Enter")
    assert chrome.evaluate("document.querySelector('.tf-row details').open")
    chrome.open(f"{address}/derivations/schedule.html")
    before = chrome.evaluate("document.querySelector('tf-abar input').focus(), document.querySelector('output').value")
    press(chrome, "ArrowRight")
    assert chrome.evaluate("document.querySelector('tf-abar output').value") != before


# --- search, and pages from disk --------------------------------------------------------------------------------------


def searched(chrome, words: str) -> list[str]:
    """The addresses of the results, best first."""
    chrome.evaluate(
        f"""(() => {{
            const toggle = document.querySelector('#__search');
            if (!toggle.checked) toggle.click();
            const box = document.querySelector('.md-search__input');
            box.focus();
            box.value = {words!r};
            for (const kind of ['keyup', 'input']) box.dispatchEvent(new Event(kind, {{bubbles: true}}));
        }})()"""
    )
    meta = "document.querySelector('.md-search-result__meta').textContent"
    chrome.wait_for(f"/\\d+ matching|No matching/.test({meta})")
    return chrome.evaluate("[...document.querySelectorAll('.md-search-result__link')].map(a => a.href)")


@pytest.mark.parametrize("words", ["0A07", "ddpm.posterior.mean", "Reverse-encoder mean"])
@pytest.mark.parametrize("place", ["server", "disk"])
def test_search_finds_a_claim(chrome, address, site, words, place):
    """By tag, by id and by name; from a server and from disk."""
    chrome.look(1280)
    chrome.open(f"{address if place == 'server' else site.as_uri()}/start.html")
    assert any("tag/0A07/" in found for found in searched(chrome, words)[:3])
    assert not chrome.complaints()


def test_pages_open_from_disk(chrome, site):
    chrome.look(1280)
    for page in ("index.html", "derivations/posterior.html", "map/index.html", "tag/0A07/index.html"):
        chrome.open((site / page).as_uri())
        assert chrome.evaluate(UNDRAWN) == 0
        assert chrome.evaluate("document.fonts.check('16px KaTeX_Main')") or page == "map/index.html"
        foreign = [url for url in chrome.requests() if not url.startswith(("file:", "data:", "blob:"))]
        assert not foreign, foreign
        assert not chrome.complaints()


# --- on paper ---------------------------------------------------------------------------------------------------------


def heaviest(site: Path, count: int) -> list[Path]:
    chapters = [path for path in (site / "derivations").glob("*.html") if path.name != "index.html"]
    return sorted(chapters, key=lambda path: path.stat().st_size)[-count:]


def test_the_longest_chapters_are_eight_pages_on_paper(site, chrome, tmp_path):
    for path in heaviest(site, 3):
        print_page(path, tmp_path / "chapter.pdf")
        pages = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "chapter.pdf").read_bytes()))
        assert 0 < pages <= 8, f"{path.name} prints on {pages} pages"


def test_what_is_folded_is_not_printed(address, chrome):
    chrome.look(700)
    chrome.open(f"{address}/derivations/posterior.html")
    chrome.call("Emulation.setEmulatedMedia", media="print")
    seen = chrome.evaluate("document.querySelector('.md-content').innerText")
    chrome.call("Emulation.setEmulatedMedia", media="")
    assert "Completing the square" in seen and "\\frac" not in seen and "threefold show" not in seen


def test_each_step_of_an_algorithm_leads_to_its_line_and_to_its_tag(address, chrome):
    chrome.look(1280)
    chrome.open(f"{address}/derivations/ddim.html")
    lead = "[...document.querySelectorAll('.tf-steps a:not(.tf-tag)')].map(a => a.hash.slice(1))"
    ends = chrome.evaluate(lead)
    assert len(ends) == 4
    for end in ends:
        assert chrome.evaluate(f"document.getElementById({end!r}).classList.contains('tf-marked')"), end


# --- what other pages may ask -----------------------------------------------------------------------------------------


def test_a_verdict_can_be_cited_from_any_page(address, chrome):
    chrome.look(1280)
    chrome.open(f"{address}/404.html")
    script = f"import('{address}/assets/javascripts/cite.js')"
    found = chrome.evaluate(f"{script}.then(m => m.claim('0A07')).then(c => [c.id, c.verdict, c.url])")
    assert found == ["ddpm.posterior.mean", "proved", f"{address}/tag/0A07/index.html"]
    lost = chrome.evaluate(f"{script}.then(m => m.claim('9ZZZ')).catch(error => error.message)")
    assert lost == 'no claim has the id or tag "9ZZZ"'
    chrome.evaluate("document.body.append(Object.assign(document.createElement('threefold-claim'), {id: '0A33'})), 0")
    chrome.wait_for("document.querySelector('threefold-claim a') !== null")
    assert chrome.evaluate("document.querySelector('threefold-claim a').textContent") == "0A33: refuted"
