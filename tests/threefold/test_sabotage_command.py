"""`threefold verify --sabotage`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from threefold.cli import cli


def test_it_counts_what_each_measuring_witness_catches(tmp_path: Path) -> None:
    path = tmp_path / "sabotage.json"
    arguments = ["verify", "gaussian.kl.isotropic", "--sabotage", "--jobs", "1", "--json", str(path)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert "numeric: 32 of 32 mistakes caught, 100.0%" in result.stdout
    numeric, torch = json.loads(path.read_text())["sabotage"]
    assert (numeric["witness"], numeric["caught"], numeric["survivors"]) == ("numeric", 32, [])
    assert torch["witness"] == "torch" and torch["total"] >= 3 and torch["caught"] == torch["total"]


def test_it_is_for_the_measuring_witnesses_and_the_library() -> None:
    result = CliRunner().invoke(cli, ["verify", "gaussian.kl.isotropic", "--sabotage", "--witness", "symbolic"])
    assert result.exit_code == 2
    assert "for the measuring witnesses; ask for numeric, torch or both" in result.stderr


def test_it_refuses_claims_that_are_not_the_library_s(threefold: Callable[..., Result]) -> None:
    result = threefold("verify", "square.sum", "--sabotage")
    assert result.exit_code == 2
    assert "in the claims of the library; leave out the file" in result.stderr
