"""CONTRIBUTING.md can be followed to the letter: its files are written, its commands are run, in a copied tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("derivations", "reference", "torch_impl", "threefold")
BLOCK = re.compile(r"(?:<!-- write (?P<file>\S+) -->\n)?```(?P<kind>python|console)\n(?P<text>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: a file to write, or commands to run."""

    file: str
    text: str

    @property
    def commands(self) -> list[str]:
        return (
            [] if self.file else [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]
        )


def walkthrough() -> list[Block]:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = page.partition("## A new claim, step by step")[2].partition("\n## ")[0]
    return [Block(found["file"] or "", found["text"]) for found in BLOCK.finditer(section)]


def test_every_piece_of_code_is_whole_and_has_a_file() -> None:
    blocks = walkthrough()
    files = [block.file for block in blocks if block.file]
    assert len(files) == len(set(files)) == 3
    assert sum(len(block.commands) for block in blocks) == 7
    for block in blocks:
        assert block.file or block.commands, f"this code has no file: {block.text}"
        assert "..." not in block.text


def test_its_claim_is_new() -> None:
    (claim,) = {name for block in walkthrough() for name in re.findall(r'id="([\w.]+)"', block.text)}
    (tag,) = {name for block in walkthrough() for name in re.findall(r"echo '(\w+),", block.text)}
    tags = (ROOT / "derivations" / "tags.csv").read_text(encoding="utf-8")
    assert claim not in tags and f"{tag}," not in tags, "then the page needs another example"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    place = tmp_path / "tree"
    place.mkdir()
    for package in PACKAGES:
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    return place


def run(command: str, tree: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the page in the copied tree, with its `threefold`."""
    program = f'threefold() {{ "{sys.executable}" -m threefold "$@"; }}; {command}'
    environment = {
        **os.environ,
        "COLUMNS": "100",
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        ["bash", "-c", program], cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def follow(tree: Path, until: str = "") -> str:
    """Do what the page says, up to the command that begins with `until`; returns what the last command printed."""
    said = ""
    for block in walkthrough():
        if block.file:
            (tree / block.file).write_text(block.text, encoding="utf-8")
        for command in block.commands:
            if until and command.startswith(until):
                return said
            found = run(command, tree)
            assert found.returncode == 0, f"{command}\n{found.stdout}\n{found.stderr}"
            said = found.stdout
    return said


def test_the_page_can_be_followed_to_the_letter(tree: Path) -> None:
    said = follow(tree)
    row = next(line for line in said.splitlines() if "gaussian.kl.equal_variances" in line)
    assert row.split()[:4] == ["✓", "0A9Z", "gaussian.kl.equal_variances", "proved"]
    assert row.count("agrees") == 2


@pytest.mark.sampled(3)
def test_before_its_tag_the_ledger_says_what_is_missing(tree: Path) -> None:
    follow(tree, until="echo")
    found = run("threefold list --fast", tree)
    assert found.returncode == 2
    assert "no tag stands for gaussian.kl.equal_variances" in found.stderr
    assert "derivations/tags.csv" in found.stderr and "Traceback" not in found.stderr
