"""What is taken out of a page while it is built comes back byte for byte, or an error says what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from threefold.errors import Unusable
from threefold.site.filling import fill, main, put_in, set_aside

SUM = '<span class="katex-display"><span class="katex"><math><mi>x</mi></math><span class="mord">x</span></span></span>'
ONE = '<span class="katex">1</span>'


@pytest.mark.parametrize("text", ["", "no formula", SUM, f"<p>{SUM} and <span>{ONE}</span></p>\n{SUM}{ONE}", "<span>"])
def test_what_is_set_aside_comes_back(text: str) -> None:
    kept: dict[str, str] = {}
    short = set_aside(text, kept)
    assert "katex" not in short and set(kept.values()) <= {SUM, ONE}
    assert put_in(short, kept) == text


def test_a_place_is_found_however_its_name_is_quoted() -> None:
    kept: dict[str, str] = {}
    assert put_in(set_aside(ONE, kept).replace('"', ""), kept) == ONE


def test_a_formula_without_an_end_is_refused() -> None:
    with pytest.raises(Unusable, match="has no end"):
        set_aside(SUM.removesuffix("</span>"), {})


@pytest.fixture
def built(tmp_path: Path) -> tuple[Path, Path]:
    kept: dict[str, str] = {}
    site, formulas = tmp_path / "site", tmp_path / "formulas.json"
    (site / "tag").mkdir(parents=True)
    (site / "index.html").write_text("<p>nothing</p>", encoding="utf-8")
    (site / "tag" / "index.html").write_text(set_aside(f"<p>{SUM}</p>", kept), encoding="utf-8")
    formulas.write_text(json.dumps(kept), encoding="utf-8")
    return site, formulas


def test_every_page_is_filled_and_once(built: tuple[Path, Path]) -> None:
    site, formulas = built
    assert fill(site, formulas) == 1
    assert (site / "tag" / "index.html").read_text(encoding="utf-8") == f"<p>{SUM}</p>"
    assert fill(site, formulas) == 0


def test_a_formula_that_was_not_kept_is_named(built: tuple[Path, Path]) -> None:
    site, formulas = built
    formulas.write_text("{}", encoding="utf-8")
    with pytest.raises(Unusable, match=r"tag.index\.html names the formula"):
        fill(site, formulas)


def test_without_a_site_or_formulas_it_says_what_to_do(built: tuple[Path, Path], tmp_path: Path) -> None:
    site, formulas = built
    with pytest.raises(Unusable, match="threefold pages"):
        fill(site, tmp_path / "none.json")
    with pytest.raises(Unusable, match="make docs"):
        fill(tmp_path / "none", formulas)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", '"x"', "{", '{"0": 1}', '{"0123456789abcdef": "<b>other</b>"}', b"\xff\xfe", b'{"a": "\xff"}'],
)
def test_what_holds_no_formulas_is_refused_and_no_page_is_touched(
    built: tuple[Path, Path], content: str | bytes
) -> None:
    site, formulas = built
    before = {page: page.read_bytes() for page in site.rglob("*.html")}
    formulas.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Unusable, match="threefold pages"):
        fill(site, formulas)
    assert {page: page.read_bytes() for page in site.rglob("*.html")} == before


def test_no_page_is_filled_when_one_cannot_be(built: tuple[Path, Path]) -> None:
    site, formulas = built
    short = (site / "tag" / "index.html").read_bytes()
    (site / "zero.html").write_text('<span data-formula="none"></span>', encoding="utf-8")
    with pytest.raises(Unusable, match=r"zero\.html"):
        fill(site, formulas)
    (site / "zero.html").write_bytes(b"\xff")
    with pytest.raises(Unusable, match=r"zero\.html cannot be read as a page"):
        fill(site, formulas)
    assert (site / "tag" / "index.html").read_bytes() == short


def test_a_page_keeps_its_bytes_and_rights(built: tuple[Path, Path]) -> None:
    site, formulas = built
    page = site / "tag" / "index.html"
    page.write_bytes(b"one\r\n" + page.read_bytes() + b"\rtwo\xe2\x80\xa8")
    page.chmod(0o640)
    fill(site, formulas)
    assert page.read_bytes() == b"one\r\n<p>" + SUM.encode() + b"</p>\rtwo\xe2\x80\xa8"
    assert page.stat().st_mode & 0o777 == 0o640 and not list(site.rglob("*.filling"))


def test_a_page_that_cannot_be_written_stays_and_is_named(
    built: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, formulas = built
    page = site / "tag" / "index.html"
    short = page.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("threefold.site.filling.os.replace", full)
    with pytest.raises(Unusable, match=r"tag.index\.html cannot be written: No space left"):
        fill(site, formulas)
    assert page.read_bytes() == short and not list(site.rglob("*.filling"))


@pytest.mark.parametrize("arguments", [[], ["one"], ["one", "two", "three"]])
def test_used_wrongly_it_says_how(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage:" in capsys.readouterr().err


def test_as_a_command_it_ends_with_status_2_and_the_reason(built: tuple[Path, Path], tmp_path: Path) -> None:
    site, _ = built
    ended = subprocess.run(
        [sys.executable, "-m", "threefold.site.filling", str(tmp_path / "none.json"), str(site)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2 and "threefold pages" in ended.stderr and "Traceback" not in ended.stderr
