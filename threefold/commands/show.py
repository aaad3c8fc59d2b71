"""One claim: its derivation, step by step, and the evidence."""

from __future__ import annotations

from dataclasses import replace

import click

from threefold import ledger, page, render, theory
from threefold.commands._options import jobs_option, seed_option, setting_of

EPILOG = """
\b
Examples:
  threefold show ddpm.posterior.mean           the derivation and the evidence
  threefold show 0A07                          the same by its tag
  threefold show ddpm.posterior.mean --fast    the derivation alone, at once
  threefold show ddpm.posterior.mean --latex   the derivation as LaTeX, to paste
"""


@click.command("show", epilog=EPILOG)
@click.argument("name", metavar="ID")
@click.option("--fast", is_flag=True, help="Only the derivation: no mutants, no numbers, not what uses the claim.")
@click.option("--latex", is_flag=True, help="Print the statement and the derivation as LaTeX, and nothing else.")
@jobs_option
@seed_option
@click.pass_context
def show(ctx: click.Context, name: str, fast: bool, latex: bool, jobs: int, seed: int) -> None:
    """Show the claim with this ID (or tag): the statement, every step with its rule, tier and verdict, the evidence.

    All of it is computed now. Exit status 1 if the claim is not as it should be.
    """
    setting = setting_of(ctx)
    source = theory.load(setting)
    claims = source.claims()
    claim = theory.find(claims, name)
    if latex:
        judgement = source.judge(claim.id)
        click.echo(page.latex(judgement))
        if judgement.verdict.kind != claim.expects:
            ctx.exit(1)
        return
    asked: list[ledger.Question] = []
    if not fast:
        others = [other for other in claims if other != claim.id]
        asked += ledger.questions(
            [claim.id], claims, witnesses=ledger.WITNESSES, mutants=True, seed=seed, setting=setting
        )
        asked += ledger.questions(others, claims, witnesses=("symbolic",), mutants=False, seed=seed, setting=setting)
    with render.progress(len(asked), "Judging") as advance:
        judgement = source.judge(claim.id)
        answers = ledger.ask(asked, jobs=jobs, on_done=advance)
    row = ledger.row(claim, answers)
    if fast:
        row = replace(row, symbolic=ledger.symbolic(judgement))
    used_by = None if fast else ledger.used_by(claim.id, claims, answers)
    screen = render.console()
    for block in page.blocks(judgement, row, used_by=used_by, claims=claims):
        screen.print(block)
    if not row.good:
        ctx.exit(1)
