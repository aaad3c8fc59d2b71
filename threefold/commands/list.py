"""The claims, one line each, with the kernel's verdict."""

from __future__ import annotations

import click

from threefold import ledger, render, theory
from threefold.commands._options import jobs_option, setting_of

EPILOG = """
\b
Examples:
  threefold list                 every claim with the kernel's verdict
  threefold list 'ddpm.loss.*'   those whose id matches (quote the pattern)
  threefold list --fast          at once, without judging anything
"""


@click.command("list", epilog=EPILOG)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--fast", is_flag=True, help="Judge nothing; every claim then stands as 'not judged'.")
@jobs_option
@click.pass_context
def list_(ctx: click.Context, patterns: tuple[str, ...], fast: bool, jobs: int) -> None:
    """List the claims whose id matches a PATTERN: tag, id, verdict, title.

    The verdict is the kernel's, computed now; `threefold verify` asks the other witnesses and the mutants too.
    Exit status 1 if a verdict is not the expected one.
    """
    setting = setting_of(ctx)
    claims = theory.load(setting).claims()
    ids = theory.select(claims, patterns)
    if fast:
        rows = tuple(ledger.row(claims[name], {}) for name in ids)
    else:
        with render.progress(len(ids), "Judging") as advance:
            rows = ledger.judge(
                ids, witnesses=("symbolic",), mutants=False, jobs=jobs, setting=setting, on_done=advance
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
