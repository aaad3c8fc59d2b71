"""Print the chapters of the built site into one PDF."""

from __future__ import annotations

import time
from pathlib import Path

import click

EPILOG = """
\b
Examples:
  make docs                           build the site first
  threefold book                      then print its chapters into book.pdf
  threefold book --out /tmp/all.pdf   or into another file
"""


@click.command("book", epilog=EPILOG)
@click.option(
    "--site", type=click.Path(path_type=Path), default=Path("site"), show_default=True, help="The built site."
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("book.pdf"), show_default=True, help="The PDF to write."
)
def book(site: Path, out: Path) -> None:
    """Print every chapter, with its outline and links, by the Chromium on PATH."""
    from threefold.site.printed import book as printed

    started = time.perf_counter()
    count = printed(site, out)
    click.echo(f"{out}: {count} chapters, {out.stat().st_size / 1e6:.1f} MB; {time.perf_counter() - started:.0f} s")
