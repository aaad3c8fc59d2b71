"""Write the source of the documentation site, from the texts in docs/ and the ledger."""

from __future__ import annotations

import time
from pathlib import Path

import click

from threefold.errors import Unusable

EPILOG = """
\b
Examples:
  threefold verify --json build/ledger.json     judge every claim first
  threefold pages --ledger build/ledger.json    then write the source of the site
  python -m mkdocs build --strict               build it, and put the formulas in (make docs does all)
  python -m threefold.site.filling build/formulas.json site
"""


@click.command("pages", epilog=EPILOG)
@click.option(
    "--ledger",
    type=click.Path(path_type=Path),
    default=Path("build/ledger.json"),
    show_default=True,
    help="What `threefold verify --json` wrote.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("build/site-src"),
    show_default=True,
    help="Folder to write; what stands there is replaced.",
)
@click.option(
    "--docs", type=click.Path(path_type=Path), default=Path("docs"), show_default=True, help="Folder of the texts."
)
def pages(ledger: Path, out: Path, docs: Path) -> None:
    """Write the source of the site into OUT: every displayed equation is printed from what was checked."""
    started = time.perf_counter()
    try:
        from threefold.site.generate import generate

        counts = generate(docs, ledger, out, lambda said: click.echo(said, err=True))
    except ModuleNotFoundError as error:
        raise Unusable(f"the site needs {error.name}, which is not installed: pip install -e '.[docs]'") from error
    except OSError as error:
        raise Unusable(f"cannot write the site's source: {error}") from error
    said = ", ".join(f"{count} {what}" for what, count in counts.items())
    click.echo(f"{out}: {said}; {time.perf_counter() - started:.0f} s")
