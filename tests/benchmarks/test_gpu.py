"""The script for a GPU goes through a part where there is none, and says so where figures are asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device to measure")
def test_without_a_device_nothing_is_measured() -> None:
    done = run()
    assert done.returncode == 2 and "torch sees no CUDA device" in done.stderr and not done.stdout


def test_a_part_is_rehearsed_to_its_last_row(tmp_path: Path) -> None:
    done = run("--rehearse", "--eager", "--part", "memory", "--json", tmp_path / "found.json")
    assert done.returncode in (0, 1) and "parts that failed" not in done.stdout, done.stdout + done.stderr
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert {row["part"] for row in rows} == {"memory"} and len(rows) >= 8
    asked = {row["what"]: row["must"] for row in rows if row["must"] is not None}
    assert (
        asked == dict.fromkeys((name for name in asked if name.endswith("/ one fused pass")), 1.3) and len(asked) == 3
    )


@pytest.mark.long
def test_every_part_is_rehearsed() -> None:
    done = run("--rehearse", "--eager")
    assert "parts that failed" not in done.stdout, done.stdout + done.stderr
