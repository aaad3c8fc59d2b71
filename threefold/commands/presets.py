"""List the presets: data, size, minutes, and the figure that its recorded run reached."""

from __future__ import annotations

import dataclasses
import fnmatch
import json
from typing import Any

import click

from threefold import render
from threefold.errors import Unusable, nearest
from threefold.output import output

EPILOG = """
\b
Examples:
  threefold presets                    all of them
  threefold presets 'digits-*'         those whose name matches (quote the pattern)
  threefold presets 'mnist-*' --time   time a step of each on this machine
  threefold presets --json presets.json

Minutes and figures are those of the runs recorded in docs/assets/runs of the repository, on the processor or the GPU
that each of them names; nothing stands where no run was recorded. --time takes a few steps of each preset on random
data here, and says what all its steps would take.
"""


@click.command("presets", epilog=EPILOG)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--time", "timed", is_flag=True, help="Time a few steps of each on this machine.")
@click.option("--device", default="auto", show_default=True, help="Where to time them: auto, cpu, cuda, cuda:N or mps.")
@click.option("--json", "json_path", metavar="FILE", help="Write the list as JSON; - for standard output only.")
def presets(patterns: tuple[str, ...], timed: bool, device: str, json_path: str | None) -> None:
    """List the presets whose name matches a PATTERN, and what the recorded run of each reached."""
    from threefold.commands._endings import unusable_input
    from threefold.commands._preset_list import entries
    from torch_impl.runs.presets import preset_names

    names = _matching(preset_names(), patterns)
    if device != "auto" and not timed:
        raise Unusable(f"--device is {device}, but nothing is timed without --time; give both, or leave it out")
    with unusable_input(), render.progress(len(names), "Timing" if timed else "Reading") as advance:
        found = list(entries(names, device if timed else None, advance))
    if json_path is not None:
        with output(json_path) as target:
            target.write(json.dumps([dataclasses.asdict(entry) for entry in found], indent=1) + "\n")
    if json_path != "-":
        _show(found, timed)


def _matching(known: list[str], patterns: tuple[str, ...]) -> list[str]:
    """The names that match any pattern, in their order; all where there is none."""
    for pattern in patterns:
        if not fnmatch.filter(known, pattern):
            near = nearest(pattern, known)
            raise Unusable(f"no preset matches {pattern!r}{near} `threefold presets` shows them all")
    return [name for name in known if not patterns or any(fnmatch.fnmatchcase(name, p) for p in patterns)]


def _show(found: list[Any], timed: bool) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("preset", "data and size"):
        table.add_column(name, no_wrap=True)
    for name in ("steps", *(("here",) if timed else ()), "CPU", "GPU"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("reached")
    for entry in found:
        here = (_minutes(entry.minutes_here),) if timed else ()
        recorded = (_minutes(entry.minutes_cpu), _minutes(entry.minutes_gpu))
        figure = f"{entry.reached} ({entry.aims})" if entry.aims else entry.reached
        data = f"{entry.data}{'*' if entry.needs_files else ''} {entry.size}".removesuffix(" points")
        table.add_row(entry.name, data, f"{entry.steps:,}", *here, *recorded, figure or "no run recorded")
    screen = render.console()
    screen.print(table)
    screen.print("\n* your files, given by --data. CPU and GPU: minutes of the recorded runs.")


def _minutes(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
