"""What "Check your own" runs on: fetched once, refused with another sum, and never a reason to have no site."""

from __future__ import annotations

import os
import stat
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from threefold.errors import Unusable
from threefold.site import browser, generate, own

NPM = """#!/bin/sh
{does}
for last; do :; done
printf 'something else' > "$last/pyodide.tgz"
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A PATH with nothing in it but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def program(name: str, does: str = "") -> None:
        (folder / name).write_text(NPM.format(does=does))
        (folder / name).chmod(stat.S_IRWXU)

    return program


def why(tmp_path) -> str:
    with pytest.raises(browser.NotBuilt) as reason:
        browser.vendor(tmp_path / "own", tmp_path / "cache")
    return str(reason.value)


def test_without_npm_or_node_the_reason_names_the_remedy(tmp_path, path):
    assert "apt-get install npm" in why(tmp_path)
    path("npm")
    assert "apt-get install npm" in why(tmp_path)


def test_what_npm_says_is_passed_on(tmp_path, path):
    path("node")
    path("npm", does="echo 'npm error network' >&2; exit 1")
    assert "npm error network" in why(tmp_path)


def test_what_goes_wrong_in_compiling_is_passed_on(tmp_path, path, monkeypatch):
    monkeypatch.setattr(browser, "fetched", lambda cache: cache / "tarball")
    monkeypatch.setattr(browser, "_member", lambda tarball, name: b"")
    monkeypatch.setattr(browser, "libraries", lambda: [("one.py", b"")])
    path("node", does="echo \"ModuleNotFoundError: No module named 'sympy'\" >&2; exit 1")
    assert "could not be compiled: ModuleNotFoundError: No module named 'sympy'" in why(tmp_path)
    path("node", does="exit 0")
    assert "no reason given" in why(tmp_path)


def test_a_tarball_with_another_sum_is_refused_and_not_kept(tmp_path, path):
    path("node")
    path("npm")
    assert "another SHA-512" in why(tmp_path)
    assert not list((tmp_path / "cache").iterdir())


def test_a_kept_tarball_is_checked_again(tmp_path, path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"pyodide-{browser.VERSION}.tgz").write_bytes(b"spoilt")
    assert "npm is not installed" in why(tmp_path)


def test_a_folder_that_cannot_be_written_is_a_reason_too(tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert "Error" in why(tmp_path)


def test_the_site_goes_on_without_and_says_so():
    said: list[str] = []
    failed: Future[browser.Runtime] = Future()
    failed.set_exception(browser.NotBuilt("no npm"))
    assert generate._runtime(failed, said.append) is None
    assert said == ["the site is built without the page Check your own: no npm"]
    book = SimpleNamespace(runtime=None)
    assert "built without" in own.form(book, "text", "../") and "tf-own" not in own.form(book, "line", "../")
    assert own.form(book, "sizes", "") == "" and own.link(book, "0A07.2", "") == ""
    with pytest.raises(Unusable, match="there is no form 'texts'"):
        own.form(book, "texts", "")


def test_the_form_names_each_file_with_its_size_and_sum():
    book = SimpleNamespace(runtime=browser.Runtime("own/abc", {"threefold.zip": (2_000_000, "ff")}))
    form = own.form(book, "text", "")
    assert "loads 2 MB" in form and "&quot;sha256&quot;: &quot;ff&quot;" in form
    assert own.link(book, "0A07.2", "../").count('href="../check-your-own.html#line=0A07.2"') == 1


def test_the_same_files_make_the_same_zip():
    assert browser.zipped(browser.our_code()) == browser.zipped(browser.our_code())
    names = [name for name, _ in browser.our_code()]
    assert {"derivations/tags.csv", "threefold/live/session.py", "threefold/check/checking.py"} <= set(names)
    assert not [name for name in names if "witnesses" in name or os.path.isabs(name)]
