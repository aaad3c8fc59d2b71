"""All benchmarks of this processor, and one table at the end: what was asked for, and what was reached.

    python benchmarks/run.py [--minutes 9] [--quick]

Each script runs with the rounds that leave it within its share of the minutes, prints its own tables, and is ended when
its time is over; the table then says so. With --quick few rounds of what is compared with peers: noisier, to see that
it runs. Exit status 1 if a ratio that is asked for is not reached.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
# script -> its arguments and its share of the time
SCRIPTS: dict[str, tuple[list[str], float]] = {
    "diffusion_speed.py": (["--rounds", "60"], 0.25),
    "training_speed.py": (["--rounds", "3"], 0.45),
    "verify_speed.py": ([], 0.2),
    "site_speed.py": ([], 0.1),
}
QUICK: dict[str, tuple[list[str], float]] = {
    "diffusion_speed.py": (["--rounds", "8"], 0.3),
    "training_speed.py": (["--rounds", "1"], 0.7),
}
WITH_JSON = ("diffusion_speed.py", "training_speed.py")
MOST_OF_FLOOR, MOST_OF_PEER = 1.5, 0.5


class Row(NamedTuple):
    """One line of the table; `reached` is None where nothing is asked for."""

    what: str
    figure: str
    asked: str
    reached: bool | None


def diffusion_rows(result: dict[str, dict[str, float]]) -> list[Row]:
    """q_sample against its floor; noising and loss against the best peer that was measured."""
    rows = []
    for title, times in result.items():
        floor, ours = next(iter(times.values())), min(v for name, v in times.items() if name.startswith("ours"))
        if title.startswith("q_sample"):
            ratio = ours / floor
            rows.append(Row(title, f"{ratio:.2f} x floor", f"<= {MOST_OF_FLOOR}", ratio <= MOST_OF_FLOOR))
        peers = {n: v for n, v in times.items() if not n.startswith(("ours", "floor"))}
        if title.startswith("noising"):
            if not peers:
                rows.append(Row(title, "no peer measured", f"<= {MOST_OF_PEER} of the best peer", None))
                continue
            best = min(peers, key=peers.__getitem__)
            ratio = ours / peers[best]
            rows.append(Row(title, f"{ratio:.2f} of {best}", f"<= {MOST_OF_PEER}", ratio <= MOST_OF_PEER))
    return rows


def training_rows(result: dict[str, Any]) -> list[Row]:
    """Ours over each contender, as far as a ratio is asked for."""
    rows = []
    for part, contenders in result.items():
        if isinstance(contenders, list):
            for row in contenders[1:]:
                asked, ratio = row.get("must"), row["ours_over_this"]
                words = f"{ratio:.2f} x {row['name']}"
                rows.append(Row(part, words, f">= {asked}" if asked else "", ratio >= asked if asked else None))
    return rows


READ = {"diffusion_speed.py": diffusion_rows, "training_speed.py": training_rows}


def measured(script: str, arguments: list[str], seconds: float) -> list[Row]:
    """The rows of one script, run as a program."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "result.json"
        command = [sys.executable, str(HERE / script), *arguments]
        command += ["--json", str(target)] if script in WITH_JSON else []
        print(f"\n== {script}", flush=True)
        started = time.monotonic()
        try:
            status = subprocess.run(command, timeout=seconds, check=False).returncode
        except subprocess.TimeoutExpired:
            return [Row(script, f"not done within {seconds:.0f} s", "", None)]
        if target.exists():
            return READ[script](json.loads(target.read_text()))
        took = f"{time.monotonic() - started:.0f} s"
        if status == 2:
            return [Row(script, "what it measures is not here", "", None)]
        return [Row(script, took, "its own bounds", status == 0)]


def table(rows: list[Row]) -> str:
    """The rows, aligned."""
    words = {True: "reached", False: "MISSED", None: ""}
    lines = [("what", "figure", "asked", ""), *((row.what, row.figure, row.asked, words[row.reached]) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(4)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=9.0, help="for all scripts together")
    parser.add_argument("--quick", action="store_true", help="few rounds of what is compared with peers, noisier")
    options = parser.parse_args()
    rows: list[Row] = []
    for script, (arguments, share) in (QUICK if options.quick else SCRIPTS).items():
        rows += measured(script, arguments, 60 * options.minutes * share)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"\n{table(rows)}\n\nload {load:.1f} on {os.cpu_count()} processors; a busy machine measures itself")
    return int(any(row.reached is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
