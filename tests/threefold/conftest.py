"""A theory by hand for the ledger and the commands: claims that are fine, one for each way of not being fine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from threefold.cli import cli
from threefold.theory import Setting

sys.path.insert(0, str(Path(__file__).parent))  # for commanding
BY_HAND = Path(__file__).parent / "by_hand"


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("THREEFOLD_CACHE", str(folder))
    return folder


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> Setting:
    """The setting of the theory by hand; worker processes find it because they inherit the path."""
    monkeypatch.syspath_prepend(str(BY_HAND))
    monkeypatch.setenv("COLUMNS", "100")
    return Setting(theory="theory_by_hand", witnesses="witnesses_by_hand")


@pytest.fixture
def threefold(by_hand: Setting) -> Callable[..., Result]:
    """Run a command of `threefold` on the theory by hand."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, list(arguments), obj=by_hand, prog_name="threefold")

    return run
