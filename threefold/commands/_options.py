"""Options that several commands share."""

from __future__ import annotations

import math
import os
from typing import Any

import click

from threefold import claimfile, theory
from threefold.account import Heading
from threefold.errors import Unusable, nearest
from threefold.ledger import TIME_LIMIT, WITNESSES, WitnessName
from threefold.ledger.cache import Cache
from threefold.theory import Setting


def setting_of(ctx: click.Context) -> Setting:
    """Which claims to work on: `derivations`, unless the caller of the command line passed a Setting as its object."""
    return ctx.find_object(Setting) or Setting()


def with_file(setting: Setting, patterns: tuple[str, ...]) -> tuple[Setting, tuple[str, ...]]:
    """Take the file of claims out of the patterns, if one of them is a file; `exercise.*` are the exercises."""
    files = [pattern for pattern in patterns if claimfile.is_file(pattern)]
    if not files:
        return theory.of_exercises(setting, patterns), patterns
    if len(files) > 1:
        raise Unusable(f"{len(files)} files are named ({', '.join(files)}); one is the limit: judge them one by one")
    if "::" in files[0]:
        file, _, name = files[0].partition("::")
        raise Unusable(f"{files[0]!r} is one claim of a file; write {file} {name}, or `threefold show {files[0]}`")
    own = Setting(setting.theory, setting.witnesses, claimfile.path_of(files[0]))
    return own, tuple(pattern for pattern in patterns if pattern != files[0])


def opened_cache(setting: Setting, *, fresh: bool) -> Cache | None:
    """What earlier runs found of the ledger.

    Claims of a file, which rest on anything that it reads, are judged anew, and so are exercises, which takes seconds.
    """
    if setting.file or setting.are_exercises:
        return None
    cache = Cache(setting, fresh=fresh)
    if cache.note:
        click.echo(f"threefold: {cache.note}", err=True)
    return cache


def headings_of(setting: Setting, cache: Cache | None) -> dict[str, Heading]:
    """What all claims say of themselves, without importing them where nothing changed."""
    stored = cache.headings() if cache is not None else None
    return stored if stored is not None else theory.headings(setting)


class WitnessNames(click.ParamType[tuple[WitnessName, ...]]):
    """'symbolic,torch' to ('symbolic', 'torch'), in the order in which they are asked."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[WitnessName, ...]:
        if isinstance(value, tuple):
            return value
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        for name in names:
            if name not in WITNESSES:
                raise Unusable(
                    f"there is no witness {name!r}{nearest(name, WITNESSES)} "
                    f"Name any of {', '.join(WITNESSES)}, separated by commas"
                )
        if not names:
            raise Unusable(f"--witness names none; name any of {', '.join(WITNESSES)}, separated by commas")
        return tuple(name for name in WITNESSES if name in names)


def _positive_seconds(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not 0 < value < math.inf:
        raise Unusable(f"--time-limit is {value}; it must be a positive number of seconds, such as {TIME_LIMIT:g}")
    return value


def finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Callback of an option that is a number: neither NaN nor infinite."""
    if value is not None and not math.isfinite(value):
        raise Unusable(f"{param.opts[0]} is {value}; it must be a finite number")
    return value


def seed_of_draws(ctx: click.Context, param: click.Parameter, value: int | None) -> int | None:
    """Callback of a seed of random draws: a number of 63 bits."""
    if value is not None and not 0 <= value < 2**63:
        raise Unusable(f"{param.opts[0]} is {value}; it must lie in 0..{2**63 - 1}, for example 0")
    return value


witness_option = click.option(
    "--witness",
    type=WitnessNames(),
    default=",".join(WITNESSES),
    show_default=True,
    help="Which witnesses to ask.",
)
jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1, max=1024),
    default=lambda: os.cpu_count() or 1,
    show_default="one a processor",
    help="How many processes work at once.",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of all random cases; the same seed gives the same ledger.",
)
time_limit_option = click.option(
    "--time-limit",
    type=float,
    callback=_positive_seconds,
    default=TIME_LIMIT,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for one witness of one claim; past it the claim counts as undecided.",
)
fresh_option = click.option(
    "--fresh", is_flag=True, help="Judge everything now; nothing that an earlier run found is reused."
)
