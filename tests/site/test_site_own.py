"""The page "Check your own" in a real browser: verdicts, links that carry a text, and what goes wrong on the way."""

from __future__ import annotations

import functools
import http.server
import threading
import time
from urllib.parse import quote

import pytest

from threefold.check import check
from threefold.site import own

PAGE = own.PAGE
PATIENCE = 240
ENDED = r"/ s\.$|broke off|Not judged|listed|Stopped|has \d+ characters|No displayed/"
LATEX = r"\operatorname{var}"


@pytest.fixture(scope="module")
def page(site, built_pages):
    if "<tf-own" not in built_pages[PAGE]:
        assert "built without" in built_pages[PAGE]
        pytest.skip("this site was built without the page, since npm or node was missing then")
    return PAGE


def state(chrome, kind: str) -> str:
    return chrome.evaluate(f"document.querySelector('[data-kind={kind}] [role=status]').textContent")


def results(chrome, kind: str) -> list[str]:
    shown = f"document.querySelectorAll('[data-kind={kind}] .tf-verdicts [data-verdict]')"
    return chrome.evaluate(f"[...{shown}].map(item => item.dataset.verdict)")


def begin(chrome, kind: str, selector: str) -> None:
    """Press a button of a form, with what the form said before taken away."""
    form = f"document.querySelector('[data-kind={kind}]')"
    chrome.evaluate(
        f"{form}.querySelector('[role=status]').textContent = ''; {form}.querySelector('{selector}').click()"
    )


def finish(chrome, kind: str) -> str:
    """What the form says once its judge has ended."""
    form = f"document.querySelector('[data-kind={kind}]')"
    ended = f"{ENDED}.test({form}.querySelector('[role=status]').textContent)"
    chrome.wait_for(f"{ended} && {form}.querySelector('[data-part=stop]').hidden", PATIENCE)
    return state(chrome, kind)


def write(chrome, kind: str, text: str) -> None:
    area = f"document.querySelector('[data-kind={kind}] textarea')"
    chrome.evaluate(f"{area}.value = {text!r}; {area}.dispatchEvent(new Event('input'))")


def ready(chrome) -> None:
    chrome.wait_for("document.querySelectorAll('[data-part=before] .katex').length > 0")


def of_the_judge(asked: list[str]) -> list[str]:
    return [path for path in asked if any(name in path for name in ("pyodide", "python_stdlib", "libraries"))]


def test_a_text_is_judged_in_the_browser_as_in_the_terminal(chrome, address, asked, page):
    """Nothing of the judge is loaded before it is asked for, and nothing at all from elsewhere."""
    chrome.look(1280)
    chrome.open(f"{address}/{page}")
    ready(chrome)
    assert not of_the_judge(asked)
    text = "\n\n".join(own.EXAMPLES.values()) + "\n\n$$\\heartsuit = 1$$\n"
    write(chrome, "text", text)
    begin(chrome, "text", ".tf-go")
    assert "refuted" in finish(chrome, "text")
    assert results(chrome, "text") == [link.verdict for link in check(text)]
    assert len(of_the_judge(asked)) >= 5
    assert not chrome.complaints()
    shown = chrome.evaluate("document.querySelector('.tf-verdicts').textContent")
    assert "at T =" in shown and "Holds instead" in shown and "algebra" in shown
    started = time.monotonic()
    write(chrome, "text", own.EXAMPLES["the variance of the way back"])
    begin(chrome, "text", ".tf-go")
    assert finish(chrome, "text").startswith("1 proved") and time.monotonic() - started < 30


@pytest.mark.sampled(2)
def test_nested_braces_a_long_text_and_none_are_answered(chrome, address, asked, page):
    chrome.look(390, scheme="dark")
    chrome.open(f"{address}/{page}")
    write(chrome, "text", "x" * 20_001)
    begin(chrome, "text", ".tf-go")
    assert "20001" in finish(chrome, "text") and not of_the_judge(asked)
    write(chrome, "text", "$$" + "{" * 9000 + "x" + "}" * 9000 + "= y$$")
    begin(chrome, "text", ".tf-go")
    assert "1 not read" in finish(chrome, "text")
    write(chrome, "text", "no equation")
    begin(chrome, "text", ".tf-go")
    assert "No displayed equation" in finish(chrome, "text")


