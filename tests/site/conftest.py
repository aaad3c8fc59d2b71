"""The built site, and a headless Chromium that is spoken to through a pipe, without any driver."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for looks

ROOT = Path(__file__).parents[2]
SECONDS = 60
LEFT = ("navigated or closed", "context was destroyed", "Cannot find context", "Cannot find default execution context")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.site)


@pytest.fixture(scope="session")
def site() -> Path:
    folder = os.environ.get("THREEFOLD_SITE")
    if not folder:
        pytest.skip("THREEFOLD_SITE does not name a built site; `make test-site` builds one and names it")
    path = Path(folder)
    assert (path / "index.html").is_file(), f"{path} holds no built site; run `make docs`"
    return path


@pytest.fixture(scope="session")
def built_pages(site: Path) -> dict[str, str]:
    """The text of every page, by its path in the site."""
    paths = sorted(site.rglob("*.html"))
    return {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in paths}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the site as if it had been built for this very address: the theme compares links with the site map."""

    asked: ClassVar[list[str]] = []  # paths, those that a worker asks for too

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path != "/sitemap.xml":
            super().do_GET()
            return
        text = Path(self.translate_path(self.path)).read_text(encoding="utf-8")
        body = re.sub(r"(?<=<loc>)https?://[^/]+", f"http://{self.headers['Host']}", text).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture
def asked(address: str) -> list[str]:
    """What the server is asked for while a test runs."""
    Quiet.asked.clear()
    return Quiet.asked


class DevToolsError(RuntimeError):
    """A command that the browser answered with an error."""


class Chrome:
    """One page of a headless Chromium. Messages go through two pipes, each ended by a zero byte."""

    def __init__(self, program: str) -> None:
        self.profile = tempfile.mkdtemp(prefix="threefold-chrome-")
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def connect() -> None:
            os.dup2(to_browser, 3)
            os.dup2(from_browser, 4)

        switches = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        switches += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # no other host is found, by anything
        self._process = subprocess.Popen(
            [program, *switches, "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "about:blank"],
            preexec_fn=connect,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._number = 0
        self._buffer = b""
        self.events: list[dict[str, Any]] = []
        self.session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        forget = "try { localStorage.clear(); } catch { /* a page without storage */ }"
        self.call("Page.addScriptToEvaluateOnNewDocument", source=forget)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], 3 * SECONDS)[0]:
                raise TimeoutError(f"the browser said nothing for {3 * SECONDS} s")
            piece = os.read(self._read, 1 << 16)
            if not piece:
                raise RuntimeError("the browser closed its pipe")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self.session and not method.startswith("Target."):
            message["sessionId"] = self.session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise DevToolsError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self.events.append(answer)

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression in the page; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"])
        return result["result"].get("value")

    def look(self, width: int, height: int = 900, scheme: str = "light") -> None:
        """Take a size of the window and a colour scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url: str) -> None:
        """Open a page afresh, without what an earlier one stored, and wait until it is drawn."""
        self.call("Page.navigate", url="about:blank")
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")
        self.evaluate("document.fonts.ready.then(() => new Promise(done => requestAnimationFrame(() => done(1))))")

    def wait_for(self, condition: str, seconds: float = SECONDS) -> None:
        """Ask until the condition holds. A page that gives way to the next one while it is asked has not answered."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.evaluate(condition):
                    return
                last = "false"
            except DevToolsError as error:
                if not any(words in str(error) for words in LEFT):
                    raise
                last = str(error)
            assert time.monotonic() < deadline, f"not true after {seconds} s ({last}): {condition}"
            time.sleep(0.02)

    def complaints(self) -> list[str]:
        """Errors in the console, exceptions and failed requests since the page was opened."""
        found = []
        for event in self.events:
            parameters = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                found.append(str(details.get("exception", {}).get("description", details.get("text"))))
            elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                found.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
            elif event.get("method") == "Runtime.consoleAPICalled" and parameters["type"] == "error":
                found.append(str([argument.get("value") for argument in parameters["args"]]))
        return found

    def requests(self) -> list[str]:
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=SECONDS)
        os.close(self._write)
        os.close(self._read)
        shutil.rmtree(self.profile, ignore_errors=True)


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium here, so nothing is looked at in a browser; on Debian: apt-get install chromium")
    browser = Chrome(program)
    yield browser
    browser.close()
