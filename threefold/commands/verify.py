"""Judge every claim by its three witnesses."""

from __future__ import annotations

from contextlib import nullcontext

import click

from threefold import ledger, render, theory
from threefold.commands._options import jobs_option, seed_option, setting_of, time_limit_option, witness_option
from threefold.output import output

EPILOG = """
\b
Examples:
  threefold verify                          all claims, all witnesses
  threefold verify 'ddpm.*' 'gaussian.*'    those whose id matches (quote the pattern)
  threefold verify --witness symbolic       the proofs and their mutants, no numbers
  threefold verify --json ledger.json       write the ledger too ('-' for standard output)
  threefold verify --seed 7 --jobs 1        other random cases, one process

\b
A claim is good if the kernel's verdict is the one it expects (a misprint is expected to be refuted),
none of its mutants survives, and the numeric and the torch witness agree or say why they do not apply.
"""


@click.command("verify", epilog=EPILOG)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@witness_option
@click.option("--json", "json_path", metavar="FILE", help="Write the ledger as JSON; '-' for standard output.")
@jobs_option
@seed_option
@time_limit_option
@click.pass_context
def verify(
    ctx: click.Context,
    patterns: tuple[str, ...],
    witness: tuple[ledger.WitnessName, ...],
    json_path: str | None,
    jobs: int,
    seed: int,
    time_limit: float,
) -> None:
    """Judge the claims whose id matches a PATTERN (all of them without one) and print the ledger.

    Exit status 1 unless every claim is as it should be.
    """
    setting = setting_of(ctx)
    with output(json_path) if json_path is not None else nullcontext() as out:
        claims = theory.load(setting).claims()
        ids = theory.select(claims, patterns)
        total = len(ledger.questions(ids, claims, witnesses=witness, mutants=True, seed=seed, setting=setting))
        with render.progress(total, "Judging") as advance:
            found = ledger.judge(
                ids, witnesses=witness, seed=seed, jobs=jobs, time_limit=time_limit, setting=setting, on_done=advance
            )
        screen = render.console(stderr=json_path == "-")
        screen.print(render.ledger_table(found))
        screen.print()
        for problem in render.problems(found):
            screen.print(problem)
            screen.print()
        screen.print(render.summary(found))
        if out is not None:
            out.write(found.to_json())
    if not found.good:
        ctx.exit(1)
