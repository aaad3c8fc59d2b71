"""One claim: its derivation, step by step, and the evidence."""

from __future__ import annotations

import click

from threefold import claimfile, ledger, page, render, theory
from threefold.account import Heading
from threefold.commands._options import fresh_option, headings_of, jobs_option, opened_cache, seed_option, setting_of
from threefold.errors import Unusable
from threefold.ledger.cache import Cache
from threefold.theory import Setting

EPILOG = """
\b
Examples:
  threefold show ddpm.posterior.mean           the derivation and the evidence
  threefold show 0A07                          the same by its tag
  threefold show mine.py::my.claim             a claim of a file of your own
  threefold show exercise.velocity.half_way    the solution of an exercise of the site
  threefold show ddpm.posterior.mean --fast    the derivation alone, at once
  threefold show ddpm.posterior.mean --latex   the derivation as LaTeX, to paste
"""


@click.command("show", epilog=EPILOG)
@click.argument("name", metavar="ID")
@click.option("--fast", is_flag=True, help="Only the derivation: no mutants, no numbers, not what uses the claim.")
@click.option("--latex", is_flag=True, help="Print the statement and the derivation as LaTeX, and nothing else.")
@jobs_option
@seed_option
@fresh_option
@click.pass_context
def show(ctx: click.Context, name: str, fast: bool, latex: bool, jobs: int, seed: int, fresh: bool) -> None:
    """Show the claim with this ID (or tag): the statement, every step with its rule, tier and verdict, the evidence.

    FILE.py::ID is a claim of a file of your own. What was judged before and rests on nothing that changed since is not
    judged again. Exit status 1 if the claim is not as it should be.
    """
    setting, name = _of_a_file(setting_of(ctx), name)
    cache = opened_cache(setting, fresh=fresh)
    claims = headings_of(setting, cache)
    claim = _only(claims, setting.file) if setting.file and not name else theory.find(claims, name)
    answers = _answers(claim, claims, setting, cache, alone=fast or latex, seed=seed, jobs=jobs)
    row = ledger.row(claim, answers)
    if latex:
        assert row.symbolic is not None
        click.echo(page.latex(claim, row.symbolic))
    else:
        used_by = None if fast else ledger.used_by(claim.id, claims, answers)
        screen = render.console()
        for block in page.blocks(claim, row, used_by=used_by, claims=claims):
            screen.print(block)
    if not row.good:
        ctx.exit(1)


def _answers(
    claim: Heading,
    claims: dict[str, Heading],
    setting: Setting,
    cache: Cache | None,
    *,
    alone: bool,
    seed: int,
    jobs: int,
) -> ledger.Answers:
    """What is said of the claim; unless it is shown alone, also the proofs of the others, to know who uses it."""
    if alone:
        asked = [ledger.Question(claim.id, "symbolic", seed, setting, claim if setting.file else None)]
    else:
        others = [other for other in claims if other != claim.id]
        asked = ledger.questions(
            [claim.id], claims, witnesses=ledger.WITNESSES, mutants=True, seed=seed, setting=setting
        )
        asked += ledger.questions(others, claims, witnesses=("symbolic",), mutants=False, seed=seed, setting=setting)
    with render.progress(len(asked), "Judging") as advance:
        here = alone and not setting.file
        return ledger.ask(asked, jobs=jobs, cache=cache, headings=claims, here=here, on_done=advance)


def _of_a_file(setting: Setting, name: str) -> tuple[Setting, str]:
    """`FILE.py::ID` taken apart; a name without `::` that ends in .py is a file with one claim."""
    file, mark, wanted = name.partition("::")
    if not mark and not claimfile.is_file(name):
        return theory.of_exercises(setting, [name]), name
    return Setting(setting.theory, setting.witnesses, claimfile.path_of(file)), wanted


def _only(claims: dict[str, Heading], file: str) -> Heading:
    if len(claims) > 1:
        listed = ", ".join(f"::{name}" for name in claims)
        raise Unusable(f"{file} has {len(claims)} claims, and one can be shown: add one of {listed} to its name")
    return next(iter(claims.values()))