def test_a_link_carries_the_text_and_runs_nothing(chrome, address, asked, page):
    text = 'a "quoted" <img src=x onerror="window.hurt = 1"> + 100% $$a = b$$'
    chrome.look(1280)
    chrome.open(f"{address}/{page}#text={quote(text)}")
    chrome.wait_for(
        "document.querySelector('[data-kind=text] [role=status]').textContent.includes('came with the link')"
    )
    assert chrome.evaluate("document.querySelector('[data-kind=text] textarea').value") == text
    assert not of_the_judge(asked) and chrome.evaluate("window.hurt === undefined") and not chrome.complaints()
    write(chrome, "text", "$$b = a$$ & more")
    begin(chrome, "text", "[data-part=link]")
    chrome.wait_for("location.hash.includes('b%20%3D%20a%24%24%20%26%20more')")


@pytest.mark.sampled(4)
def test_a_run_can_be_stopped_and_begun_anew(chrome, address, page):
    chrome.look(1280)
    chrome.open(f"{address}/{page}")
    write(chrome, "text", "\n\n".join(list(own.EXAMPLES.values()) * 6))
    begin(chrome, "text", ".tf-go")
    chrome.wait_for("document.querySelectorAll('.tf-verdicts [data-verdict]').length > 0", PATIENCE)
    chrome.evaluate("document.querySelector('[data-kind=text] [data-part=stop]').click()")
    assert "Stopped" in finish(chrome, "text")
    count = len(results(chrome, "text"))
    assert 0 < count < 6 * len(own.EXAMPLES)
    write(chrome, "text", own.EXAMPLES["the variance of the way back"])
    begin(chrome, "text", ".tf-go")
    assert finish(chrome, "text").startswith("1 proved")


def test_a_row_of_a_derivation_leads_to_its_line_and_a_slip_in_it_is_refuted(chrome, address, page):
    chrome.look(1280)
    chrome.open(f"{address}/derivations/posterior.html")
    chrome.evaluate("document.querySelector('[id=\"0A22.1.3\"] .tf-edit').click()")
    chrome.wait_for("location.pathname.endsWith('check-your-own.html')")
    chrome.wait_for("document.querySelector('[data-part=line]')?.value === '0A22.1.3'")
    area = "document.querySelector('[data-kind=line] textarea')"
    assert chrome.evaluate(f"{area}.value") == r"\tilde\beta_{t}"
    assert LATEX in chrome.evaluate("document.querySelector('[data-part=before] annotation').textContent")
    begin(chrome, "line", ".tf-go")
    assert "as it stands holds" in finish(chrome, "line")
    assert results(chrome, "line") == ["proved", "proved"]
    write(chrome, "line", r"\bar\beta_{t}")
    begin(chrome, "line", ".tf-go")
    assert "Not judged" in finish(chrome, "line")
    begin(chrome, "line", "[data-part=list]")
    assert "listed" in finish(chrome, "line")
    change = "document.querySelector('[data-part=change]')"
    chrome.evaluate(
        f"{change}.value = [...{change}.options].find(o => o.textContent.startsWith('lost factor 2')).value;"
        f"document.querySelector('[data-kind=line] [role=status]').textContent = '';"
        f"{change}.dispatchEvent(new Event('change'))"
    )
    assert "does not hold" in finish(chrome, "line")
    assert results(chrome, "line")[0] == "refuted" and "chosen=" in chrome.evaluate("location.hash")
    assert not chrome.complaints()


class Spoilt(http.server.SimpleHTTPRequestHandler):
    """Serves one file with a byte of it changed."""

    def log_message(self, *_):
        pass

    def copyfile(self, source, outputfile):
        if not self.path.endswith("threefold.zip"):
            super().copyfile(source, outputfile)
            return
        content = bytearray(source.read())
        content[len(content) // 2] ^= 1
        outputfile.write(bytes(content))


def test_a_spoilt_file_is_refused(chrome, site, page):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Spoilt, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chrome.open(f"http://127.0.0.1:{server.server_address[1]}/{page}")
    ready(chrome)
    begin(chrome, "text", ".tf-go")
    assert "is not the file that this site was built with" in finish(chrome, "text")
    server.shutdown()


def test_a_browser_without_webassembly_is_told(chrome, address, page):
    chrome.open(f"{address}/{page}")
    ready(chrome)
    chrome.evaluate("delete window.WebAssembly")
    begin(chrome, "text", ".tf-go")
    assert "no WebAssembly" in finish(chrome, "text")
