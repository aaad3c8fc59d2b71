"""The book on paper: every chapter of the built site in one document, printed by Chromium, with outline and links."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from threefold.errors import Unusable

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARTICLE = re.compile(r'<article class="md-content__inner md-typeset">(.*?)</article>', re.DOTALL)
HEAD = re.compile(r"<head>.*?</head>", re.DOTALL)
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
CHAPTER = re.compile(r'<li><a href="([\w-]+)\.html">(.*?)</a>', re.DOTALL)
SECONDS = 600


def browser() -> str:
    """The program that prints. Raises Unusable where there is none."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    raise Unusable(
        f"printing needs a Chromium, and none of {', '.join(PROGRAMS)} is on PATH; on Debian: apt-get install chromium"
    )


def chapters(site: Path) -> list[str]:
    """The names of the chapters in their order, as the list of derivations gives them."""
    index = site / "derivations" / "index.html"
    if not index.is_file():
        raise Unusable(f"{site} holds no built site; run `make docs`, or name it with --site")
    names = [name for name, _ in CHAPTER.findall(index.read_text(encoding="utf-8").replace("../derivations/", ""))]
    if not names:
        raise Unusable(f"{index} lists no chapters; build the site anew with `make docs`")
    return list(dict.fromkeys(names))


def assembled(site: Path) -> str:
    """One HTML document of all chapters. Where a link leads to a chapter or a tag that stands in it, it leads there."""
    names = chapters(site)
    parts, head = [], ""
    for name in names:
        text = (site / "derivations" / f"{name}.html").read_text(encoding="utf-8")
        found = ARTICLE.search(text)
        if found is None:
            raise Unusable(f"{site}/derivations/{name}.html is no page of the site; build it anew with `make docs`")
        head = head or SCRIPT.sub("", (HEAD.search(text) or found)[0])
        inside = re.sub(r"<h1[^>]*>", f'<h1 id="chapter-{name}">', SCRIPT.sub("", found[1]), count=1)
        inside = re.sub(r'<h2 id="', f'<h2 id="{name}-', inside)
        parts.append(f'<section class="tf-chapter">{inside}</section>')
    body = "".join(parts)
    tags = set(re.findall(r'class="tf-head" id="(\w{4})"', body))
    body = re.sub(
        r'href="\.\./tag/(\w{4})/index\.html"',
        lambda link: f'href="#{link[1]}"' if link[1] in tags else link[0],
        body,
    )
    body = re.sub(
        r'href="([\w-]+)\.html(?:#[^"]*)?"',
        lambda link: f'href="#chapter-{link[1]}"' if link[1] in names else link[0],
        body,
    )
    title = (
        '<section class="tf-cover"><h1 id="cover">From VAEs to diffusion models</h1>'
        "<p>Each line with its witness. Every displayed equation is printed from the expression that was checked.</p>"
        "</section>"
    )
    return (
        f'<!doctype html><html lang="en">{head}<body data-md-color-scheme="default"><main class="md-typeset tf-book">'
        f"{title}{body}</main></body></html>"
    )


def print_page(page: Path, out: Path) -> None:
    """Print one HTML file into a PDF, with its outline. Raises Unusable, and leaves `out` as it was, if it cannot."""
    program = browser()
    profile = tempfile.mkdtemp(prefix="threefold-print-")
    made = Path(profile) / "made.pdf"
    command = [
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-pdf-header-footer",
        "--generate-pdf-document-outline", f"--user-data-dir={profile}", f"--print-to-pdf={made}",
    ]  # fmt: skip
    try:
        subprocess.run([*command, page.resolve().as_uri()], check=True, capture_output=True, timeout=SECONDS)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, out)
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", None) or str(error).encode())[-300:].decode(errors="replace")
        raise Unusable(f"{program} could not print {out}: {said}") from error
    finally:
        shutil.rmtree(profile, ignore_errors=True)


def book(site: Path, out: Path) -> int:
    """Print all chapters into a PDF; returns how many there are. Raises Unusable where it cannot."""
    browser()
    page = site / "derivations" / ".book.html"  # beside the chapters, so that what they load is found
    page.write_text(assembled(site), encoding="utf-8")
    try:
        print_page(page, out)
    finally:
        page.unlink(missing_ok=True)
    return len(chapters(site))
