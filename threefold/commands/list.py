"""The claims, one line each, with the kernel's verdict."""

from __future__ import annotations

import click

from threefold import ledger, render, theory
from threefold.commands._options import fresh_option, headings_of, jobs_option, opened_cache, setting_of, with_file

EPILOG = """
\b
Examples:
  threefold list                 every claim with the kernel's verdict
  threefold list 'ddpm.loss.*'   those whose id matches (quote the pattern)
  threefold list mine.py         the claims of a file of your own
  threefold list 'exercise.*'    the exercises of the site
  threefold list --fast          at once, without judging anything
"""


@click.command("list", epilog=EPILOG)
@click.argument("patterns", nargs=-1, metavar="[FILE.py] [PATTERN]...")
@click.option("--fast", is_flag=True, help="Judge nothing; every claim then stands as 'not judged'.")
@jobs_option
@fresh_option
@click.pass_context
def list_(ctx: click.Context, patterns: tuple[str, ...], fast: bool, jobs: int, fresh: bool) -> None:
    """List the claims whose id matches a PATTERN: tag, id, verdict, title.

    The verdict is the kernel's, computed now unless nothing changed since; `threefold verify` asks the other witnesses
    and the mutants too. Exit status 1 if a verdict is not the expected one.
    """
    setting, patterns = with_file(setting_of(ctx), patterns)
    cache = opened_cache(setting, fresh=fresh)
    claims = headings_of(setting, cache)
    ids = theory.select(claims, patterns)
    if fast:
        rows = tuple(ledger.row(claims[name], {}) for name in ids)
    else:
        with render.progress(len(ids), "Judging") as advance:
            rows = ledger.judge(
                ids,
                witnesses=("symbolic",),
                mutants=False,
                jobs=jobs,
                setting=setting,
                cache=cache,
                headings=claims,
                on_done=advance,
            ).rows
    screen = render.console()
    width = max(len(row.id) for row in rows)
    for row in rows:
        screen.print(
            render.list_line(row, id_width=width),
            no_wrap=True,
            overflow="ellipsis" if screen.is_terminal else "ignore",
            crop=screen.is_terminal,
        )
    if not fast and not all(row.good for row in rows):
        ctx.exit(1)
