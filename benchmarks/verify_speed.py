"""How long the verification takes: everything, its symbolic part, the slowest ten claims, and the imports.

    python benchmarks/verify_speed.py [--jobs N] [--seed N]

Bounds that the project sets itself, on 2 cores: everything under 120 s, the symbolic part (proofs and mutants) under
60 s, `import derivations` and `import reference` under 1.5 s each. Exit status 1 if one is missed or a claim is bad.
Beside the time on the clock stands the processor time over all processes, which a busy machine distorts less.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import time

from rich.table import Table

from threefold import ledger, render, theory
from threefold.errors import Unusable
from threefold.theory import Setting

IMPORTS = ("derivations", "reference", "torch_impl", "threefold.cli")
BOUNDS = {"everything": 120.0, "symbolic": 60.0, "import derivations": 1.5, "import reference": 1.5}


def import_seconds(module: str, repeats: int = 5) -> float:
    """Median time of `import module` in a fresh interpreter, without the interpreter's own start."""

    def run(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - started

    pairs = [(run(f"import {module}"), run("pass")) for _ in range(repeats)]
    return statistics.median(whole - bare for whole, bare in pairs)


def processor_seconds() -> float:
    """Processor time of this process and of those that it has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def judged(witnesses: tuple[ledger.WitnessName, ...], *, jobs: int, seed: int) -> tuple[ledger.Ledger, float]:
    """The ledger and the processor time it took."""
    before = processor_seconds()
    setting = Setting()
    headings = theory.headings(setting)
    ids = list(headings)
    total = len(ledger.questions(ids, headings, witnesses=witnesses, mutants=True, seed=seed, setting=setting))
    with render.progress(total, "Judging") as advance:
        found = ledger.judge(ids, witnesses=witnesses, jobs=jobs, seed=seed, setting=setting, on_done=advance)
    return found, processor_seconds() - before


def slowest(found: ledger.Ledger, n: int = 10) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    names = ("symbolic", "mutants", "numeric", "torch")
    table.add_column("slowest claims", overflow="fold")
    for name in (*names, "sum"):
        table.add_column(name, justify="right")
    for row in sorted(found.rows, key=lambda row: -sum(row.seconds.values()))[:n]:
        figures = [row.seconds.get(name) for name in names] + [sum(row.seconds.values())]
        table.add_row(row.id, *("–" if figure is None else f"{figure:.2f} s" for figure in figures))
    return table


def main() -> None:
    try:
        report()
    except Unusable as error:
        sys.exit(f"verify_speed: {error.message}")


def report() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    screen = render.console()
    screen.print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {options.jobs} processes")
    figures = {f"import {module}": import_seconds(module) for module in IMPORTS}
    symbolic, symbolic_processor = judged(("symbolic",), jobs=options.jobs, seed=options.seed)
    everything, everything_processor = judged(ledger.WITNESSES, jobs=options.jobs, seed=options.seed)
    figures |= {"symbolic": symbolic.seconds, "everything": everything.seconds}
    processor = {"symbolic": symbolic_processor, "everything": everything_processor}

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("what")
    table.add_column("time", justify="right")
    table.add_column("bound", justify="right")
    table.add_column("processor", justify="right")
    for name, seconds in figures.items():
        bound = BOUNDS.get(name)
        spent = f"{processor[name]:.1f} s" if name in processor else ""
        table.add_row(name, f"{seconds:.2f} s", f"{bound:g} s" if bound else "", spent)
    screen.print(table)
    screen.print()
    screen.print(slowest(everything))
    screen.print()
    screen.print(render.summary(everything))
    missed = [name for name, bound in BOUNDS.items() if figures[name] > bound]
    if missed:
        screen.print(f"Over the bound: {', '.join(missed)}.", style="bold red")
    sys.exit(bool(missed) or not everything.good)


if __name__ == "__main__":
    main()
