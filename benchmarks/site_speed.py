"""How soon a derivation page shows its mathematics, and how much it takes to send: in Chromium, slowed down fourfold.

    python benchmarks/site_speed.py [--site FOLDER]

Bounds that the project sets itself: every chapter under 300 kB as sent, its first formula drawn with its own fonts
under 1 s with the processor four times slower, no layout shift. The largest paint, and the time at which the page is at
rest, are printed beside. Times are medians of three loads. Exit status 1 if a bound is missed, 2 if there is no built
site or no Chromium.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import importlib.util
import shutil
import statistics
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MOST_BYTES, MOST_SECONDS, MOST_SHIFT, SLOWER = 300_000, 1.0, 0.01, 4
# A formula counts as seen in the frame after the one in which it has a size and its fonts are there.
WATCH = """
window.seen = {paint: 0, shift: 0, formula: 0, busy: 0};
new PerformanceObserver(list => { for (const e of list.getEntries()) seen.paint = e.startTime; })
    .observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver(list => { for (const e of list.getEntries()) seen.shift += e.value; })
    .observe({type: 'layout-shift', buffered: true});
new PerformanceObserver(list => { for (const e of list.getEntries()) seen.busy = e.startTime + e.duration; })
    .observe({type: 'longtask', buffered: true});
const look = () => {
    const formula = document.querySelector('.tf-math .katex-html');
    const drawn = formula && formula.getBoundingClientRect().width > 0;
    const fonts = ['16px KaTeX_Main', 'italic 16px KaTeX_Math'].every(face => document.fonts.check(face));
    if (drawn && fonts) requestAnimationFrame(time => { seen.formula = time; }); else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


class Compressing(http.server.SimpleHTTPRequestHandler):
    """Sends text compressed, as servers of static pages do."""

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.suffix not in (".html", ".css", ".js", ".json", ".xml", ".svg") or not path.is_file():
            super().do_GET()
            return
        body = gzip.compress(path.read_bytes(), 6)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def browser(program: str) -> Any:
    """The tests' own browser."""
    place = ROOT / "tests" / "site" / "conftest.py"
    spec = importlib.util.spec_from_file_location("site_browser", place)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Chrome(program)


def load(chrome: Any, address: str) -> tuple[int, dict[str, float]]:
    """Bytes sent for a page, and what the page noted while it came up."""
    chrome.open(address)
    chrome.wait_for("window.seen.paint > 0 && window.seen.formula > 0")
    chrome.evaluate("new Promise(done => setTimeout(() => done(1), 700))")
    finished = [e["params"] for e in chrome.events if e.get("method") == "Network.loadingFinished"]
    return sum(p["encodedDataLength"] for p in finished), chrome.evaluate("window.seen")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, default=ROOT / "site", help="the built site")
    site = parser.parse_known_args()[0].site
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not (site / "index.html").is_file() or program is None:
        print(f"There is no built site in {site} (make docs), or no Chromium (apt-get install chromium).")
        return 2
    handler = functools.partial(Compressing, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chrome = browser(program)
    chrome.call("Network.setCacheDisabled", cacheDisabled=True)
    chrome.call("Emulation.setCPUThrottlingRate", rate=SLOWER)
    chrome.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    chrome.look(1280)
    missed = False
    print(f"{'page':36} {'kB sent':>8} {'formula s':>9} {'paint s':>8} {'rest s':>7} {'shift':>7} {'formulas':>9}")
    chrome.open(f"http://127.0.0.1:{server.server_address[1]}/start.html")  # the browser itself has come up by then
    chapters = [path for path in (site / "derivations").glob("*.html") if 'class="tf-row"' in path.read_text("utf-8")]
    for path in sorted(chapters):
        loads = [load(chrome, f"http://127.0.0.1:{server.server_address[1]}/derivations/{path.name}") for _ in range(3)]
        sent, seen = (
            max(sent for sent, _ in loads),
            {key: statistics.median(times[key] for _, times in loads) for key in ("paint", "formula", "busy", "shift")},
        )
        formulas = chrome.evaluate("document.querySelectorAll('.katex').length")
        bad = sent > MOST_BYTES or seen["formula"] > 1000 * MOST_SECONDS or seen["shift"] > MOST_SHIFT
        missed = missed or bad
        formula, paint, rest = (seen[key] / 1000 for key in ("formula", "paint", "busy"))
        line = f"{path.name:36} {sent / 1000:8.0f} {formula:9.2f} {paint:8.2f} {rest:7.2f} {seen['shift']:7.4f}"
        print(f"{line} {formulas:9}" + ("  missed" if bad else ""))
    chrome.close()
    server.shutdown()
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
