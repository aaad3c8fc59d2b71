"""Published mistakes: as printed, the numbers, the correction."""

from __future__ import annotations

import click

from threefold import errata as published
from threefold import page, render
from threefold.commands._options import fresh_option, jobs_option, opened_cache, setting_of
from threefold.errors import Unusable, nearest

EPILOG = """
\b
Examples:
  threefold errata        all of them
  threefold errata N1     one
"""


@click.command("errata", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[ERRATUM]...")
@jobs_option
@fresh_option
@click.pass_context
def errata(ctx: click.Context, names: tuple[str, ...], jobs: int, fresh: bool) -> None:
    """Refute the published mistakes: what was printed, numbers at which it fails, and what holds instead.

    Slips that no formula can refute (a citation, a word) are listed after them and not judged.
    Exit status 1 if one of them is not refuted, or its correction is a claim that is not proved.
    """
    setting = setting_of(ctx)
    cache = opened_cache(setting, fresh=fresh)
    before = published.known(setting, cache)
    known = [finding.id for finding in before.findings]
    for name in names:
        if name not in known:
            raise Unusable(
                f"there is no erratum {name!r}{nearest(name, known)} The {len(known)} known: {', '.join(known)}"
            )
    chosen = [name for name in known if name in names or not names]
    with render.progress(len(chosen), "Refuting") as advance:
        found = published.refute(chosen, jobs=jobs, setting=setting, cache=cache, on_done=advance)
    screen = render.console()
    for erratum in found:
        screen.print(page.erratum(erratum))
        screen.print()
    for slip in [] if names else before.slips:
        screen.print(page.slip(slip))
        screen.print()
    good = sum(erratum.good for erratum in found)
    worded = sum(erratum.good and not erratum.correction_verdict for erratum in found)
    screen.print(
        f"{good} of {len(found)} refuted with numbers; "
        f"{good - worded} of their corrections proved, {worded} in words only."
    )
    if good < len(found):
        ctx.exit(1)
