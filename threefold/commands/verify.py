"""Judge every claim by its three witnesses."""

from __future__ import annotations

from contextlib import nullcontext

import click

from threefold import ledger, render, theory
from threefold.commands import _sabotage
from threefold.commands._options import (
    fresh_option,
    headings_of,
    jobs_option,
    opened_cache,
    seed_option,
    setting_of,
    time_limit_option,
    with_file,
    witness_option,
)
from threefold.ledger import json
from threefold.output import output

EPILOG = """
\b
Examples:
  threefold verify                          all claims, all witnesses
  threefold verify 'ddpm.*' 'gaussian.*'    those whose id matches (quote the pattern)
  threefold verify mine.py                  the claims of a file of your own
  threefold verify --witness symbolic       the proofs and their mutants, no numbers
  threefold verify --json ledger.json       write the ledger too ('-' for standard output)
  threefold verify --seed 7 --jobs 1        other random cases, one process
  threefold verify --fresh                  nothing from earlier runs, all of it now
  threefold verify --sabotage 'ddpm.*'      would the numeric and torch witnesses notice mistakes? (minutes)

\b
A claim is good if the kernel's verdict is the one it expects (a misprint is expected to be refuted),
none of its mutants survives, and the numeric and the torch witness agree or say why they do not apply.
An answer of an earlier run is reused only if all that it rests on is the same: sources, versions, seed.
"""


@click.command("verify", epilog=EPILOG)
@click.argument("patterns", nargs=-1, metavar="[FILE.py] [PATTERN]...")
@witness_option
@click.option("--json", "json_path", metavar="FILE", help="Write the ledger as JSON; '-' for standard output.")
@jobs_option
@seed_option
@time_limit_option
@fresh_option
@click.option(
    "--sabotage",
    is_flag=True,
    help="Make mistakes in statements and in torch code on purpose, and count what the measuring witnesses catch.",
)
@click.pass_context
def verify(
    ctx: click.Context,
    patterns: tuple[str, ...],
    witness: tuple[ledger.WitnessName, ...],
    json_path: str | None,
    jobs: int,
    seed: int,
    time_limit: float,
    fresh: bool,
    sabotage: bool,
) -> None:
    """Judge the claims whose id matches a PATTERN (all of them without one) and print the ledger.

    With FILE.py the claims of that file are judged, which need no tag and may rest on those of the library.
    Exit status 1 unless every claim is as it should be.
    """
    setting, patterns = with_file(setting_of(ctx), patterns)
    with output(json_path) if json_path is not None else nullcontext() as out:
        cache = opened_cache(setting, fresh=fresh)
        claims = headings_of(setting, cache)
        ids = theory.select(claims, patterns)
        if sabotage:
            met = _sabotage.sabotage(ids, setting, kinds=witness, seed=seed, jobs=jobs, out=out)
            ctx.exit(0 if met else 1)
        total = len(ledger.questions(ids, claims, witnesses=witness, mutants=True, seed=seed, setting=setting))
        with render.progress(total, "Judging") as advance:
            found = ledger.judge(
                ids,
                witnesses=witness,
                seed=seed,
                jobs=jobs,
                time_limit=time_limit,
                setting=setting,
                cache=cache,
                headings=claims,
                on_done=advance,
            )
        screen = render.console(stderr=json_path == "-")
        screen.print(render.ledger_table(found))
        screen.print()
        for problem in render.problems(found):
            screen.print(problem)
            screen.print()
        screen.print(render.summary(found))
        if out is not None:
            out.write(json.text(found))
    if not found.good:
        ctx.exit(1)
